"""One run: a root on such a disk, changes of its releases without end, and a cut after the other."""

import subprocess
import threading
import time

from .errors import Broken, Untrue, expect
from .ledger import Ledger
from .node import Gone, Node, Refused
from .releases import VSNS, Releases
from .volume import Volume

# Up to so many writes and flushes of the disk until it is cut: some twelve changes; a boot's repairs.
CHANGES_REQUESTS = 400
BOOT_REQUESTS = 12
# Where it is the clock that cuts.
CHANGES_SECONDS = 2.0
# A disk that nothing is written to any more is cut all the same.
LIMIT_SECONDS = 60
# The kernel's error comes to the daemon, and from there to us, at the same time as the disk's word.
CUT_NOTICE_SECONDS = 2

# A library that takes what makes data last away from whoever is started with it.
FORGETFUL = """
int fsync(int fd) { return 0; }
int fdatasync(int fd) { return 0; }
int syncfs(int fd) { return 0; }
void sync(void) {}
"""


class Run:
    def __init__(self, project, programs, directory, random, forgetful=False):
        self.program = programs["release-handlerd"]
        self.directory = directory
        self.random = random
        self.releases = Releases(project, programs, directory, random)
        self.volume = Volume(directory, random)
        self.root = self.volume.path / "root"
        self.ledger = Ledger(VSNS[0])
        self.log = open(directory / "daemon.log", "ab")
        self.node = None
        self.counts = {"changes": 0, "cut in a change": 0, "cut again in a boot": 0}
        self.preload = self.build_forgetful() if forgetful else None

    def build_forgetful(self):
        source, library = self.directory / "forgetful.c", self.directory / "forgetful.so"
        source.write_text(FORGETFUL)
        done = subprocess.run(["gcc", "-w", "-shared", "-fPIC", "-o", library, source], capture_output=True, text=True)
        if done.returncode != 0:
            raise Broken(f"gcc: {done.stderr}")
        return library

    def begin(self):
        self.volume.power_on()
        self.root.mkdir()
        self.releases.lay_out(self.root)
        self.volume.power_off()

    def end(self):
        """Whatever state it is in."""
        if self.node is not None:
            self.node.end()
        self.volume.power_off()

    def once(self):
        """One cut, and what is there afterwards. Returns what was done."""
        story = self.change_into_cut()
        while self.random.random() < 0.35:
            self.volume.power_off()
            story += self.boot_into_cut()
        report = self.volume.cut_report
        self.volume.power_off()
        self.volume.check()
        self.volume.power_on()
        self.start()
        self.node.await_ready()
        statuses = self.ledger.check(self.root, self.node, self.releases)
        self.stop()
        shown = ", ".join(f"{vsn} {status}" for vsn, status in sorted(statuses.items()))
        return f"{story}; {report}; {self.volume.options}; booted: {shown}"

    def start(self):
        self.node = Node(self.program, self.root, self.directory, self.log, self.preload)

    def stop(self):
        """Without any notice, as a crash; the disk keeps its power."""
        self.node.end()
        self.node = None
        self.volume.power_off()

    def power_on(self):
        self.volume.power_on(on_cut=lambda: self.node.kill() if self.node else None)

    def boot_into_cut(self):
        """The power goes again while the daemon starts, with its repairs."""
        self.power_on()
        self.volume.arm(self.random.randrange(1, BOOT_REQUESTS))
        self.start()
        try:
            is_ready = self.node.await_ready(give_up=self.volume.was_cut.is_set)
        except Untrue:
            if not self.volume.was_cut.wait(CUT_NOTICE_SECONDS):
                raise
            is_ready = False
        self.volume.cut()
        self.volume.was_cut.wait()
        self.node.end()
        self.node = None
        self.counts["cut again in a boot"] += not is_ready
        return ", after the boot" if is_ready else ", in the boot"

    def change_into_cut(self):
        self.power_on()
        self.start()
        expect(self.node.await_ready(), "the daemon is not ready")
        timer = threading.Timer(LIMIT_SECONDS, self.volume.cut)
        if self.random.random() < 0.5:
            self.volume.arm(self.random.randrange(1, CHANGES_REQUESTS))
        else:
            timer = threading.Timer(self.random.random() * CHANGES_SECONDS, self.volume.cut)
        timer.daemon = True
        timer.start()
        done = []
        while not self.volume.was_cut.is_set():
            change = self.change()
            if change is None:
                break
            done.append(change)
        timer.cancel()
        self.volume.was_cut.wait()
        self.node.end()
        self.node = None
        pending = " ".join(self.ledger.pending) if self.ledger.pending else "nothing"
        self.counts["changes"] += len(done)
        self.counts["cut in a change"] += self.ledger.pending is not None
        return f"{len(done)} changes ({', '.join(done[-3:])}), then cut in {pending}"

    def change(self):
        """One change, whichever is possible. None where nobody knows what became of it, since there is no power."""
        try:
            change, vsn = self.choice()
        except (Gone, Refused) as error:
            return self.only_after_cut(error)
        # An install leaves nothing on disk, whatever becomes of it.
        self.ledger.begin(change, vsn)
        try:
            argument = self.releases.packages[vsn] if change == "unpack" else vsn
            getattr(self.node, change)(argument)
        except Gone as error:
            return self.only_after_cut(error)
        except Refused as error:
            # Who ran from a release may not have ended yet.
            if change == "remove" and '"busy"' in str(error):
                self.ledger.refused()
                return f"{change} {vsn} refused"
            return self.only_after_cut(error)
        self.ledger.done()
        return f"{change} {vsn}"

    def only_after_cut(self, error):
        if not self.volume.was_cut.wait(CUT_NOTICE_SECONDS):
            raise Untrue(f"while there was power: {error}")
        return None

    def choice(self):
        statuses = self.node.statuses()
        current = [vsn for vsn, status in statuses.items() if status == "current"]
        idle = [vsn for vsn, status in statuses.items() if status in ("unpacked", "old")]
        possible = [("unpack", vsn) for vsn in VSNS if vsn not in statuses]
        possible += [("install", vsn) for vsn in idle]
        possible += [("remove", vsn) for vsn in idle]
        possible += [("make_permanent", vsn) for vsn in current for _ in range(4)]
        return self.random.choice(possible)
