"""The programs of ours that are measured."""

import shutil
import subprocess

from .errors import expect

DAEMON = ("release-handlerd", "releasectl", "module-host")
WORKERS = {"workers": ("counter-1", "counter-2"), "bytes": ("kv-server-1", "kv-server-2")}
# The functional modules of the store.
LIBRARIES = {"workers": (), "bytes": ("kv_lolwut-1", "kv_lolwut-2", "kv_transform-1", "kv_transform-2")}


def collect(source, directory, kinds):
    """Paths by name, of stripped copies in `directory`: as they are installed, and nobody builds them anew meanwhile."""
    libraries = [name for kind in sorted(kinds) for name in LIBRARIES[kind]]
    names = [*DAEMON, *(name for kind in sorted(kinds) for name in WORKERS[kind]), *libraries]
    files = {name: f"lib{name}.so" if name in libraries else name for name in names}
    missing = [name for name in names if not (source / files[name]).exists()]
    expect(
        not missing,
        f"{source} has no {', '.join(missing)}; build them first (make release), or name their directory by --bin",
    )
    directory.mkdir(parents=True)
    for name in names:
        shutil.copy2(source / files[name], directory / name)
        if shutil.which("strip"):
            subprocess.run(["strip", directory / name], check=True)
    return {name: directory / name for name in names}

