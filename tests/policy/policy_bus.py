# SPDX-License-Identifier: MIT
"""A bus with the machine's own policy and ours, on which the real agent is, and callers of all
sorts."""

import json
import os
import pathlib
import shutil
import subprocess
import xml.etree.ElementTree as ElementTree

import pytest

import accounts
import bus_tree
import harness

CALLER = pathlib.Path(__file__).resolve().parent / "caller.py"
SYSTEM_CONF = ("/usr/share/dbus-1/system.conf", "/etc/dbus-1/system.conf")
# What belongs to the machine's own bus alone.
LEFT_OUT = {"user", "fork", "pidfile", "syslog", "standard_system_servicedirs", "servicehelper",
            "listen", "include", "includedir"}
NOBODY = "nobody"
BUS = "org.freedesktop.DBus"
UIDS = {"root": 0, NOBODY: 65534, **accounts.UIDS}


def bus_config(includes, service_dir=None):
    """The machine's own configuration of the system bus with other files included, as text for
    harness.Environment.start_bus(). With what the machine adds in system.d left out."""
    path = next((p for p in SYSTEM_CONF if os.path.exists(p)), None)
    if path is None:
        pytest.skip("this machine has no configuration of a system bus")
    root = ElementTree.parse(path).getroot()
    for element in list(root):
        if element.tag in LEFT_OUT:
            root.remove(element)
    ElementTree.SubElement(root, "listen").text = "unix:path={path}"
    if service_dir is not None:
        ElementTree.SubElement(root, "servicedir").text = str(service_dir)
    for include in includes:
        ElementTree.SubElement(root, "include").text = str(include)
    return ElementTree.tostring(root, encoding="unicode")


class Refused(Exception):
    """An error: its name and sentence."""

    def __init__(self, name, text):
        super().__init__(f"{name}: {text}")
        self.name, self.text = name, text

    @property
    def by_bus(self):
        """Whether the bus refused to send it, rather than the service to do it."""
        return self.name == BUS + ".Error.AccessDenied" and "Rejected send message" in self.text


class Caller:
    """A connection of its own, of a process that runs as somebody."""

    def __init__(self, env, uid):
        program = env.dir / "caller.py"
        if not program.exists():
            shutil.copy(CALLER, program)
            program.chmod(0o644)
        self.uid = uid
        self.process = harness.Process(
            f"caller of uid {uid}",
            [*accounts.become(uid), "/usr/bin/python3", program, env.bus_address],
            env.environ(), env.dir / f"caller-{id(self)}.log", stdin=subprocess.PIPE,
            stdout=subprocess.PIPE)

    def ask(self, **request):
        pipe = self.process.popen
        pipe.stdin.write((json.dumps(request) + "\n").encode())
        pipe.stdin.flush()
        self.process.wait_for(pipe.stdout, "it answered")
        answer = json.loads(pipe.stdout.readline())
        if "error" in answer:
            raise Refused(answer["error"], answer["text"])
        return answer["value"]

    def call(self, destination, path, interface, member, arguments="()"):
        return self.ask(call=[destination, path, interface, member, arguments])

    def bus_call(self, member, arguments="()", interface=BUS):
        return self.call(BUS, "/org/freedesktop/DBus", interface, member, arguments)

    def send(self, kind, destination, path="/x", interface="org.example.X", member="X"):
        self.ask(send=[kind, destination, path, interface, member])

    def unique_name(self):
        return self.ask(name=[])

    def take(self):
        return self.ask(got=[])

    def refusal(self, *call):
        """The error that a call ends with; None: it succeeds."""
        try:
            self.call(*call)
        except Refused as refused:
            return refused
        return None

    def close(self):
        self.process.popen.stdin.close()
        code = self.process.wait()
        self.process.popen.stdout.close()
        if code != 0:
            raise harness.Failure(f"{self.process.name} ended with {code}:\n"
                                  f"{self.process.output()}")


class System:
    """A private bus with the policy of the machine's system bus and ours, where the agent's and the
    broker's users exist, and callers on it."""

    def __init__(self, env, installed):
        self.env = env
        self.installed = installed
        self.prefix = accounts.prefix(env.dir, accounts.UIDS)
        self.callers = {}
        env.dir.chmod(0o711)

    def start_bus(self, service_dir=None):
        includes = [self.installed / self.installed.bus_policy]
        self.env.start_bus(bus_config(includes, service_dir), self.prefix)

    def start_agent(self):
        """The installed agent as its own user, with a tree in which every object is."""
        env, uid = self.env, accounts.UIDS[accounts.AGENT]
        env.socket = self.make_directory("run", uid) / "tree"
        env.state_dir = self.make_directory("state", uid)
        env.start_agent(program=self.installed / self.installed.agent,
                        plugin=self.installed / self.installed.plugin,
                        prefix=[*self.prefix, *accounts.become(uid)])
        tree = bus_tree.Tree(env)
        tree.add_provider()
        tree.fill()
        tree.add_user(UIDS[NOBODY])

    def make_directory(self, name, uid):
        path = self.env.dir / name
        path.mkdir(mode=0o700)
        os.chown(path, uid, uid)
        return path

    def __getitem__(self, user):
        """The caller that is this user."""
        if user not in self.callers:
            self.callers[user] = self.new_caller(user)
        return self.callers[user]

    def new_caller(self, user):
        return Caller(self.env, UIDS[user])

    def close(self):
        for caller in self.callers.values():
            caller.close()
