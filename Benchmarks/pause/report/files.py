"""Where the results go: result.json, table.md and pause.svg, and between the markers of the documents."""

import json

from measure.errors import BenchmarkError, expect

from . import chart, table
from .figures import rows

BEGIN = "<!-- pause: written by Benchmarks/pause/run --docs -->"
END = "<!-- pause: end -->"


def read(path):
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise BenchmarkError(f"--from {path}: {error}") from None


def write(result, directory):
    """Returns the paths."""
    directory.mkdir(parents=True, exist_ok=True)
    contents = {
        "result.json": json.dumps(result, indent=1, ensure_ascii=False) + "\n",
        "table.md": "\n\n".join(table.parts(result, table.markdown)) + "\n",
        "pause.svg": chart.svg(result),
    }
    for name, content in contents.items():
        (directory / name).write_text(content)
    return [directory / name for name in contents]


def publish(result, project):
    """Table and picture into the documents. Returns the paths."""
    expect(rows(result), "--docs: nothing was measured, so the documents stay as they are")
    picture = project / "docs/pause.svg"
    picture.write_text(chart.svg(result))
    performance, readme = project / "docs/performance.md", project / "README.md"
    replace(performance, "\n\n".join(table.parts(result, table.markdown)))
    replace(readme, table.markdown(*table.short(result)))
    return [picture, performance, readme]


def replace(path, content):
    path.write_text(between(path.read_text(), content, path.name))


def between(text, content, name):
    """`text` with `content` in place of what stood between its markers. Raises where they are not there once each."""
    expect(
        text.count(BEGIN) == 1 and text.count(END) == 1 and text.index(BEGIN) < text.index(END),
        f"{name}: the lines {BEGIN} and {END} must stand there once each, in this order",
    )
    before, after = text.split(BEGIN)[0], text.split(END)[1]
    return f"{before}{BEGIN}\n\n{content.strip()}\n\n{END}{after}"


def terminal(result):
    return "\n" + "\n\n".join(table.parts(result, table.plain)) + "\n"


def failures(result):
    return [case["name"] for case in result["cases"] if "failed" in case]
