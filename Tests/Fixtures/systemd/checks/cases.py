"""The checks. Each begins with the unit stopped and the release 1.0.0 permanent; ServiceManagerRoot.swift has the rest.

The workers are c1 (with a socket, and a process of its own), c2 and c3. Release 0.9.0 is 1.0.0 whose workers wait at
the gate before they start; the script to 3.0.0 fails after its workers were resumed; 8.8.8 has a worker that refuses to
start; 4.0.0 is 2.0.0 for another version of the daemon, 5.0.0 is 2.0.0 for three nodes in step; 9.9.9 names an application that there is not.
"""

import json
import os
import pwd
import resource
import shutil
import signal
import subprocess
import threading

from machine import LIMIT_SECONDS as WAIT_LIMIT_SECONDS
from machine import (
    ERTS,
    OTHER_ERTS,
    RELEASECTL,
    ROOT,
    UNIT,
    Client,
    Control,
    Gate,
    Journal,
    Processes,
    call,
    expect,
    expect_match,
    message,
    now,
    releasectl,
    run,
    running_release,
    say,
    show,
    systemctl,
    unit_pids,
    workers,
)

VERSIONS = ["0.9.0", "1.0.0", "2.0.0", "3.0.0", "8.8.8", "9.9.9"]
PORT = 7001
# As in release-handlerd.conf.
WATCHDOG_SECONDS = 4
UNPRIVILEGED = "/opt/unprivileged.conf"
PRIVATE_WORKERS = "/opt/private-workers.conf"
C1, C2, C3 = "fix/fix_sup/c1", "fix/fix_sup/c2", "fix/fix_sup/c3"


def reset():
    systemctl("stop", UNIT)
    systemctl("reset-failed", UNIT, status=None)
    lay_out(permanent="1.0.0")


def lay_out(permanent, also=()):
    """The statuses on disk: this release permanent, the others unpacked."""
    records = [
        f'{{release, "fix", "{vsn}", "{ERTS}", [{{fix, "{vsn}", "lib/fix-{vsn}"}}], '
        f"{'permanent' if vsn == permanent else 'unpacked'}}}"
        for vsn in VERSIONS
    ]
    records.append(
        f'{{release, "fix", "4.0.0", "{OTHER_ERTS}", [{{fix, "2.0.0", "lib/fix-2.0.0"}}], '
        f"{'permanent' if permanent == '4.0.0' else 'unpacked'}}}"
    )
    records += [
        f'{{release, "fix", "{vsn}", "{ERTS}", [{{fix, "{library}", "lib/fix-{library}"}}], unpacked}}'
        for vsn, library in also
    ]
    with open(f"{ROOT}/releases/RELEASES", "w") as file:
        file.write(f"[{', '.join(records)}].\n")
    with open(f"{ROOT}/releases/start_erl.data", "w") as file:
        file.write(f"{ERTS} {permanent}\n")


def start():
    systemctl("start", UNIT)
    return int(show("MainPID"))


def install(vsn):
    result = [json.loads(line) for line in run(RELEASECTL, "install-release", vsn, "--json").stdout.splitlines()]
    expect(f"the outcome of install-release {vsn}", result[-1]["result"]["outcome"], "done")


def expect_running(release):
    expect("the unit", (show("ActiveState"), show("SubState")), ("active", "running"))
    expect("the status line's release", running_release(), release)
    expect("the workers' versions", {name: worker["vsn"] for name, worker in workers().items()}, {
        C1: release, C2: release, C3: release,
    })


def expect_only_its_own():
    """The control group has the daemon, its workers and c1's own process, and nobody else."""
    own = [int(show("MainPID")), int(call(C1, "child"))] + [worker["pid"] for worker in workers().values()]
    expect("processes of the unit that are not the node's", sorted(set(unit_pids()) - set(own)), [])


def pass_gates(gate, names=(C1, C2, C3)):
    for _ in names:
        gate.open(gate.reached())


def start_returns_once_the_release_runs(journal):
    lay_out(permanent="0.9.0")
    gate = Gate()
    try:
        starting = subprocess.Popen(["systemctl", "start", UNIT])
        for worker in (C1, C2, C3):
            file = gate.reached()
            expect(f"the unit while {worker} starts", show("ActiveState"), "activating")
            expect("systemctl start has returned", starting.poll() is not None, False)
            gate.open(file)
        expect("exit status of systemctl start", starting.wait(60), 0)
    finally:
        gate.remove()
    # No waiting from here on: the control interface answers, too.
    expect("NotifyAccess", show("NotifyAccess"), "main")
    expect_running("0.9.0")
    releases = releasectl("which-releases", "--json")["releases"]
    permanent = [release["vsn"] for release in releases if release["status"] == "permanent"]
    expect("the permanent release on /run/release-handler/control.sock", permanent, ["0.9.0"])


HIDING = """i=0
while [ $i -lt 192 ]; do setsid --fork env -i sleep 1000; i=$((i + 1)); done
echo hidden
exec sleep 999
"""


def whoever_hides_ends_with_its_worker(journal):
    since = now()
    start()
    group = releasectl("status", "--json").get("cgroup") or ""
    expect_match("the control group that is left to the daemon", group, rf"^/sys/fs/cgroup/.*{UNIT}$")
    with open("/run/hiding", "w") as file:
        file.write(HIDING)
    run(
        RELEASECTL, "start-child", "fix_sup",
        "#{id => p1, modules => [], restart => temporary, shutdown => 500, start => {os, start, [\"/bin/sh\", \"/run/hiding\"]}}",
    )
    journal.has("hidden", since)
    worker = next(worker for worker in releasectl("ps", "--json")["workers"] if worker["address"].endswith("/p1"))
    expect("tasks in its control group", worker["usage"]["tasks"], 193)
    with open(f"/proc/{worker['pid']}/cgroup") as file:
        own = next(line.strip() for line in file if line.startswith("0::"))
    with open(f"{group}/{own.rsplit('/', 1)[1]}/cgroup.procs") as file:
        members = Processes([int(line) for line in file])
    try:
        expect("processes in it", len(members.living()), 193)
        run(RELEASECTL, "terminate-child", "fix_sup", "p1")
        expect("those that live on", len(members.living()), 0)
    finally:
        members.close()
    expect_only_its_own()
    # Who hid is killed with the unit, too, and a unit that was stopped has no group left.
    systemctl("stop", UNIT)
    expect("the unit's control group after its end", os.path.exists(group), False)


