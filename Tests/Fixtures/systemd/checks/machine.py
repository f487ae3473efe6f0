"""What the checks see the machine through: the service manager, the journal, releasectl, a client of a worker.

Nothing here sleeps: systemctl blocks until its job is done, the journal is followed, pidfds and sockets are awaited.
Each wait has a limit, past which the check fails.
"""

import http.client
import json
import os
import re
import select
import socket
import subprocess
import threading
import time

UNIT = "release-handlerd.service"
ROOT = "/var/lib/release-handler"
OTHER_ERTS = "0.2.0"
# Where there is no root yet, there is a package.
ERTS = next(
    (name[len("erts-") :] for name in os.listdir(ROOT) if name.startswith("erts-") and name != f"erts-{OTHER_ERTS}"),
    None,
)
RELEASECTL = f"{ROOT}/erts-{ERTS}/bin/releasectl" if ERTS else "/usr/bin/releasectl"
LIMIT_SECONDS = 100


class CheckFailed(Exception):
    pass


def say(text):
    print(f"    {text}", flush=True)


def expect(what, found, wanted):
    if found != wanted:
        raise CheckFailed(f"{what}: found {found!r}, expected {wanted!r}")
    say(f"{what}: {found!r}")


def expect_match(what, found, pattern):
    if not re.search(pattern, found):
        raise CheckFailed(f"{what}: found {found!r}, expected a match of {pattern!r}")
    say(f"{what}: {found.strip()!r}")


def run(*words, status=0):
    done = subprocess.run(words, capture_output=True, text=True, timeout=LIMIT_SECONDS * 2, stdin=subprocess.DEVNULL)
    if status is not None and done.returncode != status:
        raise CheckFailed(f"{' '.join(words)}: exit status {done.returncode}\n{done.stdout}{done.stderr}")
    return done


def systemctl(*words, status=0):
    return run("systemctl", *words, status=status)


def show(name):
    """One property of the unit, as `systemctl show` prints it."""
    return systemctl("show", "--property", name, "--value", UNIT).stdout.strip()


def releasectl(*words, status=0):
    """With the standard socket. The JSON, or what it printed where that is none."""
    text = run(RELEASECTL, *words, status=status).stdout
    return json.loads(text) if "--json" in words else text.strip()


def call(worker, request):
    return releasectl("call", worker, request)


def running_release():
    """The VSN that the unit's status line names, whatever it has to tell beside."""
    return re.match(r"release (\S+) runs(?:;|$)", show("StatusText")).group(1)


def workers():
    return {worker["address"]: worker for worker in releasectl("ps", "--json")["workers"]}


class Journal:
    """The whole journal of this boot, followed by a thread."""

    # Source: sd-messages.h
    STARTED = "39f53479d3a045ac8e11786248231fbf"
    EXITED = "98e322203f7a4ed290d09fe03c09fe15"

    def __init__(self):
        self.entries = []
        self.changed = threading.Condition()
        self.reader = subprocess.Popen(
            ["journalctl", "--follow", "--boot", "--lines=all", "--output=json"], stdout=subprocess.PIPE
        )
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.reader.stdout:
            entry = json.loads(line)
            with self.changed:
                self.entries.append(entry)
                self.changed.notify_all()

    @staticmethod
    def written_since(since):
        """All there is by now."""
        run("journalctl", "--sync")
        entries = map(json.loads, run("journalctl", "--boot", "--output=json").stdout.splitlines())
        return [entry for entry in entries if int(entry["__MONOTONIC_TIMESTAMP"]) >= since]

    def first(self, what, matches, since=0):
        """The first entry not older than `since` (see `now`) that matches; awaits it."""
        return self.all(what, matches, 1, since)[0]

    def all(self, what, matches, count, since=0):
        """The first `count` such entries, in the journal's order."""

        def found():
            return [entry for entry in self.entries if int(entry["__MONOTONIC_TIMESTAMP"]) >= since and matches(entry)]

        with self.changed:
            if not self.changed.wait_for(lambda: len(found()) >= count, LIMIT_SECONDS):
                raise CheckFailed(f"the journal has no {what} (found {len(found())} of {count})")
            return found()[:count]

    def has(self, text, since=0):
        return self.first(repr(text), lambda entry: text in message(entry), since)

    def started(self, since, other_than=None, unit=UNIT):
        """The service manager calls the unit started, in another run than the given one."""
        return self.first(
            f"start of {unit}",
            lambda entry: entry.get("MESSAGE_ID") == self.STARTED
            and entry.get("UNIT") == unit
            and entry.get("INVOCATION_ID") != other_than,
            since,
        )

    def exited(self, since):
        """The service manager has seen the unit's main process end."""
        return self.first(
            f"end of {UNIT}'s process",
            lambda entry: entry.get("MESSAGE_ID") == self.EXITED and entry.get("UNIT") == UNIT,
            since,
        )


