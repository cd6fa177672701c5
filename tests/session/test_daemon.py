# SPDX-License-Identifier: MIT
"""The broker that stays, with the real agent, bus and servers (protocol.md section 8)."""

import os
import pathlib
import re
import signal
import sqlite3
import subprocess
import threading

import pytest
from gi.repository import Gio, GLib

import harness
from device import PROVIDER, Device, node
from syncml import name_of, text_of

DEADLINE_S = 30
SET = {"verb": "Replace", "loc_uri": node("HelpPhoneNumber"), "data": "set"}
UNENROL = {"verb": "Exec", "loc_uri": node("Unenroll")}


def sync(device, provider=PROVIDER):
    """Manager.Sync as root, once a broker attends; the session's id."""
    ids = []

    def ask():
        try:
            ids.extend(device.env.call_manager("Sync", device.object_path(provider=provider)))
        except GLib.Error as error:
            if Gio.DBusError.get_remote_error(error) != harness.BUS_NAME + ".Error.Unavailable":
                raise
        return ids

    harness.look_until(ask, "the broker to attend")
    return ids[0]


class Watch:
    """Wakes up whenever the service says something on the bus, or something happens in the
    broker's directory."""

    def __init__(self, env):
        self.loop = GLib.MainContext.default()
        self.is_late = False
        self.connection = env.connect()
        self.connection.signal_subscribe(None, None, None, None, None, Gio.DBusSignalFlags.NONE,
                                         lambda *_: None)
        keys = env.state_dir / "broker"
        keys.mkdir(mode=0o700, exist_ok=True)
        self.monitor = Gio.File.new_for_path(str(keys)).monitor_directory(
            Gio.FileMonitorFlags.NONE, None)
        self.monitor.connect("changed", lambda *_: None)

    def until(self, condition):
        def on_late():
            self.is_late = True
            return False

        deadline = GLib.timeout_add_seconds(DEADLINE_S, on_late)
        while not condition():
            assert not self.is_late, f"nothing came of it in {DEADLINE_S} s"
            self.loop.iteration(True)
        GLib.source_remove(deadline)


@pytest.fixture
def watch(device):
    return Watch(device.env)


def is_idle(device, provider=PROVIDER):
    return device.session_property("State", provider) == "idle"


def keys_of(device):
    return sorted(path.name for path in (device.env.state_dir / "broker").iterdir()
                  if path.suffix in (".pem", ".key"))


def make_due(device, ago_s):
    """Moves the poll chains of all providers so far back that a session was due this long ago; the
    agent must not run."""
    database = sqlite3.connect(device.env.state_dir / "dmclient.db")
    with database:
        database.execute("UPDATE text SET value = value - ? WHERE name = 'chain-start'",
                         (int(ago_s * 1e6),))
    database.close()


# -- on request ------------------------------------------------------------------------------------


def test_Sync_runs_a_session(device, serve, watch):
    server = serve([{"commands": [SET]}])
    device.enrol(server)
    device.env.start_broker()
    assert sync(device)
    server.wait(lambda: len(server.exchanges) == 2)
    watch.until(lambda: is_idle(device))
    assert device.get("HelpPhoneNumber") == "set"
    assert device.session_property("Origin") == "user"
    assert device.session_property("LastError") == ""
    assert device.session_property("LastSuccess") > 0


def test_protocol_8_requests_while_one_waits_are_merged(device, serve, watch):
    hold = threading.Event()
    server = serve({"sessions": [[{"event": hold}], []]})
    device.enrol(server)
    device.env.start_broker()
    sync(device)
    server.wait(lambda: server.exchanges)
    for _ in range(5):
        sync(device)
    hold.set()
    watch.until(lambda: is_idle(device) and device.session_property("LastSuccess") > 0)
    # What the tree takes for another session is one more, not five.
    assert {one.session for one in server.exchanges} <= {1, 2}


def test_the_configuration_is_read_again_on_SIGHUP(device, serve, watch):
    server = serve([])
    device.enrol(server)
    broker = device.env.start_broker()
    device.configure("user-agent=MSFT OMA DM Client/1.2.0.1 new/1")
    broker.popen.send_signal(signal.SIGHUP)
    sync(device)
    server.wait(lambda: server.exchanges)
    assert server.exchanges[0].headers["User-Agent"].endswith(" new/1")