def journal_has_fields(journal):
    pid = start()
    expect("the answer to log", call(C1, '{log, "written by the worker"}'), "ok")
    entry = journal.has("written by the worker")
    expect("RELEASE=", entry.get("RELEASE"), "1.0.0")
    expect("WORKER=", entry.get("WORKER"), C1)
    expect("PRIORITY= of a notice", entry.get("PRIORITY"), "5")
    expect("FIXTURE=, which the worker gave", entry.get("FIXTURE"), "true")
    expect("_SYSTEMD_UNIT=", entry.get("_SYSTEMD_UNIT"), UNIT)
    expect("_PID=", entry.get("_PID"), str(pid))
    # As a person looks for it.
    found = run("journalctl", "--unit", UNIT, f"WORKER={C2}", "RELEASE=1.0.0", "--output=cat").stdout
    expect_match("journalctl WORKER= RELEASE=", found, rf"{C2} started, pid \d+")
    status = systemctl("status", UNIT).stdout
    expect_match("systemctl status", status, r"Active: active \(running\)")
    expect_match("systemctl status", status, r'Status: "release 1\.0\.0 runs"')
    expect_match("systemctl status, the journal's end", status, r"written by the worker")


def logs_of_a_worker(journal):
    """releasectl logs, from the real journal: of one worker, and of no other."""
    start()
    call(C1, '{log, "one of c1"}')
    call(C2, '{log, "one of c2"}')
    journal.has("one of c1")
    journal.has("one of c2")
    found = run(RELEASECTL, "logs", "c1").stdout
    expect_match("logs c1", found, r"one of c1")
    expect_match("logs c1", found, rf"{C1} started, pid \d+")
    expect("what it has of c2", [line for line in found.splitlines() if "one of c2" in line or C2 in line], [])
    expect_match("logs fix_sup/c2", run(RELEASECTL, "logs", "fix_sup/c2").stdout, r"one of c2\n")
    expect("lines of logs c2 -n 1", run(RELEASECTL, "logs", "c2", "-n", "1").stdout.count("\n"), 1)
    entry = json.loads(run(RELEASECTL, "logs", "c2", "-n", "1", "--json").stdout)
    expect("WORKER= of logs --json", entry["WORKER"], C2)
    # What another process writes of the worker has another user, or another unit.
    run("/bin/sh", "-c", f"printf 'MESSAGE=forged\\nWORKER={C1}\\n' | logger --journald")
    journal.has("forged")
    expect("what is forged", "forged" in run(RELEASECTL, "logs", "c1").stdout, False)
    following = subprocess.Popen(
        [RELEASECTL, "logs", "c1", "--follow", "-n", "5"], stdout=subprocess.PIPE, text=True
    )
    try:
        expect("the beginning of logs --follow", following.stdout.readline() != "", True)
        call(C1, '{log, "heard while it follows"}')
        expect_match("logs --follow", next(line for line in following.stdout if "heard" in line), r"heard while it follows$")
    finally:
        following.kill()
        following.wait()
    # One that does not run has a log, too; and so has a daemon that is down.
    run(RELEASECTL, "terminate-child", "fix_sup", "c1")
    expect_match("logs of one that does not run", run(RELEASECTL, "logs", "c1").stdout, r"one of c1")
    systemctl("stop", UNIT)
    down = run(RELEASECTL, "logs", C1)
    expect_match("logs without a daemon", down.stdout, r"one of c1")
    expect_match("what it says then", down.stderr, r"no daemon answers at /run/release-handler/control\.sock")


def workers_get_nothing_of_the_daemons(journal):
    start()
    for name, worker in workers().items():
        with open(f"/proc/{worker['pid']}/environ") as file:
            names = {entry.split("=")[0] for entry in file.read().split("\0") if entry}
        private = {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "JOURNAL_STREAM", "INVOCATION_ID"}
        expect(f"variables of {name} that are the daemon's", sorted(names & private), [])


def upgrade_keeps_a_connection(journal):
    start()
    socket_path = "/run/release-handler/control.sock"
    expect("the mode of the control socket's directory", oct(os.stat(os.path.dirname(socket_path)).st_mode), "0o40755")
    client = Client(PORT)
    expect("mark", client.ask("mark kept"), "ok")
    expect("vsn", client.ask("vsn"), "1.0.0")
    expect("add", client.ask("add 5"), "5")
    client.send("mark")  # Half a line: it must be there afterwards.
    daemon, started = show("MainPID"), show("InvocationID")
    install("2.0.0")
    client.send("ed\n")
    expect("the mark over the same connection", client.line(), "kept")
    expect("vsn over the same connection", client.ask("vsn"), "2.0.0")
    expect("the state", client.ask("get"), "5")
    expect("the daemon", (show("MainPID"), show("InvocationID")), (daemon, started))
    expect_running("2.0.0")
    stranger = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", RELEASECTL]
    expect("another user may look", run(*stranger, "ps", status=None).returncode, 0)
    refused = run(*stranger, "make-permanent", "2.0.0", status=None)
    expect_match("another user may not change things", refused.stderr, "user 65534 may not change things")
    client.close()


