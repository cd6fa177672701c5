# SPDX-License-Identifier: MIT
"""Where there is little to show: each time a sentence and a next step; and what becomes of the viewer
while the service comes and goes."""

import shutil

import harness
import pytest
import screen
from desk import Office
from viewer import BUTTON, PROGRAM, Viewer

DENY = harness.BUS_CONFIG.replace(
    '<allow receive_type="method_call"/>',
    '<allow receive_type="method_call"/>'
    f'<deny send_destination="{harness.BUS_NAME}" send_interface="org.freedesktop.DBus.ObjectManager"/>')


@pytest.fixture
def own(env):
    """own(…): a viewer in an environment of the test's own; it must end well."""
    if not PROGRAM.exists():
        pytest.skip("built without the viewer: GTK 4 or libadwaita is not there")
    started = []

    def make(**options):
        started.append(Viewer(env, screen.get(), **options))
        return started[-1]

    yield make
    for viewer in started:
        viewer.close()


def test_not_managed_then_managed(module_env, start):
    viewer = start()
    viewer.wait_for_text("Not Managed", "No organisation manages this device. If yours should, ask "
                         "its help desk how to enrol.")
    office = Office(module_env)
    viewer.wait_for_text("Contoso", "This organisation manages your device.")
    office.close()
    viewer.wait_for_text("Not Managed")


def test_the_service_comes_goes_and_comes(env, own):
    env.start_bus()
    viewer = own()
    viewer.wait_for_text("Management Service Missing", "It is not installed or does not start. Ask "
                         "your help desk, then try again.")
    env.start_agent()
    viewer.wait_for_text("Not Managed")
    office = Office(env)
    office.set_contacts()
    viewer.wait_for_row("Phone", "+49 30 1234567")
    office.broker.close()
    office.client.close()
    env.agent.stop()
    # What was known is shown on, and said to be old.
    viewer.wait_for_text("The management service has stopped. What you see may be out of date.",
                         "+49 30 1234567")
    viewer.wait_for(lambda: viewer.find("Try Again", BUTTON), "a next step")
    env.start_agent()
    viewer.wait_until_gone("The management service has stopped. What you see may be out of date.")
    viewer.wait_for_row("Phone", "+49 30 1234567")


def test_no_bus_then_one(env, own):
    viewer = own()
    viewer.wait_for_text("System Not Reachable")
    env.start_bus()
    env.start_agent()
    viewer.press("Try Again")
    viewer.wait_for_text("Not Managed")
    env.bus.stop()
    viewer.wait_for_text("The management service has stopped. What you see may be out of date.")


def test_access_denied(env, own):
    env.start_bus(DENY)
    env.start_agent()
    viewer = own()
    viewer.wait_for_text("Access Denied", "You may not see who manages this device. Ask its "
                         "administrator, then try again.")
    assert viewer.buttons() == ["Try Again"]


def test_one_instance_started_by_its_name(env, own, tmp_path):
    """D-Bus activation: the session bus starts the program of the service file, which shows one
    window however often it is asked."""
    display = screen.get()
    installed = harness.BUILD / "desktop/data/org.dmclient.Viewer.service"
    words = dict(line.split("=", 1) for line in installed.read_text().splitlines() if "=" in line)
    assert words["Name"] == "org.dmclient.Viewer"
    assert words["Exec"].split()[1:] == ["--gapplication-service"]
    assert shutil.which("gapplication") is not None
    env.start_bus()
    viewer = own()
    viewer.wait_for_text("Management Service Missing")
    env.run("gapplication", "launch", "org.dmclient.Viewer", expect=0, **display.env)
    second = env.run(PROGRAM, expect=0, **display.env, GDK_BACKEND="x11")
    assert second.stdout == ""
    assert len(viewer.read().children) == 1
