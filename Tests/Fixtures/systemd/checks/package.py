"""The checks of the package, on a machine that has nothing of it. PackageMachine.swift has what they need: /opt/packages has the package of
two versions, /opt/root a release root but for what the package brings.

Each begins without the package and without a root. The workers are c1, with a socket, and c2.
"""

import glob
import grp
import os
import pwd
import shutil
import signal
import stat
import subprocess

from cases import C1, C2, DropIn, Load
from machine import (
    RELEASECTL,
    ROOT,
    UNIT,
    Client,
    Processes,
    expect,
    expect_match,
    now,
    releasectl,
    run,
    show,
    systemctl,
    unit_pids,
    workers,
)

PACKAGE = "release-handlerd"
SOCKET_UNIT = "release-handlerd.socket"
CONTROL = "/run/release-handler/control.sock"
LIBRARY = "/usr/lib/release-handler"
FIRST, SECOND = "0.1.0", "0.2.0"
PORT = 7001
# dpkg unpacks two hundred files each time.
LIMIT_SECONDS = 300
DOCUMENTS = f"/usr/share/doc/{PACKAGE}"
QUIET = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}


def dpkg(*words, status=0):
    # Some images leave manuals and translations out.
    done = subprocess.run(
        ["dpkg", "--path-include=/usr/*", *words], capture_output=True, text=True, timeout=120, env=QUIET,
        stdin=subprocess.DEVNULL,
    )
    said = done.stdout + done.stderr
    if status is not None:
        expect(f"exit status of dpkg {' '.join(words)} ({said.strip()})", done.returncode, status)
    return said


def install(vsn):
    (file,) = glob.glob(f"/opt/packages/{PACKAGE}_{vsn}-1_*.deb")
    return dpkg("--install", file)


def agree(question):
    run("sh", "-c", f"echo {PACKAGE} {PACKAGE}/{question} boolean true | debconf-set-selections")


def reset():
    # The index of the manual is nobody's here.
    if os.path.exists("/var/lib/man-db/auto-update"):
        os.unlink("/var/lib/man-db/auto-update")
    if installed():
        systemctl("stop", SOCKET_UNIT, UNIT, status=None)
        dpkg("--purge", PACKAGE)
    systemctl("reset-failed", status=None)
    for name in os.listdir(ROOT):
        path = f"{ROOT}/{name}"
        shutil.rmtree(path) if os.path.isdir(path) else os.unlink(path)


def installed():
    done = run("dpkg-query", "--show", "--showformat", "${db:Status-Status}", PACKAGE, status=None)
    return done.returncode == 0 and done.stdout != "not-installed"


def lay_out():
    """A release root with the emulator of the package, as it is now."""
    run("cp", "-a", "/opt/root/.", ROOT)
    os.makedirs(f"{ROOT}/bin")
    shutil.copy(f"{LIBRARY}/start", f"{ROOT}/bin/start")
    shutil.copytree(f"{LIBRARY}/erts-{FIRST}", f"{ROOT}/erts-{FIRST}")


def start():
    systemctl("start", UNIT)
    expect("the unit", show("ActiveState"), "active")
    return int(show("MainPID"))


def state_of(unit):
    return systemctl("show", "--property", "ActiveState", "--value", unit).stdout.strip()


def pids():
    return {name: worker["pid"] for name, worker in workers().items()}


def erts():
    return releasectl("status", "--json")["erts"]


PROGRAM = """
#include <CWorkerKit.h>
#include <release_handler_driver.h>
#include <release_handler_driver_loader.h>
#include <release_handler_loader.h>
#include <release_handler_module.h>
int main(void) { return cwk_now_milliseconds() > 0 ? 0 : 1; }
"""