# -- the schedule ----------------------------------------------------------------------------------


def test_P7_an_overdue_session_runs_when_the_broker_comes(device, serve, watch):
    server = serve([{"commands": [SET]}])
    device.enrol(server)
    device.env.agent.stop()
    make_due(device, 7 * 86400)
    device.env.start_agent()
    device.env.start_broker()
    server.wait(lambda: len(server.exchanges) == 2)
    watch.until(lambda: is_idle(device))
    assert device.session_property("Origin") == "schedule"
    assert device.session_property("NextScheduled") > server.exchanges[0].time * 1e6
    assert {one.session for one in server.exchanges} == {1}, "one catch-up session, no burst"


def test_a_session_runs_when_it_is_due(device, serve):
    """The first interval of the document's Poll is over soon: at a time that the agent says."""
    server = serve([])
    device.enrol(server)
    device.env.agent.stop()
    device.env.start_agent()
    next_us = device.session_property("NextScheduled")
    device.env.agent.stop()
    make_due(device, next_us / 1e6 - GLib.get_real_time() / 1e6 - 3)
    device.env.start_agent()
    due_us = device.session_property("NextScheduled")
    assert due_us > GLib.get_real_time()
    device.env.start_broker()
    server.wait(lambda: server.exchanges)
    assert server.exchanges[0].time * 1e6 >= due_us - 1e6
    assert device.session_property("Origin") == "schedule"


# -- comings and goings ----------------------------------------------------------------------------


def test_the_agent_comes_later(device, serve):
    server = serve([{"commands": [SET]}])
    device.enrol(server)
    device.env.agent.stop()
    make_due(device, 7 * 86400)
    broker = device.env.start_broker(ready=False)
    device.env.wait_for_name(harness.BROKER_NAME)
    device.env.start_agent()
    # What is due shows that the broker attends: it asks by itself.
    server.wait(lambda: len(server.exchanges) == 2)
    assert broker.is_running()


def test_the_agent_restarts_and_the_broker_attends_again(device, serve):
    server = serve([{"commands": [SET]}])
    device.enrol(server)
    broker = device.env.start_broker()
    for _ in range(2):
        device.env.agent.stop()
        device.env.start_agent()
    device.env.agent.stop()
    make_due(device, 7 * 86400)
    device.env.start_agent()
    server.wait(lambda: len(server.exchanges) == 2)
    assert broker.is_running()


def test_exactly_once_when_the_agent_is_killed_in_a_session(device, serve, watch):
    hold = threading.Event()
    add = {"verb": "Add", "loc_uri": node("CommercialID"), "data": "1"}
    server = serve([{"commands": [add]}, {"commands": [SET], "event": hold}])
    device.enrol(server)
    device.env.start_broker()
    sync(device)
    server.wait(lambda: len(server.exchanges) == 2)
    device.env.agent.kill()
    device.env.start_agent()
    hold.set()
    server.wait(lambda: len(server.exchanges) == 3)
    watch.until(lambda: device.session_property("LastSuccess") > 0)
    assert [one.codes for one in server.exchanges] == [[], [200], [200]]
    assert {one.session for one in server.exchanges} == {1}


def test_the_broker_is_killed_and_started_again(device, serve, watch):
    hold = threading.Event()
    server = serve({"sessions": [[{"commands": [SET], "event": hold}], [{"commands": [SET]}]]})
    device.enrol(server)
    broker = device.env.start_broker()
    sync(device)
    server.wait(lambda: server.exchanges)
    broker.kill()
    hold.set()
    device.env.start_broker()
    sync(device)
    server.wait(lambda: len(server.exchanges) == 3)
    watch.until(lambda: is_idle(device))
    assert device.get("HelpPhoneNumber") == "set"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_breaks_sessions_off_with_a_report(device, serve, number):
    server = serve([{"commands": [SET], "fault": {"kind": "hang"}}])
    device.enrol(server)
    broker = device.env.start_broker()
    sync(device)
    server.wait(lambda: server.exchanges)
    broker.stop(number)
    assert device.session_property("State") == "idle"
    assert device.session_property("LastError") == "failed"
    assert "told to stop" in device.session_property("LastErrorMessage")


# -- one broker, one session -----------------------------------------------------------------------


