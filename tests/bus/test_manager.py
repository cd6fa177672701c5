# SPDX-License-Identifier: MIT
"""The Manager: what can be asked of the service (design section 5). Here by root; who else may is in
test_manager_access.py."""

import io
import os
import tarfile

import bus_tree
import harness
import pytest
from bus_clients import DBUS_ERROR, OUR_ERROR, BusError, GdbusClient, path_of
from fake_broker import FakeBroker
from gi.repository import Gio, GLib

MANAGER = harness.BUS_NAME + ".Manager"
SESSION = harness.BUS_NAME + ".Session"
ADDRESS = "https://mdm.example.test/dm"
CANARY = "kanarienvogel"


@pytest.fixture
def enrolled(tree):
    tree.add_provider()
    tree.set_leaf("ManagementServiceAddress", ADDRESS)
    return tree


class Call:
    """A method call whose answer comes when it comes."""

    def __init__(self, client, method, signature="(a{sv})", arguments=((),), path=harness.BUS_ROOT,
                 interface=MANAGER):
        self.value = self.error = self.fds = None
        self.done = False
        client.connection.call_with_unix_fd_list(
            harness.BUS_NAME, path, interface, method, GLib.Variant(signature, arguments), None,
            Gio.DBusCallFlags.NO_AUTO_START, 60000, None, None, self._on_answer)

    def _on_answer(self, connection, result):
        try:
            self.value, self.fds = connection.call_with_unix_fd_list_finish(result)
            self.value = self.value.unpack()
        except GLib.Error as error:
            self.error = Gio.DBusError.get_remote_error(error)
            self.message = error.message
        self.done = True

    def wait(self, client):
        client.wait_for(lambda: self.done)
        if self.error:
            raise BusError(self.error)
        return self.value


def sync(client, provider="X", **options):
    arguments = (path_of(provider), {k: GLib.Variant("b", v) for k, v in options.items()})
    return Call(client, "Sync", "(oa{sv})", arguments)


def manager(client, method, *path):
    signature = "(oa{sv})" if path else "(a{sv})"
    return Call(client, method, signature, (*path, {})).wait(client)


# -- Sync --------------------------------------------------------------------------------------------


def test_sync_gives_the_id_that_the_session_has(enrolled, broker, gdbus):
    session, = sync(gdbus).wait(gdbus)
    assert broker.wait_for_signal("SyncRequested") == ("X", session, "user", -1)
    assert broker.begin()["token"] == session


def test_requests_merge(enrolled, broker, gdbus):
    """Before the session begins and while it runs it is one; after its end it is another."""
    first, = sync(gdbus).wait(gdbus)
    again, = sync(gdbus).wait(gdbus)
    assert first == again
    assert len(broker.requests()) == 1
    broker.begin()
    while_it_runs, = sync(gdbus).wait(gdbus)
    assert while_it_runs == first
    assert broker.requests() == []
    broker.report(ended=True, state="idle")
    after, = sync(gdbus).wait(gdbus)
    assert after != first
    assert [request[1] for request in broker.requests()] == [after]


def test_wait_for_the_end(enrolled, broker, gdbus):
    early, late = sync(gdbus, wait=True), None
    session = broker.wait_for_signal("SyncRequested")[1]
    assert not early.done
    broker.begin()
    late = sync(gdbus, wait=True)
    gdbus.managed()  # waits for its turn behind it
    assert not early.done and not late.done
    broker.report(ended=True, state="idle")
    assert early.wait(gdbus) == late.wait(gdbus) == (session,)


def test_wait_for_a_session_that_fails(enrolled, broker, gdbus):
    call = sync(gdbus, wait=True)
    broker.wait_for_signal("SyncRequested")
    broker.begin()
    broker.report(ended=False, state="idle", error="tls", message="mdm.example.test: expired")
    with pytest.raises(BusError) as error:
        call.wait(gdbus)
    assert str(error.value) == OUR_ERROR + "Failed"
    assert "tls" in call.message and "mdm.example.test: expired" in call.message


def test_wait_for_a_provider_that_goes(enrolled, broker, gdbus):
    call = sync(gdbus, wait=True)
    broker.wait_for_signal("SyncRequested")
    enrolled.apply(("Delete", f"{bus_tree.URI}/Provider/X", None))
    with pytest.raises(BusError) as error:
        call.wait(gdbus)
    assert str(error.value) == OUR_ERROR + "NotFound"