def everything_is_in_its_place(journal):
    install(FIRST)
    for path in ("/usr/sbin/release-handlerd", f"{LIBRARY}/erts-{FIRST}/bin/release-handlerd"):
        expect(f"{path} --version", run(path, "--version").stdout, f"{FIRST}\n")
    expect_match("releasectl --help", run(RELEASECTL, "--help").stdout, "install-release")
    expect("module-host is there", os.access(f"{LIBRARY}/erts-{FIRST}/bin/module-host", os.X_OK), True)
    user = pwd.getpwnam("release-handler")
    expect("the user's group, home and shell", (grp.getgrgid(user.pw_gid).gr_name, user.pw_dir, user.pw_shell),
           ("release-handler", ROOT, "/usr/sbin/nologin"))
    pages = ["man1/releasectl.1", "man8/release-handlerd.8"]
    pages += [f"man5/release-handler.{name}.5" for name in ("root", "rel", "sup", "config", "appup", "relup")]
    for page in pages:
        text = run("zcat", f"/usr/share/man/{page}.gz").stdout
        expect(f"what stands for something else in {page}", [line for line in text.splitlines() if line.startswith("@")], [])
        run("man", "--local-file", f"/usr/share/man/{page}.gz")
    for file in ("README.md", "releases.md", "examples/unprivileged.conf", "examples/notify-reload.conf", "examples/sys.config"):
        expect(f"{file} is there", os.path.isfile(f"{DOCUMENTS}/{file}"), True)
    for shell, file in (("bash", "/usr/share/bash-completion/completions/releasectl"),
                        ("zsh", "/usr/share/zsh/vendor-completions/_releasectl"),
                        ("fish", "/usr/share/fish/vendor_completions.d/releasectl.fish")):
        expect(f"the completion for {shell} knows install-release", "install-release" in open(file).read(), True)
    with open("/tmp/program.c", "w") as file:
        file.write(PROGRAM)
    run("sh", "-c", "cc /tmp/program.c $(pkg-config --cflags --libs release-handler) -o /tmp/program && /tmp/program")
    swift = "/usr/share/release-handler/swift/WorkerKit"
    expect("the Swift package's targets", sorted(os.listdir(f"{swift}/Sources")), [
        "CModuleInterface", "CModules", "CWorkerKit", "ModuleKit", "Terms", "Wire", "WorkerKit",
    ])
    # The program that the service starts is to be there.
    lay_out()
    run("systemd-analyze", "verify", f"/lib/systemd/system/{UNIT}", f"/lib/systemd/system/{SOCKET_UNIT}")


def nothing_starts_without_a_root(journal):
    since = now()
    install(FIRST)
    for unit in (UNIT, SOCKET_UNIT):
        expect(f"{unit} at boot", systemctl("is-enabled", unit).stdout, "enabled\n")
        expect(unit, state_of(unit), "inactive")
        # Nobody is told of a failure who has made no root yet.
        systemctl("start", unit)
        expect(f"{unit} after a start", (state_of(unit), systemctl("show", "-P", "ConditionResult", unit).stdout), ("inactive", "no\n"))
    expect("failed units", run("systemctl", "list-units", "--failed", "--plain", "--no-legend").stdout, "")
    expect("directories", [stat.filemode(os.stat(path).st_mode) for path in (ROOT, os.path.dirname(CONTROL))], ["drwxr-xr-x"] * 2)
    expect("exit status of releasectl status", run(RELEASECTL, "status", status=None).returncode, 69)
    lay_out()
    start()
    expect(SOCKET_UNIT, state_of(SOCKET_UNIT), "active")
    # Installed where a root stands, it starts.
    systemctl("stop", SOCKET_UNIT, UNIT)
    dpkg("--purge", PACKAGE)
    expect("the root is left", os.path.exists(f"{ROOT}/releases/RELEASES"), True)
    install(FIRST)
    expect("the units", (show("ActiveState"), state_of(SOCKET_UNIT)), ("active", "active"))


def control_socket_is_the_service_managers(journal):
    """A stopped service is started by who connects; re-executions, restarts and crashes keep the socket, and the workers' beside it."""
    install(FIRST)
    lay_out()
    daemon = start()
    file = os.stat(CONTROL)
    expect("its file", (stat.filemode(file.st_mode), file.st_uid), ("srw-rw-rw-", 0))
    stranger = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    run(*stranger, RELEASECTL, "ps")
    before, stored = pids(), show("NFileDescriptorStore")
    expect("the descriptors that the service manager keeps are the workers'", stored, "1")
    for _ in range(3):
        releasectl("reexec")
    expect("the daemon", int(show("MainPID")), daemon)
    expect("the workers", pids(), before)
    expect("the descriptors that the service manager keeps", show("NFileDescriptorStore"), stored)
    since, run_before = now(), show("InvocationID")
    os.kill(daemon, signal.SIGKILL)
    # It waits for the next daemon, which the service manager starts anyway: nobody is refused.
    expect("who asks meanwhile", releasectl("status", "--json")["root"], ROOT)
    journal.started(since, other_than=run_before)
    client = Client(PORT)
    expect("a worker's socket", client.ask("vsn"), "1.0.0")
    client.close()
    systemctl("restart", UNIT)
    expect("who asks after a restart", releasectl("status", "--json")["release"], "1.0.0")
    systemctl("stop", UNIT)
    expect("the units", (show("ActiveState"), state_of(SOCKET_UNIT)), ("inactive", "active"))
    expect("the socket's file is the same", os.stat(CONTROL).st_ino, file.st_ino)
    since = now()
    expect("who asks a service that was stopped", run(*stranger, RELEASECTL, "status").returncode, 0)
    journal.started(since)
    expect("the workers", sorted(workers()), [C1, C2])
    systemctl("stop", SOCKET_UNIT, UNIT)
    expect("exit status of releasectl status", run(RELEASECTL, "status", status=None).returncode, 69)
    # Without the socket unit it is as ever.
    systemctl("mask", "--runtime", SOCKET_UNIT)
    try:
        start()
        expect("the units", (show("ActiveState"), state_of(SOCKET_UNIT)), ("active", "inactive"))
        expect("its own socket", releasectl("status", "--json")["release"], "1.0.0")
        systemctl("stop", UNIT)
        expect("its own socket is removed", os.path.exists(CONTROL), False)
    finally:
        systemctl("unmask", "--runtime", SOCKET_UNIT)


