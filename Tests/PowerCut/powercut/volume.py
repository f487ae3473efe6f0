"""A file system on such a disk: power on, power off, power cut."""

import os
import pathlib
import queue
import signal
import subprocess
import sys
import threading
import time

from .errors import Broken, Obstacle

SIZE = 96 << 20
# Without what ext4 does for programs that don't sync, too: a rename over a file is no promise of its contents then.
MOUNT_OPTIONS = ["defaults", "noauto_da_alloc", "data=writeback,noauto_da_alloc", "data=journal", "commit=1"]
FREE_SECONDS = 20


def obstacle():
    """Why no such disk can be had here; None where it can."""
    if os.geteuid() != 0:
        return "only root may mount file systems"
    for device in ("/dev/fuse", "/dev/loop-control"):
        if not os.path.exists(device):
            return f"there is no {device}"
    return None


def run(*command, ok=(0,)):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=60)
    if done.returncode not in ok:
        raise Broken(f"{' '.join(map(str, command))} ended with {done.returncode}: {done.stderr}{done.stdout}")
    return done.stdout.strip()


class Volume:
    def __init__(self, directory, random):
        self.image = directory / "disk"
        self.served = directory / "served"
        self.path = directory / "volume"
        self.random = random
        self.server = None
        self.cut_report = None
        self.options = "defaults"
        self.image.touch()
        os.truncate(self.image, SIZE)
        self.served.touch()
        self.path.mkdir()
        run("mkfs.ext4", "-q", "-F", "-b", 4096, "-E", "lazy_itable_init=0,lazy_journal_init=0,nodiscard", self.image)

    def power_on(self, on_cut=lambda: None):
        """Mounts it, as a boot does: by what the journal says. `on_cut` is called, on another thread, when the power is cut."""
        if self.random.random() < 0.5:
            # Most distributions check before they mount. 1: the journal was replayed, or what it leaves to be done was.
            run("e2fsck", "-p", self.image, ok=(0, 1))
        self.cut_report = None
        self.was_cut = threading.Event()
        seed = str(self.random.randrange(1 << 32))
        command = [sys.executable, "-B", "-m", "powercut.disk", self.image, self.served, str(SIZE), seed]
        package = pathlib.Path(__file__).resolve().parent.parent
        self.server = subprocess.Popen(
            command, cwd=package, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1, start_new_session=True
        )
        said = queue.Queue()
        threading.Thread(target=self.listen, args=(self.server, said, on_cut), daemon=True).start()
        try:
            first = said.get(timeout=20)
        except queue.Empty:
            first = None
        if first != "ready":
            raise Obstacle("a file can't be served by /dev/fuse here")
        try:
            self.loop = run("losetup", "--find", "--show", "--direct-io=on", self.served)
        except Broken as error:
            raise Obstacle(f"no loop device can be had: {error}") from None
        self.options = self.random.choice(MOUNT_OPTIONS)
        try:
            run("mount", "-t", "ext4", "-o", self.options, self.loop, self.path)
        finally:
            # It goes when it is unmounted, whatever ends this program.
            run("losetup", "--detach", self.loop)

    def listen(self, server, said, on_cut):
        for line in server.stdout:
            line = line.strip()
            if line.startswith("cut"):
                self.cut_report = line
                self.was_cut.set()
                on_cut()
            else:
                said.put(line)
        said.put(None)

    def arm(self, requests):
        self.tell(f"arm {requests}")

    def cut(self):
        self.tell("cut")

    def tell(self, command):
        try:
            self.server.stdin.write(command + "\n")
        except (BrokenPipeError, ValueError):
            pass

    def power_off(self):
        """Unmounts it. Whoever uses it still, which are processes of this run, is killed."""
        if self.server is None:
            return
        self.free(self.path)
        self.free(self.served)
        # It has ended by itself where the kernel told it of the unmount.
        try:
            self.server.stdin.close()
        except BrokenPipeError:
            pass
        try:
            self.server.wait(20)
        except subprocess.TimeoutExpired:
            self.server.kill()
            raise Broken("the disk's server does not end") from None
        self.server = None

    def free(self, path):
        deadline = time.monotonic() + FREE_SECONDS
        while os.path.ismount(path):
            done = subprocess.run(["umount", str(path)], capture_output=True, text=True, timeout=60)
            if done.returncode == 0:
                return
            if time.monotonic() > deadline:
                raise Broken(f"umount {path}: {done.stderr.strip()}; {list(self.users())}")
            for pid in self.users():
                os.kill(pid, signal.SIGKILL)
            time.sleep(0.05)

    def users(self):
        """Processes with their executable, directory or an open file on it: in this mount namespace nobody else has one."""
        prefix = f"{self.path}/"
        for entry in os.scandir("/proc"):
            if not entry.name.isdigit():
                continue
            links = [f"{entry.path}/exe", f"{entry.path}/cwd"]
            try:
                links += [f"{entry.path}/fd/{name}" for name in os.listdir(f"{entry.path}/fd")]
            except OSError:
                continue
            for link in links:
                try:
                    if f"{os.readlink(link)}/".startswith(prefix):
                        yield int(entry.name)
                        break
                except OSError:
                    continue

    def check(self):
        """The file system's own word for that it is whole; while the power is off."""
        run("e2fsck", "-p", self.image, ok=(0, 1))
        run("e2fsck", "-f", "-n", self.image)