def test_no_broker_and_nothing_that_starts_one(enrolled, gdbus):
    call = sync(gdbus)
    with pytest.raises(BusError) as error:
        call.wait(gdbus)
    assert str(error.value) == OUR_ERROR + "Unavailable"
    assert "start dmclient-broker" in call.message


def test_clients_of_the_socket_are_no_brokers(env, enrolled, gdbus):
    """Who does not attend is not told, and does not count."""
    peer = FakeBroker(env, attend=False)
    with pytest.raises(BusError):
        sync(gdbus).wait(gdbus)
    assert peer.requests() == []
    peer.close()


def test_a_broker_that_comes_late_is_told(env, bus, gdbus):
    """What was asked for while the broker was away comes to the next one."""
    tree = bus_tree.Tree(env)
    tree.add_provider()
    tree.set_leaf("ManagementServiceAddress", ADDRESS)
    first = FakeBroker(env)
    session, = sync(gdbus).wait(gdbus)
    assert first.requests()[0][1] == session
    first.close()
    second = FakeBroker(env)
    assert second.wait_for_signal("SyncRequested")[:2] == ("X", session)
    second.close()


BROKER_SCRIPT = """
import sys
sys.path[:0] = {path!r}
import types
import gi
gi.require_version("Gio", "2.0")
from gi.repository import Gio, GLib
import fake_broker
bus = Gio.bus_get_sync(Gio.BusType.STARTER, None)
Gio.bus_own_name_on_connection(bus, "org.dmclient.DMClient1.Broker", Gio.BusNameOwnerFlags.NONE,
                               None, None)
broker = fake_broker.FakeBroker(types.SimpleNamespace(socket={socket!r}))
broker.wait_for_signal("SyncRequested")
broker.begin()
broker.report(ended=True, state="idle")
broker.close()
"""


def test_the_bus_starts_the_broker(env):
    """Activation by name, as under systemd; here the bus runs the program itself."""
    services = env.dir / "services"
    services.mkdir()
    script = env.dir / "broker.py"
    here = [str(harness.ROOT / "tests" / "bus"), str(harness.ROOT / "tests")]
    script.write_text(BROKER_SCRIPT.format(path=here, socket=str(env.socket)))
    (services / "org.dmclient.DMClient1.Broker.service").write_text(
        "[D-BUS Service]\nName=org.dmclient.DMClient1.Broker\nUser=root\n"
        f"Exec=/usr/bin/python3 {script}\n")
    # A bus of type system would start it through a program of the system's.
    env.start_bus(harness.BUS_CONFIG.replace(
        "<type>system</type>", f"<type>session</type><servicedir>{services}</servicedir>"))
    env.start_agent()
    tree = bus_tree.Tree(env)
    tree.add_provider()
    tree.set_leaf("ManagementServiceAddress", ADDRESS)
    client = GdbusClient(env)
    session, = sync(client, wait=True).wait(client)
    assert session.startswith("X-")
    client.close()


def test_the_broker_goes_in_the_middle(env, enrolled, gdbus):
    """Its session is not over at once: it may come back; what waits is told when it does."""
    broker = FakeBroker(env)
    call = sync(gdbus, wait=True)
    broker.wait_for_signal("SyncRequested")
    broker.begin()
    broker.close()
    back = FakeBroker(env)
    back.report(ended=True, state="idle")
    call.wait(gdbus)
    back.close()


# -- history and Finished -----------------------------------------------------------------------------


def run_session(broker, **fields):
    broker.begin(origin=fields.pop("origin", "schedule"))
    broker.report(**{"state": "idle", "ended": True, "address": ADDRESS, **fields})


def history(client, count=0):
    call = Call(client, "GetHistory", "(ua{sv})", (count, {}), path_of("X"), SESSION)
    return call.wait(client)[0]


