"""A whole run: what is measured in which order, and the result that is kept."""

import errno
import os
import subprocess
import sys

from kvdemo.errors import DemoError
from kvdemo.root import emulator_version

from . import binaries, machine, otp, rounds
from .errors import BenchmarkError, expect


def run(project, directory, cases, source, count, without_otp):
    """The result as result.json has it: "machine", "versions", "rounds", "cases"."""
    expect(cases, "there is nothing to measure: --workers and --bytes are both empty")
    machine.raise_descriptor_limit(max(case.workers for case in cases))
    kinds = {case.kind for case in cases}
    programs = binaries.collect(source.absolute(), directory / "bin", kinds)
    versions = {"release-handlerd": emulator_version(programs), "commit": commit(project), "otp": None}
    with_otp = not without_otp and otp.is_there()
    if not with_otp:
        say("without OTP" + ("" if without_otp else f": there is no erl; {otp.ADVICE}"))
    about = {**machine.facts(), "load_before": machine.load()}
    result = {"machine": about, "versions": versions, "rounds": count, "cases": []}
    built = directory / "otp" if with_otp else None
    if built:
        otp.build(built)
    setting = rounds.Setting(project, programs, directory, built, count, show_round)
    for case in cases:
        measured = one(setting, case)
        versions["otp"] = measured.pop("about_otp", None) or versions["otp"]
        result["cases"].append({**describe(case), **measured})
    about["load_after"] = machine.load()
    return result


def one(setting, case):
    """What was measured of a case, or why it was not: one case that fails costs no other."""
    say(f"{case.name} ...")
    reason = rounds.skipped(case)
    if reason:
        say(f"  skipped: {reason}")
        return {"skipped": reason}
    try:
        return rounds.measure(setting, case)
    except (BenchmarkError, DemoError, subprocess.SubprocessError) as error:
        what, reason = told(str(error))
        say(f"  {what}: {reason}")
        return {what: reason}


def told(error):
    """("skipped", …) where the machine does not allow it, ("failed", …) where it should have worked."""
    if os.strerror(errno.EMFILE) in error or "LimitNOFILE=" in error:
        limit = machine.descriptor_limit()
        return "skipped", f"a change of it needs more descriptors than the {limit:,} that this machine allows (ulimit -Hn)"
    return "failed", error


def describe(case):
    return {
        "kind": case.kind, "name": case.name, "workers": case.workers, "keys": case.keys,
        "value_bytes": case.value_bytes, "bytes": case.bytes,
    }


def commit(project):
    """What is measured, as far as git can say it."""
    try:
        done = subprocess.run(
            ["git", "describe", "--always", "--dirty"], cwd=project, capture_output=True, text=True, timeout=30)
    except OSError:
        return None
    return done.stdout.strip() or None


def show_round(number, pauses):
    shown = "  ".join(f"{pause / 1000:10.3f} ms" for pause in pauses)
    say(f"  round {number:3}: {shown}")


def say(text):
    print(text, file=sys.stderr, flush=True)
