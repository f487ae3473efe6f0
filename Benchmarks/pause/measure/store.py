"""The key-value example as a client sees it: filled, counted, and a client in a process of its own."""

import itertools
import json
import pathlib
import socket
import subprocess
import sys

from .errors import BenchmarkError, expect

# Requests in flight at once; the answers of so many fit the socket's buffer.
BATCH = 512


def request(*words):
    """A command in the Redis protocol, of byte strings."""
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%b\r\n" % (len(word), word) for word in words)


def fill(port, keys, value_bytes):
    """Writes fill:1 to fill:KEYS. Raises where one is not answered by OK."""
    value = b"v" * value_bytes
    with socket.create_connection(("127.0.0.1", port)) as connection:
        for first in range(1, keys + 1, BATCH):
            batch = range(first, min(first + BATCH, keys + 1))
            connection.sendall(b"".join(request(b"SET", b"fill:%d" % n, value) for n in batch))
            answers = receive(connection, 5 * len(batch))
            expect(answers == b"+OK\r\n" * len(batch), f"SET of fill:{first} and on was answered by {answers[:80]!r}")


def count(port):
    """How many keys there are."""
    with socket.create_connection(("127.0.0.1", port)) as connection, connection.makefile("rb") as answers:
        connection.sendall(request(b"DBSIZE"))
        answer = answers.readline()
    expect(answer.startswith(b":"), f"DBSIZE was answered by {answer!r}")
    return int(answer[1:])


def receive(connection, size):
    parts = []
    while size > 0:
        part = connection.recv(size)
        expect(part, "the server closed the connection")
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


class Client:
    """One connection, one command at a time, as fast as it is answered; its process runs `store_client.py`."""

    def __init__(self, port):
        program = pathlib.Path(__file__).with_name("store_client.py")
        self.process = subprocess.Popen(
            [sys.executable, "-B", program, str(port)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True,
        )

    def start(self):
        self.ask("start")

    def next(self):
        """The longest wait since the start or the question before, in microseconds; goes on."""
        return self.ask("next")["longest_us"]

    def stop(self):
        """The same, and stops."""
        return self.ask("stop")["longest_us"]

    def ask(self, line):
        try:
            self.process.stdin.write(f"{line}\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            pass
        answer = self.process.stdout.readline()
        if not answer:
            raise BenchmarkError(f"the store's client ended with {self.process.wait()}; what it says is above")
        return json.loads(answer)

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()


class Exchange:
    """What a client does, call by call: it writes a key, reads it back, and fails where it reads something else."""

    def __init__(self, port):
        self.connection = socket.create_connection(("127.0.0.1", port))
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.calls = itertools.count()
        self.written = b""

    def call(self):
        number = next(self.calls)
        if number % 2 == 0:
            self.written = b"%d" % number
            self.say(request(b"SET", b"client", self.written), b"+OK\r\n")
        else:
            self.say(request(b"GET", b"client"), b"$%d\r\n%b\r\n" % (len(self.written), self.written))

    def say(self, words, expected):
        self.connection.sendall(words)
        answer = receive(self.connection, len(expected))
        expect(answer == expected, f"{words!r} was answered by {answer!r}, not by {expected!r}")