def test_history(enrolled, broker, gdbus):
    run_session(broker, messages_sent=3, messages_received=2, bytes_sent=4_000_000_000_000,
                bytes_received=17, commands=[("Replace", 200, 12), ("Get", 404, 1)])
    run_session(broker, ended=False, error="tls", message="expired", origin="user")
    newest, oldest = history(gdbus)
    assert oldest["origin"] == "schedule" and oldest["result"] == "ok" and oldest["reason"] == ""
    assert oldest["address"] == ADDRESS
    assert (oldest["messages-sent"], oldest["messages-received"]) == (3, 2)
    assert (oldest["bytes-sent"], oldest["bytes-received"]) == (4_000_000_000_000, 17)
    assert sorted(oldest["commands"]) == [("Get", 404, 1), ("Replace", 200, 12)]
    assert oldest["start"] <= oldest["end"] and oldest["duration"] >= 0
    assert (newest["origin"], newest["result"], newest["reason"]) == ("user", "tls", "expired")
    assert newest["id"] != oldest["id"] and newest["commands"] == []
    assert [entry["id"] for entry in history(gdbus, 1)] == [newest["id"]]
    assert len(history(gdbus, 4_000_000_000)) == 2


def test_finished(enrolled, broker, gdbus):
    """Public values only: no address, no commands."""
    gdbus.watch()
    run_session(broker, ended=False, error="http", message="403", commands=[("Get", 200, 1)])
    finished, = [arguments for _, member, arguments in gdbus.take_signals() if member == "Finished"]
    assert set(finished[0]) == {"id", "origin", "result", "reason", "start", "end", "duration"}
    assert finished[0]["result"] == {"type": "s", "data": "http"}
    assert finished[0]["id"]["data"] == history(gdbus)[0]["id"]


# -- Unenroll -----------------------------------------------------------------------------------------


def test_e4_unenroll(enrolled, broker, gdbus):
    gdbus.watch()
    manager(gdbus, "Unenroll", path_of("X"))
    assert broker.wait_for_signal("SyncRequested") == ("X", "", "unenroll", -1)
    assert gdbus.get(harness.BUS_ROOT, MANAGER, "Managed")["data"] is True
    broker.begin(origin="unenroll")
    broker.report(ended=True, state="idle")
    broker.finish_unenroll()
    gone = [arguments[0] for _, member, arguments in gdbus.take_signals()
            if member == "InterfacesRemoved"]
    assert path_of("X") in gone
    assert gdbus.get(harness.BUS_ROOT, MANAGER, "Managed")["data"] is False


def test_e4_unenroll_without_a_broker(enrolled, gdbus):
    manager(gdbus, "Unenroll", path_of("X"))
    gdbus.wait_for(lambda: not gdbus.get(harness.BUS_ROOT, MANAGER, "Managed")["data"])


# -- RetryFirstSync -----------------------------------------------------------------------------------


def test_f5_retry_first_sync(enrolled, broker, gdbus):
    first_sync = path_of("X", "FirstSyncStatus")
    enrolled.set_leaf("FirstSyncStatus/WasDeviceSuccessfullyProvisioned", "0")
    assert gdbus.get(first_sync, "", "Phase")["data"] == "failed"
    manager(gdbus, "RetryFirstSync", path_of("X"))
    assert gdbus.get(first_sync, "", "Phase")["data"] == "none"
    assert broker.wait_for_signal("SyncRequested")[2] == "user"


def test_f5_retry_is_blocked(enrolled, broker, gdbus):
    enrolled.set_leaf("FirstSyncStatus/BlockInStatusPage", "1")
    enrolled.set_leaf("FirstSyncStatus/WasDeviceSuccessfullyProvisioned", "0")
    with pytest.raises(BusError) as error:
        manager(gdbus, "RetryFirstSync", path_of("X"))
    assert str(error.value) == DBUS_ERROR + "AccessDenied"


# -- CollectLogs --------------------------------------------------------------------------------------


def collect(client, call=None):
    """The archive's files: name to text."""
    call = call or Call(client, "CollectLogs")
    handle, = call.wait(client)
    fd = call.fds.get(handle)
    with open(fd, "rb") as stream:
        with tarfile.open(fileobj=io.BytesIO(stream.read())) as archive:
            return {name: archive.extractfile(name).read().decode() for name in archive.getnames()}


