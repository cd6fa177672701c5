# SPDX-License-Identifier: MIT
"""Stands between the broker and the tree socket; what becomes of what comes by is said by those that
are made of it."""

import os
import socket
import threading


class Relay:
    """Listens on `path`, passes on to `target`. A connection ends where ends_here() says so, with
    what was on its way lost."""

    def __init__(self, path, target):
        self.target = str(target)
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

    def ends_here(self, data, from_broker, state):
        """Whether the connection ends before `data` is passed on; `state` is a dict of the
        connection's own. One call at a time."""
        raise NotImplementedError

    def wait_before_passing(self, from_broker, state):
        """Returns when what has come may be passed on."""

    def _accept(self):
        while True:
            try:
                broker, _ = self._listener.accept()
            except OSError:
                return
            tree = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            try:
                tree.connect(self.target)
            except OSError:  # the agent is away
                broker.close()
                continue
            self.connections += 1
            state = {}
            for one, other, from_broker in ((broker, tree, True), (tree, broker, False)):
                threading.Thread(target=self._pass, args=(one, other, from_broker, state),
                                 daemon=True).start()

    def _must_end(self, data, from_broker, state):
        with self._lock:
            return self.ends_here(data, from_broker, state)

    def _pass(self, one, other, from_broker, state):
        while True:
            try:
                data = one.recv(1 << 20)
            except OSError:
                data = b""
            if not data or self._must_end(data, from_broker, state):
                for end in (one, other):
                    try:
                        end.shutdown(socket.SHUT_RDWR)
                    except OSError:
                        pass
                return
            self.wait_before_passing(from_broker, state)
            try:
                other.sendall(data)
            except OSError:
                pass
