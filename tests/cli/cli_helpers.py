# SPDX-License-Identifier: MIT
"""What the tests of the command line share."""

import fcntl
import os
import pty
import select
import struct
import subprocess
import termios
import time

import harness

ROOT_URI = "./Device/Vendor/MSFT/DMClient"


class Terminal:
    """A program on a terminal of its own, beside the test: its input, and all that it writes."""

    def __init__(self, env, *words, columns=None, **more):
        self.master, slave = pty.openpty()
        if columns is not None:
            fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
        environ = env.environ(**{"TERM": "xterm", **more})
        if columns is not None:
            environ.pop("COLUMNS", None)
        self.text = ""
        words = ["setsid", "--ctty", *words]  # as a login has it: /dev/tty is this one
        self.popen = subprocess.Popen([str(word) for word in words], env=environ, stdin=slave,
                                      stdout=slave, stderr=slave)
        os.close(slave)

    def _read(self, timeout):
        """Some more of what it writes; b"" at its end."""
        ready = select.select([self.master], [], [], max(timeout, 0))[0]
        assert ready, f"nothing came after {self.text!r}"
        try:
            return os.read(self.master, 65536)
        except OSError:  # EIO: nobody has the other end any more
            return b""

    def read_until(self, words):
        """Reads until it has written these words; its end or the deadline fail it."""
        deadline = time.monotonic() + harness.START_TIMEOUT
        while words not in self.text:
            data = self._read(deadline - time.monotonic())
            assert data, f"it ended with {self.text!r}"
            self.text += data.decode()

    def write(self, text):
        os.write(self.master, text.encode())

    def write_password(self, text):
        """Writes it once nothing that comes is shown: what came before that is thrown away."""
        harness.look_until(lambda: not termios.tcgetattr(self.master)[3] & termios.ECHO,
                           "a prompt that hides what is written")
        self.write(text)

    def wait(self, expect=0):
        """All that it wrote, once it has ended."""
        deadline = time.monotonic() + harness.RUN_TIMEOUT
        data = b"-"
        while data:
            data = self._read(deadline - time.monotonic())
            self.text += data.decode()
        code = self.popen.wait(harness.STOP_TIMEOUT)
        os.close(self.master)
        harness.check_sanitizers("dmclientctl", self.text)
        assert code == expect, self.text
        return self.text


def on_terminal(env, *arguments, expect=0, **more):
    """What dmclientctl, which must end like that, writes to a terminal."""
    return Terminal(env, harness.CTL, *arguments, **more).wait(expect)


class Beside:
    """dmclientctl beside the test, in a pipe; both its outputs in one."""

    def __init__(self, env, *arguments, **more):
        self.text = ""
        self.popen = subprocess.Popen([harness.CTL, *arguments], env=env.environ(**more),
                                      stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                      stderr=subprocess.STDOUT)

    def read_until(self, words):
        """Reads until it has written these words; its end or the deadline fail it."""
        deadline = time.monotonic() + harness.START_TIMEOUT
        while words not in self.text:
            left = deadline - time.monotonic()
            ready = select.select([self.popen.stdout], [], [], max(left, 0))[0]
            data = os.read(self.popen.stdout.fileno(), 65536) if ready else b""
            assert data, f"it wrote {self.text!r}"
            self.text += data.decode()

    def wait(self, expect=0):
        """All that it wrote, once it has ended."""
        self.text += self.popen.communicate(timeout=harness.RUN_TIMEOUT)[0].decode()
        harness.check_sanitizers("dmclientctl", self.text)
        assert self.popen.returncode == expect, self.text
        return self.text
