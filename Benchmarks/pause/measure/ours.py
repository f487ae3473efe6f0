"""release-handlerd as a peer: one daemon that makes a change whenever it is asked to."""

import time

from kvdemo import root
from kvdemo.node import Node

from . import counters, machine, store
from .errors import BenchmarkError, expect

QUIET_SECONDS = 0.2
AFTER_SECONDS = 0.1
# A state of 1 GiB takes longer than the 5 s that a handoff has by default.
CODE_CHANGE_TIMEOUT_MS = 600_000


class LargeNode(Node):
    start_seconds = 300
    command_seconds = 900


class Ours:
    name = "release-handlerd"

    def __init__(self, binaries, project, directory, case):
        self.case = case
        directory.mkdir(parents=True)
        if case.kind == "workers":
            laid_out = counters.lay_out(binaries, project, directory / "root", case.workers)
        else:
            laid_out = root.lay_out(binaries, project, directory / "root")
        self.node = LargeNode(binaries, laid_out, directory)
        self.client = None
        self.port = None
        self.release = "1.0.0"
        self.node.__enter__()
        try:
            self.prepare(binaries, project, directory)
        except BaseException:
            self.close()
            raise

    def prepare(self, binaries, project, directory):
        if self.case.kind == "workers":
            package = counters.package(binaries, directory, self.case.workers)
        else:
            package = root.package(binaries, project, directory)
            self.port = self.node.port()
            store.fill(self.port, self.case.keys, self.case.value_bytes)
            self.client = store.Client(self.port)
        self.node.releasectl("unpack-release", str(package))

    def change(self):
        """Goes to the other release, under a client where there is a store; the figures of the change."""
        release = "2.0.0" if self.release == "1.0.0" else "1.0.0"
        quiet = wait = None
        if self.client:
            self.client.start()
            time.sleep(QUIET_SECONDS)
            quiet = self.client.next()
        result = self.node.install(release, "--code-change-timeout-ms", str(CODE_CHANGE_TIMEOUT_MS))
        if self.client:
            time.sleep(AFTER_SECONDS)
            wait = self.client.stop()
        expect(not result["lost"], f"{self.case.name}, to {release}: somebody lost something: {result['lost']}")
        expect("suspend_to_resume_us" in result, f"{self.case.name}, to {release}: nobody was suspended: {result}")
        self.release = release
        self.await_old_processes()
        return {
            "to": release,
            "pause_us": result["suspend_to_resume_us"],
            "client_us": wait,
            "client_quiet_us": quiet,
            "total_ms": result["total_ms"],
            "instructions_ms": instructions(result),
            "descriptors": machine.descriptors(self.node.pid),
        }

    def await_old_processes(self):
        """Until those that were replaced have ended and given their memory back: the other peer is to have the machine."""
        deadline = time.monotonic() + 60
        while len(machine.children(self.node.pid)) > self.case.workers:
            if time.monotonic() > deadline:
                raise BenchmarkError(f"{self.case.name}: the processes that were replaced have not ended within 60 s")
            time.sleep(0.05)

    def verify(self):
        """That the state is still there after all changes."""
        if self.client:
            expected = self.case.keys + 1
            found = store.count(self.port)
            expect(found == expected, f"{self.case.name}: after the changes there are {found} keys, not {expected}")

    def close(self):
        if self.client:
            self.client.close()
        self.node.__exit__(None, None, None)


def instructions(result):
    """Milliseconds by the instruction's name; of several with one name the sum."""
    times = {}
    for each in result["instructions"]:
        name = each["text"].strip("{").split(",")[0]
        times[name] = round(times.get(name, 0) + each["ms"], 3)
    return times
