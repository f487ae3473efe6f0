"""The programs of ours that are measured."""

import shutil
import subprocess

from .errors import expect

DAEMON = ("release-handlerd", "releasectl")
WORKERS = {"workers": ("counter-1", "counter-2"), "bytes": ("kv-server-1", "kv-server-2")}


def collect(source, directory, kinds):
    """Paths by name, of stripped copies in `directory`: as they are installed, and nobody builds them anew meanwhile."""
    names = [*DAEMON, *(name for kind in sorted(kinds) for name in WORKERS[kind])]
    missing = [name for name in names if not (source / name).exists()]
    expect(
        not missing,
        f"{source} has no {', '.join(missing)}; build them first, or name their directory by --bin:\n"
        + "\n".join(f"    swift build -c release --static-swift-stdlib --product {name}" for name in missing),
    )
    directory.mkdir(parents=True)
    for name in names:
        shutil.copy2(source / name, directory / name)
        if shutil.which("strip"):
            subprocess.run(["strip", directory / name], check=True)
    return {name: directory / name for name in names}

