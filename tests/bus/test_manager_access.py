# SPDX-License-Identifier: MIT
"""Who may do and read what by polkit's verdict (security.md section 2), as a user who is not root."""

import json
import os
import subprocess

import bus_tree
import harness
import pytest
from bus_clients import DBUS_ERROR, OUR_ERROR, BusError, path_of
from test_bus_access import NOBODY, error_of

MANAGER = harness.BUS_NAME + ".Manager"
SESSION = harness.BUS_NAME + ".Session"
PROVIDER = bus_tree.interface_of("")

# The names of errors as busctl says them.
SENTENCES = {
    "Access denied": DBUS_ERROR + "AccessDenied",
    "you are not authorised": DBUS_ERROR + "AccessDenied",
    "does not let users collect logs": DBUS_ERROR + "AccessDenied",
    "one session a minute": DBUS_ERROR + "LimitsExceeded",
    "nobody runs sessions": OUR_ERROR + "Unavailable",
    "no provider is at this path": OUR_ERROR + "NotFound",
}


@pytest.fixture
def enrolled(client_of, tree):
    tree.add_provider()
    tree.set_leaf("ManagementServiceAddress", "https://mdm.example.test/")
    tree.fill()
    return tree


def call(env, method, *arguments, path=harness.BUS_ROOT, interface=MANAGER, uid=NOBODY):
    """What busctl reads, run by that user; BusError with the error's name."""
    result = subprocess.run(
        ["busctl", f"--address={env.bus_address}", "--json=short", "call", harness.BUS_NAME, path,
         interface, method, *arguments],
        user=uid, capture_output=True, text=True, check=False, timeout=60)
    if result.returncode == 0:
        return json.loads(result.stdout)["data"] if result.stdout.strip() else None
    for sentence, name in SENTENCES.items():
        if sentence in result.stderr:
            raise BusError(name)
    raise AssertionError(result.stderr)


def sync(env, uid=NOBODY):
    return call(env, "Sync", "oa{sv}", path_of("X"), "0", uid=uid)


METHODS = {
    "sync": ("Sync", "oa{sv}", path_of("X"), "0"),
    "disconnect": ("Unenroll", "oa{sv}", path_of("X"), "0"),
    "retry-first-sync": ("RetryFirstSync", "oa{sv}", path_of("X"), "0"),
    "reload": ("Reload", "a{sv}", "0"),
}


def test_no_polkit_means_no(env, enrolled, client_of, broker):
    client = client_of(NOBODY)
    for arguments in METHODS.values():
        assert error_of(call, env, *arguments) == DBUS_ERROR + "AccessDenied", arguments
    assert error_of(client.get, path_of("X"), PROVIDER, "UPN") == DBUS_ERROR + "AccessDenied"
    assert "UPN" not in client.get_all(path_of("X"), PROVIDER)
    assert "UPN" not in client.managed()[path_of("X")][PROVIDER]
    assert broker.requests() == []


@pytest.mark.parametrize("action", METHODS)
def test_each_method_asks_for_its_action(env, mock_polkit, enrolled, broker, action):
    """All the others are allowed, and it is not."""
    mock_polkit.allow(*[other for other in METHODS if other != action])
    assert error_of(call, env, *METHODS[action]) == DBUS_ERROR + "AccessDenied"
    mock_polkit.allow(action)
    if action == "retry-first-sync":
        enrolled.apply(("Delete", f"{bus_tree.URI}/Provider/X/FirstSyncStatus", None),
                       ("Add", f"{bus_tree.URI}/Provider/X/FirstSyncStatus", None))
        enrolled.set_leaf("FirstSyncStatus/WasDeviceSuccessfullyProvisioned", "0")
    call(env, *METHODS[action])


def test_sync_once_a_minute(env, mock_polkit, enrolled, broker):
    mock_polkit.allow("sync")
    session, = sync(env)
    assert sync(env) == [session]  # that is no other session
    broker.begin()
    broker.report(ended=True, state="idle")
    assert error_of(sync, env) == DBUS_ERROR + "LimitsExceeded"
    assert sync(env, uid=0) != [session]


def test_the_session_is_the_users(env, mock_polkit, enrolled, broker):
    """`./User` commands have the caller as context; root's sessions are nobody's."""
    mock_polkit.allow("sync")
    sync(env)
    assert broker.wait_for_signal("SyncRequested")[3] == NOBODY


def test_read_classes(client_of, mock_polkit, enrolled):
    """Each class by its own action; what an action allows, Get, GetAll and GetManagedObjects show."""
    client = client_of(NOBODY)
    rows = {bus_tree.place(leaf)[1]: row["read"] for leaf, row in bus_tree.leaves()
            if bus_tree.place(leaf)[0] == ""}
    for allowed in ([], ["read-identity"], ["read-details"], ["read-identity", "read-details"]):
        mock_polkit.allow(*allowed)
        classes = {"public"} | {action.removeprefix("read-") for action in allowed}
        shown = {name for name, read in rows.items() if read in classes}
        assert set(client.get_all(path_of("X"), PROVIDER)) - {"ProviderID"} <= shown
        # The rows that fill() sets of each class are there.
        assert {"UPN"} & shown <= set(client.get_all(path_of("X"), PROVIDER))
        assert {"EntDMID"} & shown <= set(client.managed()[path_of("X")][PROVIDER])
        assert "SignedEntDMID" not in client.managed()[path_of("X")][PROVIDER]
        for name in ("UPN", "EntDMID", "SignedEntDMID"):
            if name in shown:
                client.get(path_of("X"), PROVIDER, name)
            else:
                assert error_of(client.get, path_of("X"), PROVIDER, name) == DBUS_ERROR + "AccessDenied"


