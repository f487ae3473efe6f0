"""The machine that is measured on: what it is, what it allows, how much memory it has left."""

import datetime
import os
import pathlib
import platform
import resource

# The daemon has 4 for each worker, and 2 more for its standby through a change.
DESCRIPTORS_PER_WORKER = 6


def facts():
    return {
        "date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        "cores": len(os.sched_getaffinity(0)),
        "processor": processor(),
        "memory_mib": meminfo("MemTotal") // 1024,
        "kernel": f"{platform.system()} {platform.release()}",
        "system": platform.freedesktop_os_release().get("PRETTY_NAME", "unknown"),
        "python": platform.python_version(),
        "descriptor_limit": descriptor_limit(),
    }


def load():
    """How many processes wanted to run in the last minute, on average."""
    return round(os.getloadavg()[0], 2)


def processor():
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.machine()


def meminfo(field):
    """A field of proc_meminfo(5), KiB."""
    for line in pathlib.Path("/proc/meminfo").read_text().splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1])
    return 0


def available_bytes():
    return meminfo("MemAvailable") * 1024


def raise_descriptor_limit(workers):
    """To the hard limit, for this process and what it starts; and above it for so many workers, where that is allowed."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = max(hard, DESCRIPTORS_PER_WORKER * workers + 1000)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, wanted))
    except (ValueError, PermissionError):
        # Only root may raise a hard limit. The daemon says so where it is not enough.
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def descriptor_limit():
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def descriptors(pid):
    """How many a process has open."""
    return len(os.listdir(f"/proc/{pid}/fd"))


def children(pid):
    """Pids of the processes whose parent is `pid`, those that have ended and were not waited for included."""
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdecimal():
            try:
                stat = pathlib.Path("/proc", entry, "stat").read_bytes()
            except OSError:
                continue
            # proc_pid_stat(5): the name, in parentheses, may have blanks and parentheses of its own.
            if int(stat[stat.rindex(b")") + 2 :].split()[1]) == pid:
                found.append(int(entry))
    return found
