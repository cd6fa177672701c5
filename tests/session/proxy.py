# SPDX-License-Identifier: MIT
"""Stands between the broker and the tree socket, and cuts the connection where a test wants it."""

import os
import socket
import threading


class Proxy:
    """Listens on `path`, passes on to `target`. `cut` is "request": the connection ends when the
    first Apply comes, before it is passed on; "reply": when its answer comes, which is after the
    commit; None: never. `applies` has the bytes that came with each Apply. With `hold`, an Event,
    nothing of the tree is passed on after the first Apply until it is set: a command that takes
    long."""

    def __init__(self, path, target, cut=None, hold=None):
        self.target, self.cut, self.hold = str(target), cut, hold
        self.applies = []
        self.connections = 0
        self._lock = threading.Lock()
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(str(path))
        os.chmod(path, 0o600)
        self._listener.listen()
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self):
        while True:
            try:
                broker, _ = self._listener.accept()
            except OSError:
                return
            tree = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            tree.connect(self.target)
            self.connections += 1
            state = {"applied": False}
            for one, other, from_broker in ((broker, tree, True), (tree, broker, False)):
                threading.Thread(target=self._pass, args=(one, other, from_broker, state),
                                 daemon=True).start()

    def _pass(self, one, other, from_broker, state):
        while True:
            try:
                data = one.recv(1 << 20)
            except OSError:
                data = b""
            if not data or self._must_cut(data, from_broker, state):
                for end in (one, other):
                    try:
                        end.shutdown(socket.SHUT_RDWR)
                    except OSError:
                        pass
                return
            if self.hold is not None and not from_broker and state["applied"]:
                self.hold.wait(60)
            try:
                other.sendall(data)
            except OSError:
                pass

    def _must_cut(self, data, from_broker, state):
        with self._lock:
            if from_broker and b"Apply" in data:
                self.applies.append(data)
                state["applied"] = True
                where = "request"
            elif not from_broker and state["applied"]:
                where = "reply"
            else:
                return False
            if where != self.cut:
                return False
            self.cut = None
            return True
