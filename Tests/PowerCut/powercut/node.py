"""One run of the daemon, and what is asked of it."""

import http.client
import json
import os
import signal
import socket
import subprocess
import time

from .errors import Untrue

READY_SECONDS = 60


class Gone(Exception):
    """The daemon did not answer: nobody knows what became of the request."""


class Refused(Exception):
    """The daemon's answer was an error."""


class Connection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=60)
        self.unix = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.unix)


class Node:
    def __init__(self, program, root, directory, log, preload=None):
        self.socket = directory / "control"
        self.notify = directory / "notify"
        self.notify.unlink(missing_ok=True)
        self.readiness = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.readiness.bind(str(self.notify))
        environment = {**os.environ, "NOTIFY_SOCKET": str(self.notify)}
        if preload is not None:
            environment["LD_PRELOAD"] = str(preload)
        self.process = subprocess.Popen(
            [program, "--root", root, "--socket", self.socket],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment, start_new_session=True,
        )

    def await_ready(self, give_up=lambda: False):
        """Whether it is ready; False where `give_up` says so before."""
        self.readiness.settimeout(0.05)
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline:
            try:
                if b"READY=1" in self.readiness.recv(65536).split(b"\n"):
                    return True
            except socket.timeout:
                pass
            if give_up():
                return False
            if self.process.poll() is not None:
                raise Untrue(f"the daemon does not boot: it ended with {self.process.returncode}")
        raise Untrue(f"the daemon does not boot: no READY=1 within {READY_SECONDS} s")

    def kill(self):
        self.process.send_signal(signal.SIGKILL)

    def end(self):
        self.kill()
        self.process.wait()
        self.readiness.close()
        self.notify.unlink(missing_ok=True)

    def ask(self, method, path, body=None):
        """The lines of JSON that it answers with."""
        connection = Connection(self.socket)
        try:
            connection.request(method, path, json.dumps(body) if body is not None else None)
            answer = connection.getresponse()
            text = answer.read().decode()
        except (OSError, http.client.HTTPException) as error:
            raise Gone(f"{type(error).__name__}: {error}") from None
        finally:
            connection.close()
        lines = [json.loads(line) for line in text.splitlines()] if text.strip() else []
        if answer.status >= 300:
            raise Refused(f"{answer.status} {text.strip()}")
        return lines

    def statuses(self):
        return {release["vsn"]: release["status"] for release in self.ask("GET", "/v1/releases")[0]["releases"]}

    def unpack(self, package):
        self.ask("POST", "/v1/releases", {"package": str(package)})

    def install(self, vsn):
        lines = self.ask("POST", f"/v1/releases/{vsn}/install")
        last = lines[-1] if lines else {}
        if "result" not in last:
            raise Gone(f"the stream ended with {last}")
        if last["result"]["outcome"] != "done":
            raise Refused(json.dumps(last["result"]))

    def make_permanent(self, vsn):
        self.ask("POST", f"/v1/releases/{vsn}/make-permanent")

    def remove(self, vsn):
        self.ask("DELETE", f"/v1/releases/{vsn}")

    def call(self, worker, request):
        return self.ask("POST", "/v1/call", {"worker": worker, "request": request})[0]["reply"]