def test_a_second_broker_of_the_directory_does_not_start(device, serve):
    device.env.start_broker()
    done = device.env.run(harness.BROKER, expect=23)
    assert str(device.env.state_dir / "broker") in done.stderr


def test_a_session_of_the_command_line_will_do(device, serve, watch):
    """Whoever asks meanwhile has asked for that one."""
    hold = threading.Event()
    server = serve({"sessions": [[{"commands": [SET], "event": hold}], [{"commands": [SET]}]]})
    device.enrol(server)
    device.env.start_broker()
    with subprocess.Popen([str(harness.BROKER), "--once", PROVIDER],
                          env=device.env.environ(), stdout=subprocess.DEVNULL) as once:
        server.wait(lambda: server.exchanges)
        sync(device)
        hold.set()
        assert once.wait(DEADLINE_S) == 0
    watch.until(lambda: is_idle(device))
    sync(device)
    server.wait(lambda: len(server.exchanges) == 4)
    assert [one.session for one in server.exchanges] == [1, 1, 2, 2]


# -- the end of an enrolment -----------------------------------------------------------------------


def test_E2_E3_the_server_ends_the_enrolment(device, serve, watch):
    server = serve({"sessions": [[{"commands": [SET, UNENROL]}], []]})
    device.enrol(server)
    device.env.start_broker()
    assert len(keys_of(device)) == 2
    sync(device)
    watch.until(lambda: not keys_of(device))
    assert device.get("") is None
    first, last = server.exchanges
    assert (first.session, last.session) == (1, 2)
    assert last.alerts == ["1201", "1224", "1226"]
    alert = [one for one in last.elements if name_of(one) == "Alert"][2]
    assert text_of(alert, "Item/Meta/Type") == "com.microsoft:mdm.unenrollment.userrequest"
    assert text_of(alert, "Item/Meta/Format") == "int"
    assert text_of(alert, "Item/Data") == "1"
    # The same name and certificate again are a new enrolment.
    again = serve([])
    device.enrol(again)
    sync(device)
    again.wait(lambda: again.exchanges)


def test_E3_a_certificate_that_another_provider_uses_stays(device, serve, watch):
    server = serve({"sessions": [[{"commands": [UNENROL]}], []]})
    other = serve([{"commands": [{**SET, "loc_uri": node("HelpPhoneNumber", "Other")}]}])
    device.enrol(server)
    device.enrol(other, "Other")
    device.env.start_broker()
    sync(device)
    watch.until(lambda: device.get("") is None)
    # The broker takes signals in their order: by the time of this session it has decided.
    sync(device, "Other")
    other.wait(lambda: len(other.exchanges) == 2)
    assert len(keys_of(device)) == 2


def test_E3_what_ended_without_the_broker_is_removed_when_it_comes(device, serve, watch):
    device.enrol(serve([]))
    device.env.ctl("exec", node("Unenroll"), expect=0)
    watch.until(lambda: device.get("") is None)
    assert len(keys_of(device)) == 2
    device.env.start_broker()
    watch.until(lambda: not keys_of(device))


def test_P10_lost_contact_ends_the_enrolment(device, serve, watch):
    """Three days ago, and the machine has been on for a day since; nobody asks the server."""
    server = serve([])
    device.enrol(server)
    device.env.ctl("add", node("NumberOfDaysAfterLostContactToUnenroll"), "2", "--format", "int",
                   expect=0)
    broker = device.env.start_broker()
    device.env.agent.stop()
    database = sqlite3.connect(device.env.state_dir / "dmclient.db")
    with database:
        database.execute("UPDATE text SET value = value - ? WHERE name = 'enrolled'",
                         (3 * 86400 * 1000000,))
        clock, = database.execute("SELECT value FROM text WHERE name = 'clock'").fetchone()
        fields = clock.split(" ", 5)
        fields[4] = str(25 * 3600 * 1000000)
        database.execute("UPDATE text SET value = ? WHERE name = 'clock'", (" ".join(fields),))
    database.close()
    device.env.start_agent()
    watch.until(lambda: device.get("") is None)
    watch.until(lambda: not keys_of(device))
    assert not server.exchanges
    assert broker.is_running()


# -- the bus ---------------------------------------------------------------------------------------


