# SPDX-License-Identifier: MIT
"""Who may read what (security.md section 2). Until polkit is asked, identity and details are root's."""

import subprocess

import pytest

import accounts
import bus_tree
import harness
from bus_clients import DBUS_ERROR, OUR_ERROR, BusError, path_of

NOBODY = 65534
LARGE_UID = 4_000_000_000

FIRST_SYNC = bus_tree.interface_of("FirstSyncStatus")
SESSION = harness.BUS_NAME + ".Session"
PROGRESS = harness.BUS_NAME + ".Progress"


@pytest.fixture
def bus(env):
    """A bus that knows a user with a uid beyond 31 bits: dbus-daemon turns away who is not in the
    password file."""
    accounts.need()
    return env.start_bus(prefix=accounts.prefix(env.dir, {"large": LARGE_UID}))


def error_of(call, *arguments):
    with pytest.raises(BusError) as error:
        call(*arguments)
    return str(error.value)


@pytest.mark.parametrize("uid", [NOBODY, LARGE_UID])
def test_a_user_reads_what_is_public(client_of, tree, uid):
    tree.add_provider()
    shown = tree.fill()
    client = client_of(uid)
    for parent in bus_tree.OBJECTS:
        path, interface = path_of("X", *filter(None, [parent])), bus_tree.interface_of(parent)
        rows = {bus_tree.place(leaf)[1]: (leaf, row) for leaf, row in bus_tree.leaves()
                if bus_tree.place(leaf)[0] == parent}
        public = {name for name, (_, row) in rows.items() if row["read"] == "public"}
        properties = client.get_all(path, interface)
        assert set(properties) - {"ProviderID"} == public
        for name, (leaf, _) in rows.items():
            if name not in public:
                assert error_of(client.get, path, interface, name) == DBUS_ERROR + "AccessDenied"
            elif leaf in shown:
                assert client.get(path, interface, name)["data"] == shown[leaf]


def test_denied_before_unset(client_of, tree):
    """Whether a value is there is not told to whom it is not for."""
    tree.add_provider()
    client = client_of(NOBODY)
    interface = bus_tree.interface_of("")
    assert error_of(client.get, path_of("X"), interface, "EntDMID") == DBUS_ERROR + "AccessDenied"
    assert error_of(client.get, path_of("X"), interface, "HelpWebsite") == OUR_ERROR + "NotFound"


def test_session_and_progress(client_of, tree):
    tree.add_provider()
    client = client_of(NOBODY)
    assert len(client.get_all(path_of("X"), SESSION)) == 10
    first_sync = path_of("X", "FirstSyncStatus")
    assert set(client.get_all(first_sync, PROGRESS)) == {"Phase", "Categories", "Deadline"}
    assert error_of(client.get, first_sync, PROGRESS, "FailedItems") == DBUS_ERROR + "AccessDenied"
    root = client_of(0)
    assert root.get(first_sync, PROGRESS, "FailedItems") == {"type": "as", "data": []}


def test_managed_objects_leave_out(client_of, tree):
    tree.add_provider()
    tree.fill()
    mine, roots = client_of(NOBODY).managed(), client_of(0).managed()
    assert set(mine) == set(roots)
    for path, interfaces in roots.items():
        assert set(mine[path]) == set(interfaces)
        for interface, properties in interfaces.items():
            for name, value in mine[path][interface].items():
                assert properties[name] == value or name == "NextScheduled"
    names = {name for path in mine for interface in mine[path] for name in mine[path][interface]}
    for leaf, row in bus_tree.leaves():
        assert (bus_tree.place(leaf)[1] in names) == (row["read"] == "public"), leaf


def test_user_trees_are_their_users(client_of, tree):
    """A1: of a user's tree others see that there is one, and nothing that is in it."""
    tree.add_provider()
    tree.add_user(LARGE_UID)
    path = path_of("X", "FirstSyncStatus", uid=LARGE_UID)
    owner, other, root = client_of(LARGE_UID), client_of(NOBODY), client_of(0)
    for client in (owner, root):
        assert client.get(path, FIRST_SYNC, "IsSyncDone") == {"type": "b", "data": False}
        assert client.get(path_of("X", uid=LARGE_UID), "", "ProviderID")["data"] == "X"
        assert path in client.managed()
    assert root.get(path, FIRST_SYNC, "ExpectedPolicies")["data"] == []
    assert error_of(owner.get, path, FIRST_SYNC, "ExpectedPolicies") == DBUS_ERROR + "AccessDenied"
    assert error_of(other.get, path, FIRST_SYNC, "IsSyncDone") == DBUS_ERROR + "AccessDenied"
    assert error_of(other.get, path, PROGRESS, "Phase") == DBUS_ERROR + "AccessDenied"
    assert other.get_all(path, FIRST_SYNC) == {}
    assert not [key for key in other.managed() if "/User/" in key]


def test_sync_is_roots(client_of, tree):
    tree.add_provider()
    call = ("--json=short", "call", harness.BUS_NAME, harness.BUS_ROOT,
            harness.BUS_NAME + ".Manager", "Sync", "oa{sv}", path_of("X"), "0")
    env = tree.env
    refused = env.run("busctl", f"--address={env.bus_address}", *call)
    assert refused.returncode == 1 and "dmclient-broker" in refused.stderr  # nobody runs sessions
    env.dir.chmod(0o711)
    refused = subprocess.run(["busctl", f"--address={env.bus_address}", *call], user=NOBODY,
                             capture_output=True, text=True, check=False)
    assert refused.returncode == 1 and "Access denied" in refused.stderr
