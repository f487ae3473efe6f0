"""Builds the binaries, and collects them stripped."""

import pathlib
import subprocess
import time

from .errors import DemoError

# The daemon and what belongs to it, the checking client and the workers.
PROGRAMS = ["release-handlerd", "releasectl", "module-host", "kv-check", "kv-server-1", "kv-server-2"]
# The functional modules of the example, by the names of their products.
LIBRARIES = ["kv_lolwut-1", "kv_lolwut-2", "kv_transform-1", "kv_transform-2"]
# As in the Makefile, of which this is the `make release`: with other options all would be built again.
RELEASE = ["-c", "release", "--static-swift-stdlib", "-debug-info-format", "none"]
# By build. Three quarters of the time of a release build go into its optimization. Without it, and in a directory of its own, it takes less than a
# debug build, which compiles most files more than once and writes down where each line of them is. What is for that alone is left out here, too: modules
# that are made before the rest of a target, and a linker that is careful about sizes.
OPTIONS = {
    "release": RELEASE,
    "unoptimized": [
        *RELEASE, "-Xswiftc", "-Onone", "-Xswiftc", "-no-emit-module-separately-wmo", "-Xswiftc", "-use-ld=lld",
        "--scratch-path", ".build/unoptimized",
    ],
}
PRODUCTS = {"release": ".build/release", "unoptimized": ".build/unoptimized/release"}


def build(project, kind):
    """All at once: a build of each by itself would keep one processor idle at its end, where there is little left to do."""
    began = time.monotonic()
    print(f"building ({kind}) ... ", end="", flush=True)
    command = ["swift", "build", *OPTIONS[kind]]
    done = subprocess.run(command, cwd=project, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0:
        print()
        raise DemoError(f"{' '.join(command)} failed:\n{done.stdout}")
    print(f"{time.monotonic() - began:.0f} s", flush=True)


def collect(products, directory):
    """Paths by name, of stripped copies in `directory` of what lies in `products`."""
    directory.mkdir(parents=True)
    binaries = {}
    for name in PROGRAMS + LIBRARIES:
        file = f"lib{name}.so" if name in LIBRARIES else name
        source = pathlib.Path(products, file)
        if not source.exists():
            raise DemoError(f"{source} is not there; leave --no-build out")
        subprocess.run(["strip", "-o", directory / name, source], check=True)
        binaries[name] = directory / name
    return binaries
