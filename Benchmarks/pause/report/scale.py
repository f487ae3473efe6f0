"""Logarithmic axes: where they end, where their ticks are, and how a time or a size is written."""

import math

TIME_UNITS = ((1e6, "s"), (1e3, "ms"), (1, "µs"))
SIZE_UNITS = ((1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB"), (1, "B"))


class LogScale:
    """Maps values from `low` to `high`, both above 0, to pixels from `start` to `end`."""

    def __init__(self, low, high, start, end):
        self.low, self.high, self.start, self.end = low, high, start, end

    def __call__(self, value):
        share = math.log(value / self.low) / math.log(self.high / self.low)
        return self.start + share * (self.end - self.start)

    def holds(self, value):
        return self.low <= value <= self.high


def decades(low, high):
    """The powers of ten around both, as the ends of an axis: never the same twice."""
    first = math.floor(math.log10(low) + 1e-9)
    last = math.ceil(math.log10(high) - 1e-9)
    return 10.0**first, 10.0 ** max(last, first + 1)


def decade_ticks(low, high):
    """The powers of ten from `low` to `high`."""
    return [10.0**power for power in range(math.ceil(math.log10(low) - 1e-9), math.floor(math.log10(high) + 1e-9) + 1)]


def minor_ticks(low, high):
    """2 to 9 of each decade, from `low` to `high`."""
    first = 10.0 ** math.floor(math.log10(low) + 1e-9)
    found = []
    while first <= high:
        found += [digit * first for digit in range(2, 10) if low <= digit * first <= high]
        first *= 10
    return found


def size_ticks(low, high):
    """1, 10 and 100 of each unit from `low` to `high`: nearly even on a logarithmic axis, and round in binary units."""
    return sorted(
        digit * unit for unit, _ in SIZE_UNITS for digit in (1, 10, 100) if low <= digit * unit <= high
    )


def time_text(microseconds):
    """Three digits that count: "812 µs", "1.45 ms", "2.30 s"."""
    for unit, name in TIME_UNITS:
        value = microseconds / unit
        if value >= 0.9995 or unit == 1:
            return f"{digits(value)} {name}"
    raise ValueError(microseconds)


def digits(value):
    if value >= 99.95:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 9.995 else f"{value:.2f}"


def tick_text(microseconds):
    """"100 µs", "10 ms"."""
    for unit, name in TIME_UNITS:
        if microseconds >= unit * (1 - 1e-9) or unit == 1:
            return f"{microseconds / unit:g} {name}"
    raise ValueError(microseconds)


def size_tick_text(count):
    """"1 MiB", and behind it "10" and "100": a unit is named once."""
    for unit, name in SIZE_UNITS:
        if count >= unit:
            return f"1 {name}" if count == unit else f"{count / unit:g}"
    raise ValueError(count)
