#!/usr/bin/env python3
"""The store's client as a program: store_client.py PORT

start on its input starts it, next and stop ask for the longest wait of a call since, stop stops it. Each is answered by a
line of JSON. It ends with its input.
"""

import gc
import json
import pathlib
import select
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from measure.errors import BenchmarkError  # noqa: E402
from measure.store import Exchange  # noqa: E402


def main():
    exchange = Exchange(int(sys.argv[1]))
    gc.collect()
    gc.disable()
    while sys.stdin.readline() == "start\n":
        answer({})
        loop(exchange)


def loop(exchange):
    commands = select.poll()
    commands.register(sys.stdin, select.POLLIN | select.POLLHUP)
    longest = calls = 0
    while True:
        began = time.perf_counter_ns()
        exchange.call()
        longest = max(longest, time.perf_counter_ns() - began)
        calls += 1
        if commands.poll(0):
            line = sys.stdin.readline()
            answer({"longest_us": longest / 1000, "calls": calls})
            longest = calls = 0
            if line != "next\n":
                return


def answer(value):
    print(json.dumps(value), flush=True)


if __name__ == "__main__":
    try:
        main()
    except (BenchmarkError, OSError) as error:
        sys.exit(f"store_client.py: {error}")
