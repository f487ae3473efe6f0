"""A disk with a volatile write cache, and a switch that cuts its power: a file system in user space of one file.

A loop device is laid over that file. What is written to it is in the cache; a flush of the device (which is what fsync(2) of a file
system above comes to) arrives here as FUSE_FSYNC and makes what was written before it last. At a cut each block of 4096 bytes that was
written since the last flush is kept or lost, by chance, and nothing is read or written any more.

What it is not: blocks are whole or lost, never torn or damaged, and what was flushed is never lost: it is a disk that keeps its
promises, and no more than these.

`python3 -m powercut.disk IMAGE MOUNT SIZE SEED` serves the file MOUNT from IMAGE, which has what lasts. It is told on standard input
`arm REQUESTS` (cut at that further write or flush) and `cut`; it says `ready`, and `cut` with what became of the writes. It ends with
the end of its input, or with the mount.
Source: fuse(4), the kernel's include/uapi/linux/fuse.h.
"""

import ctypes
import errno
import os
import random
import select
import stat
import struct
import sys

BLOCK = 4096
MAX_WRITE = 1 << 20

GETATTR, SETATTR, OPEN, READ, WRITE, STATFS, RELEASE, FSYNC = 3, 4, 14, 15, 16, 17, 18, 20
FLUSH, INIT, DESTROY, FORGET, BATCH_FORGET, INTERRUPT = 25, 26, 38, 2, 42, 36
SILENT = (FORGET, BATCH_FORGET, INTERRUPT)

# Of FUSE_INIT: reads may be under way at once, writes longer than a page, of so many pages.
FLAGS = 1 << 0 | 1 << 5 | 1 << 22
# Of FUSE_OPEN: the kernel keeps no pages of it, so that all that is written comes here at once.
DIRECT_IO = 1


class Disk:
    def __init__(self, image, size, seed):
        self.image = open(image, "r+b", buffering=0)
        self.size = size
        self.random = random.Random(seed)
        self.current = bytearray(self.image.read())
        # Offsets and bytes, in their order.
        self.unflushed = []
        self.requests = 0
        self.cut_at = None
        self.is_cut = False

    def read(self, offset, count):
        self.refuse_after_cut()
        return bytes(self.current[offset : offset + count])

    def write(self, offset, data):
        self.count()
        if offset + len(data) > self.size:
            raise OSError(errno.ENOSPC, "beyond the disk")
        self.current[offset : offset + len(data)] = data
        self.unflushed.append((offset, data))

    def flush(self):
        self.count()
        for offset, data in self.unflushed:
            os.pwrite(self.image.fileno(), data, offset)
        self.unflushed = []

    def count(self):
        self.requests += 1
        if self.cut_at is not None and self.requests >= self.cut_at:
            self.cut()
        self.refuse_after_cut()

    def refuse_after_cut(self):
        if self.is_cut:
            raise OSError(errno.EIO, "no power")

    def arm(self, requests):
        self.cut_at = self.requests + requests

    def cut(self):
        if self.is_cut:
            return
        self.is_cut = True
        # All, none, or any share of what the cache had.
        share = self.random.choice([0.0, 1.0, 0.5, self.random.random(), self.random.random()])
        kept = lost = 0
        for offset, data in self.unflushed:
            for start in range(0, len(data), BLOCK):
                if self.random.random() < share:
                    os.pwrite(self.image.fileno(), data[start : start + BLOCK], offset + start)
                    kept += 1
                else:
                    lost += 1
        self.unflushed = []
        print(f"cut at request {self.requests}: {kept} blocks kept, {lost} lost", flush=True)


class Server:
    """Answers the kernel's requests, one after the other."""

    def __init__(self, disk):
        self.disk = disk
        self.device = os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC)

    def mount(self, path):
        libc = ctypes.CDLL(None, use_errno=True)
        options = f"fd={self.device},rootmode={stat.S_IFREG | 0o600:o},user_id=0,group_id=0"
        if libc.mount(b"power-cut", os.fsencode(path), b"fuse", 0, options.encode()) != 0:
            raise OSError(ctypes.get_errno(), f"mount {path}")

    def serve(self, commands):
        """Until it is unmounted, or nobody gives commands any more."""
        poll = select.poll()
        poll.register(self.device, select.POLLIN)
        poll.register(commands, select.POLLIN | select.POLLHUP)
        rest = b""
        while True:
            for descriptor, _ in poll.poll():
                if descriptor == self.device:
                    if not self.answer():
                        return
                    continue
                read = os.read(commands, 4096)
                if not read:
                    return
                *lines, rest = (rest + read).split(b"\n")
                for line in lines:
                    word, *arguments = line.split()
                    if word == b"cut":
                        self.disk.cut()
                    elif word == b"arm":
                        self.disk.arm(int(arguments[0]))

    def answer(self):
        try:
            request = os.read(self.device, MAX_WRITE + 8192)
        except OSError as error:
            if error.errno in (errno.ENOENT, errno.EINTR, errno.EAGAIN):
                return True
            if error.errno == errno.ENODEV:
                return False
            raise
        _, opcode, unique, node, *_ = struct.unpack_from("<IIQQIIIHH", request)
        if opcode in SILENT:
            return True
        try:
            body, status = self.reply(opcode, request[40:]), 0
        except OSError as error:
            body, status = b"", -error.errno
        try:
            os.write(self.device, struct.pack("<IiQ", 16 + len(body), status, unique) + body)
        except OSError as error:
            # Whoever asked is gone.
            if error.errno != errno.ENOENT:
                raise
        return opcode != DESTROY

    def reply(self, opcode, body):
        if opcode == INIT:
            _, minor, readahead, flags = struct.unpack_from("<IIII", body)
            return struct.pack(
                "<IIIIHHIIHHI28x", 7, min(minor, 36), readahead, flags & FLAGS, 16, 12, MAX_WRITE, 1, MAX_WRITE // 4096, 0, 0
            )
        if opcode in (GETATTR, SETATTR):
            times = (0, 0, 0)
            attributes = (1, self.disk.size, self.disk.size // 512, *times)
            rest = (*times, stat.S_IFREG | 0o600, 1, 0, 0, 0, BLOCK, 0)
            return struct.pack("<QII", 3600, 0, 0) + struct.pack("<6Q10I", *attributes, *rest)
        if opcode == OPEN:
            return struct.pack("<QIi", 1, DIRECT_IO, 0)
        if opcode == READ:
            _, offset, count = struct.unpack_from("<QQI", body)
            return self.disk.read(offset, count)
        if opcode == WRITE:
            _, offset, count = struct.unpack_from("<QQI", body)
            self.disk.write(offset, body[40 : 40 + count])
            return struct.pack("<II", count, 0)
        if opcode == FSYNC:
            self.disk.flush()
            return b""
        if opcode in (FLUSH, RELEASE, DESTROY):
            return b""
        raise OSError(errno.ENOSYS, f"opcode {opcode}")


def main():
    image, mount, size, seed = sys.argv[1:]
    server = Server(Disk(image, int(size), int(seed)))
    server.mount(mount)
    print("ready", flush=True)
    server.serve(sys.stdin.fileno())


if __name__ == "__main__":
    main()
