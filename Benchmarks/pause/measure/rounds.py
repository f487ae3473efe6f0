"""One case: both peers are started, then asked for a change each in turn, until all rounds are done."""

import contextlib
import time

from . import machine
from .cases import size_text
from .ours import Ours
from .otp import OTP

# Ours holds a state four times in a change (the old process, what it exports, the new process, and tables that grow),
# OTP once; the rest is for the machine.
MEMORY_FACTOR = 6
SETTLE_SECONDS = 0.2


class Setting:
    """What all cases of a run share. `otp` is the directory of its build, None to measure ours alone."""

    def __init__(self, project, binaries, directory, otp, rounds, say):
        self.project = project
        self.binaries = binaries
        self.directory = directory
        self.otp = otp
        self.rounds = rounds
        self.say = say

    def peers(self, case, stack):
        peers = [Ours(self.binaries, self.project, self.directory / directory_name(case), case)]
        stack.callback(peers[0].close)
        if self.otp:
            peers.append(OTP(self.otp, case))
            stack.callback(peers[1].close)
        return peers


def skipped(case):
    """Why a case can't be measured here, or None."""
    needed = MEMORY_FACTOR * case.bytes
    available = machine.available_bytes()
    if needed > available:
        return f"it needs {size_text(needed)} of memory, {available >> 20:,} MiB are available"
    return None


def measure(setting, case):
    """{"ours": rounds, "otp": rounds or [], "about_otp": ...} of a case; each round is what the peer's change() says."""
    with contextlib.ExitStack() as stack:
        peers = setting.peers(case, stack)
        results = [[] for _ in peers]
        for number in range(1, setting.rounds + 1):
            for peer, result in zip(peers, results):
                # Whoever was measured before leaves caches and timers behind; each has the same quiet before its turn.
                time.sleep(SETTLE_SECONDS)
                result.append(peer.change())
            setting.say(number, [result[-1]["pause_us"] for result in results])
        for peer in peers:
            peer.verify()
        return {
            "ours": results[0],
            "otp": results[1] if len(results) > 1 else [],
            "about_otp": peers[1].about if len(peers) > 1 else None,
        }


def directory_name(case):
    return f"{case.kind}-{case.workers if case.kind == 'workers' else case.bytes}"
