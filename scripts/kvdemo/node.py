"""One running daemon, and what is asked of it."""

import json
import os
import signal
import socket
import subprocess
import time

from .errors import DemoError, expect

STOP_SECONDS = 30
WORKER = "kv/kv_sup/kv_server"


class Node:
    start_seconds = 30
    command_seconds = 60

    def __init__(self, binaries, root, directory):
        self.binaries = binaries
        self.root = root
        self.control = directory / "control.sock"
        self.log = directory / "daemon.log"
        self.notify = directory / "notify.sock"
        self.process = None

    def __enter__(self):
        """Starts the daemon as a service manager would, and returns when it says READY=1."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as readiness:
            readiness.bind(str(self.notify))
            environment = {**os.environ, "NOTIFY_SOCKET": str(self.notify)}
            with open(self.log, "wb") as log:
                self.process = subprocess.Popen(
                    [self.root / "bin/start", "--socket", self.control],
                    stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment, start_new_session=True,
                )
            try:
                self.await_ready(readiness)
            except BaseException:
                self.__exit__(None, None, None)
                raise
        return self

    def await_ready(self, readiness):
        readiness.settimeout(0.25)
        deadline = time.monotonic() + self.start_seconds
        while True:
            try:
                if b"READY=1" in readiness.recv(65536).split(b"\n"):
                    return
            except socket.timeout:
                pass
            expect(self.process.poll() is None, f"the daemon ended with {self.process.returncode}:\n{self.tail()}")
            expect(time.monotonic() < deadline, f"no READY=1 within {self.start_seconds} s:\n{self.tail()}")

    def __exit__(self, kind, error, trace):
        """Ends the daemon, in whatever state it is; a node that was stopped has ended already."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        if error is not None:
            print(f"\n--- the daemon's log ---\n{self.tail()}\n---", flush=True)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            raise DemoError(f"SIGTERM: the daemon has not ended within {STOP_SECONDS} s") from None
        expect(status == 0, f"SIGTERM: the daemon ended with {status}")

    def tail(self, lines=60):
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    @property
    def pid(self):
        return self.process.pid

    def releasectl(self, *arguments):
        """The lines of JSON that the command prints."""
        command = [self.binaries["releasectl"], *arguments, "--json", "--socket", self.control]
        done = subprocess.run(command, capture_output=True, text=True, timeout=self.command_seconds)
        shown = " ".join(str(argument) for argument in arguments)
        expect(done.returncode == 0, f"releasectl {shown} ended with {done.returncode}: {done.stderr}{done.stdout}")
        try:
            return [json.loads(line) for line in done.stdout.splitlines() if line.strip()]
        except ValueError:
            return [json.loads(done.stdout)]

    def install(self, version, *options):
        """The result of install-release, as the daemon reports it."""
        lines = self.releasectl("install-release", version, *options)
        results = [line.get("result", line) for line in lines if "result" in line or "outcome" in line]
        expect(len(results) == 1, f"install-release {version} gave no result: {lines}")
        outcome = results[0]["outcome"]
        expect(outcome == "done", f"install-release {version}: {outcome}: {results[0]}")
        return results[0]

    def statuses(self):
        return {release["vsn"]: release["status"] for release in self.releasectl("which-releases")[-1]["releases"]}

    def worker(self):
        workers = {worker["address"]: worker for worker in self.releasectl("ps")[-1]["workers"]}
        expect(WORKER in workers, f"ps shows no {WORKER}: {sorted(workers)}")
        return workers[WORKER]

    def port(self):
        sockets = self.worker()["sockets"]
        expect(len(sockets) == 1, f"{WORKER} has {len(sockets)} sockets, not 1")
        return int(sockets[0]["address"].rsplit(":", 1)[1])


def private_kib(pid):
    """RssAnon, proc_pid_status(5)."""
    with open(f"/proc/{pid}/status") as status:
        for line in status:
            if line.startswith("RssAnon:"):
                return int(line.split()[1])
    raise DemoError(f"/proc/{pid}/status has no RssAnon")