def unit_is_hardened(journal):
    """What systemd-analyze says of the files alone, whoever looks: as tenths."""
    directory = "/run/exposure"
    os.makedirs(f"{directory}/{UNIT}.d")
    shutil.copy(f"/etc/systemd/system/{UNIT}", directory)
    for what, limit, drop_in in (("the unit", 30, None), ("the unit with unprivileged.conf", 15, UNPRIVILEGED)):
        if drop_in:
            shutil.copy(drop_in, f"{directory}/{UNIT}.d")
        said = run(
            "systemd-analyze", "security", "--offline=true", "--no-pager", f"--threshold={limit}", f"{directory}/{UNIT}",
            status=None,
        )
        expect_match(f"the exposure of {what}", said.stdout.splitlines()[-1], r"exposure level for .*: \d\.\d")
        expect(f"{what} is above {limit / 10}", said.returncode != 0, False)


def probed(journal, name, spec):
    """What a program finds that runs as a worker (probe.py): its one line in the journal."""
    since = now()
    program = '{os, start, ["/usr/bin/python3", "/opt/checks/probe.py"]}'
    run(
        RELEASECTL, "start-child", "fix_sup",
        f"#{{id => {name}, modules => [], restart => temporary, shutdown => 2000, start => {program}{spec}}}",
    )
    entry = journal.first("what the probe found", lambda entry: message(entry).startswith('{"probe"'), since)
    return json.loads(message(entry))


def worker_of_another_user(journal):
    """Under the unit's hardening a worker has a user, sockets and limits, and reads nothing that is for root and the group."""
    for advised in ("o-rwx $0/releases", "-f o-r $0/lib/*/ebin/*.sup $0/lib/*/ebin/*.app"):
        run("/bin/sh", "-c", f"chmod {advised}", ROOT)
    # To what the unit asks for, as far as this machine may give it.
    daemon = start()
    expect("the unit's hard limit of locked memory", show("LimitMEMLOCK"), "infinity")
    (memlock, nofile) = (resource.prlimit(daemon, limit)[1] for limit in (resource.RLIMIT_MEMLOCK, resource.RLIMIT_NOFILE))
    found = probed(
        journal, "p1",
        f', user => "nobody", rlimits => #{{memlock => {"infinity" if memlock < 0 else memlock}, nofile => {nofile}}}, cwd => "/var/lib", sockets => ['
        '#{name => low, listen => "127.0.0.1:81"}, '
        '#{name => own, listen => "/run/probe.sock", mode => 8#600, user => "nobody"}]',
    )
    expect("its user, groups and capabilities", (found["users"], found["groups"], found["effective"]), ([65534] * 4, [65534], 0))
    expect("the sockets that it has", found["sockets"], "2")
    status = os.stat("/run/probe.sock")
    expect("its socket file", (status.st_uid, oct(status.st_mode & 0o777)), (65534, "0o600"))
    expect("its limits", (found["memlock"], found["nofile"]), ([memlock] * 2, [nofile] * 2))
    files = ["releases/RELEASES", "releases/start_erl.data", "releases/1.0.0/sys.config", "lib/fix-1.0.0/ebin/fix.app",
             "lib/fix-1.0.0/ebin/fix_sup.sup"]
    expect("what it reads of the root", [file for file in files if found["root"][file] != "EACCES"], [])
    expect("its code", found["root"]["lib/fix-1.0.0/ebin/counter"], "read")
    expect("processes of others that it sees", found["others"], 0)
    expect("code that it writes and runs", found["jit"], "done")
    worker = next(worker for worker in releasectl("ps", "--json")["workers"] if worker["address"].endswith("/p1"))
    members = Processes([worker["pid"]])
    run(RELEASECTL, "terminate-child", "fix_sup", "p1")
    expect("it lives on", members.living(), [])
    members.close()
    # What one of another user runs from is seen, too.
    directory = f"{ROOT}/lib/fix-3.0.0/priv"
    os.makedirs(directory, exist_ok=True)
    run(
        RELEASECTL, "start-child", "fix_sup",
        f'#{{id => p2, modules => [], restart => temporary, user => "nobody", cwd => "{directory}", '
        'start => {os, start, ["/bin/sleep", "1000"]}}',
    )
    refused = run(RELEASECTL, "remove-release", "3.0.0", status=None)
    expect_match("remove-release 3.0.0", refused.stderr, "fix/fix_sup/p2 runs from lib/fix-3.0.0")
    run(RELEASECTL, "terminate-child", "fix_sup", "p2")
    expect_only_its_own()


def worker_of_root_is_bounded(journal):
    """What the unit takes from the daemon it takes from a worker of root, and services keep their places."""
    with open("/tmp/of-the-machine", "w") as file:
        file.write("seen")
    start()
    found = probed(journal, "p1", "")
    expect("its user", found["users"], [0] * 4)
    kept = ["chown", "dac_override", "fowner", "kill", "setgid", "setuid", "setpcap", "net_bind_service", "sys_ptrace"]
    numbers = {"chown": 0, "dac_override": 1, "fowner": 3, "kill": 5, "setgid": 6, "setuid": 7, "setpcap": 8,
               "net_bind_service": 10, "sys_ptrace": 19}
    expect("its capabilities", found["bounding"], sum(1 << numbers[name] for name in kept))
    expect("it may get others", found["no_new_privileges"], 1)
    expect("where it writes", [place for place, answer in found["writes"].items() if answer == "done"], [
        "/run", "/var/lib", "/var/log", "/var/cache",
    ])
    expect("what it mounts", found["mount"], "EPERM")
    expect("the machine's /tmp", found["tmp"], [])
    expect("code that it writes and runs", found["jit"], "done")
    expect("a user namespace, and a socket for packets", (found["namespace"], found["packets"]), ("EPERM", "EAFNOSUPPORT"))
    expect("calls of a debugger", found["ptrace"], "EPERM")