def update_keeps_the_workers(journal):
    install(FIRST)
    lay_out()
    daemon, run_before = start(), show("InvocationID")
    before = pids()
    load = Load()
    said = install(SECOND)
    load.end()
    expect_match("what the update says", said, rf"release-handlerd {SECOND} goes on in the place of {FIRST}, as pid {daemon}")
    expect_match("what it says of the next start", said, rf"1\.0\.0, is for {FIRST}")
    expect("the daemon", (int(show("MainPID")), show("InvocationID"), show("NRestarts")), (daemon, run_before, "0"))
    expect("its program", os.readlink(f"/proc/{daemon}/exe"), f"{ROOT}/erts-{SECOND}/bin/release-handlerd")
    expect("its version", erts(), SECOND)
    expect("the workers", pids(), before)
    # Once more: the same version again, as it lies there.
    expect_match("what it says", install(SECOND), rf"release-handlerd {SECOND} goes on anew, as pid {daemon}")
    expect_match("an older package", install(FIRST), rf"{SECOND} runs, which is newer than {FIRST}, and goes on")
    expect("the daemon and its version", (int(show("MainPID")), erts()), (daemon, SECOND))
    expect("the workers", pids(), before)
    systemctl("restart", UNIT)
    expect("the version that the permanent release is for", erts(), FIRST)
    # What somebody has stopped stays so.
    systemctl("stop", SOCKET_UNIT, UNIT)
    install(SECOND)
    expect("the units", (show("ActiveState"), state_of(SOCKET_UNIT)), ("inactive", "inactive"))


def update_of_an_unprivileged_daemon(journal):
    install(FIRST)
    lay_out()
    with open(f"{DOCUMENTS}/examples/unprivileged.conf") as file:
        drop_in = DropIn("unprivileged", file.read())
    try:
        daemon = start()
        before = pids()
        install(SECOND)
        expect("the daemon and its version", (int(show("MainPID")), erts()), (daemon, SECOND))
        expect("the workers", pids(), before)
        user = pwd.getpwnam("release-handler").pw_uid
        for path in (ROOT, f"{ROOT}/erts-{SECOND}/bin/release-handlerd", os.path.dirname(CONTROL)):
            expect(f"the owner of {path}", os.stat(path).st_uid, user)
        systemctl("restart", UNIT)
        expect("the workers", sorted(workers()), [C1, C2])
    finally:
        systemctl("stop", SOCKET_UNIT, UNIT)
        drop_in.remove()
        run("chown", "--recursive", "root:root", ROOT, os.path.dirname(CONTROL))


def removal_asks(journal):
    install(FIRST)
    lay_out()
    daemon = start()
    before = pids()
    for words in (["--remove"], ["--purge"]):
        said = dpkg(*words, PACKAGE, status=1)
        expect_match("what it says where nobody can be asked", said, "would stop all of its workers: not removed")
        expect("the daemon", (int(show("MainPID")), show("ActiveState")), (daemon, "active"))
        expect("the workers", pids(), before)
        expect("the package", installed() and os.path.exists("/usr/sbin/release-handlerd"), True)
    agree("remove-running")
    old = Processes(unit_pids())
    dpkg("--remove", PACKAGE)
    expect("processes that are left", old.living(), [])
    old.close()
    expect("the program is there", os.path.exists("/usr/sbin/release-handlerd"), False)
    with open("/proc/net/unix") as file:
        expect("somebody listens at the control socket", CONTROL in file.read(), False)
    expect("the root is left", os.path.exists(f"{ROOT}/releases/RELEASES"), True)
    # It is asked each time.
    install(FIRST)
    start()
    dpkg("--remove", PACKAGE, status=1)
    systemctl("stop", SOCKET_UNIT, UNIT)
    expect_match("a purge", dpkg("--purge", PACKAGE), "its release root, /var/lib/release-handler, is left")
    expect("the root is left", os.path.exists(f"{ROOT}/releases/RELEASES"), True)
    install(FIRST)
    systemctl("stop", SOCKET_UNIT, UNIT)
    agree("purge-root")
    dpkg("--purge", PACKAGE)
    expect("what is left of the root", os.listdir(ROOT), [])
    expect("what dpkg has to say", run("dpkg", "--audit").stdout, "")


ALL = [
    everything_is_in_its_place,
    nothing_starts_without_a_root,
    control_socket_is_the_service_managers,
    update_keeps_the_workers,
    update_of_an_unprivileged_daemon,
    removal_asks,
]
