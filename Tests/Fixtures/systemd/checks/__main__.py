"""Runs all checks one after the other, each from the same state: the unit stopped, the release 1.0.0 permanent.

Prints what it finds, step by step, and writes /out/results: one JSON object a line.
"""

import json
import signal
import sys
import time
import traceback

import cases
from machine import UNIT, Journal, message, now, systemctl

CASE_LIMIT_SECONDS = 60


def past_limit(*_):
    raise TimeoutError(f"not done within {CASE_LIMIT_SECONDS} s")


def reset():
    systemctl("stop", UNIT)
    systemctl("reset-failed", UNIT, status=None)
    cases.lay_out(permanent="1.0.0")


def run(case, journal):
    """What went wrong, or None."""
    since = now()
    signal.alarm(CASE_LIMIT_SECONDS)
    try:
        reset()
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
        for case in cases.ALL:
            print(f"{case.__name__}", flush=True)
            began = time.monotonic()
            failure = run(case, journal)
            seconds = round(time.monotonic() - began, 3)
            print(f"  {'FAILED: ' + failure if failure else 'passed'} ({seconds} s)", flush=True)
            print(json.dumps({"case": case.__name__, "seconds": seconds, "failure": failure}), file=results, flush=True)
            failed += failure is not None
    systemctl("stop", UNIT)
    sys.exit(1 if failed else 0)


main()