def workers_are_confined(journal):
    """Capabilities and system calls by the unit as it is; a file system of its own with private-workers.conf alone."""
    start()
    found = probed(
        journal, "p1", ', user => "nobody", capabilities => [cap_net_bind_service], no_new_privs => true, seccomp => strict'
    )
    expect("its capabilities", (found["users"], found["effective"], found["bounding"]), ([65534] * 4, 1 << 10, 1 << 10))
    expect("a socket of the internet", found["inet"], "EAFNOSUPPORT")
    run(RELEASECTL, "terminate-child", "fix_sup", "p1")
    found = probed(journal, "p2", ", capabilities => [], seccomp => service")
    expect("capabilities of a worker of root", (found["users"], found["effective"], found["bounding"]), ([0] * 4, 0, 0))
    expect("a socket of the internet", found["inet"], "done")
    run(RELEASECTL, "terminate-child", "fix_sup", "p2")
    for key in ("private_tmp => true", "protect_system => full"):
        refused = run(
            RELEASECTL, "start-child", "fix_sup",
            f'#{{id => p3, modules => [], restart => temporary, {key}, start => {{os, start, ["/bin/sleep", "9"]}}}}',
            status=None,
        )
        expect_match(
            f"the answer to {key}", refused.stdout + refused.stderr,
            rf"{key.split()[0]}: /: Operation not permitted; the daemon needs CAP_SYS_ADMIN .*systemd/private-workers\.conf",
        )
    systemctl("stop", UNIT)
    with open(PRIVATE_WORKERS) as file:
        drop_in = DropIn("private-workers", file.read())
    try:
        daemon = start()
        with open(f"/proc/{daemon}/root/tmp/of-the-unit", "w") as file:
            file.write("seen")
        expect("/tmp of another", probed(journal, "p1", ', user => "nobody"')["tmp"], ["of-the-unit"])
        found = probed(
            journal, "p2",
            ', capabilities => [], private_tmp => true, protect_system => strict, read_write_paths => ["/var/log"], seccomp => service',
        )
        expect("its /tmp", found["tmp"], [])
        expect("where it writes", [place for place, answer in found["writes"].items() if answer == "done"], ["/var/log"])
        expect("what it mounts", found["mount"], "EPERM")
        for name in ("p1", "p2"):
            run(RELEASECTL, "terminate-child", "fix_sup", name)
        expect_only_its_own()
    finally:
        systemctl("stop", UNIT)
        drop_in.remove()


NGINX = """daemon off; user www-data; pid /run/of-the-check.pid; worker_processes 2;
events { worker_connections 64; }
http {
  access_log /var/log/nginx/of-the-check.log;
  server { listen 127.0.0.1:80; return 200 "served\\n"; }
}
"""


def real_programs_run(journal):
    """As Debian ships them: nginx with a master of root, logs and temporary directories of its own, redis-server as its user."""
    with open("/run/of-the-check.conf", "w") as file:
        file.write(NGINX)
    start()
    programs = [
        ("/usr/sbin/nginx", '"-c", "/run/of-the-check.conf"',
         'sockets => [#{name => web, listen => "127.0.0.1:80"}], env => [{"NGINX", "3;"}]',
         ["curl", "-s", "http://127.0.0.1/"], "served\n"),
        ("/usr/bin/redis-server", '"--port", "7100", "--dir", "/var/lib/redis", "--supervised", "systemd", "--daemonize", "no"',
         'notify => true, user => redis, cwd => "/var/lib/redis"',
         ["sh", "-c", "redis-cli -p 7100 SET key value && redis-cli -p 7100 SAVE"], "OK\nOK\n"),
    ]
    for path, words, spec, asking, answer in programs:
        if not os.path.exists(path):
            say(f"{path} is not installed")
            continue
        name = os.path.basename(path).split("-")[0]
        run(
            RELEASECTL, "start-child", "fix_sup",
            f'#{{id => {name}, modules => [], restart => temporary, start => {{os, start, ["{path}", {words}]}}, {spec}}}',
        )
        expect(f"the answer of {path}", run(*asking).stdout, answer)
        run(RELEASECTL, "terminate-child", "fix_sup", name)
    expect_only_its_own()


def unprivileged_daemon(journal):
    """unprivileged.conf: a user of its own without capabilities runs, upgrades, goes back, re-executes and restarts."""
    with open(UNPRIVILEGED) as file:
        drop_in = DropIn("unprivileged", file.read())
    user = 'u release-handler - "release-handlerd" /var/lib/release-handler'
    run("systemd-sysusers", "--inline", user)
    try:
        daemon = start()
        entry = pwd.getpwnam("release-handler")
        with open(f"/proc/{daemon}/status") as file:
            status = dict(line.rstrip("\n").split(":\t", 1) for line in file)
        expect("its users", status["Uid"].split(), [str(entry.pw_uid)] * 4)
        sets = [int(status[name], 16) for name in ("CapEff", "CapPrm", "CapInh", "CapBnd", "CapAmb")]
        expect("its capabilities", sets, [0] * 5)
        expect_match("its control group", releasectl("status", "--json").get("cgroup") or "", rf"{UNIT}$")
        client = Client(PORT)
        expect("mark", client.ask("mark kept"), "ok")
        for vsn in ("2.0.0", "1.0.0"):
            install(vsn)
            expect_running(vsn)
            expect("the mark over the same connection", client.ask("marked"), "kept")
            releasectl("reexec")
        expect("the mark over the same connection", client.ask("marked"), "kept")
        client.close()
        expect("the daemon", int(show("MainPID")), daemon)
        refused = run(
            RELEASECTL, "start-child", "fix_sup",
            '#{id => p1, modules => [], restart => temporary, user => "nobody", start => {os, start, ["/bin/sleep", "9"]}}',
            status=None,
        )
        expect_match("a worker of another user", refused.stdout + refused.stderr, "must run as root")
        install("2.0.0")
        releasectl("make-permanent", "2.0.0")
        systemctl("restart", UNIT)
        expect_running("2.0.0")
        expect_only_its_own()
    finally:
        systemctl("stop", UNIT)
        drop_in.remove()
        run("chown", "--recursive", "root:root", ROOT, "/run/release-handler")


