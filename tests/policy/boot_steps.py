# SPDX-License-Identifier: MIT
"""Runs as root in a booted system where the project is installed, and writes what it finds to
/facts.json. Judges nothing: test_booted.py does. Arguments: dmclientctl, the broker's program."""

import json
import os
import pwd
import signal
import subprocess
import sys
import time

NAME, ROOT = "org.dmclient.DMClient1", "/org/dmclient/DMClient1"
BUS = "org.freedesktop.DBus"
SOCKET = "/run/dmclient/tree"
TIMEOUT = 60
USERS = ("root", "dmclient", "dmclient-broker", "nobody")
PROVISIONED = ["provision", "/enrol/document.xml", "--certificate", "/enrol/client.pem",
               "--key", "/enrol/client.key"]


def run(*argv, user="root"):
    entry = pwd.getpwnam(user)
    words = ["setpriv", f"--reuid={entry.pw_uid}", f"--regid={entry.pw_gid}", "--init-groups"]
    result = subprocess.run([*(words if user != "root" else []), *argv], capture_output=True,
                            text=True, timeout=TIMEOUT, check=False)
    return [result.returncode, (result.stdout + result.stderr).strip()]


def ask(member, *arguments, user="root"):
    return run("busctl", "--system", "call", BUS, "/org/freedesktop/DBus", BUS, member, *arguments,
               user=user)


def read_property(name, user="root"):
    return run("busctl", "--system", "get-property", NAME, ROOT, NAME + ".Manager", name, user=user)


def show(unit, *names):
    lines = run("systemctl", "show", unit, *[f"--property={name}" for name in names])[1]
    return dict(line.split("=", 1) for line in lines.splitlines())


def stat(path):
    """Mode, owner and group by name."""
    return run("stat", "-c", "%a %U %G", path)[1]


def look_at_process(unit):
    """What the kernel says of the unit's main process."""
    pid = show(unit, "MainPID")["MainPID"]
    with open(f"/proc/{pid}/status", encoding="utf-8") as lines:
        status = dict(line.rstrip("\n").split(":\t", 1) for line in lines if ":\t" in line)
    return {
        "user": pwd.getpwuid(int(status["Uid"].split()[1])).pw_name,
        "own network": os.readlink(f"/proc/{pid}/ns/net") != os.readlink("/proc/1/ns/net"),
        "own users": os.readlink(f"/proc/{pid}/ns/user") != os.readlink("/proc/1/ns/user"),
        **{key: status[key] for key in ("CapBnd", "CapEff", "NoNewPrivs", "Seccomp")},
    }


def greet_socket(user):
    """How the tree socket answers somebody's authentication."""
    child = ("import os, socket; s = socket.socket(socket.AF_UNIX); s.settimeout(30);"
             f"s.connect('{SOCKET}'); h = str(os.getuid()).encode().hex().encode();"
             "s.sendall(b'\\0AUTH EXTERNAL ' + h + b'\\r\\n'); print(s.recv(99).decode())")
    return run(sys.executable, "-c", child, user=user)[1].splitlines()[-1].split()[0]


def kill_agent():
    """Kills the agent; how long it takes until the bus has its tree again, and which."""
    before = show("dmclient-agent.service", "MainPID")["MainPID"]
    os.kill(int(before), signal.SIGKILL)
    start = time.monotonic()
    providers = read_property("Providers")
    while providers[0] != 0 and time.monotonic() < start + TIMEOUT:
        providers = read_property("Providers")
    taken = time.monotonic() - start
    return {"seconds": taken, "providers": providers,
            "new": show("dmclient-agent.service", "MainPID")["MainPID"] != before}


def main():
    ctl, broker = sys.argv[1:]
    facts = {}
    states = [f"/var/lib/{user}" for user in ("dmclient", "dmclient-broker")]

    def find(name, function, *arguments, **options):
        """Keeps what a step finds, and of one that fails why: the others follow all the same."""
        try:
            facts[name] = function(*arguments, **options)
        except (OSError, KeyError, ValueError, subprocess.SubprocessError) as error:
            facts[name] = repr(error)

    try:
        find("places", lambda: {path: stat(path) for path in ("/run/dmclient", SOCKET, *states)})
        find("before", show, "dmclient-agent.service", "ActiveState")
        find("enrolled", run, ctl, *PROVISIONED)
        find("keys", lambda: {name: stat(f"{states[1]}/{name}") for name in os.listdir(states[1])})
        find("socket starts", show, "dmclient-agent.service", "ActiveState")
        find("agent", look_at_process, "dmclient-agent.service")
        find("peers", lambda: {user: greet_socket(user) for user in USERS})
        find("killed", kill_agent)
        # The broker would have the socket start it again.
        run("systemctl", "stop", "dmclient-broker.service", "dmclient-agent.service")
        find("bus starts", read_property, "Version", user="nobody")
        find("states", lambda: {path: stat(path) for path in states})
        # It comes with the agent.
        run("systemctl", "stop", "dmclient-broker.service")
        find("broker activation", ask, "StartServiceByName", "su", NAME + ".Broker", "0",
             user="dmclient")
        find("broker", look_at_process, "dmclient-broker.service")
        find("broker owner", ask, "GetConnectionUnixUser", "s", NAME + ".Broker")
        find("broker unit", show, "dmclient-broker.service", "ActiveState", "NRestarts")
        find("doctor", lambda: {user: run(ctl, "doctor", "--json", user=user)
                                for user in ("root", "nobody")})
        find("monitor", run, ctl, "monitor", "--raw", user="nobody")
        run("systemctl", "stop", "dmclient-broker.service", "dmclient-agent.service")
        find("ends", lambda: {unit: show(unit, "Result") for unit in
                              ("dmclient-agent.service", "dmclient-broker.service")})
    finally:
        find("journal", run, "journalctl", "--no-pager", "-o", "short-monotonic")
        with open("/facts.json", "w", encoding="utf-8") as stream:
            json.dump(facts, stream)


if __name__ == "__main__":
    main()
