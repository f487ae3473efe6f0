"""A result as a run leaves it, with round figures."""


def ours(to, pause, load, client=None):
    return {
        "to": to, "pause_us": pause, "client_us": client, "client_quiet_us": client and 50.0, "total_ms": 30.0,
        "instructions_ms": {"load_object_code": load, "suspend": 0.5}, "descriptors": 21,
    }


def otp(to, pause):
    return {"to": to, "pause_us": pause, "client_quiet_us": 40.0, "total_ms": 20.0}


def case(kind, name, workers=1, keys=0, **measured):
    return {
        "kind": kind, "name": name, "workers": workers, "keys": keys, "value_bytes": 1024 if keys else 0,
        "bytes": keys * 1024, **measured,
    }


def result(cases=None):
    few = [ours("2.0.0", 1000, 8.0), ours("1.0.0", 3000, 9.0)]
    many = [{**each, "pause_us": 50_000, "descriptors": 516} for each in few]
    return {
        "machine": {
            "date": "2026-02-03T04:05:06+00:00", "cores": 2, "processor": "Sample", "memory_mib": 8192,
            "kernel": "Linux 6.1", "system": "Debian GNU/Linux 12", "load_before": 0.1, "load_after": 1.25,
        },
        "versions": {"release-handlerd": "0.1.0", "commit": "abc", "otp": {"otp": "25", "erts": "13.1.5"}},
        "rounds": 2,
        "cases": cases if cases is not None else [
            case("workers", "1 worker", ours=few, otp=[otp("2.0.0", 500), otp("1.0.0", 1500)]),
            case("workers", "100 workers", workers=100, ours=many, otp=[otp("2.0.0", 5000), otp("1.0.0", 5000)]),
            case("bytes", "1 MiB in one worker", keys=1024, ours=[ours("2.0.0", 4000, 8.0, 4100)], otp=[]),
            case("bytes", "1 GiB in one worker", keys=1 << 20, skipped="it needs 6 GiB of memory, 100 MiB are available"),
            case("workers", "2,000 workers", workers=2000, failed="no more descriptors\nthe whole log"),
        ],
    }