def watchdog_restarts_into_the_permanent_release(journal):
    daemon = start()
    install("2.0.0")
    expect_running("2.0.0")
    old = Processes(unit_pids())
    since, run_before = now(), show("InvocationID")
    os.kill(daemon, signal.SIGSTOP)
    journal.has("Watchdog timeout", since)
    journal.started(since, other_than=run_before)
    expect("restarts", show("NRestarts"), "1")
    expect("processes that are left of the hung node", old.living(), [])
    expect_running("1.0.0")
    expect_only_its_own()
    old.close()


def killed_daemon_is_restarted(journal):
    start()
    install("2.0.0")
    for release in ("2.0.0", "1.0.0"):
        # An upgrade ends what the old c1 had started: only the second time it has a process of its own.
        child = call(C1, "child")
        expect("c1 has a process of its own", child != "undefined", release == "1.0.0")
        old = Processes(unit_pids())
        expect("it is in the unit", child == "undefined" or int(child) in old.files, True)
        client = Client(PORT)
        expect("vsn", client.ask("vsn"), release)
        since, run_before = now(), show("InvocationID")
        os.kill(int(show("MainPID")), signal.SIGKILL)
        journal.exited(since)
        expect("the connection is at its end", client.at_end(), True)
        journal.started(since, other_than=run_before)
        expect("processes that are left of the dead node", old.living(), [])
        expect_running("1.0.0")
        expect_only_its_own()
        client.close()
        old.close()
    expect("restarts", show("NRestarts"), "2")


def node_that_gives_up_is_restarted(journal):
    """The permanent release's permanent application ends, so the node ends; the service manager begins anew."""
    start()
    since, run_before = now(), show("InvocationID")
    run(RELEASECTL, "call", C2, "crash", status=None)
    journal.first(
        f"restart of {C2}", lambda entry: entry.get("WORKER") == C2 and "started, pid" in message(entry), since
    )
    expect("restarts that the supervisor allows and has had", workers()[C2]["restarts"], 1)
    run(RELEASECTL, "call", C2, "crash", status=None)
    journal.has("fix_sup gives up", since)
    journal.exited(since)
    journal.started(since, other_than=run_before)
    expect("restarts by the service manager", show("NRestarts"), "1")
    expect_running("1.0.0")


# What the nodes of the machine tell of themselves.
NODES = "/run/release-handler/nodes/states"


def stop_ends_the_tree_in_order(journal):
    start()
    old = Processes(unit_pids())
    expect("state", call(C2, "{add, 2}"), "2")
    since = now()
    expect("nodes of the machine", len(os.listdir(NODES)), 1)
    systemctl("stop", UNIT)
    ended = journal.all(
        "terminate of a worker", lambda entry: message(entry).startswith("terminated: ") and "WORKER" in entry, 3, since
    )
    expect("what ended, in order", [(entry["WORKER"], message(entry)) for entry in ended], [
        (C3, "terminated: shutdown"), (C2, "terminated: shutdown"), (C1, "terminated: shutdown"),
    ])
    expect("the unit", show("ActiveState"), "inactive")
    # A unit that is not loaded any more has no result to show: the journal has it.
    journal.first(
        "success of the unit",
        lambda entry: entry.get("UNIT") == UNIT and "Deactivated successfully" in message(entry),
        since,
    )
    expect("processes that are left", old.living(), [])
    # The directory is the other daemons' of the machine, too.
    expect("the control socket is there", os.path.exists("/run/release-handler/control.sock"), False)
    expect("nodes of the machine", os.listdir(NODES), [])
    old.close()


def restart_boots_the_permanent_release(journal):
    daemon = start()
    install("2.0.0")
    systemctl("restart", UNIT)
    expect("the same process", int(show("MainPID")) == daemon, False)
    expect_running("1.0.0")
    install("2.0.0")
    releasectl("make-permanent", "2.0.0")
    systemctl("restart", UNIT)
    expect_running("2.0.0")


def restart_in_place(journal):
    """An upgrade that can't be undone: the daemon executes itself again, and the service manager sees no restart."""
    lay_out(permanent="0.9.0")
    gate = Gate()
    try:
        starting = subprocess.Popen(["systemctl", "start", UNIT])
        pass_gates(gate)
        expect("exit status of systemctl start", starting.wait(60), 0)
        daemon, run_before = int(show("MainPID")), show("InvocationID")
        failed = run(RELEASECTL, "install-release", "3.0.0", status=None)
        expect("install-release 3.0.0 succeeds", failed.returncode == 0, False)
        # The next boot takes longer than the watchdog's time; who connects meanwhile waits.
        file = gate.reached()
        client = Client(PORT)
        client.send("vsn\n")
        processes = Processes([daemon])
        expect("the daemon outlives the watchdog's time", processes.outlive(WATCHDOG_SECONDS * 1.5), True)
        processes.close()
        gate.open(file)
        pass_gates(gate, (C2, C3))
        expect("the answer to who connected meanwhile", client.line(), "0.9.0")
        client.close()
    finally:
        gate.remove()
    expect("the daemon", (int(show("MainPID")), show("InvocationID")), (daemon, run_before))
    journal.all(
        "two boots in one run",
        lambda entry: message(entry).startswith("release 0.9.0 runs") and entry.get("_SYSTEMD_INVOCATION_ID") == run_before,
        2,
    )
    expect_running("0.9.0")
    expect_only_its_own()
    expect("restarts by the service manager", show("NRestarts"), "0")


