"""Erlang/OTP's release_handler as a peer: one node that makes a change whenever it is asked to."""

import json
import pathlib
import shutil
import subprocess

from .errors import BenchmarkError, expect

SOURCES = pathlib.Path(__file__).resolve().parents[1] / "otp"
MODULES = ("counter", "store", "peer_sup")
STEPS = "{update, counter, {advanced, []}}, {update, store, {advanced, []}}"
ADVICE = "install OTP with sasl and its compiler (Debian: erlang-base, erlang-nox, erlang-dev), or measure --without-otp"


def is_there():
    return shutil.which("erl") is not None and shutil.which("erlc") is not None


def build(directory):
    """Compiles both versions of the application, and the driver. Once a run."""
    for version, flags in (("1.0.0", []), ("2.0.0", ["-DSECOND"])):
        ebin = directory / f"lib/peer-{version}/ebin"
        ebin.mkdir(parents=True)
        compile_to(ebin, [*flags, *(SOURCES / f"{module}.erl" for module in MODULES)])
        (ebin / "peer.app").write_text(
            f'{{application, peer, [{{description, "Workers"}}, {{vsn, "{version}"}}, {{modules, [{", ".join(MODULES)}]}},\n'
            "  {registered, [peer_sup]}, {applications, [kernel, stdlib]}, {mod, {peer_sup, []}}]}.\n"
        )
    (directory / "lib/peer-2.0.0/ebin/peer.appup").write_text(
        f'{{"2.0.0", [{{"1.0.0", [{STEPS}]}}], [{{"1.0.0", [{STEPS}]}}]}}.\n'
    )
    compile_to(directory, [SOURCES / "pause_peer.erl"])


def compile_to(directory, arguments):
    done = subprocess.run(["erlc", "-Werror", "-o", directory, *arguments], capture_output=True, text=True)
    expect(done.returncode == 0, f"erlc failed: {done.stdout}{done.stderr}\n{ADVICE}")


class OTP:
    name = "OTP"

    def __init__(self, directory, case):
        self.case = case
        self.release = "1.0.0"
        workload = ("counter",) if case.kind == "workers" else ("store", case.keys, case.value_bytes)
        module, *arguments = workload
        words = [directory, module, case.workers, *arguments]
        self.process = subprocess.Popen(
            ["erl", "-noshell", "-pa", directory, "-run", "pause_peer", "main", *map(str, words)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
            # Where a node that crashes leaves its dump.
            cwd=directory,
        )
        try:
            self.about = self.answer()
        except BaseException:
            self.close()
            raise

    def change(self):
        """Goes to the other release under clients; the figures of the change."""
        release = "2.0.0" if self.release == "1.0.0" else "1.0.0"
        answer = self.ask("up" if release == "2.0.0" else "down")
        self.release = release
        return {
            "to": release,
            "pause_us": answer["wait_us"],
            "client_quiet_us": answer["quiet_us"],
            "total_ms": answer["total_ms"],
        }

    def verify(self):
        """What is wrong with its state or its clients ends the node; here there is nothing left to ask."""

    def ask(self, line):
        try:
            self.process.stdin.write(f"{line}\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            pass
        return self.answer()

    def answer(self):
        line = self.process.stdout.readline()
        try:
            return json.loads(line)
        except ValueError:
            self.process.kill()
            rest = self.process.stdout.read()
            raise BenchmarkError(f"OTP, {self.case.name}: {(line + rest).strip() or 'the node ended'}\n{ADVICE}") from None

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()
