# SPDX-License-Identifier: MIT
"""The agent, as the service's own user, with the real polkitd: what people in front of the machine
get to see and to do (security.md section 2)."""

import os
import shutil
import subprocess

import accounts
import bus_tree
import harness
import polkit_env
import pytest
from bus_clients import DBUS_ERROR, path_of
from polkit_env import PERSON
from test_polkit_authority import Refused, bus, caller_of, dialog  # noqa: F401

MANAGER = harness.BUS_NAME + ".Manager"
PROVIDER = bus_tree.interface_of("")
PROPERTIES = "org.freedesktop.DBus.Properties"


@pytest.fixture
def agent(env, bus):
    """As it is installed: not root, and asking polkit about others by the owner annotation."""
    uid = accounts.UIDS[accounts.AGENT]
    env.state_dir.mkdir()
    for path in (env.dir, env.state_dir):
        os.chown(path, uid, uid)
    program = polkit_env.copy_program(env, harness.AGENT)
    plugin = env.dir / "dmclient.so"
    shutil.copy(harness.PLUGIN, plugin)
    plugin.chmod(0o755)
    return env.start_agent(prefix=[*polkit_env.prefix(env), *accounts.become(uid)],
                           program=program, plugin=plugin)


@pytest.fixture
def enrolled(env, agent):
    tree = bus_tree.Tree(env)
    tree.add_provider()
    tree.set_leaf("ManagementServiceAddress", "https://mdm.example.test/")
    tree.set_leaf("UPN", "someone@example.test")
    tree.set_leaf("EntDMID", "device-1")
    return tree


def get(caller, name):
    return caller.call(harness.BUS_NAME, path_of("X"), PROPERTIES, "Get", f"('{PROVIDER}', '{name}')")


def error_of(function, *arguments):
    with pytest.raises(Refused) as refused:
        function(*arguments)
    return refused.value.name


def shown(caller):
    return set(caller.call(harness.BUS_NAME, path_of("X"), PROPERTIES, "GetAll", f"('{PROVIDER}',)")[0])


class Waiting:
    """busctl as the person, held until it has been put in a session; a person may be asked."""

    def __init__(self, env, *words):
        self.popen = subprocess.Popen(
            [*accounts.become(PERSON), "sh", "-c", 'read go && exec busctl "$@"', "sh",
             f"--address={env.bus_address}", "call", harness.BUS_NAME, *words],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def go(self):
        self.popen.stdin.write("go\n")
        self.popen.stdin.flush()

    def wait(self):
        out, err = self.popen.communicate(timeout=harness.RUN_TIMEOUT)
        return self.popen.returncode, out + err


def test_in_front_of_the_machine(enrolled, start_polkitd, caller_of):
    """Who sits there reads identity without a question, details not; others read neither. One and the
    same connection reads more once its user's session is in front, and less when it is not."""
    polkitd = start_polkitd()
    person, other = caller_of(PERSON), caller_of(65534)
    session = polkitd.put_in_session(person.process.pid, PERSON, is_active=False)
    assert "UPN" not in shown(person) and "UPN" not in shown(other)
    polkitd.put_in_session(person.process.pid, PERSON, is_active=True, session=session)
    polkitd.set_rules("// nothing, but a change")
    assert "UPN" in shown(person) and "EntDMID" not in shown(person)
    assert get(person, "UPN") == ["someone@example.test"]
    assert error_of(get, person, "EntDMID") == DBUS_ERROR + "AccessDenied"
    assert "UPN" not in shown(other)
    assert error_of(get, other, "UPN") == DBUS_ERROR + "AccessDenied"


def test_a_rule_of_the_machine(enrolled, start_polkitd, caller_of):
    polkitd = start_polkitd()
    person = caller_of(PERSON)
    assert "EntDMID" not in shown(person)
    polkitd.set_rules('polkit.addRule(function(action, subject) {'
                      ' if (action.id == "org.dmclient.DMClient1.read-details")'
                      ' return polkit.Result.YES; });')
    assert "EntDMID" in shown(person)


def test_nobody_is_asked_by_get_all(enrolled, dialog, caller_of):
    person = caller_of(PERSON)
    dialog.polkitd.put_in_session(person.process.pid, PERSON, session=dialog.session)
    assert "EntDMID" not in shown(person)
    assert not dialog.open and not dialog.cancelled


@pytest.mark.parametrize("is_right", [True, False])
def test_get_asks_a_person_where_it_may(env, enrolled, dialog, is_right):
    call = Waiting(env, path_of("X"), PROPERTIES, "Get", "ss", PROVIDER, "EntDMID")
    dialog.polkitd.put_in_session(call.popen.pid, PERSON, session=dialog.session)
    call.go()
    assert dialog.wait_for_one()[1] == harness.BUS_NAME + ".read-details"
    dialog.answer(is_right, uid=0)
    code, text = call.wait()
    assert (code, "device-1" in text) == ((0, True) if is_right else (1, False)), text


def test_sync_by_whoever_sits_there(enrolled, broker, start_polkitd, caller_of):
    polkitd = start_polkitd()
    person, other = caller_of(PERSON), caller_of(65534)
    polkitd.put_in_session(person.process.pid, PERSON)

    def sync(caller):
        return caller.call(harness.BUS_NAME, harness.BUS_ROOT, MANAGER, "Sync",
                           f"(objectpath '{path_of('X')}', @a{{sv}} {{}})")

    session, = sync(person)
    assert broker.wait_for_signal("SyncRequested") == ("X", session, "user", PERSON)
    assert error_of(sync, other) == DBUS_ERROR + "AccessDenied"


def test_disconnect_takes_an_administrator_each_time(env, enrolled, dialog, caller_of):
    """E4; without leave to ask a person there is an error that says so."""
    person = caller_of(PERSON)
    dialog.polkitd.put_in_session(person.process.pid, PERSON, session=dialog.session)
    unenroll = (harness.BUS_NAME, harness.BUS_ROOT, MANAGER, "Unenroll",
                f"(objectpath '{path_of('X')}', @a{{sv}} {{}})")
    assert error_of(person.call, *unenroll) == DBUS_ERROR + "InteractiveAuthorizationRequired"
    for is_right in (False, True):
        call = Waiting(env, harness.BUS_ROOT, MANAGER, "Unenroll", "oa{sv}", path_of("X"), "0")
        dialog.polkitd.put_in_session(call.popen.pid, PERSON, session=dialog.session)
        call.go()
        assert dialog.wait_for_one()[1] == harness.BUS_NAME + ".disconnect"
        dialog.answer(is_right, uid=0)
        assert (call.wait()[0] == 0) == is_right
    managed = person.call(harness.BUS_NAME, harness.BUS_ROOT, PROPERTIES, "Get",
                          f"('{MANAGER}', 'Managed')")
    assert managed == [False]


def test_polkit_is_restarted(enrolled, start_polkitd, caller_of):
    """Nothing that the one before said holds: the new one knows of no session."""
    first = start_polkitd()
    person = caller_of(PERSON)
    first.put_in_session(person.process.pid, PERSON)
    assert "UPN" in shown(person)
    first.close()
    assert "UPN" not in shown(person)
    second = start_polkitd()
    second.put_in_session(person.process.pid, PERSON)
    assert "UPN" in shown(person)