class Load(threading.Thread):
    """A client that asks again and again, until it is told to stop."""

    def __init__(self, port=PORT):
        super().__init__(daemon=True)
        self.client = Client(port)
        self.answers = []
        self.is_over = False
        self.start()

    def run(self):
        while not self.is_over:
            self.answers.append(self.client.ask("add 1"))

    def end(self):
        self.is_over = True
        self.join(60)
        wrong = [answer for n, answer in enumerate(self.answers) if answer != str(n + 1)]
        expect(f"wrong ones of {len(self.answers)} answers to a client under load", wrong[:9], [])


def reexecution_keeps_the_workers(journal):
    daemon, run_before = start(), show("InvocationID")
    pids = {name: worker["pid"] for name, worker in workers().items()}
    stored = show("NFileDescriptorStore")
    client = Client(PORT)
    expect("mark", client.ask("mark kept"), "ok")
    client.send("ma")  # Half a line.
    since = now()
    for _ in range(3):
        releasectl("reexec")
    client.send("rked\n")
    expect("the mark over the same connection", client.line(), "kept")
    client.close()
    load = Load()
    for _ in range(5):
        releasectl("reexec")
    load.end()
    expect("the daemon", (int(show("MainPID")), show("InvocationID")), (daemon, run_before))
    expect("the workers", {name: worker["pid"] for name, worker in workers().items()}, pids)
    expect("the descriptors that the service manager keeps", show("NFileDescriptorStore"), stored)
    journal.all("reexecutions", lambda entry: "goes on in the place of" in message(entry), 8, since)
    expect("the answer to log", call(C1, '{log, "written afterwards"}'), "ok")
    expect("WORKER=", journal.has("written afterwards", since).get("WORKER"), C1)
    processes = Processes([daemon])
    expect("the daemon outlives the watchdog's time", processes.outlive(WATCHDOG_SECONDS * 1.5), True)
    processes.close()
    expect_running("1.0.0")
    expect_only_its_own()
    expect("restarts by the service manager", show("NRestarts"), "0")
    # And one that hangs is found as before.
    since = now()
    os.kill(daemon, signal.SIGSTOP)
    journal.has("Watchdog timeout", since)
    journal.started(since, other_than=run_before)
    expect_running("1.0.0")


def put_emulator(body, mode=0o755):
    path = f"{ROOT}/erts-{OTHER_ERTS}/bin/release-handlerd"
    with open(path, "w") as file:
        file.write(f"#!/bin/sh\n{body}\n")
    os.chmod(path, mode)


WHOLE = 'exec "${0%/*}/whole" "$@"'
# It passes its check, and then does something else.
CHECKED = f'test "$1" != --check-state || {WHOLE}'


def running_emulator():
    return releasectl("status", "--json")["erts"]


def another_emulator_takes_over(journal):
    put_emulator(WHOLE)
    daemon, run_before = start(), show("InvocationID")
    expect("the emulator", running_emulator(), ERTS)
    load = Load()
    install("4.0.0")
    load.end()
    expect("the daemon", (int(show("MainPID")), show("InvocationID")), (daemon, run_before))
    expect("the emulator", running_emulator(), OTHER_ERTS)
    expect("the status line's release", running_release(), "4.0.0")
    expect("the workers' versions", {worker["vsn"] for worker in workers().values()}, {"2.0.0"})
    releasectl("make-permanent", "4.0.0")
    systemctl("restart", UNIT)
    expect("the emulator of the permanent release", running_emulator(), OTHER_ERTS)
    expect("the status line's release", running_release(), "4.0.0")


def emulator_that_is_none(journal):
    """It can't be executed, or executes nothing that goes on: the release that ran answers again."""
    for what, body, mode in (("has no right to be executed", WHOLE, 0o644), ("says nothing", "exit 0", 0o755)):
        put_emulator(body, mode)
        if show("ActiveState") != "active":
            start()
        client = Client(PORT)
        expect("mark", client.ask("mark kept"), "ok")
        daemon = show("MainPID")
        # Nobody lets the workers go for one that is known to be none.
        refused = run(RELEASECTL, "install-release", "4.0.0", status=None)
        expect(f"exit status of an install whose emulator {what}", refused.returncode == 0, False)
        expect("the daemon", show("MainPID"), daemon)
        expect("the emulator", running_emulator(), ERTS)
        expect_running("1.0.0")
        expect("the mark over the same connection", client.ask("marked"), "kept")
        client.close()


def emulator_that_fails(journal):
    """It passed its check, and hangs, dies or crashes then: the permanent release boots, under its own emulator."""
    for what, then in (("hangs", "exec sleep infinity"), ("ends", "exit 1"), ("crashes", "kill -SEGV $$")):
        put_emulator(f"{CHECKED}\n{then}")
        if show("ActiveState") != "active":
            start()
        since, run_before = now(), show("InvocationID")
        failed = run(RELEASECTL, "install-release", "4.0.0", status=None)
        expect(f"exit status of an install whose emulator {what}", failed.returncode == 0, False)
        again = journal.started(since, other_than=run_before)
        ended = journal.exited(since)
        between = int(again["__MONOTONIC_TIMESTAMP"]) - int(ended["__MONOTONIC_TIMESTAMP"])
        say(f"from its end to the next start's, beyond RestartSec: {between / 1000 - 1000:.0f} ms")
        expect("the emulator", running_emulator(), ERTS)
        expect_running("1.0.0")
        expect_only_its_own()
        statuses = {release["vsn"]: release["status"] for release in releasectl("which-releases", "--json")["releases"]}
        expect("the releases", (statuses["1.0.0"], statuses["4.0.0"]), ("permanent", "unpacked"))


