# SPDX-License-Identifier: MIT
"""What the tests of the command line share."""

import os
import pty
import subprocess

import harness

ROOT_URI = "./Device/Vendor/MSFT/DMClient"


def on_terminal(env, *arguments, **more):
    """What dmclientctl, which must succeed, writes to a terminal."""
    master, slave = pty.openpty()
    process = subprocess.Popen([harness.CTL, *arguments], env=env.environ(TERM="xterm", **more),
                               stdin=slave, stdout=slave, stderr=subprocess.PIPE)
    os.close(slave)
    text = b""
    while True:
        try:
            chunk = os.read(master, 4096)
        except OSError:  # EIO: nobody has the other end any more
            break
        if not chunk:
            break
        text += chunk
    os.close(master)
    complaint = process.communicate(timeout=harness.RUN_TIMEOUT)[1]
    assert process.returncode == 0, complaint
    return text.decode()