def message(entry):
    """Its MESSAGE; journalctl prints one that is not all printable as a list of bytes, a missing one as null."""
    text = entry.get("MESSAGE") or ""
    return text if isinstance(text, str) else bytes(text).decode(errors="replace")


def now():
    """The journal's clock, in microseconds."""
    return time.monotonic_ns() // 1000


class Processes:
    """Processes by pidfd, so that a pid that is given again is not taken for the old one."""

    def __init__(self, pids):
        self.files = {}
        for pid in pids:
            try:
                self.files[pid] = os.pidfd_open(pid)
            except ProcessLookupError:
                pass  # It was on its way out, as an old process is after a handoff.

    def living(self):
        return sorted(pid for pid, file in self.files.items() if not select.select([file], [], [], 0)[0])

    def outlive(self, seconds):
        """Whether all of them live for so long."""
        return not select.select(list(self.files.values()), [], [], seconds)[0]

    def close(self):
        for file in self.files.values():
            os.close(file)


def unit_pids():
    """Every process of the unit's control group, and of those in it."""
    group = show("ControlGroup")
    base = next(b for b in ("/sys/fs/cgroup/systemd", "/sys/fs/cgroup") if os.path.exists(f"{b}{group}/cgroup.procs"))
    pids = []
    for directory, _, _ in os.walk(f"{base}{group}"):
        with open(f"{directory}/cgroup.procs") as file:
            pids += [int(line) for line in file]
    return pids


class Client:
    """A connection to a worker's line protocol."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=LIMIT_SECONDS)
        self.lines = self.socket.makefile("r", newline="\n")

    def send(self, text):
        self.socket.sendall(text.encode())

    def line(self):
        line = self.lines.readline()
        if not line.endswith("\n"):
            raise CheckFailed(f"the connection ended with {line!r}")
        return line[:-1]

    def ask(self, text):
        self.send(text + "\n")
        return self.line()

    def at_end(self):
        """Whether the other side has closed it: by an end or by a reset."""
        try:
            return self.lines.readline() == ""
        except ConnectionResetError:
            return True

    def close(self):
        self.lines.close()
        self.socket.close()


class Control:
    """The control interface over one connection: many calls in a short time."""

    def __init__(self):
        self.connection = http.client.HTTPConnection("localhost", timeout=LIMIT_SECONDS)
        self.connection.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.connection.sock.settimeout(LIMIT_SECONDS)
        self.connection.sock.connect("/run/release-handler/control.sock")

    def call(self, worker, request):
        body = json.dumps({"worker": worker, "request": request})
        self.connection.request("POST", "/v1/call", body, {"Content-Type": "application/json"})
        answer = self.connection.getresponse()
        text = answer.read().decode()
        if answer.status != 200:
            raise CheckFailed(f"call of {worker}: {answer.status} {text}")

    def close(self):
        self.connection.close()


class Gate:
    """A pipe by which the test holds somebody up: it reads one line there before it goes on."""

    path = "/run/gate"

    def __init__(self):
        os.mkfifo(self.path)

    def reached(self):
        """Blocks until somebody waits at it; returns what opens it. The next to come gets a pipe of its own."""
        file = os.open(self.path, os.O_WRONLY)
        os.unlink(self.path)
        os.mkfifo(self.path)
        return file

    @staticmethod
    def open(file):
        os.write(file, b"go\n")
        os.close(file)

    def remove(self):
        os.unlink(self.path)
