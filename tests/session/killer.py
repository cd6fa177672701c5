# SPDX-License-Identifier: MIT
"""Stands between the broker and the tree socket, and kills one of the two at a step that a test
names, with what is on its way lost."""

import os
import socket
import threading


class Killer:
    """Listens on `path`, passes on to `target`. `step` is (member, number, moment): at the number'th
    message with that member from now on, "before" it is passed on, or "after", when the answer to it
    comes. `kill()` is called then, once, and the connection ends. Signals of the tree are steps
    too: they have only a "before"."""

    def __init__(self, path, target, step, kill):
        self.target, self._kill = str(target), kill
        self._member, self._left, self._moment = step[0].encode() + b"\0", step[1], step[2]
        self._is_due = False
        self.happened = threading.Event()
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
            try:
                tree.connect(self.target)
            except OSError:
                broker.close()
                continue
            for one, other, from_broker in ((broker, tree, True), (tree, broker, False)):
                threading.Thread(target=self._pass, args=(one, other, from_broker),
                                 daemon=True).start()

    def _pass(self, one, other, from_broker):
        while True:
            try:
                data = one.recv(1 << 20)
            except OSError:
                data = b""
            if not data or self._strikes(data, from_broker):
                for end in (one, other):
                    try:
                        end.shutdown(socket.SHUT_RDWR)
                    except OSError:
                        pass
                return
            try:
                other.sendall(data)
            except OSError:
                pass

    def _strikes(self, data, from_broker):
        with self._lock:
            if self.happened.is_set():
                return False
            if self._is_due and not from_broker:
                return self._strike()
            n = data.count(self._member)
            if n == 0 or self._is_due:
                return False
            self._left -= n
            if self._left > 0:
                return False
            if self._moment == "before":
                return self._strike()
            self._is_due = True
            return False

    def _strike(self):
        self._kill()
        self.happened.set()
        return True
