"""Runs all checks of a file, `cases` or another, one after the other, each from the same state: what its `reset` leaves.

Prints what it finds, step by step, and writes /out/results: one JSON object a line.
"""

import importlib
import json
import signal
import sys
import time
import traceback

from machine import UNIT, Journal, message, now, systemctl

CASES = importlib.import_module(sys.argv[1])
CASE_LIMIT_SECONDS = getattr(CASES, "LIMIT_SECONDS", 240)


def past_limit(*_):
    raise TimeoutError(f"not done within {CASE_LIMIT_SECONDS} s")


def run(case, journal):
    """What went wrong, or None."""
    since = now()
    signal.alarm(CASE_LIMIT_SECONDS)
    try:
        CASES.reset()
        case(journal)
        return None
    except Exception:
        journal_text = "\n".join(
            f"    {entry.get('SYSLOG_IDENTIFIER')}: {message(entry)}" for entry in Journal.written_since(since)
        )
        return f"{traceback.format_exc()}\n  the journal meanwhile:\n{journal_text}"
    finally:
        signal.alarm(0)


def main():
    signal.signal(signal.SIGALRM, past_limit)
    journal = Journal()
    failed = 0
    with open("/out/results", "w") as results:
        for case in CASES.ALL:
            print(f"{case.__name__}", flush=True)
            began = time.monotonic()
            failure = run(case, journal)
            seconds = round(time.monotonic() - began, 3)
            print(f"  {'FAILED: ' + failure if failure else 'passed'} ({seconds} s)", flush=True)
            print(json.dumps({"case": case.__name__, "seconds": seconds, "failure": failure}), file=results, flush=True)
            failed += failure is not None
    systemctl("stop", UNIT, status=None)
    sys.exit(1 if failed else 0)


main()
