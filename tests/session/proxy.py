# SPDX-License-Identifier: MIT
"""Stands between the broker and the tree socket, and cuts the connection where a test wants it."""

from relay import Relay


class Proxy(Relay):
    """Listens on `path`, passes on to `target`. `cut` is "request": the connection ends when the
    first Apply comes, before it is passed on; "reply": when its answer comes, which is after the
    commit; None: never. `applies` has the bytes that came with each Apply. With `hold`, an Event,
    nothing of the tree is passed on after the first Apply until it is set: a command that takes
    long."""

    def __init__(self, path, target, cut=None, hold=None):
        self.cut, self.hold = cut, hold
        self.applies = []
        super().__init__(path, target)

    def wait_before_passing(self, from_broker, state):
        if self.hold is not None and not from_broker and "applied" in state:
            self.hold.wait(60)

    def ends_here(self, data, from_broker, state):
        if from_broker and b"Apply" in data:
            self.applies.append(data)
            state["applied"] = True
            where = "request"
        elif not from_broker and "applied" in state:
            where = "reply"
        else:
            return False
        if where != self.cut:
            return False
        self.cut = None
        return True
