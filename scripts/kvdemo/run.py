"""One run: a state of so many keys, through three changes under load."""

import time

from . import load, root
from .errors import expect
from .node import Node

FIRST, SECOND = "1.0.0", "2.0.0"


def run(binaries, project, directory, keys, quiet_seconds):
    print(f"\n== {keys:,} keys ==", flush=True)
    directory.mkdir(parents=True)
    with Node(binaries, root.lay_out(binaries, project, directory / "root"), directory) as node:
        port = node.port()
        load.fill(binaries, port, keys)
        say(f"release {FIRST} runs, worker pid {node.worker()['pid']}, {keys:,} keys")
        checker = load.Checker(binaries, port)
        benchmark = load.Benchmark(port)
        try:
            steps, cli, missing = change_three_times(binaries, project, directory, node, checker, keys, quiet_seconds)
            result = {"keys": keys, "steps": steps, "missing_keys": missing, "wrong_answers": cli.wrong}
            result["benchmark"] = benchmark.stop()
            result["checker"] = checker.stop()
        finally:
            benchmark.ending.set()
            checker.abandon()
        node.releasectl("make-permanent", SECOND)
        statuses = node.statuses()
        expect(statuses.get(SECOND) == "permanent", f"make-permanent {SECOND} left {statuses}")
        boots = (node.root / "releases/start_erl.data").read_text().split()[-1]
        expect(boots == SECOND, f"start_erl.data boots {boots}, not {SECOND}")
        say(f"release {SECOND} is permanent")
        node.stop()
        say("SIGTERM: the daemon has stopped its tree and ended with 0")
    return result


def change_three_times(binaries, project, directory, node, checker, keys, quiet_seconds):
    port = node.port()
    cli = load.RedisCLI(port)
    steps = []
    missing = 0

    def quiet(name):
        checker.phase(name)
        time.sleep(quiet_seconds)
        steps.append({"phase": name, **place(node)})

    def change(name, version):
        nonlocal missing
        checker.phase(name)
        result = node.install(version)
        # Long enough for the answers that the change held up.
        time.sleep(0.2)
        steps.append({"phase": name, **place(node), "install": result})
        checker.phase(f"after {name}")
        missing += load.verify(binaries, port, keys)
        say(f"{name}: generation {steps[-1]['generation']}, pid {steps[-1]['pid']}")

    quiet("quiet")
    cli.expect("GET fill:1", "value-1")
    cli.expect("TTL fill:1", "ERR unknown command 'TTL', with args beginning with: 'fill:1'")
    cli.expect("LOLWUT 12", "._-^._-^._-^\nkv_lolwut ver. 1.0.0")
    cli.expect("TRANSFORM fill:1 upper", "VALUE-1")
    cli.expect("TRANSFORM fill:1 rot13", "ERR kv_transform: ...")
    checker.phase("unpack")
    node.releasectl("unpack-release", str(root.package(binaries, project, directory)))
    steps.append({"phase": "unpack", **place(node)})

    change("upgrade", SECOND)
    cli.expect("GET fill:1", "value-1")
    cli.expect("TTL fill:1", "-1")
    cli.expect("LOLWUT 12", "/\\/\\/\\/\\/\\/\\\nkv_lolwut ver. 2.0.0")
    cli.expect("TRANSFORM fill:1 rot13", "inyhr-1")
    cli.expect("SET session open EX 1000", "OK")
    cli.expect("EXPIRE fill:0 1000", "1")
    quiet("quiet on 2.0.0")

    change("downgrade", FIRST)
    cli.expect("GET session", "open")
    cli.expect("TTL session", "ERR unknown command...")
    cli.expect("LOLWUT 12", "._-^._-^._-^\nkv_lolwut ver. 1.0.0")
    cli.expect("TRANSFORM fill:1 rot13", "ERR kv_transform: ...")
    quiet("quiet on 1.0.0")

    change("upgrade again", SECOND)
    cli.expect("GET session", "open")
    cli.expect("TTL session", "-1")
    quiet("quiet at the end")
    return steps, cli, missing


def place(node):
    worker = node.worker()
    return {name: worker.get(name) for name in ("generation", "pid", "vsn", "restarts")}


def say(text):
    print(f"  {text}", flush=True)
