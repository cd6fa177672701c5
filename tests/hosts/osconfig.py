# SPDX-License-Identifier: MIT
"""The host that is like OSConfig (osconfig-host.c), driven by tests, and names of the model, derived
anew from the specification's."""

import errno
import json
import re
import subprocess

import harness

HOST = harness.BUILD / "tests" / "hosts" / "osconfig-host"
MODULE = harness.BUILD / "hosts" / "dmclient-osconfig.so"
MODEL = harness.BUILD / "hosts" / "dmclient.json"
COMPONENT = "DMClient"
ROOT_URI = "./Device/Vendor/MSFT/DMClient"

# What hosts.md says, and the rest as the module has it.
ERRNO = {200: 0, 202: 0, 400: errno.EINVAL, 404: errno.ENOENT, 405: errno.EPERM, 412: errno.EINVAL,
         413: errno.EINVAL, 414: errno.EINVAL, 415: errno.EINVAL, 418: errno.EEXIST,
         420: errno.ENOSPC, 425: errno.EACCES, 406: errno.EINVAL, 500: errno.EIO, 510: errno.EIO}


def camel_case(name):
    """HWDevID is hwDevId: runs of capitals are words, the last one belongs to what follows."""
    words = re.findall(r"[A-Z]+(?![a-z])[0-9]*|[A-Z][a-z]+[0-9]*", name)
    assert "".join(words) == name
    first, *rest = words
    return first.lower() + "".join(word.capitalize() for word in rest)


class Host:
    """A process with the module in it, and what it answers."""

    def __init__(self, env, libraries=(), prefix=(), module=MODULE, **more):
        self.log = env.dir / f"host-{id(self)}.log"
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                [*prefix, HOST, "serve", module, *libraries], env=env.environ(**more), text=True,
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log)

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        self.close(kind is None)

    def close(self, check=True):
        """Unloads the module; nothing may be wrong then."""
        self.process.stdin.close()
        self.process.wait(harness.STOP_TIMEOUT)
        self.process.stdout.close()
        if check:
            assert self.process.returncode == 0, self.output()
            harness.check_sanitizers("osconfig-host", self.output())

    def output(self):
        """What module and host said on standard error."""
        return self.log.read_text(errors="replace")

    def send(self, *words):
        self.process.stdin.write(" ".join(map(str, words)) + "\n")
        self.process.stdin.flush()

    def receive(self):
        """The first word of the answer as a number, and the payload as text."""
        line = self.process.stdout.readline()
        assert line, self.output()
        number, _, payload = line.rstrip("\n").partition(" ")
        return int(number), payload

    def ask(self, *words):
        self.send(*words)
        return self.receive()

    def info(self):
        error, answer = self.ask("info")
        assert error == 0
        payload, size = answer.split()
        assert len(payload) == 2 * int(size)
        return json.loads(bytes.fromhex(payload))

    def open(self, max_bytes=0):
        """A Session of the host."""
        number, _ = self.ask("open", max_bytes)
        assert number != 0, self.output()
        return Session(self, number)


class Session:
    def __init__(self, host, number):
        self.host = host
        self.number = number

    def close(self):
        self.host.ask("close", self.number)

    def try_get(self, name, component=COMPONENT):
        """Error, and the payload as text."""
        error, payload = self.host.ask("get", self.number, component, name)
        return error, bytes.fromhex(payload).decode()

    def get(self, name):
        error, payload = self.try_get(name)
        assert error == 0, self.host.output()
        return json.loads(payload)

    def send_set(self, name, payload, component=COMPONENT, size=None):
        """Begins a Set of bytes, or of an object as JSON; None no payload at all."""
        if payload is not None and not isinstance(payload, bytes):
            payload = json.dumps(payload, ensure_ascii=False).encode()
        words = [] if size is None else [size]
        self.host.send("set", self.number, component, name,
                       "-" if payload is None else payload.hex() or "00", *words)

    def set(self, name, payload, **options):
        """The error of a Set."""
        self.send_set(name, payload, **options)
        return self.host.receive()[0]

    def providers(self, *providers):
        return self.set("providers", list(providers))

    def command(self, command_id, verb, uri, **more):
        """The error of a command."""
        return self.set("command", {"commandId": command_id, "verb": verb, "locUri": uri, **more})

    def provider(self, name="A"):
        """What is reported of a provider; None if it is not there."""
        return next((one for one in self.get("providers") if one["providerId"] == name), None)