class Node:
    """One of several daemons of the machine, each a unit of its own; the last of them is the unit of the other checks."""

    def __init__(self, number):
        self.name = f"n{number}"
        self.unit = f"release-node-{self.name}.service"
        # Beside the root's own files, so that links to them can be made.
        self.root = f"{ROOT}/{self.name}"
        self.socket = f"/run/release-handler/{self.name}.sock"
        self.port = PORT + number

    def lay_out(self):
        lay_out("1.0.0", also=[("5.0.0", "2.0.0")])
        os.mkdir(self.root)
        run("cp", "-rl", f"{ROOT}/lib", self.root)
        run("cp", "-r", f"{ROOT}/releases", self.root)
        for vsn in ("1.0.0", "2.0.0"):
            file = f"{self.root}/lib/fix-{vsn}/ebin/fix_sup.sup"
            with open(file) as old:
                text = old.read()
            os.unlink(file)
            with open(file, "w") as new:
                new.write(text.replace(f":{PORT}", f":{self.port}"))
        with open(f"/etc/systemd/system/{UNIT}") as unit, open(f"/run/systemd/system/{self.unit}", "w") as own:
            program = f"{ROOT}/erts-{ERTS}/bin/release-handlerd"
            start = f"{program} --root {self.root} --socket {self.socket} --node {self.name}@here"
            own.write(unit.read().replace(f"ExecStart={ROOT}/bin/start", f"ExecStart={start}"))

    def show(self, name):
        return systemctl("show", "--property", name, "--value", self.unit).stdout.strip()

    def installing(self):
        return subprocess.Popen(
            [RELEASECTL, "--socket", self.socket, "install-release", "5.0.0", "--json"],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )

    def ask(self, *words):
        return run(RELEASECTL, "--socket", self.socket, *words).stdout.strip()

    def vsn(self):
        return self.ask("call", C1, "vsn")


def outcome(installing):
    said, _ = installing.communicate(timeout=WAIT_LIMIT_SECONDS)
    return json.loads(said.splitlines()[-1])["result"]


def three_nodes_in_step(journal):
    """All of them or none: under load, each of them a service; and one that is killed is an upgrade that did not happen."""
    nodes = [Node(number) for number in (1, 2, 3)]
    try:
        for node in nodes:
            node.lay_out()
        systemctl("daemon-reload")
        systemctl("start", *(node.unit for node in nodes))
        loads = [Load(node.port) for node in nodes]
        daemons = [(node.show("MainPID"), node.show("InvocationID")) for node in nodes]
        installing = [node.installing() for node in nodes]
        expect("the outcomes", [outcome(install)["outcome"] for install in installing], ["done"] * 3)
        for load in loads:
            load.end()
        expect("the versions", [node.vsn() for node in nodes], ['"2.0.0"'] * 3)
        expect("the daemons", [(node.show("MainPID"), node.show("InvocationID")) for node in nodes], daemons)
        # Each boots its permanent release.
        systemctl("restart", *(node.unit for node in nodes))
        expect("the versions", [node.vsn() for node in nodes], ['"1.0.0"'] * 3)
        installing = [node.installing() for node in nodes[:2]]
        # They wait at the barrier for the third one.
        for install in installing:
            while "sync_nodes" not in install.stdout.readline():
                expect("the install goes on", install.poll(), None)
        since, run_before = now(), nodes[2].show("InvocationID")
        os.kill(int(nodes[2].show("MainPID")), signal.SIGKILL)
        results = [outcome(install) for install in installing]
        for node, result in zip(nodes, results):
            expect_match(f"what {node.name} says", json.dumps(result), "nodedown.*n3@here")
        journal.started(since, other_than=run_before, unit=nodes[2].unit)
        expect("the versions", [node.vsn() for node in nodes], ['"1.0.0"'] * 3)
    finally:
        systemctl("stop", *(node.unit for node in nodes), status=None)


class DropIn:
    """Something else than the unit says, while a check wants it."""

    def __init__(self, name, text):
        self.path = f"/run/systemd/system/{UNIT}.d/{name}.conf"
        os.makedirs(os.path.dirname(self.path), exist_ok=True)
        with open(self.path, "w") as file:
            file.write(text)
        systemctl("daemon-reload")

    def remove(self):
        os.unlink(self.path)
        systemctl("daemon-reload")


def long_fault_and_many_restarts(journal):
    """Neither a root that can't boot for a while nor an administrator's restarts end the service for good."""
    start()
    for _ in range(8):
        systemctl("restart", UNIT)
    expect_running("1.0.0")
    expect("from one start to the next, at least", show("RestartUSec"), "1s")
    expect("starts that are left are ten minutes' at least", int(show("StartLimitBurst")) - 8 - 1 >= 600, True)
    systemctl("stop", UNIT)
    lay_out(permanent="9.9.9")
    since = now()
    expect("systemctl start", systemctl("start", UNIT, status=None).returncode, 1)
    journal.all("ends", lambda entry: entry.get("MESSAGE_ID") == Journal.EXITED and entry.get("UNIT") == UNIT, 8, since)
    # The fault is over, and nobody does anything.
    lay_out(permanent="1.0.0")
    journal.started(since)
    expect_running("1.0.0")


def root_that_cannot_boot(journal):
    """With another start limit than the unit's: nobody waits for that one."""
    limit = DropIn("limit", "[Unit]\nStartLimitIntervalSec=60\nStartLimitBurst=5\n")
    try:
        cannot_boot(journal)
    finally:
        limit.remove()


