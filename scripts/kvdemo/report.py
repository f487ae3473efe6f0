"""The tables, the file, and what in them would be a failure."""

import json

COUNTED = ("errors", "dropped", "lost", "stale")


def phases(run):
    """What was seen by phase, with the worker that answered in it and the change that was made."""
    steps = {step["phase"]: step for step in run["steps"]}
    return [(seen, steps[seen["name"]]) for seen in run["checker"]["phases"] if seen["name"] in steps]


def problems(result):
    found = []
    if result["idle"]["missing_keys"]:
        found.append(f"idle: {result['idle']['missing_keys']} keys are missing or wrong")
    for run in result["runs"]:
        name = f"{run['keys']:,} keys"
        for seen in run["checker"]["phases"]:
            for what in COUNTED:
                if seen[what]:
                    found.append(f"{name}, {seen['name']}: {what}: {seen[what]}")
        found += [f"{name}, {note}" for note in run["checker"]["notes"]]
        found += [f"{name}, {wrong}" for wrong in run["wrong_answers"]]
        found += [f"{name}, redis-benchmark {failure}" for failure in run["benchmark"]["failures"]]
        if run["missing_keys"]:
            found.append(f"{name}: {run['missing_keys']} of the filled keys are missing or wrong")
        restarts = run["steps"][-1]["restarts"]
        if restarts:
            found.append(f"{name}: the worker was restarted {restarts} times")
    return found


def write(result, path):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(result, indent=2) + "\n")
    return path


def show(result):
    for run in result["runs"]:
        show_run(run)
    idle = result["idle"]
    print(
        f"\nIdle: RssAnon daemon {idle['memory']['daemon_kib'] / 1024:.1f} MiB, "
        f"worker {idle['memory']['worker_kib'] / 1024:.1f} MiB\n"
        f"Idle, {idle['keys']} keys, suspend to resume of {idle['changes']} changes: "
        f"median {idle['suspend_to_resume_us_median'] / 1000:.2f} ms, "
        f"best {idle['suspend_to_resume_us_best'] / 1000:.2f} ms"
    )


def show_run(run):
    benchmark = run["benchmark"]
    print(
        f"\n{run['keys']:,} keys; redis-benchmark: {benchmark['connections']} connections, "
        f"{benchmark['requests']:,} requests, {benchmark['requests_per_second']:,} a second, "
        f"{len(benchmark['failures'])} failed; checking client: {run['checker']['connections']} connections"
    )
    header = ("phase", "gen", "pid", "vsn", "requests", "errors", "dropped", "lost", "stale",
              "p50 ms", "p99 ms", "longest ms", "suspended ms")
    rows = [header]
    for seen, step in phases(run):
        suspended = step.get("install", {}).get("suspend_to_resume_us")
        rows.append((
            seen["name"], step["generation"], step["pid"], (step["vsn"] or "").strip('"'),
            f"{seen['requests']:,}", *(seen[what] for what in COUNTED),
            milliseconds(seen["p50Microseconds"]), milliseconds(seen["p99Microseconds"]),
            milliseconds(seen["longestMicroseconds"]), "" if suspended is None else milliseconds(suspended),
        ))
    widths = [max(len(str(row[column])) for row in rows) for column in range(len(header))]
    for row in rows:
        cells = [str(cell).ljust(width) if column == 0 else str(cell).rjust(width)
                 for column, (cell, width) in enumerate(zip(row, widths))]
        print("  " + "  ".join(cells).rstrip())
    filled = "all there" if run["missing_keys"] == 0 else f"{run['missing_keys']} missing or wrong"
    print(f"  the {run['keys']:,} keys read back after each change: {filled}")


def milliseconds(microseconds):
    return f"{microseconds / 1000:.2f}"
