# SPDX-License-Identifier: MIT
"""The viewer of somebody who is not root, with the real polkitd: what it asks a person for, and what it
says to a no (security.md section 2)."""

import os
import subprocess

import accounts
import desk
import harness
import polkit_env
import pytest
import screen
from test_polkit_agent import agent  # noqa: F401
from test_polkit_authority import bus  # noqa: F401
from viewer import ALERT, PROGRAM, RETURN, Viewer

DENIED = "You are not allowed to do this. Ask the administrator of this device."
# Whom the buses of the screen know, too.
PERSON = 65534
HOLD = 'read go && exec "$@"'  # until it has been put in a session


@pytest.fixture
def office(env, agent):
    if not PROGRAM.exists():
        pytest.skip("built without the viewer: GTK 4 or libadwaita is not there")
    screen.need()
    made = desk.Office(env)
    yield made
    made.close()


@pytest.fixture
def dialog(env, start_polkitd):
    """Who sits in front of the machine, and waits to be asked."""
    polkitd = start_polkitd()
    made = polkit_env.Dialog(env, polkitd, PERSON)
    made.polkitd = polkitd
    yield made
    made.close()


@pytest.fixture
def person(env, office, dialog):
    """person(): the viewer of who sits in front of the machine; it must end well."""
    started = []

    def make():
        program = polkit_env.copy_program(env, PROGRAM)
        home = env.dir / "home"
        home.mkdir()
        os.chown(home, PERSON, PERSON)
        viewer = Viewer(
            env, screen.get(), state="", wait=False, options={"stdin": subprocess.PIPE},
            command=[*accounts.become(PERSON), "sh", "-c", HOLD, "sh", program])
        started.append(viewer)
        for path in (home, *home.rglob("*")):
            os.chown(path, PERSON, PERSON)
        dialog.polkitd.put_in_session(viewer.pid, PERSON, session=dialog.session)
        viewer.popen.stdin.write(b"go\n")
        viewer.popen.stdin.close()
        viewer.wait_for(viewer.texts, "words in the window")
        return viewer

    yield make
    for viewer in started:
        if viewer.pidfd >= 0:
            viewer.close()


def answer(viewer, dialog, action, is_right):
    """Somebody is asked, by polkit, for this action; the refusal is announced, with a next step."""
    assert dialog.wait_for_one()[1] == f"{harness.BUS_NAME}.{action}"
    dialog.answer(is_right, uid=0)
    if not is_right:
        viewer.wait_for_find(DENIED, ALERT)


def test_technical_details(office, dialog, person):
    """Refused, the row that asks stays, and nothing of the class is shown; granted, all is."""
    office.set("EntDMID", "device-1")
    viewer = person()
    viewer.open_row("What Your Organisation Can See and Do")
    viewer.wait_for_row("Show Technical Details", "Needs an administrator")
    viewer.open_row("Show Technical Details")
    answer(viewer, dialog, "read-details", False)
    assert "device-1" not in viewer.texts() and "EntDMID" not in viewer.rows()
    viewer.wait_for_row("Show Technical Details", "Needs an administrator")
    viewer.press("Dismiss")
    viewer.open_row("Show Technical Details")
    answer(viewer, dialog, "read-details", True)
    viewer.wait_for_row("EntDMID", "device-1")
    assert viewer.rows()["ManagementServiceAddress"] == [desk.ADDRESS]
    assert "Show Technical Details" not in viewer.rows()


def test_what_failed(office, dialog, person):
    office.begin_first_sync(block=2)
    office.outcome(desk.WIFI, 500, "no antenna")
    office.fail()
    viewer = person()
    failure = f"{desk.WIFI}: 500 no antenna"
    viewer.wait_for_row("Networks", "0 of 1 done, 1 failed")
    for is_right in (False, True):
        assert failure not in viewer.texts()
        viewer.open_row("Show What Failed")
        answer(viewer, dialog, "read-details", is_right)
    viewer.wait_for_text(failure)
    assert "Show What Failed" not in viewer.rows()


def test_disconnect(office, dialog, person):
    """E4: asked each time, and nothing is done until somebody agrees."""
    viewer = person()
    for is_right in (False, True):
        viewer.press("Disconnect…")
        viewer.wait_for_text("This Will Be Removed")
        viewer.press("Disconnect")
        assert office.broker.requests() == []
        answer(viewer, dialog, "disconnect", is_right)
    assert office.broker.wait_for_signal("SyncRequested")[2] == "unenroll"


def test_sync_has_a_limit(office, dialog, person):
    """Nobody is asked for a password; more than once a minute it is not done, and that is said."""
    viewer = person()
    viewer.press("Sync Now")
    office.broker.wait_for_signal("SyncRequested")
    office.broker.begin("Contoso")
    office.session(begin=False)
    viewer.wait_for_text("The sync is done.")
    viewer.press("Sync Now")
    viewer.wait_for_find("This was done only a moment ago. Try again in a minute.", ALERT)
    assert office.broker.requests() == [] and not dialog.open
