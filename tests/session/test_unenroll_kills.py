# SPDX-License-Identifier: MIT
"""Rules E2 to E4: killed at each step of the end of an enrolment, it ends all the same, once."""

import contextlib
import threading

import pytest
from gi.repository import GLib

import harness
from device import PROVIDER
from killer import Killer
from test_daemon import UNENROL, Watch, is_idle, keys_of, sync
from treeclient import TreeClient

# What is on the way between broker and tree, in the order in which it is.
BY_SERVER = [
    ("Apply", 1, "after"),           # the Exec is on disk, and the broker does not know
    ("ReportSession", 3, "before"),  # the end of the session
    ("ReportSession", 3, "after"),
    ("BeginSession", 2, "before"),   # the last session
    ("BeginSession", 2, "after"),
]
LAST = [
    ("FinishUnenroll", 1, "before"),
    ("FinishUnenroll", 1, "after"),
    ("Unenrolled", 1, "before"),     # the signal: the key is to be removed
    ("GetProviders", 1, "before"),   # who else uses it?
    ("GetProviders", 1, "after"),
]
BY_USER = [
    ("SyncRequested", 1, "before"),
    ("BeginSession", 1, "before"),
    ("BeginSession", 1, "after"),
    ("ReportSession", 1, "before"),
    ("ReportSession", 1, "after"),
]
STEPS = [(who, step) for who, steps in (("server", BY_SERVER + LAST), ("user", BY_USER + LAST))
         for step in steps]


def unenrol(device):
    """What a person may do at the desk, as root (E4); the agent may die before it answers."""
    with contextlib.suppress(GLib.Error):
        device.env.call_manager("Unenroll", device.object_path())


def begin(device, who):
    if who == "server":
        sync(device)
    else:
        unenrol(device)


def restart(device, victim, socket):
    if victim == "agent":
        device.env.agent.kill()
        device.env.start_agent()
    else:
        device.env.broker.kill()
        device.env.start_broker("--socket", socket)


def unenrollments(device):
    client = TreeClient(device.env.socket)
    records, = client.call("GetUnenrollments")
    client.close()
    return records


def check_end(device, watch):
    """All is cleaned up, once."""
    watch.until(lambda: device.get("") is None)
    watch.until(lambda: not keys_of(device))
    record, = unenrollments(device)
    assert record[0] == PROVIDER
    assert 0 < record[1] <= record[2]


def check_new_one(device, watch, serve, socket):
    """The same name again is an enrolment that stays."""
    server = serve([])
    device.enrol(server)
    # Neither of the two that start again ends it.
    for victim in ("agent", "broker"):
        restart(device, victim, socket)
    sync(device)
    server.wait(lambda: server.exchanges)
    watch.until(lambda: is_idle(device) and device.session_property("LastSuccess") > 0)
    assert len(keys_of(device)) == 2
    assert len(unenrollments(device)) == 1


@pytest.mark.parametrize("victim", ["agent", "broker"])
@pytest.mark.parametrize("who, step", STEPS,
                         ids=[f"{who}-{name}-{n}-{moment}" for who, (name, n, moment) in STEPS])
def test_E3_killed_at(device, serve, who, step, victim):
    server = serve({"sessions": [[{"commands": [UNENROL]}], []] if who == "server" else [[]]})
    device.enrol(server)
    socket = device.env.dir / "relay"
    killer = Killer(socket, device.env.socket, step,
                    lambda: getattr(device.env, victim).popen.kill())
    watch = Watch(device.env)
    device.env.start_broker("--socket", socket)
    begin(device, who)
    assert killer.happened.wait(harness.START_TIMEOUT), "that step was not reached"
    restart(device, victim, socket)
    check_end(device, watch)
    if step in LAST[:3]:
        check_new_one(device, watch, serve, socket)
    killer.close()


@pytest.mark.parametrize("victim", ["agent", "broker"])
@pytest.mark.parametrize("who", ["server", "user"])
def test_E2_killed_while_the_server_is_told(device, serve, who, victim):
    hold = threading.Event()
    first = [[{"commands": [UNENROL]}]] if who == "server" else []
    server = serve({"sessions": [*first, [{"event": hold}], []]})
    device.enrol(server)
    watch = Watch(device.env)
    device.env.start_broker()
    begin(device, who)
    server.wait(lambda: server.exchanges and "1226" in server.exchanges[-1].alerts)
    getattr(device.env, victim).kill()
    hold.set()
    restart(device, victim, device.env.socket)
    check_end(device, watch)
    check_new_one(device, watch, serve, device.env.socket)