def cannot_boot(journal):
    for vsn, reason in (("9.9.9", r"nothing"), ("8.8.8", r"told_to_fail")):
        systemctl("stop", UNIT)
        systemctl("reset-failed", UNIT, status=None)
        lay_out(permanent=vsn)
        since = now()
        failed = systemctl("start", UNIT, status=None)
        expect(f"systemctl start of {vsn} failed", failed.returncode, 1)
        entry = journal.first(
            "reason",
            lambda entry: entry.get("_SYSTEMD_UNIT") == UNIT and entry.get("PRIORITY") == "2",
            since,
        )
        expect_match("the journal's reason", message(entry), reason)
    # Not for ever.
    journal.has("Start request repeated too quickly", since)
    expect("the unit", show("ActiveState"), "failed")


def root_files_are_repaired(journal):
    """By the unit as it is: bin/start finds the emulator, the daemon what boots, and the next start finds nothing to repair."""
    releases, data = f"{ROOT}/releases/RELEASES", f"{ROOT}/releases/start_erl.data"
    for file, contents in ((releases, None), (releases, ""), (releases, "[{release, "), (data, None), (data, "")):
        name = os.path.basename(file)
        what = f"{name} that is {'gone' if contents is None else 'empty' if not contents else 'damaged'}"
        lay_out(permanent="1.0.0")
        os.unlink(file)
        if contents is not None:
            with open(file, "w") as new:
                new.write(contents)
        since = now()
        start()
        entry = journal.first(f"repair of {what}", lambda entry: entry.get("EVENT") == "root_repaired", since)
        expect(f"PRIORITY= of a repair of {what}", entry.get("PRIORITY"), "4")
        expect_match("its message", message(entry), rf"releases/{name} was (missing|empty|damaged).*: written anew")
        expect_match("the status line", show("StatusText"), rf"^release 1\.0\.0 runs;.* releases/{name} was ")
        expect_running("1.0.0")
        permanent = [one["vsn"] for one in releasectl("which-releases", "--json")["releases"] if one["status"] == "permanent"]
        expect("the permanent release", permanent, ["1.0.0"])
        systemctl("stop", UNIT)
    start()
    expect("the next start repairs something", "written anew" in show("StatusText"), False)
    with open(f"{releases}.damaged") as kept:
        expect("what is kept of a damaged RELEASES", kept.read(), "[{release, ")
    os.unlink(f"{releases}.damaged")


def connect_while_the_daemon_is_down(journal):
    """The listening sockets are in the service manager's descriptor store meanwhile."""
    daemon = start()
    since, run_before = now(), show("InvocationID")
    # The next start waits at a gate, so that the daemon is down for as long as it takes.
    waits = DropIn("gate", f"[Service]\nExecStartPre=/bin/sh -c 'read -r _ < {Gate.path}'\n")
    gate = Gate()
    try:
        os.kill(daemon, signal.SIGKILL)
        file = gate.reached()
        expect("the daemon's pid", show("MainPID"), "0")
        client = Client(PORT)
        client.send("vsn\n")
        gate.open(file)
        expect("the answer to what was asked meanwhile", client.line(), "1.0.0")
        client.close()
        journal.started(since, other_than=run_before)
        expect_running("1.0.0")
    finally:
        gate.remove()
        waits.remove()


def journal_stands_still(journal):
    """More is logged than the journal's socket holds; what waits in the daemon is written once the journal goes on."""
    daemon = start()
    since = now()
    # Below a worker's budget, and above the datagrams that wait in a socket (net.unix.max_dgram_qlen).
    count = 900
    systemctl("kill", "--signal=SIGSTOP", "systemd-journald.service")
    try:
        control = Control()
        for number in range(count):
            control.call(C1, f'{{log, "line {number} of many"}}')
        control.close()
        expect("the other worker's answer", call(C2, "vsn"), '"1.0.0"')
        processes = Processes([daemon])
        expect("the daemon outlives the watchdog's time", processes.outlive(WATCHDOG_SECONDS * 1.5), True)
        processes.close()
        expect("state", releasectl("status", "--json")["state"], "running")
    finally:
        systemctl("kill", "--signal=SIGCONT", "systemd-journald.service")
    lines = journal.all("line of many", lambda entry: message(entry).endswith(" of many"), count, since)
    expect("the lines are in order", [message(line) for line in lines] == [f"line {n} of many" for n in range(count)], True)
    expect("the same process", int(show("MainPID")), daemon)


def log_has_all_that_was_written(journal):
    """The last: in all of the runs before, no library and no run-time wrote past the log to standard error."""
    past = [
        message(entry)
        for entry in Journal.written_since(0)
        if entry.get("_SYSTEMD_UNIT") == UNIT and entry.get("_TRANSPORT") == "stdout"
        # bin/start says which emulator it takes where nothing names one.
        and not message(entry).startswith("start: ")
    ]
    expect("lines beside the log", past, [])


ALL = [
    start_returns_once_the_release_runs,
    whoever_hides_ends_with_its_worker,
    journal_has_fields,
    logs_of_a_worker,
    workers_get_nothing_of_the_daemons,
    upgrade_keeps_a_connection,
    unit_is_hardened,
    worker_of_another_user,
    worker_of_root_is_bounded,
    workers_are_confined,
    real_programs_run,
    unprivileged_daemon,
    watchdog_restarts_into_the_permanent_release,
    killed_daemon_is_restarted,
    node_that_gives_up_is_restarted,
    stop_ends_the_tree_in_order,
    restart_boots_the_permanent_release,
    restart_in_place,
    reexecution_keeps_the_workers,
    another_emulator_takes_over,
    emulator_that_is_none,
    emulator_that_fails,
    three_nodes_in_step,
    long_fault_and_many_restarts,
    root_that_cannot_boot,
    root_files_are_repaired,
    connect_while_the_daemon_is_down,
    journal_stands_still,
    log_has_all_that_was_written,
]
