"""Builds the release binaries, and collects them stripped."""

import pathlib
import subprocess
import time

from .errors import DemoError

# The daemon, the control command and the checking client: Swift's libraries inside, the system's from outside.
PROGRAMS = ["release-handlerd", "releasectl", "kv-check"]
# Workers have the C library inside, too: less private memory, and they start faster. The flag changes how every
# module is compiled, so they have a build directory of their own and nothing is built anew at the next turn.
WORKERS = ["kv-server-1", "kv-server-2"]
STATIC = ["-c", "release", "--static-swift-stdlib"]


def build(project):
    for product in PROGRAMS:
        swift_build(project, product, [])
    for product in WORKERS:
        swift_build(project, product, ["--scratch-path", ".build/workers", "-Xswiftc", "-static-executable"])


def swift_build(project, product, extra):
    began = time.monotonic()
    print(f"building {product} ... ", end="", flush=True)
    command = ["swift", "build", *STATIC, *extra, "--product", product]
    done = subprocess.run(command, cwd=project, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0:
        print()
        raise DemoError(f"{' '.join(command)} failed:\n{done.stdout}")
    print(f"{time.monotonic() - began:.0f} s", flush=True)


def collect(project, directory):
    """Paths by name, of stripped copies."""
    directory.mkdir(parents=True)
    binaries = {}
    for where, names in ((".build/release", PROGRAMS), (".build/workers/release", WORKERS)):
        for name in names:
            source = pathlib.Path(project, where, name)
            if not source.exists():
                raise DemoError(f"{source} is not there; run scripts/demo without --no-build")
            subprocess.run(["strip", "-o", directory / name, source], check=True)
            binaries[name] = directory / name
    return binaries
