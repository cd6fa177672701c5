# SPDX-License-Identifier: MIT
"""What the bus is told of changes (M1, G4, security.md section 2), as two clients hear it."""

import json
import subprocess

import pytest

import bus_tree
import harness
from bus_clients import DEADLINE, LIBDBUS_CLIENT, path_of

PROVIDER = harness.BUS_NAME + ".Provider"
PAGE = harness.BUS_NAME + ".CustomEnrollmentCompletePage"
FIRST_SYNC = harness.BUS_NAME + ".FirstSyncStatus"
PROGRESS = harness.BUS_NAME + ".Progress"
MANAGER = harness.BUS_NAME + ".Manager"
SESSION = harness.BUS_NAME + ".Session"


class LibdbusWatcher:
    """Signals as bus-client hears them, in the shape of GdbusClient.take_signals()."""

    def __init__(self, env, gdbus):
        self.gdbus = gdbus
        self.process = subprocess.Popen([LIBDBUS_CLIENT, "watch"], env=env.environ(), text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self.process.stdout.readline() == "ready\n"

    def take_signals(self, n):
        """The next `n`; that there are no more is for the other client to say."""
        lines = [json.loads(self.process.stdout.readline()) for _ in range(n)]
        return [(line["path"], line["member"], line["data"]) for line in lines]

    def close(self):
        rest, _ = self.process.communicate(timeout=DEADLINE)
        assert self.process.returncode == 0
        return rest


@pytest.fixture
def heard(env, tree, gdbus):
    """heard(): the signals since it was asked last; both clients must have heard the same."""
    tree.add_provider()
    gdbus.watch()
    watcher = LibdbusWatcher(env, gdbus)

    def take():
        signals = gdbus.take_signals()
        assert watcher.take_signals(len(signals)) == signals
        return signals

    yield take
    assert watcher.close() == ""


def changed(path, interface, values, invalidated=()):
    return path, "PropertiesChanged", [interface, values, list(invalidated)]


def text(value):
    return {"type": "s", "data": value}


def test_one_message_is_one_signal_an_object(tree, heard):
    uri = bus_tree.URI + "/Provider/X/"
    tree.apply(("Replace", uri + "HelpPhoneNumber", "1"),
               ("Replace", uri + "CustomEnrollmentCompletePage/Title", "Welcome"),
               ("Replace", uri + "UPN", "u@example.test"),
               ("Replace", uri + "HelpWebsite", "https://help.example.test/"),
               ("Replace", uri + "HelpPhoneNumber", "2"),
               ("Replace", uri + "CustomEnrollmentCompletePage/BodyText", "Grüße\n…"),
               ("Get", uri + "HelpPhoneNumber", None))
    assert heard() == [
        changed(path_of("X"), PROVIDER,
                {"HelpPhoneNumber": text("2"), "HelpWebsite": text("https://help.example.test/")},
                ["UPN"]),
        changed(path_of("X", "CustomEnrollmentCompletePage"), PAGE,
                {"Title": text("Welcome"), "BodyText": text("Grüße\n…")}),
    ]


def test_what_goes_is_invalidated(tree, heard):
    """A leaf that has no default is gone; one that has it reads so again."""
    uri = bus_tree.URI + "/Provider/X/"
    tree.apply(("Replace", uri + "HelpPhoneNumber", "1"),
               ("Replace", uri + "FirstSyncStatus/CustomErrorText", "Call us"))
    heard()
    tree.apply(("Delete", uri + "HelpPhoneNumber", None),
               ("Delete", uri + "FirstSyncStatus/CustomErrorText", None))
    assert [signal for signal in heard() if signal[2][0] != PROGRESS] == [
        changed(path_of("X"), PROVIDER, {}, ["HelpPhoneNumber"]),
        changed(path_of("X", "FirstSyncStatus"), FIRST_SYNC, {"CustomErrorText": text("")}),
    ]


def test_the_same_again_is_silent(tree, heard):
    uri = bus_tree.URI + "/Provider/X/HelpPhoneNumber"
    tree.apply(("Replace", uri, "1"))
    assert len(heard()) == 1
    tree.apply(("Replace", uri, "1"))
    tree.apply(("Replace", uri, "2"), ("Replace", uri, "1"))
    assert heard() == []


def test_a_failed_atomic_is_silent(env, tree, heard):
    path = env.dir / "atomic.xml"
    path.write_text(
        "<Atomic><CmdID>1</CmdID>"
        "<Replace><CmdID>2</CmdID><Item><Target><LocURI>./Vendor/MSFT/DMClient/Provider/X/"
        "HelpPhoneNumber</LocURI></Target><Data>9</Data></Item></Replace>"
        "<Replace><CmdID>3</CmdID><Item><Target><LocURI>./Vendor/MSFT/DMClient/Provider/X/"
        "HelpNothing</LocURI></Target><Data>9</Data></Item></Replace></Atomic>")
    assert "507" in env.ctl("apply", path).stdout
    assert heard() == []


def test_first_sync_done_is_told_once(env, tree, heard):
    """F3: the latch is one signal, also when the server says it again."""
    uri = bus_tree.URI + "/Provider/X/FirstSyncStatus/"
    tree.apply(("Replace", uri + "ServerHasFinishedProvisioning", "true"),
               ("Replace", uri + "IsSyncDone", "true"))
    signals = heard()
    told = [s for s in signals if s[1] == "PropertiesChanged" and "IsSyncDone" in s[2][1]]
    assert [s[2][1]["IsSyncDone"] for s in told] == [{"type": "b", "data": True}]
    again = env.ctl("replace", uri + "IsSyncDone", "true")
    assert again.returncode == 1 and "405" in again.stderr + again.stdout
    assert heard() == []


def test_expected_items_move_progress(tree, heard):
    """F6: what is expected shows in Progress; the lists themselves are details, and only named."""
    tree.set_leaf("FirstSyncStatus/ExpectedPolicies", "./Vendor/MSFT/A\uf000./Vendor/MSFT/B")
    signals = heard()
    path = path_of("X", "FirstSyncStatus")
    assert changed(path, FIRST_SYNC, {}, ["ExpectedPolicies"]) in signals
    progress = [s for s in signals if s[2][0] == PROGRESS]
    assert len(progress) == 1
    assert progress[0][2][1]["Categories"]["data"][0] == ["Policies", 2, 0, 0]
    assert "FailedItems" not in progress[0][2][1] and progress[0][2][2] == ["FailedItems"]


def test_a_provider_comes_and_goes(env, tree, heard):
    tree.apply(("Add", bus_tree.URI + "/Provider/Y", None))
    signals = heard()
    added = {s[2][0]: s[2][1] for s in signals if s[1] == "InterfacesAdded"}
    assert set(added) == {path_of("Y", *below) for below in
                          ([], ["FirstSyncStatus"], ["EnhancedAppLayerSecurity"])}
    assert set(added[path_of("Y")]) == {PROVIDER, SESSION}
    # Only what is public: no address, no identifier.
    assert set(added[path_of("Y")][PROVIDER]) == {"ProviderID", "MaxSyncApplicationVersion"}
    assert added[path_of("Y", "EnhancedAppLayerSecurity")] == {
        harness.BUS_NAME + ".EnhancedAppLayerSecurity": {}}
    manager = [s for s in signals if s[2][0] == MANAGER]
    assert [s[2][1]["Providers"]["data"] for s in manager] == [[path_of("X"), path_of("Y")]]

    tree.apply(("Delete", bus_tree.URI + "/Provider/Y", None))
    signals = heard()
    assert [s[2][0] for s in signals if s[1] == "InterfacesRemoved"] == [
        path_of("Y"), path_of("Y", "FirstSyncStatus"), path_of("Y", "EnhancedAppLayerSecurity")]
    assert signals[-1][2][1]["Providers"]["data"] == [path_of("X")]


def test_a_new_run_of_first_sync_is_a_new_object(tree, heard):
    """F5: Delete and Add in one message; whoever shows the old run must forget it."""
    uri = bus_tree.URI + "/Provider/X/FirstSyncStatus"
    tree.set_leaf("FirstSyncStatus/CustomErrorText", "old")
    heard()
    tree.apply(("Delete", uri, None), ("Add", uri, None))
    path = path_of("X", "FirstSyncStatus")
    told = [s for s in heard() if path in (s[0], s[2][0])]
    if told[0][1] == "InterfacesRemoved":
        assert told[1][1] == "InterfacesAdded"
        assert told[1][2][1][FIRST_SYNC]["CustomErrorText"] == text("")
    else:
        assert told[0] == changed(path, FIRST_SYNC, {"CustomErrorText": text("")})


def test_user_trees_are_named_without_values(tree, heard):
    tree.add_user(4_000_000_000)
    heard()
    tree.apply(("Replace", bus_tree.USER_URI + "/Provider/X/FirstSyncStatus/CustomErrorText", "a"),
               server="X", user=4_000_000_000)
    path = path_of("X", "FirstSyncStatus", uid=4_000_000_000)
    signals = [s for s in heard() if s[0] == path and s[2][0] == FIRST_SYNC]
    assert signals == [changed(path, FIRST_SYNC, {}, ["CustomErrorText"])]


def test_signals_come_before_the_answer(env, tree, gdbus):
    """M1, G4: when the broker has its answer, everybody has been told."""
    tree.add_provider()
    gdbus.watch()
    for i in range(20):
        tree.set_leaf("HelpPhoneNumber", str(i))
        # Nothing is asked of the service here: what it sent is on this connection already, or not.
        gdbus.wait_for(lambda: gdbus.signals)
        assert gdbus.signals == [changed(path_of("X"), PROVIDER, {"HelpPhoneNumber": text(str(i))})]
        gdbus.signals.clear()
