# SPDX-License-Identifier: MIT
"""A service of the tests, in a thread and a main context of its own, that notes what is called."""

import threading

import gi

gi.require_version("Gio", "2.0")
from gi.repository import GLib  # noqa: E402


class LoopThread:
    """Starts with __init__(), which a class that is made of it calls last; close() it. `calls` are
    (member, arguments), noted by note()."""

    def __init__(self):
        self.calls = []
        self._changed = threading.Condition()
        self._context = GLib.MainContext()
        self._loop = GLib.MainLoop(self._context)
        ready = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(ready,), daemon=True)
        self._thread.start()
        ready.wait()

    def close(self):
        # By the loop: one that does not run yet would not know of it.
        source = GLib.Idle()
        source.set_callback(lambda *_: self._loop.quit())
        source.attach(self._context)
        self._thread.join()

    def wait(self, condition, timeout_s=30):
        """Waits until `condition()`, looked at whenever something was called."""
        with self._changed:
            if not self._changed.wait_for(condition, timeout_s):
                raise TimeoutError(f"after {timeout_s} s: {self.calls}")

    def called(self, member):
        """The arguments of each call of `member` so far."""
        with self._changed:
            return [arguments for name, arguments in self.calls if name == member]

    # .. in the thread

    def open_up(self):
        """Begins to serve; the thread's default context is the loop's."""
        raise NotImplementedError

    def shut_down(self):
        """Ends what open_up() began."""
        raise NotImplementedError

    def note(self, member, arguments):
        with self._changed:
            self.calls.append((member, arguments))
            self._changed.notify_all()

    def _run(self, ready):
        self._context.push_thread_default()
        self.open_up()
        ready.set()
        self._loop.run()
        self.shut_down()
        self._context.pop_thread_default()
