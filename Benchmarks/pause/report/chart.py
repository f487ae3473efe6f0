"""The picture: the pause against the number of workers and against the size of a state, both axes logarithmic."""

import html

from . import scale
from .figures import rows

WIDTH, HEIGHT = 1000, 430
TOP, BOTTOM = 84, 58
# Left and right end of each chart's axes; behind the right end stand the names of the series.
CHARTS = {"workers": (72, 350), "bytes": (564, 842)}
TITLES = {"workers": "workers with a small state", "bytes": "one worker with a large state"}
AXES = {"workers": "workers", "bytes": "bytes of the state"}
LABEL_HEIGHT = 36

STYLE = """
  .ground { fill: #ffffff } .frame { stroke: #57606a } .grid { stroke: #d8dee4 } .minor { stroke: #57606a }
  text { fill: #1f2328; font: 13px system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif }
  .title { font-size: 17px; font-weight: 600 } .head { font-size: 14px; font-weight: 600 }
  .soft { fill: #57606a; font-size: 12px }
  .series { fill: none; stroke-width: 2.5; stroke-linejoin: round } .whisker { stroke-width: 1.5 }
  .name { font-weight: 600 }
  .ours { stroke: #0969da } .ours-fill { fill: #0969da } .otp { stroke: #b35900 } .otp-fill { fill: #b35900 }
  @media (prefers-color-scheme: dark) {
    .ground { fill: #0d1117 } .frame { stroke: #8d96a0 } .grid { stroke: #262c36 } .minor { stroke: #8d96a0 }
    text { fill: #e6edf3 } .soft { fill: #9aa4af }
    .ours { stroke: #58a6ff } .ours-fill { fill: #58a6ff } .otp { stroke: #f0883e } .otp-fill { fill: #f0883e }
  }
"""


def svg(result):
    """The picture as text. A chart without a case says so."""
    found = rows(result)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" viewBox="0 0 {WIDTH} {HEIGHT}"',
        f'  width="{WIDTH}" height="{HEIGHT}">',
        "<title>The pause of an upgrade</title>",
        f"<style>{STYLE}</style>",
        f'<rect class="ground" width="{WIDTH}" height="{HEIGHT}" rx="8"/>',
        text(24, 34, "The pause of an upgrade", "title"),
        text(24, 54, subtitle(result), "soft"),
    ]
    times = [value for row in found for value in ends(row)]
    if times:
        # One scale for both charts, so that they can be compared.
        low, high = scale.decades(min(times), max(times))
        vertical = scale.LogScale(low, high, HEIGHT - BOTTOM, TOP + 24)
        for kind in CHARTS:
            parts += chart(kind, [row for row in found if row.case["kind"] == kind], vertical, otp_label(result))
    return "\n".join([*parts, "</svg>"]) + "\n"


def subtitle(result):
    machine = result["machine"]
    return (
        f"medians and quartiles of {result['rounds']} changes, alternating, on {machine['cores']} cores. "
        "OTP: longest wait of a client; release-handlerd: suspend to resume, an upper bound of it"
    )


def otp_label(result):
    about = result["versions"]["otp"]
    return f"OTP {about['otp']}" if about else "OTP"


def ends(row):
    """All times that are drawn of a row."""
    return [value for spread in (row.ours, row.otp) if spread for value in (spread.median, spread.low, spread.high)]


def chart(kind, found, vertical, otp):
    left, right = CHARTS[kind]
    parts = [text(left, TOP, TITLES[kind], "head")]
    if not found:
        return [*parts, text(left, TOP + 40, "not measured", "soft")]
    values = [row.case[kind] for row in found]
    horizontal = scale.LogScale(*horizontal_ends(kind, values), left, right)
    parts += axes(kind, horizontal, vertical)
    series = []
    for style, name, spread_of in (("otp", otp, lambda row: row.otp), ("ours", "release-handlerd", lambda row: row.ours)):
        points = [(horizontal(row.case[kind]), spread_of(row)) for row in found if spread_of(row)]
        if points:
            parts += draw_series(style, points, vertical)
            series.append((style, name, points[-1]))
    return parts + labels(series, right, vertical)


def horizontal_ends(kind, values):
    """The axis ends where the values end, and is one decade long at the least."""
    low, high = min(values), max(values)
    return (low, high) if high >= 10 * low else (low, 10 * low)


def axes(kind, horizontal, vertical):
    left, right, bottom, top = horizontal.start, horizontal.end, vertical.start, vertical.end
    parts = []
    for time in scale.decade_ticks(vertical.low, vertical.high):
        y = vertical(time)
        parts += [line(left, y, right, y, "grid"), text(left - 10, y + 4, scale.tick_text(time), "soft", "end")]
    if kind == "workers":
        ticks, write = scale.decade_ticks(horizontal.low, horizontal.high), lambda value: f"{value:,.0f}"
        parts += [line(horizontal(v), bottom, horizontal(v), bottom + 3, "minor")
                  for v in scale.minor_ticks(horizontal.low, horizontal.high)]
    else:
        ticks, write = scale.size_ticks(horizontal.low, horizontal.high), scale.size_tick_text
    for value in ticks:
        x = horizontal(value)
        parts += [line(x, bottom, x, bottom + 6, "frame"), text(x, bottom + 21, write(value), "soft", "middle")]
    parts += [line(left, bottom, right, bottom, "frame"), line(left, top, left, bottom, "frame")]
    parts.append(text((left + right) / 2, bottom + 42, AXES[kind], "soft", "middle"))
    return parts


def draw_series(style, points, vertical):
    """The line through the medians, and at each a whisker between the quartiles."""
    path = " L".join(f"{x:.1f} {vertical(spread.median):.1f}" for x, spread in points)
    parts = [f'<path class="series {style}" d="M{path}"/>']
    for x, spread in points:
        parts.append(line(x, vertical(spread.low), x, vertical(spread.high), f"whisker {style}"))
        parts.append(f'<circle class="{style}-fill" cx="{x:.1f}" cy="{vertical(spread.median):.1f}" r="4"/>')
    return parts


def labels(series, right, vertical):
    """Name and last median behind the end of each series; moved apart where they would lie on each other."""
    places = apart([vertical(spread.median) for _, _, (_, spread) in series])
    parts = []
    for (style, name, (_, spread)), y in zip(series, places):
        parts.append(text(right + 14, y, name, f"name {style}-fill"))
        parts.append(text(right + 14, y + 15, scale.time_text(spread.median), "soft"))
    return parts


def apart(places):
    """The same two places, LABEL_HEIGHT apart at the least, their order kept."""
    if len(places) != 2:
        return places
    first, second = places
    lacking = LABEL_HEIGHT - abs(first - second)
    if lacking <= 0:
        return places
    shift = lacking / 2 if first < second else -lacking / 2
    return [first - shift, second + shift]


def line(x1, y1, x2, y2, style):
    return f'<line class="{style}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'


def text(x, y, content, style, anchor="start"):
    return f'<text class="{style}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{html.escape(content)}</text>'
