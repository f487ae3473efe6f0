"""From rounds to figures: medians, quartiles, ratios."""

import dataclasses
import statistics


@dataclasses.dataclass(frozen=True)
class Spread:
    """The median and both quartiles of the rounds, in the unit of what was given."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values):
        """None where nothing was measured."""
        if not values:
            return None
        if len(values) == 1:
            return cls(values[0], values[0], values[0])
        low, median, high = statistics.quantiles(values, n=4, method="inclusive")
        return cls(median, low, high)


@dataclasses.dataclass(frozen=True)
class Row:
    """What a table says of one case. Times in microseconds, `total` and `load` in milliseconds; None: not measured."""

    case: dict
    ours: Spread
    otp: Spread | None
    client: Spread | None
    client_quiet: Spread | None
    otp_quiet: Spread | None
    total: Spread
    otp_total: Spread | None
    load_first: float
    load_last: float
    descriptors: int

    @property
    def ratio(self):
        """How many times as long ours is."""
        return self.ours.median / self.otp.median if self.otp else None


def rows(result):
    """One for each case that was measured, in the order of the run."""
    return [row(case) for case in result["cases"] if case.get("ours")]


def row(case):
    ours, otp = case["ours"], case["otp"]

    def spread(rounds, key):
        return Spread.of([each[key] for each in rounds if each[key] is not None])

    return Row(
        case=case,
        ours=spread(ours, "pause_us"),
        otp=spread(otp, "pause_us"),
        client=spread(ours, "client_us"),
        client_quiet=spread(ours, "client_quiet_us"),
        otp_quiet=spread(otp, "client_quiet_us"),
        total=spread(ours, "total_ms"),
        otp_total=spread(otp, "total_ms"),
        load_first=ours[0]["instructions_ms"]["load_object_code"],
        load_last=ours[-1]["instructions_ms"]["load_object_code"],
        descriptors=ours[-1]["descriptors"],
    )


def descriptors_per_worker(rows):
    """What each further worker costs the daemon: between the fewest and the most workers. None of one number alone."""
    found = sorted((row.case["workers"], row.descriptors) for row in rows if row.case["kind"] == "workers")
    if len(found) < 2:
        return None
    (fewest, few), (most, many) = found[0], found[-1]
    return (many - few) / (most - fewest)