def test_collect_logs(enrolled, broker, gdbus):
    enrolled.set_leaf("HelpPhoneNumber", "+49 30 1234\u202e")
    run_session(broker, commands=[("Replace", 200, 5)])
    call = Call(gdbus, "CollectLogs")
    request, = broker.wait_for_signal("LogsRequested")
    broker.hand_logs(request, [("session-journal.txt", b"a line\n"), ("check.json", b"{}")])
    files = collect(gdbus, call)
    assert files["broker/session-journal.txt"] == "a line\n"
    assert files["broker/check.json"] == "{}"
    assert "Health: ok" in files["status.txt"] and "Provider: X" in files["status.txt"]
    assert "HelpPhoneNumber +49 30 1234" in files["tree.txt"]
    entry, = [text for name, text in files.items() if name.startswith("history/")]
    assert "result: ok" in entry and "Replace 200: 5" in entry and "host: mdm.example.test" in entry


def test_g10_nothing_secret_is_collected(env, enrolled, broker, gdbus):
    """Of what is not for everybody there is no trace but a digest; two archives share none."""
    secrets = [path for path, row in bus_tree.leaves() if row["read"] != "public"
               and row["format"] == "chr" and path not in bus_tree.SPECIAL
               and path not in bus_tree.FIXED and "certificate" not in row["allowed"]]
    for path in secrets:
        enrolled.set_leaf(path, CANARY)
    enrolled.set_leaf("ManagementServerAddressList", f"<https://mdm.example.test/{CANARY}>")
    run_session(broker, address=f"https://mdm.example.test/{CANARY}")
    broker.close()
    first, second = collect(gdbus), collect(gdbus)
    assert CANARY not in "".join(first.values())
    assert "was not connected" in first["broker/missing.txt"]
    digests = [{line.split()[-1] for line in files["tree.txt"].splitlines() if " digest " in line}
               for files in (first, second)]
    assert len(digests[0]) > 1 and not digests[0] & digests[1]
    assert list((env.state_dir / "logs").iterdir()) == []


def test_collect_logs_while_the_broker_says_nothing(enrolled, broker, gdbus):
    call = Call(gdbus, "CollectLogs")
    broker.wait_for_signal("LogsRequested")
    assert "in time" in collect(gdbus, call)["broker/missing.txt"]


def test_files_that_are_none(enrolled, broker, gdbus):
    call = Call(gdbus, "CollectLogs")
    request, = broker.wait_for_signal("LogsRequested")
    for name in ("../x", "", ".x", "A", "a" * 65, "a/b"):
        with pytest.raises(Exception, match="BadRequest"):
            broker.hand_logs(request, [(name, b"x")])
    broker.hand_logs("no such request", [("a", b"x")])
    broker.hand_logs(request, [("a", b"")])
    assert collect(gdbus, call)["broker/a"] == ""


# -- Reload -------------------------------------------------------------------------------------------


def test_reload(env, enrolled, broker, gdbus):
    """L1: what the configuration allows now is allowed at once."""
    with pytest.raises(AssertionError):
        enrolled.set_leaf("ManagementServiceAddress", "http://localhost/dm")
    env.configure("[tree]\nallow-http=true\n")
    manager(gdbus, "Reload")
    broker.wait_for_signal("ReloadRequested")
    enrolled.set_leaf("ManagementServiceAddress", "http://localhost/dm")


def test_reload_of_what_cannot_be_used(env, enrolled, broker, gdbus):
    env.configure("[tree]\nallow-http=perhaps\n")
    call = Call(gdbus, "Reload")
    with pytest.raises(BusError) as error:
        call.wait(gdbus)
    assert str(error.value) == OUR_ERROR + "BadRequest"
    assert str(env.config) in call.message and "allow-http" in call.message
    assert not [name for name, _ in broker.signals if name == "ReloadRequested"]


def test_everything_is_let_go(env, enrolled, broker, gdbus):
    """Archives leave no descriptor behind."""
    broker.close()
    def count():
        gdbus.call(harness.BUS_ROOT, "org.freedesktop.DBus.Peer", "Ping")
        return len(os.listdir(f"/proc/{env.agent.pid}/fd"))

    collect(gdbus)
    before = count()
    for _ in range(20):
        collect(gdbus)
    # What was sent is let go a little after it has come.
    for _ in range(1000):
        if count() <= before:
            break
    assert count() <= before
