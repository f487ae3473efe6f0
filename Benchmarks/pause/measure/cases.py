"""What is measured: a number of workers with a small state, or one worker with a large one."""

import dataclasses
import re

from .errors import expect

VALUE_BYTES = 1024
UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}


@dataclasses.dataclass(frozen=True)
class Case:
    """`kind` is "workers" (counters, whose state is a number) or "bytes" (one store of `keys` values)."""

    kind: str
    workers: int
    keys: int = 0
    value_bytes: int = 0

    @property
    def bytes(self):
        return self.keys * self.value_bytes

    @property
    def name(self):
        if self.kind == "workers":
            return f"{self.workers:,} worker{'s' if self.workers > 1 else ''}"
        return f"{size_text(self.bytes)} in one worker"


def workers_cases(text):
    """Of "1,10,100"."""
    counts = [number(word, "--workers", 1, 10_000) for word in text.split(",") if word]
    return [Case("workers", workers=count) for count in sorted(set(counts))]


def bytes_cases(text):
    """Of "1K,10M": sizes of a state in bytes, with K, M and G for powers of 1,024; whole values of 1 KiB."""
    sizes = {size(word) for word in text.split(",") if word}
    return [Case("bytes", workers=1, keys=each // VALUE_BYTES, value_bytes=VALUE_BYTES) for each in sorted(sizes)]


def size(word):
    found = re.fullmatch(r"(\d+)([KMG]?)", word)
    expect(found, f"--bytes: {word!r} is no size; write 1K, 10M or 1G")
    result = int(found[1]) * UNITS[found[2]]
    expect(
        VALUE_BYTES <= result <= 64 << 30 and result % VALUE_BYTES == 0,
        f"--bytes: {word} is no multiple of 1K from 1K to 64G; values have 1 KiB",
    )
    return result


def number(word, option, least, most):
    expect(
        word.isdecimal() and least <= int(word) <= most,
        f"{option}: {word!r} is no number from {least} to {most:,}",
    )
    return int(word)


def size_text(count):
    """1536 is "1.5 KiB"."""
    for unit, name in ((1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")):
        if count >= unit:
            return f"{count / unit:g} {name}"
    return f"{count} B"