def test_history_is_details(env, mock_polkit, enrolled, broker):
    broker.begin()
    broker.report(ended=True, state="idle")
    history = ("GetHistory", "ua{sv}", "0", "0")
    mock_polkit.allow("read-identity")
    assert error_of(lambda: call(env, *history, path=path_of("X"), interface=SESSION)) == \
        DBUS_ERROR + "AccessDenied"
    mock_polkit.allow("read-details")
    assert len(call(env, *history, path=path_of("X"), interface=SESSION)[0]) == 1


def test_verdicts_are_emptied_when_polkit_says_so(gdbus, env, mock_polkit, enrolled):
    """On one connection, so that it is the same unique name."""
    script = (
        "import sys, gi; gi.require_version('Gio', '2.0')\n"
        "from gi.repository import Gio, GLib\n"
        "flags = Gio.DBusConnectionFlags\n"
        "bus = Gio.DBusConnection.new_for_address_sync(sys.argv[1], flags.AUTHENTICATION_CLIENT |\n"
        "    flags.MESSAGE_BUS_CONNECTION, None, None)\n"
        "for line in sys.stdin:\n"
        "    reply = bus.call_sync('org.dmclient.DMClient1', sys.argv[2],\n"
        "        'org.freedesktop.DBus.Properties', 'GetAll', GLib.Variant('(s)', (sys.argv[3],)),\n"
        "        None, Gio.DBusCallFlags.NONE, 30000, None)\n"
        "    print('UPN' in reply.unpack()[0], flush=True)\n")
    reader = subprocess.Popen(
        ["/usr/bin/python3", "-c", script, env.bus_address, path_of("X"), PROVIDER], user=NOBODY,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def reads():
        reader.stdin.write("\n")
        reader.stdin.flush()
        return reader.stdout.readline().strip()

    assert reads() == "False"
    mock_polkit.allow("read-identity")
    gdbus.get(path_of("X"), PROVIDER, "UPN")  # polkit's signal has come before this is answered
    assert reads() == "True"
    mock_polkit.allow()
    gdbus.get(path_of("X"), PROVIDER, "UPN")
    assert reads() == "False"
    reader.stdin.close()
    assert reader.wait() == 0


def test_a_slow_polkit_means_no(client_of, mock_polkit, enrolled):
    """Five seconds, and no for this once; others are served meanwhile."""
    mock_polkit.allow("read-identity", "read-details")
    mock_polkit.hang_on("read-identity")
    client = client_of(NOBODY)
    shown = client.get_all(path_of("X"), PROVIDER)
    assert "UPN" not in shown and "EntDMID" in shown
    mock_polkit.hang_on()
    assert "UPN" in client.get_all(path_of("X"), PROVIDER)


def test_collect_logs_needs_the_button_and_polkit(env, mock_polkit, enrolled):
    """For a user; root may always. The button of the user's own tree counts too."""
    logs = ("CollectLogs", "a{sv}", "0")
    mock_polkit.allow()
    enrolled.set_leaf("FirstSyncStatus/AllowCollectLogsButton", "true")
    assert error_of(call, env, *logs) == DBUS_ERROR + "AccessDenied"
    mock_polkit.allow("collect-logs")
    call(env, *logs)
    enrolled.set_leaf("FirstSyncStatus/AllowCollectLogsButton", "false")
    assert error_of(call, env, *logs) == DBUS_ERROR + "AccessDenied"
    call(env, *logs, uid=0)
    enrolled.add_user(NOBODY)
    enrolled.apply(("Replace", f"{bus_tree.USER_URI}/Provider/X/FirstSyncStatus/AllowCollectLogsButton",
                    "true"), server="X", user=NOBODY)
    call(env, *logs)


def test_a_users_details_are_theirs_by_polkit(client_of, mock_polkit, enrolled):
    """A1: no verdict opens another user's tree."""
    enrolled.add_user(NOBODY)
    enrolled.add_user(12345)
    mock_polkit.allow("read-identity", "read-details")
    client = client_of(NOBODY)
    interface = bus_tree.interface_of("FirstSyncStatus")
    mine = path_of("X", "FirstSyncStatus", uid=NOBODY)
    other = path_of("X", "FirstSyncStatus", uid=12345)
    assert client.get(mine, interface, "ExpectedPolicies")["data"] == []
    assert "ExpectedPolicies" in client.get_all(mine, interface)
    assert error_of(client.get, other, interface, "ExpectedPolicies") == DBUS_ERROR + "AccessDenied"
    assert client.get_all(other, interface) == {}
    assert other not in client.managed()


def test_retry_in_the_users_own_tree(env, mock_polkit, enrolled, broker):
    mock_polkit.allow("retry-first-sync")
    for uid in (NOBODY, 12345):
        enrolled.add_user(uid)
        enrolled.apply(
            ("Replace", f"{bus_tree.USER_URI}/Provider/X/FirstSyncStatus/"
             "WasDeviceSuccessfullyProvisioned", "0"), server="X", user=uid)
    enrolled.set_leaf("FirstSyncStatus/BlockInStatusPage", "0")
    call(env, "RetryFirstSync", "oa{sv}", path_of("X", uid=NOBODY), "0")
    assert broker.wait_for_signal("SyncRequested")[3] == NOBODY
    assert error_of(call, env, "RetryFirstSync", "oa{sv}", path_of("X", uid=12345), "0") == \
        OUR_ERROR + "NotFound"


def test_root_needs_no_polkit(env, enrolled, broker):
    assert os.geteuid() == 0
    for action, arguments in METHODS.items():
        if action in ("sync", "reload"):
            call(env, *arguments, uid=0)
