"""A counter with a line server that fails where it is told to, below what any library would send: for the failure matrix.

main(VSN) is the program of one version. Arguments: [Dir | Faults], a fault is {Callback, How, Vsn}: in the process of that
version, when it comes to answer that callback. Callbacks: init (of a standby), start (init of one that starts), ack (after
it), suspend, export_state, import_state, resume, terminate, config_change, call (of the request boom). How:
  crash    SIGABRT
  exit     exit status 0, without an answer
  hang     makes a file Dir/hangs, answers nothing until there is a file Dir/go, then goes on
  error    answers {error, Ref, told}
  garbage  sends a frame that holds no term
  half     sends half of its answer, hangs, and sends the rest
  child    leaves a process behind, and answers
  serves   makes a file Dir/hangs, serves the next line of a client, and ends as crash does: for resume
Lines of its clients: `add N`, `get` answer the count. State: {counter, N}. Descriptors: its clients' connections.
"""

import array, fcntl, os, select, signal, socket, struct, sys, time

from eval_worker import Atom, decode, encode


class Worker:
    def __init__(self, vsn):
        self.vsn, self.count, self.faults, self.directory = vsn, 0, {}, "/nonexistent"
        self.channel = socket.socket(fileno=int(os.environ.pop("RELEASE_HANDLER_CHANNEL")))
        self.transfer = socket.socket(fileno=int(os.environ.pop("RELEASE_HANDLER_TRANSFER")))
        self.listener = socket.socket(fileno=3) if os.environ.get("LISTEN_FDS") else None
        for end in filter(None, (self.channel, self.transfer, self.listener)):
            end.set_inheritable(False)
        self.status, self.clients = "new", {}

    def run(self):
        while True:
            watched = [self.channel]
            if self.status == "running":
                watched += list(self.clients) + ([self.listener] if self.listener else [])
            for ready in select.select(watched, [], [])[0]:
                if ready is self.channel:
                    message, _ = decode(self.read(struct.unpack(">I", self.read(4))[0]))
                    getattr(self, "do_" + message[0])(*message[1:])
                elif ready is self.listener:
                    client, _ = self.listener.accept()
                    self.clients[client] = b""
                elif self.status == "running":
                    self.serve(ready)

    def serve(self, client):
        data = client.recv(4096)
        if not data:
            del self.clients[client]
            return client.close()
        self.clients[client] += data
        while b"\n" in self.clients[client]:
            line, _, self.clients[client] = self.clients[client].partition(b"\n")
            words = line.split()
            if words[:1] == [b"add"]:
                self.count += int(words[1])
            client.sendall(b"%d\n" % self.count)

    def read(self, count):
        data = b""
        while len(data) < count:
            part = self.channel.recv(count - len(data))
            if not part:
                os._exit(0)
            data += part
        return data

    def frame(self, message):
        data = b"\x83" + encode(message)
        return struct.pack(">I", len(data)) + data

    def hang(self):
        open(self.directory + "/hangs", "w").close()
        while not os.path.exists(self.directory + "/go"):
            time.sleep(0.02)

    def answer(self, callback, ref, *message):
        """Answers, or does what it is told to do instead."""
        how = self.faults.get(callback)
        if how == "crash":
            os.kill(os.getpid(), signal.SIGABRT)
        elif how == "exit":
            os._exit(0)
        elif how == "error":
            return self.channel.sendall(self.frame((Atom("error"), ref, Atom("told"))))
        elif how == "garbage":
            self.channel.sendall(struct.pack(">I", 5) + b"hello")
            self.hang()
        elif how == "half":
            whole = self.frame(message or (Atom("ok"), ref))
            self.channel.sendall(whole[: len(whole) // 2])
            self.hang()
            return self.channel.sendall(whole[len(whole) // 2 :])
        elif how == "hang":
            self.hang()
        elif how == "serves":
            open(self.directory + "/hangs", "w").close()
            self.serve(select.select(list(self.clients), [], [])[0][0])
            os.kill(os.getpid(), signal.SIGABRT)
        elif how == "child" and os.fork() == 0:
            os.execvp("sleep", ["sleep", "1000"])
        if message:
            self.channel.sendall(self.frame(message))

    def do_init(self, ref, info):
        directory, *faults = info[Atom("arguments")] or [b"/nonexistent"]
        self.directory = directory.decode()
        self.faults = {str(f[0]): str(f[1]) for f in faults if bytes(f[2]).decode() == self.vsn}
        isStart = info[Atom("mode")] == "start"
        self.status = "running" if isStart else "standby"
        about = {Atom("vsn"): [ord(c) for c in self.vsn], Atom("protocol"): 1}
        if self.faults.get("ack") == "garbage" and not isStart:
            about = []
        self.answer("start" if isStart else "init", ref, Atom("ack"), ref, about)
        if self.faults.get("ack") == "exit" and not isStart:
            os._exit(0)

    def do_call(self, ref, request):
        if request == "boom":
            self.answer("call", ref, Atom("reply"), ref, Atom("ok"))
        else:
            self.channel.sendall(self.frame((Atom("reply"), ref, self.count)))

    def do_cast(self, request):
        pass

    def do_suspend(self, ref):
        self.answer("suspend", ref, Atom("ok"), ref)
        self.status = "suspended"

    def do_resume(self, ref):
        self.answer("resume", ref, Atom("ok"), ref)
        if self.faults.get("resume") != "error":
            self.status = "running"

    def do_export_state(self, ref, change):
        if self.faults.get("export_state") not in (None, "child"):
            return self.answer("export_state", ref, Atom("exported"), ref, {Atom("size"): 1, Atom("descriptors"): 0})
        clients = list(self.clients)
        records = [(Atom("connection"), self.clients[client]) for client in clients]
        beside = {Atom("descriptors"): records, Atom("timers"): []}
        data = b"\x83" + encode((Atom("worker_state"), 1, beside, (Atom("counter"), self.count)))
        memory = os.memfd_create("state", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        os.write(memory, data)
        seals = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE | fcntl.F_SEAL_SEAL
        fcntl.fcntl(memory, fcntl.F_ADD_SEALS, seals)
        self.packet((Atom("state"), ref, len(data)), [memory])
        os.close(memory)
        if clients:
            self.packet((Atom("descriptors"), ref, 0, len(clients)), [client.fileno() for client in clients])
        counts = {Atom("size"): len(data), Atom("descriptors"): len(clients)}
        self.answer("export_state", ref, Atom("exported"), ref, counts)

    def packet(self, term, descriptors):
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", descriptors))]
        self.transfer.sendmsg([b"\x83" + encode(term)], rights)

    def do_import_state(self, ref, how):
        memory, received = None, []
        while memory is None or len(received) < how[Atom("descriptors")]:
            data, rights, _, _ = self.transfer.recvmsg(1024, socket.CMSG_SPACE(512), socket.MSG_CMSG_CLOEXEC)
            numbers = array.array("i")
            for _, _, content in rights:
                numbers.frombytes(content)
            packet = decode(data)[0]
            if packet[1] != ref:
                [os.close(number) for number in numbers]
            elif packet[0] == "state":
                memory = numbers[0]
            else:
                received += numbers
        _, _, beside, state = decode(os.pread(memory, how[Atom("size")], 0))[0]
        os.close(memory)
        if self.faults.get("import_state") not in (None, "child"):
            [os.close(number) for number in received]
            return self.answer("import_state", ref, Atom("ok"), ref)
        self.count = state[1]
        for record, number in zip(beside[Atom("descriptors")], received):
            self.clients[socket.socket(fileno=number)] = record[1]
        self.status = "imported"
        self.answer("import_state", ref, Atom("ok"), ref)

    def do_get_state(self, ref):
        self.channel.sendall(self.frame((Atom("ok"), ref, (Atom("counter"), self.count))))

    def do_get_status(self, ref):
        about = {Atom("status"): Atom(self.status), Atom("vsn"): self.vsn.encode()}
        self.channel.sendall(self.frame((Atom("ok"), ref, about)))

    def do_get_modules(self, ref):
        self.channel.sendall(self.frame((Atom("ok"), ref, [Atom("faulty")])))

    def do_config_change(self, ref, *_):
        self.answer("config_change", ref, Atom("ok"), ref)

    def do_terminate(self, ref, reason):
        self.answer("terminate", ref)
        os._exit(0)


def main(vsn):
    Worker(vsn).run()
