"""That all of this works: the tests of its pure parts, then one worker and one small store, up and down, without OTP."""

import pathlib
import subprocess
import sys
import tempfile

from report import files


def run(program, project):
    """The exit status. Takes debug builds, which `make test` and `make build` leave, and some seconds."""
    here = program.parent
    tests = [sys.executable, "-B", "-m", "unittest", "discover", "-q", "-s", here / "tests", "-t", here]
    if subprocess.run(tests).returncode != 0:
        return 1
    with tempfile.TemporaryDirectory(prefix="rh-pause-") as out:
        few = ["--workers", "1", "--bytes", "1K", "--rounds", "2", "--without-otp"]
        command = [sys.executable, program, *few, "--bin", project / ".build/debug", "--out", out]
        if subprocess.run(command).returncode != 0:
            return 1
        found = problems(pathlib.Path(out))
    for problem in found:
        print(f"pause: {problem}", file=sys.stderr)
    return 1 if found else 0


def problems(directory):
    """What the run did not leave in `directory`, as sentences."""
    cases = files.read(directory / "result.json")["cases"]
    found = [] if len(cases) == 2 else [f"{len(cases)} cases, not 2"]
    for case in cases:
        rounds = case.get("ours", [])
        if [each["to"] for each in rounds] != ["2.0.0", "1.0.0"]:
            found.append(f"{case['name']}: not one change up and one down: {rounds}")
        if any(each["pause_us"] <= 0 for each in rounds):
            found.append(f"{case['name']}: a pause of no time: {rounds}")
        if case["kind"] == "bytes" and any(not each["client_us"] for each in rounds):
            found.append(f"{case['name']}: the client waited for nothing: {rounds}")
    if "release-handlerd" not in (directory / "pause.svg").read_text():
        found.append("the picture has no series")
    return found
