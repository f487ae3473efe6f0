"""A traced worker, for the golden cases of evaluation: a line of JSON for each thing that happens to it.

main(MODULE, VSN) is the program of one module in one version. Its arguments: its id, the file to write to, [hang] (answer
no suspend in the first process), {code_change, {error, R}} or {code_change, crash} (its code_change fails), {get_modules, Ms}.
Its state is the list of the conversions that it went through.
"""

import array, fcntl, json, mmap, os, select, socket, struct, sys, time


class Atom(str):
    pass


class Failure(Exception):
    pass


def decode(data, at=1):
    """The term at `at`, and where it ends."""
    def number(form, at):
        return struct.unpack_from(">" + form, data, at)[0], at + struct.calcsize(form)

    def terms(count, at):
        found = []
        for _ in range(count):
            term, at = decode(data, at)
            found.append(term)
        return found, at

    tag, at = data[at], at + 1
    if tag == 97:
        return number("B", at)
    if tag == 98:
        return number("i", at)
    if tag == 110:
        size, at = number("B", at)
        value = int.from_bytes(data[at + 1 : at + 1 + size], "little")
        return -value if data[at] else value, at + 1 + size
    if tag in (119, 118):
        size, at = number("B" if tag == 119 else "H", at)
        return Atom(bytes(data[at : at + size]).decode()), at + size
    if tag == 109:
        size, at = number("I", at)
        return bytes(data[at : at + size]), at + size
    if tag == 106:
        return [], at
    if tag == 107:
        size, at = number("H", at)
        return list(data[at : at + size]), at + size
    if tag == 108:
        size, at = number("I", at)
        found, at = terms(size, at)
        return found, at + 1
    if tag in (104, 105):
        size, at = number("B" if tag == 104 else "I", at)
        found, at = terms(size, at)
        return tuple(found), at
    if tag == 116:
        size, at = number("I", at)
        found, at = terms(2 * size, at)
        return dict(zip(found[::2], found[1::2])), at
    raise ValueError("tag %d" % tag)


def encode(term):
    if isinstance(term, Atom):
        name = term.encode()
        return struct.pack(">BB", 119, len(name)) + name
    if isinstance(term, int):
        return struct.pack(">Bi", 98, term)
    if isinstance(term, bytes):
        return struct.pack(">BI", 109, len(term)) + term
    if isinstance(term, list):
        return (struct.pack(">BI", 108, len(term)) + b"".join(map(encode, term)) if term else b"") + b"j"
    if isinstance(term, tuple):
        return struct.pack(">BB", 104, len(term)) + b"".join(map(encode, term))
    return struct.pack(">BI", 116, len(term)) + b"".join(encode(key) + encode(value) for key, value in term.items())


def text(term):
    """As Erlang would print it; a list of printable characters is a string."""
    if isinstance(term, list):
        if term and all(isinstance(e, int) and 32 <= e < 127 for e in term):
            return '"%s"' % "".join(map(chr, term))
        return "[%s]" % ",".join(map(text, term))
    return "{%s}" % ",".join(map(text, term)) if isinstance(term, tuple) else str(term)


