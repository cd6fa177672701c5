# SPDX-License-Identifier: MIT
"""The test host that behaves like an OMA-DM client (tests/hosts/omadm-host.c), and what it loads."""

import subprocess

import harness

HOST = harness.BUILD / "tests" / "hosts" / "omadm-host"
FOLDER = harness.BUILD / "hosts"
MODULE = FOLDER / "dmclient-omadm.so"
# Each base, and the file that serves it.
MODULES = {
    "./Vendor/MSFT/DMClient": MODULE,
    "./Device/Vendor/MSFT/DMClient": FOLDER / "dmclient-omadm-device.so",
    "./User/Vendor/MSFT/DMClient": FOLDER / "dmclient-omadm-user.so",
}
BASE = "./Vendor/MSFT/DMClient"


def encode(value):
    """A word of the host's input."""
    if value is None:
        return "-"
    return "=" + (value.encode() if isinstance(value, str) else value).hex()


def decode(word):
    return None if word == "-" else bytes.fromhex(word[1:])


class OmadmHost:
    """A host that has no session yet. `more`: variables of its environment."""

    def __init__(self, env, files=tuple(MODULES.values()), **more):
        self.log = open(env.dir / "omadm-host.log", "ab+")  # noqa: SIM115
        self.process = subprocess.Popen(
            [HOST, "session", *files], env=env.environ(**more), stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=self.log, text=True)

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        self.process.stdin.close()
        code = self.process.wait(harness.STOP_TIMEOUT)
        self.process.stdout.close()
        self.log.seek(0)
        words = self.log.read().decode(errors="replace")
        self.log.close()
        harness.check_sanitizers("omadm-host", words)
        assert code == 0, words

    def _run(self, verb, *values):
        self.process.stdin.write(" ".join([verb, *map(encode, values)]) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        assert line, "the host is gone"
        status, form, data = line.split()
        return int(status), decode(form), decode(data)

    def open(self):
        """Begins a DM session: loads the files, calls initFunc."""
        assert self._run("open")[0] == 200

    def blind(self):
        """From now on the host acts without looking first."""
        self._run("blind")

    def close(self):
        """Ends the session: calls closeFunc, unloads the files."""
        self._run("close")

    def get(self, uri):
        """Status, format and data; the last two None without a good Get."""
        status, form, data = self._run("get", uri)
        return (status, None, None) if form is None else (status, form.decode(), data.decode())

    def add(self, uri, data=None, form=None):
        return self._run("add", uri, form, data)[0]

    def replace(self, uri, data, form=None):
        return self._run("replace", uri, form, data)[0]

    def delete(self, uri):
        return self._run("delete", uri)[0]

    def execute(self, uri, data=None):
        return self._run("exec", uri, data)[0]
