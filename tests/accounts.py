# SPDX-License-Identifier: MIT
"""Users that this machine does not have: a program gets a password file of its own, in a mount
namespace of its own, and with it whatever it starts."""

import os
import pathlib
import shutil
import subprocess

import pytest

# As the system's own users are called; uids that nobody has.
AGENT = "dmclient"
BROKER = "dmclient-broker"
UIDS = {AGENT: 64801, BROKER: 64802}

SCRIPT = ('mount --bind "$1" /etc/passwd && mount --bind "$2" /etc/group && shift 2 && exec "$@"')


def need():
    """Skips the test where nobody can be somebody else."""
    if os.geteuid() != 0:
        pytest.skip("only root can be somebody else")
    if subprocess.run(["unshare", "--mount", "true"], capture_output=True, check=False).returncode:
        pytest.skip("a mount namespace is needed")


def with_lines(system, names, lines):
    """The text of a file such as /etc/passwd, with these lines for these names."""
    kept = [line for line in pathlib.Path(system).read_text(encoding="utf-8").splitlines()
            if line.split(":")[0] not in names]
    return "\n".join(kept + lines) + "\n"


def prefix(directory, uids):
    """Words in front of a program: it finds these users (name to uid), each with a group of the
    same name and number, beside the machine's own. The files are kept in `directory`."""
    passwd, group = directory / "passwd", directory / "group"
    passwd.write_text(with_lines("/etc/passwd", uids, [
        f"{name}:x:{uid}:{uid}::/nonexistent:/usr/sbin/nologin" for name, uid in uids.items()]))
    group.write_text(with_lines("/etc/group", uids, [
        f"{name}:x:{uid}:" for name, uid in uids.items()]))
    return ["unshare", "--mount", "--propagation", "private", "sh", "-c", SCRIPT, "sh",
            str(passwd), str(group)]


def become(uid):
    """Words in front of a program: it runs as this user and its group, without any other group."""
    return [shutil.which("setpriv"), f"--reuid={uid}", f"--regid={uid}", "--clear-groups"]