class Worker:
    def __init__(self, module, vsn):
        self.module, self.vsn = module, vsn
        self.channel = socket.socket(fileno=int(os.environ.pop("RELEASE_HANDLER_CHANNEL")))
        self.transfer = socket.socket(fileno=int(os.environ.pop("RELEASE_HANDLER_TRANSFER")))
        self.status, self.state = "new", []

    def run(self):
        while True:
            (size,) = struct.unpack(">I", self.read(4))
            message, _ = decode(self.read(size))
            name, ref = message[0], message[1]
            try:
                getattr(self, "do_" + name)(ref, *message[2:])
            except Failure as failure:
                self.send(Atom("error"), ref, failure.args[0])

    def read(self, count):
        data = b""
        while len(data) < count:
            part = self.channel.recv(count - len(data))
            if not part:
                os._exit(0)
            data += part
        return data

    def send(self, *message):
        data = b"\x83" + encode(message)
        self.channel.sendall(struct.pack(">I", len(data)) + data)

    def trace(self, event, **more):
        line = {"worker": self.id, "pid": os.getpid(), "event": event, "vsn": self.vsn, **more}
        os.write(self.log, (json.dumps(line) + "\n").encode())

    def do_init(self, ref, info):
        # A standby that only proves that the program can start has no arguments.
        self.id, log, *self.plan = info[Atom("arguments")] or ["nobody", b"/dev/null"]
        self.generation = info[Atom("generation")]
        self.log = os.open(log.decode(), os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self.status = "running" if info[Atom("mode")] == "start" else "standby"
        if self.status == "running":
            self.trace("started")
        self.send(Atom("ack"), ref, {Atom("vsn"): [ord(c) for c in self.vsn], Atom("protocol"): 1})

    def do_suspend(self, ref):
        if Atom("hang") in self.plan and self.generation == 1:
            self.trace("hung")
            time.sleep(1000)
        self.status = "suspended"
        self.trace("suspended")
        self.send(Atom("ok"), ref)

    def do_resume(self, ref):
        self.status = "running"
        self.trace("resumed")
        self.send(Atom("ok"), ref)

    def convert(self, vsn, extra):
        change = (self.module, text(vsn), text(extra), self.vsn)
        plan = dict(p for p in self.plan if isinstance(p, tuple))
        fails = plan.get(Atom("code_change"))
        self.trace("code_change" if fails is None else "code_change_fails", change=change)
        if fails == "crash":
            os._exit(3)
        if fails is not None:
            raise Failure(fails[1])
        return self.state + [" ".join(change).encode()]

    def do_export_state(self, ref, change):
        # {code_change, {down, Vsn}, Extra}: the own state stays as it is.
        state = self.state if change == "none" else self.convert(*change[1:])
        data = b"\x83" + encode((Atom("worker_state"), 1, {Atom("descriptors"): [], Atom("timers"): []}, state))
        memory = os.memfd_create("state", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        os.write(memory, data)
        seals = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE | fcntl.F_SEAL_SEAL
        fcntl.fcntl(memory, fcntl.F_ADD_SEALS, seals)
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [memory]))]
        self.transfer.sendmsg([b"\x83" + encode((Atom("state"), ref, len(data)))], rights)
        os.close(memory)
        self.send(Atom("exported"), ref, {Atom("size"): len(data), Atom("descriptors"): 0})

    def do_import_state(self, ref, how):
        while True:
            packet, rights, _, _ = self.transfer.recvmsg(1024, socket.CMSG_SPACE(4), socket.MSG_CMSG_CLOEXEC)
            memory = array.array("i", rights[0][2])[0]
            if decode(packet)[0][1] == ref:
                break
            os.close(memory)
        data = os.pread(memory, how[Atom("size")], 0)
        os.close(memory)
        self.state = decode(data)[0][3]
        change = how[Atom("change")]
        if change != "none":
            self.state = self.convert(*change[1:])
        self.status = "imported"
        self.send(Atom("ok"), ref)

    def do_get_state(self, ref):
        self.send(Atom("ok"), ref, self.state)

    def do_get_status(self, ref):
        self.send(Atom("ok"), ref, {Atom("status"): Atom(self.status), Atom("vsn"): self.vsn.encode()})

    def do_get_modules(self, ref):
        plan = dict(p for p in self.plan if isinstance(p, tuple))
        self.send(Atom("ok"), ref, plan.get(Atom("get_modules"), [Atom(self.module)]))

    def do_config_change(self, ref, *_):
        self.send(Atom("ok"), ref)

    def do_terminate(self, ref, reason):
        if reason != "handoff" and self.status in ("running", "suspended"):
            self.trace("stopped")
        os._exit(0)


def main(module, vsn):
    Worker(module, vsn).run()
