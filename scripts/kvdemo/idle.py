"""What the daemon and its worker need when nobody asks anything of them, and how fast a change is then."""

import statistics

from . import load, root
from .node import Node, private_kib

CHANGES = 20
KEYS = 100


def measure(binaries, project, directory):
    print(f"\n== idle: memory, and {CHANGES} changes without load ==", flush=True)
    directory.mkdir(parents=True)
    with Node(binaries, root.lay_out(binaries, project, directory / "root"), directory) as node:
        memory = {"daemon_kib": private_kib(node.pid), "worker_kib": private_kib(node.worker()["pid"])}
        print(f"  RssAnon: daemon {memory['daemon_kib']} KiB, worker {memory['worker_kib']} KiB", flush=True)
        load.fill(binaries, node.port(), KEYS)
        node.releasectl("unpack-release", str(root.package(binaries, project, directory)))
        results = [node.install("2.0.0" if number % 2 == 0 else "1.0.0") for number in range(CHANGES)]
        times = [result["suspend_to_resume_us"] for result in results]
        after = {"daemon_kib": private_kib(node.pid), "worker_kib": private_kib(node.worker()["pid"])}
        missing = load.verify(binaries, node.port(), KEYS)
        node.stop()
    result = {
        "memory": memory,
        "memory_after_changes": after,
        "keys": KEYS,
        "changes": CHANGES,
        "suspend_to_resume_us": times,
        "suspend_to_resume_us_median": round(statistics.median(times)),
        "suspend_to_resume_us_best": min(times),
        "missing_keys": missing,
    }
    print(
        f"  suspend to resume: median {result['suspend_to_resume_us_median']} us, "
        f"best {result['suspend_to_resume_us_best']} us", flush=True)
    return result
