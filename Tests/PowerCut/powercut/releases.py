"""The releases of a run: their packages, what each has on disk, and a root with the first of them."""

import hashlib
import os
import re
import shutil
import subprocess
import tarfile

from .errors import Broken

NAME = "fix"
WORKER = "fix/fix_sup/counter"
VSNS = [f"{number}.0.0" for number in range(1, 6)]
SHARED = "lib/base-1.0.0"
# The machine is the same before a cut and after it, so that a boot which was cut off looks like one that failed by the release's own fault: that is not
# to lead to the release before it.
CONFIG = "[{release_handler, [{make_permanent, manual}, {boot_fallback, false}]}].\n"


def tree_of(directory):
    """Of each file below: its SHA-256 and whether it may be executed; of each directory None."""
    found = {}
    for parent, directories, files in os.walk(directory):
        for name in directories:
            found[os.path.relpath(os.path.join(parent, name), directory)] = None
        for name in files:
            path = os.path.join(parent, name)
            with open(path, "rb") as file:
                digest = hashlib.sha256(file.read()).hexdigest()
            found[os.path.relpath(path, directory)] = (digest, bool(os.stat(path).st_mode & 0o100))
    return found


class Releases:
    def __init__(self, project, programs, directory, random):
        self.erts = self.answer([programs["release-handlerd"], "--version"])
        self.build, self.whole = directory / "build", directory / "whole"
        self.packages = {}
        worker = (project / "Tests/Fixtures/python/counter_worker").read_text()
        self.write(f"{SHARED}/ebin/base.app", application("base", "1.0.0", "", ""))
        self.blob(f"{SHARED}/priv/shared", random, 200_000)
        for vsn in VSNS:
            ebin = f"lib/{NAME}-{vsn}/ebin"
            self.write(f"{ebin}/counter", worker.replace('VSN = "1.0.0"', f'VSN = "{vsn}"'), 0o755)
            self.write(f"{ebin}/fix_sup.sup", "{ok, {#{}, [#{id => counter, start => {counter, start_link, []}}]}}.\n")
            self.write(f"{ebin}/fix.app", application(NAME, vsn, "fix_sup, counter", ", {mod, {fix_sup, []}}"))
            # Large ones and many small ones, so that a release is not written in one piece.
            for index in range(random.randrange(2, 5)):
                self.blob(f"lib/{NAME}-{vsn}/priv/large-{index}", random, random.randrange(50_000, 700_000))
            for index in range(random.randrange(20, 120)):
                self.blob(f"lib/{NAME}-{vsn}/priv/small/{index}", random, random.randrange(1, 9_000))
            resource = (
                f'{{release, {{"{NAME}", "{vsn}"}}, {{erts, "{self.erts}"}},\n'
                f' [{{base, "1.0.0"}}, {{{NAME}, "{vsn}"}}]}}.\n'
            )
            self.write(f"releases/{vsn}/{NAME}.rel", resource)
            self.write(f"releases/{NAME}-{vsn}.rel", resource)
            self.write(f"releases/{vsn}/sys.config", CONFIG)
            self.write(f"releases/{vsn}/relup", relup(vsn))
        for vsn in VSNS:
            self.answer(
                [programs["releasectl"], "make-tar", f"releases/{NAME}-{vsn}.rel", "--outdir", directory], self.build
            )
            self.packages[vsn] = directory / f"{NAME}-{vsn}.tar.gz"
            # As a package has it: with its digests.
            with tarfile.open(self.packages[vsn]) as package:
                package.extractall(self.whole)
        self.wanted = {
            unit: tree_of(self.whole / unit)
            for vsn in VSNS for unit in (f"lib/{NAME}-{vsn}", f"releases/{vsn}", SHARED)
        }

    def units(self, vsns):
        """The directories that a root with these has."""
        return {SHARED} | {unit for vsn in vsns for unit in (f"lib/{NAME}-{vsn}", f"releases/{vsn}")}

    def lay_out(self, root):
        first = VSNS[0]
        for unit in self.units([first]):
            shutil.copytree(self.whole / unit, root / unit)
        libraries = ", ".join(f'{{{name}, "{vsn}", "lib/{name}-{vsn}"}}' for name, vsn in (("base", "1.0.0"), (NAME, first)))
        (root / "releases/RELEASES").write_text(
            f'[{{release, "{NAME}", "{first}", "{self.erts}", [{libraries}], permanent}}].\n'
        )
        (root / "releases/start_erl.data").write_text(f"{self.erts} {first}\n")

    def write(self, path, text, mode=0o644):
        file = self.build / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        file.chmod(mode)

    def blob(self, path, random, size):
        file = self.build / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(random.randbytes(size))

    @staticmethod
    def answer(command, directory=None):
        done = subprocess.run([str(word) for word in command], cwd=directory, capture_output=True, text=True, timeout=120)
        if done.returncode != 0:
            raise Broken(f"{' '.join(map(str, command))} ended with {done.returncode}: {done.stderr}")
        return done.stdout.strip()


def application(name, vsn, modules, more):
    return (
        f'{{application, {name}, [{{vsn, "{vsn}"}}, {{description, ""}}, {{modules, [{modules}]}}, {{registered, []}},\n'
        f"    {{applications, []}}{more}]}}.\n"
    )


def relup(vsn):
    """From all that are older, and back to them."""
    older = [other for other in VSNS if other < vsn]
    ups = ",\n  ".join(f'{{"{other}", "up", {script(vsn, "up")}}}' for other in older)
    downs = ",\n  ".join(f'{{"{other}", "down", {script(other, "down")}}}' for other in older)
    return f'{{"{vsn}",\n [{ups}],\n [{downs}]}}.\n'


def script(target, direction):
    load = "{load, {counter, brutal_purge, brutal_purge}}"
    change = f"{{code_change, {direction}, [{{counter, []}}]}}"
    middle = f"{load}, {change}" if direction == "up" else f"{change}, {load}"
    return (
        f'[{{load_object_code, {{{NAME}, "{target}", [counter]}}}}, point_of_no_return, {{suspend, [counter]}}, '
        f"{middle}, {{resume, [counter]}}]"
    )


def listed(root):
    """Statuses by version, as RELEASES has them."""
    text = (root / "releases/RELEASES").read_text()
    return dict(re.findall(r'release,\s*"fix",\s*"([^"]+)".*?\],\s*(\w+)\s*\}', text, re.DOTALL))