def test_the_name_on_the_bus_comes_back_with_the_bus(device, serve):
    server = serve([])
    device.enrol(server)
    broker = device.env.start_broker()
    device.env.wait_for_name(harness.BROKER_NAME)
    device.env.bus.stop()
    device.env.start_bus()
    device.env.wait_for_name(harness.BROKER_NAME)
    device.env.wait_for_name()
    sync(device)
    server.wait(lambda: server.exchanges)
    broker.stop()


def test_a_name_that_is_taken_is_said_and_sessions_run(device, serve, watch):
    server = serve([])
    device.enrol(server)
    watch.connection.call_sync(
        "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", "RequestName",
        GLib.Variant("(su)", (harness.BROKER_NAME, 4)), None, Gio.DBusCallFlags.NONE, -1, None)
    broker = device.env.start_broker()
    sync(device)
    server.wait(lambda: server.exchanges)
    broker.stop()
    assert harness.BROKER_NAME in broker.output()


def test_without_a_bus(device, serve, watch):
    server = serve([])
    device.enrol(server)
    device.env.start_broker("--no-bus")
    sync(device)
    server.wait(lambda: server.exchanges)
    names, = device.env.call("/", "org.freedesktop.DBus", "ListNames", name="org.freedesktop.DBus")
    assert harness.BUS_NAME in names and harness.BROKER_NAME not in names


# -- idle ------------------------------------------------------------------------------------------


def switches(pid):
    text = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"^voluntary_ctxt_switches:\s+(\d+)", text, re.M)[1])


def test_idle_it_is_not_woken(device, serve, watch):
    """Nothing due, nothing asked for: not while others keep bus and agent busy, after a session
    neither. One thread."""
    server = serve([])
    device.enrol(server)
    broker = device.env.start_broker()
    device.env.wait_for_name(harness.BROKER_NAME)
    sync(device)
    server.wait(lambda: server.exchanges)
    watch.until(lambda: is_idle(device) and device.session_property("LastSuccess") > 0)
    device.get("HelpPhoneNumber")
    before = switches(broker.pid)
    for _ in range(40):
        device.session_property("State")
    assert switches(broker.pid) == before
    assert len(os.listdir(f"/proc/{broker.pid}/task")) == 1


def wake_ups(log):
    """How often the processes have woken up their own loops so far."""
    return log.read_text().count("<anon_inode:[eventfd]>")


def test_messages_wake_no_loop_up(env, certs_dir, serve, traced):
    """What a message costs are its bytes: a loop that is told of each change of what it waits for
    comes round once more for it. The connection's beginning and end are allowed to."""
    device = Device(env, certs_dir)
    server = serve({"sessions": [[], [{"commands": [SET]}] * 20]})
    env.start_bus()
    logs = {role: env.dir / f"{role}.writes" for role in ("agent", "broker")}
    env.start_agent(prefix=traced(logs["agent"], "write"))
    device.enrol(server)
    env.start_broker(prefix=traced(logs["broker"], "write"))
    watch = Watch(env)
    sync(device)  # so that what starting takes is over
    watch.until(lambda: is_idle(device) and device.session_property("LastSuccess") > 0)
    before = {role: wake_ups(log) for role, log in logs.items()}
    sync(device)
    server.wait(lambda: len(server.exchanges) == 22)
    for role, log in logs.items():
        assert wake_ups(log) - before[role] < 10, role


# -- one session with a user -----------------------------------------------------------------------


def test_A1_a_session_of_a_user_on_the_command_line(device, serve):
    uri = node().replace("./Device", "./User")
    server = serve([{"commands": [{"verb": "Add", "loc_uri": uri}]}])
    device.enrol(server)
    device.env.run(harness.BROKER, "--once", PROVIDER, "--user", "1234", expect=0)
    assert server.exchanges[1].codes == [200]
    assert "mode=Maintenance" in server.exchanges[0].target
    login = [text_of(one, "Item/Data") for one in server.exchanges[0].elements
             if text_of(one, "Data") == "1224"]
    assert login == ["user"]


@pytest.mark.parametrize("arguments", [
    ["--user", "1000"], ["--origin", "push"], ["--once", "P", "--user", "root"],
    ["--once", "P", "--user", "4294967295"], ["--once", "P", "--user", "-1"],
    ["--once", "P", "--origin", "unenroll"], ["--once", ""]])
def test_wrong_use(device, arguments):
    assert device.env.run(harness.BROKER, *arguments, expect=64).stderr
