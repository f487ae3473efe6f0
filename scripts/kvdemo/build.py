"""Builds the release binaries, and collects them stripped."""

import pathlib
import subprocess
import time

from .errors import DemoError

# The daemon and what belongs to it, the checking client and the workers: Swift's libraries inside.
PROGRAMS = ["release-handlerd", "releasectl", "module-host", "kv-check", "kv-server-1", "kv-server-2"]
# The functional modules of the example, by the names of their products.
LIBRARIES = ["kv_lolwut-1", "kv_lolwut-2", "kv_transform-1", "kv_transform-2"]
STATIC = ["-c", "release", "--static-swift-stdlib"]


def build(project):
    for product in PROGRAMS + LIBRARIES:
        swift_build(project, product)


def swift_build(project, product):
    began = time.monotonic()
    print(f"building {product} ... ", end="", flush=True)
    command = ["swift", "build", *STATIC, "--product", product]
    done = subprocess.run(command, cwd=project, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0:
        print()
        raise DemoError(f"{' '.join(command)} failed:\n{done.stdout}")
    print(f"{time.monotonic() - began:.0f} s", flush=True)


def collect(project, directory):
    """Paths by name, of stripped copies."""
    directory.mkdir(parents=True)
    binaries = {}
    for name in PROGRAMS + LIBRARIES:
        file = f"lib{name}.so" if name in LIBRARIES else name
        source = pathlib.Path(project, ".build/release", file)
        if not source.exists():
            raise DemoError(f"{source} is not there; run scripts/demo without --no-build")
        subprocess.run(["strip", "-o", directory / name, source], check=True)
        binaries[name] = directory / name
    return binaries
