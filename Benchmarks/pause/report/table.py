"""The tables: what was measured in full for the terminal and docs/performance.md, and the short one of the README."""

from .figures import descriptors_per_worker, rows
from .scale import time_text

NONE = "–"


def text(spread):
    return time_text(spread.median) if spread else NONE


def with_quartiles(spread):
    return f"{time_text(spread.median)} ({time_text(spread.low)} to {time_text(spread.high)})" if spread else NONE


def milliseconds(spread):
    return time_text(spread.median * 1000) if spread else NONE


def ratio(row):
    return f"{row.ratio:.2f}" if row.ratio else NONE


def of_case(case):
    if case["kind"] == "workers":
        return f"{case['workers']:,}"
    return f"{case['name'].split(' in ')[0]} = {case['keys']:,} × 1 KiB"


def pauses(result, kind):
    """Header and rows: the pause itself."""
    otp = otp_name(result)
    header = ["workers" if kind == "workers" else "state", "release-handlerd", otp, "ratio", f"{otp} quiet"]
    if kind == "bytes":
        header += ["our client", "our client quiet"]
    body = []
    for row in of_kind(result, kind):
        line = [of_case(row.case), with_quartiles(row.ours), with_quartiles(row.otp), ratio(row), text(row.otp_quiet)]
        if kind == "bytes":
            line += [text(row.client), text(row.client_quiet)]
        body.append(line)
    return header, body


def rest(result):
    """Header and rows: what else a change costs."""
    header = ["", "total, ours", f"total, {otp_name(result)}", "load_object_code, first", "last", "descriptors"]
    body = [
        [
            row.case["name"], milliseconds(row.total), milliseconds(row.otp_total), time_text(row.load_first * 1000),
            time_text(row.load_last * 1000), f"{row.descriptors:,}",
        ]
        for row in rows(result)
    ]
    return header, body


def short(result):
    """Header and rows of the README's table: the ends of both series and what is between them, medians alone."""
    header = ["", "release-handlerd", otp_name(result)]
    body = [[row.case["name"], text(row.ours), text(row.otp)] for row in rows(result)]
    return header, body


def of_kind(result, kind):
    return [row for row in rows(result) if row.case["kind"] == kind]


def otp_name(result):
    about = result["versions"]["otp"]
    return f"OTP {about['otp']}" if about else "OTP"


def remarks(result):
    """Sentences below the tables: what was measured on, and what was not."""
    machine, versions = result["machine"], result["versions"]
    said = [
        f"{result['rounds']} changes of each in each case, alternating; medians, quartiles in parentheses. "
        f"{machine['cores']} cores ({machine['processor']}), {machine['memory_mib'] / 1024:.0f} GiB, {machine['system']}, "
        f"{machine['kernel']}; release-handlerd {versions['release-handlerd']}"
        + (f", {otp_name(result)} (erts {versions['otp']['erts']})" if versions["otp"] else "")
        + f"; {machine['date'][:10]}, load average {machine['load_before']:.1f} before the run, "
        f"{machine['load_after']:.1f} after it."
    ]
    each = descriptors_per_worker(rows(result))
    if each is not None:
        said.append(f"Each worker costs the daemon {each:.1f} descriptors.")
    for case in result["cases"]:
        for what in ("skipped", "failed"):
            if what in case:
                said.append(f"{case['name']}: {what}: {shortened(case[what])}.")
    return said


def shortened(reason, most=200):
    """The first line of it; result.json has the whole."""
    line = reason.splitlines()[0].rstrip(".:")
    return line if len(line) <= most else line[: most - 1] + "…"


def plain(header, body):
    """Columns for a terminal: the first to the left, the others to the right."""
    lines = [header, *body]
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]
    return "\n".join(
        "  ".join(cell.ljust(width) if column == 0 else cell.rjust(width)
                  for column, (cell, width) in enumerate(zip(line, widths))).rstrip()
        for line in lines
    )


def markdown(header, body):
    rules = ["---", *["---:"] * (len(header) - 1)]
    return "\n".join("| " + " | ".join(line) + " |" for line in [header, rules, *body])


def parts(result, draw):
    """All tables by `draw` (`plain` or `markdown`), and the remarks; with an empty line between each two, a document."""
    found = [draw(*pauses(result, kind)) for kind in ("workers", "bytes") if of_kind(result, kind)]
    if rows(result):
        found.append(draw(*rest(result)))
    return [*found, *remarks(result)]
