"""What was promised, and whether a root that was booted after a power cut has kept it."""

import os

from . import releases as made
from .errors import expect

FILES = {"RELEASES", "start_erl.data", ".lock", ".reserve", "boot_assessment", "history"}


class Ledger:
    """What the daemon answered, and the one request whose answer did not come."""

    def __init__(self, first):
        self.permanent = first
        self.listed = {first}
        self.pending = None

    def begin(self, change, vsn):
        self.pending = (change, vsn)

    def done(self):
        change, vsn = self.pending
        self.pending = None
        if change == "unpack":
            self.listed.add(vsn)
        elif change == "remove":
            self.listed.discard(vsn)
        elif change == "make_permanent":
            self.permanent = vsn

    def refused(self):
        self.pending = None

    def check(self, root, node, releases):
        """The booted daemon, its files and its worker against each other and against what was answered."""
        statuses = node.statuses()
        change, subject = self.pending or (None, None)
        permanent = [vsn for vsn, status in statuses.items() if status == "permanent"]
        allowed = {self.permanent} | ({subject} if change == "make_permanent" else set())
        expect(len(permanent) == 1 and permanent[0] in allowed, f"permanent is {permanent}, not one of {allowed}")
        lost = self.listed - set(statuses) - ({subject} if change == "remove" else set())
        expect(not lost, f"{lost} are not there any more, and nobody has removed them")
        surplus = set(statuses) - self.listed - ({subject} if change == "unpack" else set())
        expect(not surplus, f"{surplus} are there: they were removed, or never unpacked")
        others = {vsn: status for vsn, status in statuses.items() if vsn != permanent[0]}
        expect(set(others.values()) <= {"unpacked", "old"}, f"no boot leaves such statuses: {statuses}")
        self.check_files(root, statuses, permanent[0], releases)
        release = node.ask("GET", "/v1/status")[0]["release"]
        expect(release == permanent[0], f"{release} runs, {permanent[0]} is permanent")
        answer = node.call(made.WORKER, "vsn")
        expect(answer == f'"{permanent[0]}"', f"the worker is of {answer}, {permanent[0]} runs")
        # The truth, from which what comes next goes on.
        self.permanent, self.listed, self.pending = permanent[0], set(statuses), None
        return statuses

    @staticmethod
    def check_files(root, statuses, permanent, releases):
        listed = made.listed(root)
        expect(listed == statuses, f"RELEASES says {listed}, the daemon {statuses}")
        boots = (root / "releases/start_erl.data").read_text().split()
        expect(boots == [releases.erts, permanent], f"start_erl.data says {boots}, {permanent} is permanent")
        units = releases.units(statuses)
        for unit in sorted(units):
            there, wanted = made.tree_of(root / unit), releases.wanted[unit]
            differing = [path for path in there.keys() | wanted.keys() if there.get(path, 0) != wanted.get(path, 0)]
            expect(not differing, f"{unit} is not whole: {sorted(differing)[:8]} of {len(wanted)}")
        standing = {f"{folder}/{name}" for folder in ("lib", "releases") for name in os.listdir(root / folder)}
        half = standing - units - {f"releases/{name}" for name in FILES}
        expect(not half, f"{sorted(half)} belong to no release")
        surplus = set(os.listdir(root)) - {"lib", "releases", "log"}
        expect(not surplus, f"{sorted(surplus)} are left in the root")
