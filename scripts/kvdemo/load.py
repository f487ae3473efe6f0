"""The clients: kv-check, which knows what it must read, and redis-benchmark, which makes the load."""

import csv
import io
import json
import subprocess
import threading

from .errors import expect


class Checker:
    """kv-check over the whole run. Phases are acknowledged, so that none begins late."""

    def __init__(self, binaries, port):
        self.process = subprocess.Popen(
            [binaries["kv-check"], "run", "--port", str(port)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )

    def phase(self, name):
        try:
            self.process.stdin.write(f"phase {name}\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            pass
        line = self.process.stdout.readline()
        expect(line and json.loads(line) == {"phase": name}, f"kv-check answered {line!r} to phase {name}")

    def stop(self):
        answer, _ = self.process.communicate("stop\n", timeout=60)
        expect(answer, f"kv-check ended with {self.process.returncode} and said nothing")
        return json.loads(answer)

    def abandon(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()


class Benchmark:
    """redis-benchmark again and again, 50 connections each time, until it is told to stop; 1000 times at the most."""

    CONNECTIONS = 50
    REQUESTS = 100_000
    TESTS = ("set", "get", "incr")

    def __init__(self, port):
        self.command = [
            "redis-benchmark", "-p", str(port), "-c", str(self.CONNECTIONS), "-n", str(self.REQUESTS),
            "-t", ",".join(self.TESTS), "--csv",
        ]
        self.rounds = 0
        self.rates = []
        self.longest_ms = 0.0
        self.failures = []
        self.ending = threading.Event()
        self.thread = threading.Thread(target=self.repeat, daemon=True)
        self.thread.start()

    def repeat(self):
        while self.rounds < 1000 and not self.ending.is_set() and not self.failures:
            done = subprocess.run(self.command, capture_output=True, text=True)
            self.rounds += 1
            rows = list(csv.DictReader(io.StringIO(done.stdout)))
            if done.returncode != 0 or len(rows) != len(self.TESTS) or "rror" in done.stdout + done.stderr:
                self.failures.append(f"ended with {done.returncode}: {(done.stderr + done.stdout)[-500:]}")
                return
            for row in rows:
                self.rates.append(float(row["rps"]))
                self.longest_ms = max(self.longest_ms, float(row["max_latency_ms"]))

    def stop(self):
        self.ending.set()
        self.thread.join(120)
        expect(not self.thread.is_alive(), "redis-benchmark has not ended within 120 s")
        return {
            "connections": self.CONNECTIONS,
            "requests": self.rounds * self.REQUESTS * len(self.TESTS),
            "requests_per_second": round(sum(self.rates) / len(self.rates)) if self.rates else 0,
            "longest_ms": self.longest_ms,
            "failures": self.failures,
        }


def fill(binaries, port, keys):
    check_keys(binaries, port, "fill", keys)


def verify(binaries, port, keys):
    """How many of the filled keys are missing or wrong."""
    found = check_keys(binaries, port, "verify", keys)
    return found["missing"] + found["wrong"]


def check_keys(binaries, port, verb, keys):
    command = [binaries["kv-check"], verb, str(keys), "--port", str(port)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    expect(done.stdout, f"kv-check {verb} ended with {done.returncode}: {done.stderr}")
    return json.loads(done.stdout)


class RedisCLI:
    """Commands by redis-cli, with the answers that they must get; what was wrong is kept."""

    def __init__(self, port):
        self.port = port
        self.wrong = []

    def expect(self, command, answer):
        done = subprocess.run(
            ["redis-cli", "-p", str(self.port), *command.split()], capture_output=True, text=True, timeout=30)
        found = done.stdout.strip()
        right = found.startswith(answer[:-3]) if answer.endswith("...") else found == answer
        shown = found.replace("\n", " | ")
        print(f"    redis-cli {command:24} {shown}" + ("" if right else f"     <-- expected {answer}"), flush=True)
        if not right:
            self.wrong.append(f"redis-cli {command}: {found!r}, expected {answer!r}")
