# SPDX-License-Identifier: MIT
"""Stands between the broker and the tree socket, and kills one of the two at a step that a test
names, with what is on its way lost."""

import threading

from relay import Relay


class Killer(Relay):
    """Listens on `path`, passes on to `target`. `step` is (member, number, moment): at the number'th
    message with that member from now on, "before" it is passed on, or "after", when the answer to it
    comes. `kill()` is called then, once, and the connection ends. Signals of the tree are steps
    too: they have only a "before"."""

    def __init__(self, path, target, step, kill):
        self._kill = kill
        self._member, self._left, self._moment = step[0].encode() + b"\0", step[1], step[2]
        self._is_due = False
        self.happened = threading.Event()
        super().__init__(path, target)

    def ends_here(self, data, from_broker, state):
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
