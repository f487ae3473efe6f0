"""Does what a document says: runs the commands of its `console` blocks as they stand there, one after the other, and compares what they print.

A command is a line behind `$ `; the lines below it are its answer, `[exit N]` among them where N is not 0; a command without lines below it may
print what it likes. `<!-- run: COMMAND -->` is run and is not for the reader: it brings about what the text tells of, a fault, say.

Writes /out/results, a JSON object for each command, and /out/document, with the answers that came. Ends with 1 where one was another. What differs from
run to run, such as pids and times, counts as the same.
"""

import difflib
import json
import re
import subprocess
import sys

COMMAND_LIMIT_SECONDS = 300
# Each is taken for the same, whatever its digits.
PASSING = [
    (r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:?\d\d)?", "TIME"),
    (r"\b\d+\.\d{3}\b", "MS"),
    (r"\b\d+(\.\d+)? (B|[KMG]iB)\b", "SIZE"),
    (r"\b\d{7,} bytes\b", "BYTES"),
    (r"\b(\d+d )?(\d+h )?(\d+min )?\d+(\.\d+)?s\b|\b\d+(\.\d+)? s\b", "SECONDS"),
    (r"\b[0-9a-f]{64}\b", "SHA256"),
    (r"\b\d{2,7}\b(?!\.)", "NUMBER"),
    (r"[ \t]+", " "),
]


def comparable(answer):
    for pattern, name in PASSING:
        answer = re.sub(pattern, name, answer)
    return [line.strip() for line in answer.strip().splitlines()]


def run(command):
    """What it printed, with its exit status where that is not 0."""
    done = subprocess.run(
        ["bash", "-c", command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        timeout=COMMAND_LIMIT_SECONDS, cwd="/root", text=True, errors="replace")
    answer = "".join(line.rstrip() + "\n" for line in done.stdout.splitlines())
    return answer + (f"[exit {done.returncode}]\n" if done.returncode else "")


def failure(command, wanted, found):
    if not wanted:
        exit_status = re.search(r"^\[exit .*\]$", found, re.MULTILINE)
        return f"{exit_status.group()}\n{found}" if exit_status else None
    if comparable(wanted) == comparable(found):
        return None
    return "".join(difflib.unified_diff(wanted.splitlines(True), found.splitlines(True), "document", "answer"))


class Walk:
    def __init__(self, results):
        self.results = results
        self.failed = 0

    def command(self, number, command, wanted):
        """Returns the answer that belongs in the document."""
        print(f"{number}: {command}", flush=True)
        try:
            found = run(command)
            problem = failure(command, wanted, found)
        except subprocess.TimeoutExpired:
            found, problem = wanted, f"not done within {COMMAND_LIMIT_SECONDS} s"
        if problem:
            self.failed += 1
            print(f"  FAILED: {problem}", flush=True)
        result = {"line": number, "command": command, "failure": problem}
        print(json.dumps(result), file=self.results, flush=True)
        return found if wanted and problem else wanted

    def document(self, lines):
        written = []
        number = 0
        is_console = False
        while number < len(lines):
            line = lines[number]
            number += 1
            written.append(line)
            if line.startswith("```"):
                is_console = line == "```console" and not is_console
            elif is_console and line.startswith("$ "):
                first = number
                while not (lines[number].startswith("$ ") or lines[number] == "```"):
                    number += 1
                answer = self.command(first, line[2:], "".join(f"{line}\n" for line in lines[first:number]))
                written += answer.splitlines()
            elif hidden := re.fullmatch(r"<!-- run: (.*) -->", line):
                self.command(number, hidden.group(1), "")
        return written


def main():
    with open("/opt/document") as file:
        lines = file.read().splitlines()
    with open("/out/results", "w") as results:
        walk = Walk(results)
        written = walk.document(lines)
    with open("/out/document", "w") as file:
        file.write("\n".join(written) + "\n")
    sys.exit(1 if walk.failed else 0)


main()
