# SPDX-License-Identifier: MIT
"""The session agent: notifications of first sync, of syncs that fail for long, before the device
unenrols by loss of contact (P10); nothing else, nothing twice, no window."""

import os
import pathlib
import re
import signal
import sqlite3
import time

import desk
import gdbus
import harness
import notices
import pytest
import screen
import treeclient
from gi.repository import GLib
from viewer import PROGRAM, Viewer

DONE = "Device Setup Complete"
FAILED = "Device Setup Failed"
NO_SYNC = "Device Does Not Sync"
LOST = "Device Will Be Disconnected"
DAY = 86400
# Around the name that a server gave.
NAME = "\u2068{}\u2069"


@pytest.fixture(scope="module")
def device():
    """A bus and the service, for the tests of the module."""
    notices.need()
    with harness.Environment() as env:
        env.start_bus()
        env.start_agent()
        yield env


@pytest.fixture
def contoso(device):
    made = desk.Office(device)
    yield made
    made.close()


@pytest.fixture
def desktop(device):
    made = notices.Desktop(device)
    yield made
    made.close()


def probe(office, service):
    """Waits until all that was done before has been seen: by what is told last."""
    other = desk.Office(office.env, "Probe")
    try:
        other.set("FirstSyncStatus/SkipDeviceStatusPage", "false")
        other.fail()
        harness.wait_until(lambda: any("Probe" in body for _, _, body in service.calls), "the probe")
    finally:
        other.close()
    harness.wait_until(lambda: not any("Probe" in notice["body"] for notice in service.shown.values()),
                       "the probe's end")
    service.calls[:] = [call for call in service.calls if "Probe" not in call[2]]


# -- first sync ------------------------------------------------------------------------------------


def test_first_sync_ends(contoso, desktop):
    service = desktop.start_service()
    contoso.begin_first_sync()
    desktop.start_agent()
    probe(contoso, service)
    assert not service.calls, "it only runs"
    contoso.finish()
    service.wait_for(DONE)
    _, notice = service.find(DONE)
    assert notice["body"] == f"{NAME.format('Contoso')} has finished setting up this device."
    assert notice["application"] == "Device Management"
    assert notice["icon"] == notice["hints"]["desktop-entry"] == "org.dmclient.Viewer"
    assert notice["hints"]["urgency"] == 1 and notice["timeout"] == -1


def test_first_sync_fails_is_tried_again_and_works(contoso, desktop):
    """One notification, replaced or withdrawn as things go."""
    service = desktop.start_service()
    contoso.begin_first_sync()
    desktop.start_agent()
    probe(contoso, service)
    contoso.fail()
    service.wait_for(FAILED)
    key, notice = service.find(FAILED)
    assert notice["body"].endswith("Open this to try again.")
    contoso.env.call_manager("RetryFirstSync", f"{harness.BUS_ROOT}/Provider/Contoso")
    service.wait_for()
    contoso.fail()
    service.wait_for(FAILED)
    assert [call[1] for call in service.calls] == [FAILED, FAILED]
    assert key != service.find(FAILED)[0], "the first one was withdrawn"


def test_first_sync_fails_and_only_the_help_desk_helps(contoso, desktop):
    service = desktop.start_service()
    contoso.begin_first_sync(block=1)
    desktop.start_agent()
    contoso.fail()
    service.wait_for(FAILED)
    assert service.find(FAILED)[1]["body"].endswith("Open this to see whom to ask for help.")


def test_a_first_sync_that_is_not_shown_is_not_told(contoso, desktop):
    service = desktop.start_service()
    contoso.begin_first_sync(show=False)
    desktop.start_agent()
    contoso.fail()
    probe(contoso, service)
    assert not service.calls


def test_what_ended_before_the_first_login_is_no_news(contoso, desktop):
    service = desktop.start_service()
    contoso.begin_first_sync()
    contoso.finish()
    desktop.start_agent()
    probe(contoso, service)
    assert not service.calls


def test_a_provider_that_goes_takes_its_notification_along(contoso, desktop):
    service = desktop.start_service()
    contoso.begin_first_sync()
    desktop.start_agent()
    contoso.fail()
    service.wait_for(FAILED)
    contoso.run("Delete", f"{desk.URI}/Provider/Contoso")
    service.wait_for()
    # The same name again is a new enrolment.
    contoso.enrol("Contoso")
    contoso.begin_first_sync()
    contoso.fail()
    service.wait_for(FAILED)


def test_a_click_opens_the_page(contoso, desktop):
    service = desktop.start_service()
    stub = desktop.start_viewer_stub()
    contoso.begin_first_sync()
    desktop.start_agent()
    contoso.fail()
    service.wait_for(FAILED)
    assert service.find(FAILED)[1]["actions"] == ["default", "Show"]
    # Others' notifications are none of its business.
    service.tell("ActionInvoked", "us", 4711, "default")
    service.click(FAILED, token="to-the-front")
    harness.wait_until(lambda: stub.actions, "the viewer's action")
    assert stub.actions == [(
        "show-page", [("setup", f"{harness.BUS_ROOT}/Provider/Contoso")],
        {"activation-token": "to-the-front", "desktop-startup-id": "to-the-front"})]


def test_a_click_is_understood_by_the_viewer(contoso, desktop):
    """The real one, on a screen: the page of the provider of the notification, out of several."""
    screen.need()
    other = desk.Office(contoso.env, "Fabrikam")
    service = desktop.start_service()
    contoso.begin_first_sync(text="Ask Jo in room 12.")
    desktop.start_agent()
    contoso.fail()
    service.wait_for(FAILED)
    # As the bus starts it.
    viewer = Viewer(contoso.env, screen.get(), "--gapplication-service", wait=False,
                    DBUS_SESSION_BUS_ADDRESS=desktop.address)
    try:
        notices.wait_for_name(desktop.address, "org.dmclient.Viewer")
        service.click(FAILED)
        viewer.wait_for_text("Device Setup Failed", "Ask Jo in room 12.")
        viewer.close()
    finally:
        if viewer.pidfd >= 0:
            viewer.kill()
        other.close()


@pytest.mark.parametrize("language, title, text", [
    ("de", "Einrichtung gescheitert", "%s konnte die Einrichtung dieses Geräts nicht abschließen."),
    ("ar", "فشل إعداد الجهاز", "تعذر على %s إكمال إعداد هذا الجهاز.")])
def test_in_the_users_language(contoso, desktop, language, title, text):
    service = desktop.start_service()
    contoso.begin_first_sync()
    desktop.start_agent(LANGUAGE=language)
    contoso.fail()
    service.wait_for(title)
    assert service.find(title)[1]["body"].startswith(text.replace("%s", NAME.format("Contoso")))


# -- sync ------------------------------------------------------------------------------------------


def test_a_sync_fails_for_long(contoso, desktop):
    """What waiting does not mend: five in a row, once, until it works."""
    service = desktop.start_service()
    contoso.session()
    desktop.start_agent()
    for i in range(4):
        contoso.session(ended=False, error="credentials", message="401 from the server")
        desktop.wait_until_remembered("failures", i + 1)
    probe(contoso, service)
    assert not service.calls
    contoso.session(ended=False, error="credentials", message="401 from the server")
    service.wait_for(NO_SYNC)
    assert service.find(NO_SYNC)[1]["body"] == (
        f"Last sync with {NAME.format('Contoso')}: Just now\n"
        "The server does not accept this device. Ask your help desk.")
    for _ in range(3):
        contoso.session(ended=False, error="credentials", message="401 from the server")
    probe(contoso, service)
    assert len(service.calls) == 1
    contoso.session()
    service.wait_for()


# -- loss of contact -------------------------------------------------------------------------------


def move_contact(env, seconds_ago):
    """The last session that worked was then."""
    env.agent.stop()
    database = sqlite3.connect(env.state_dir / "dmclient.db")
    with database:
        changed = database.execute(
            "update text set value = ? where kind = 'session' and name = 'success'",
            (str(int((time.time() - seconds_ago) * 1e6)),)).rowcount
    database.close()
    assert changed == 1
    env.start_agent()


def test_p10_before_the_device_unenrols(env, bus, agent):
    """At 7 days and at 1, once each, also for who logs in anew; withdrawn after a contact."""
    notices.need()
    office = desk.Office(env)
    office.set("NumberOfDaysAfterLostContactToUnenroll", "30")
    office.session()
    desktop = notices.Desktop(env)
    service = desktop.start_service()
    session_agent = desktop.start_agent()
    move_contact(env, 24 * DAY)
    service.wait_for(LOST)
    notice = service.find(LOST)[1]
    assert re.fullmatch(
        rf"Without a sync this device disconnects from {NAME.format('Contoso')} by itself: "
        r"\d+ \w+ 20\d\d, \d\d:\d\d, [56] days left\.\nConnect to the network, then sync\.",
        notice["body"])
    assert notice["hints"]["urgency"] == 1
    key = service.find(LOST)[0]
    move_contact(env, 29.5 * DAY)
    harness.wait_until(lambda: len(service.calls) == 2, "the last word")
    assert service.titles() == [LOST] and service.find(LOST)[0] == key, "replaced, not stacked"
    assert service.find(LOST)[1]["hints"]["urgency"] == 2
    desktop.wait_until_remembered("contact-stage", 2)
    session_agent.stop()
    desktop.start_agent()
    office = desk.Office(env, "Fabrikam")
    probe(office, service)
    assert len(service.calls) == 2
    desktop.close()
    office.close()


def test_p10_contact_again(env, bus, agent):
    notices.need()
    office = desk.Office(env)
    office.set("NumberOfDaysAfterLostContactToUnenroll", "30")
    office.session()
    desktop = notices.Desktop(env)
    service = desktop.start_service()
    move_contact(env, 24 * DAY)
    desktop.start_agent()
    service.wait_for(LOST)
    office.client = treeclient.TreeClient(env.socket)
    office.broker = desk.FakeBroker(env)
    office.session()
    service.wait_for()
    desktop.close()
    office.close()


# -- the service, the desktop, the session ---------------------------------------------------------


def test_nothing_is_repeated_after_a_new_login(contoso, desktop):
    service = desktop.start_service()
    contoso.begin_first_sync()
    desktop.start_agent()
    contoso.fail()
    service.wait_for(FAILED)
    desktop.wait_until_remembered("first-sync", 2)
    service.close()
    desktop.log_out()
    desktop.log_in()
    service = desktop.start_service()
    desktop.start_agent()
    probe(contoso, service)
    assert not service.calls
    told = desktop.state / "dmclient-viewer" / "told"
    assert told.stat().st_mode & 0o077 == 0 or told.parent.stat().st_mode & 0o077 == 0


def test_what_happened_while_nobody_was_logged_in_is_told_then(contoso, desktop):
    service = desktop.start_service()
    contoso.begin_first_sync()
    desktop.start_agent()
    probe(contoso, service)
    service.close()
    desktop.log_out()
    contoso.finish()
    desktop.log_in()
    service = desktop.start_service()
    desktop.start_agent()
    service.wait_for(DONE)


def test_the_service_is_missing_and_restarts(env, bus):
    """Quiet without it; afterwards all goes on, and nothing is told twice."""
    notices.need()
    desktop = notices.Desktop(env)
    service = desktop.start_service()
    desktop.start_agent()
    env.start_agent()
    office = desk.Office(env)
    office.begin_first_sync()
    office.fail()
    service.wait_for(FAILED)
    env.agent.stop()
    env.start_agent()
    office = desk.Office(env, "Fabrikam")
    probe(office, service)
    assert len(service.calls) == 1 and service.titles() == [FAILED]
    office.close()
    desktop.close()


class ServiceInChange(notices.Named):
    """The management service with a provider that comes between the answers to two questions."""

    def __init__(self, address):
        super().__init__(address, harness.BUS_NAME, harness.BUS_ROOT, SERVICE_XML)

    def GetAll(self, _sender, _interface):
        return "a{sv}", {"Providers": GLib.Variant("ao", [])}

    def GetManagedObjects(self, _sender):
        path = f"{harness.BUS_ROOT}/Provider/Contoso"
        self.bus.emit_signal(None, harness.BUS_ROOT, "org.freedesktop.DBus.Properties",
                             "PropertiesChanged", GLib.Variant("(sa{sv}as)", (
                                 f"{harness.BUS_NAME}.Manager",
                                 {"Providers": GLib.Variant("ao", [path])}, [])))
        text = {"ProviderID": GLib.Variant("s", "Contoso")}
        return "a{oa{sa{sv}}}", {
            path: {f"{harness.BUS_NAME}.Provider": text},
            f"{path}/FirstSyncStatus": {
                f"{harness.BUS_NAME}.FirstSyncStatus": {},
                f"{harness.BUS_NAME}.Progress": {"Phase": GLib.Variant("s", "failed")}}}


SERVICE_XML = """<node><interface name="org.freedesktop.DBus.Properties">
<method name="GetAll"><arg type="s" direction="in"/><arg type="a{sv}" direction="out"/></method>
</interface><interface name="org.freedesktop.DBus.ObjectManager">
<method name="GetManagedObjects"><arg type="a{oa{sa{sv}}}" direction="out"/></method>
</interface></node>"""


def test_a_provider_that_comes_while_all_is_read_is_seen(env, bus):
    notices.need()
    desktop = notices.Desktop(env)
    service = desktop.start_service()
    managing = ServiceInChange(env.bus_address)
    desktop.start_agent()
    service.wait_for(FAILED)
    desktop.close()
    managing.close()


def test_no_notification_service_yet(contoso, desktop):
    """What is to be told waits for it."""
    contoso.begin_first_sync()
    agent = desktop.start_agent()
    contoso.fail()
    contoso.env.get_property(f"{harness.BUS_ROOT}/Provider/Contoso/FirstSyncStatus",
                             f"{harness.BUS_NAME}.Progress", "Phase")
    service = desktop.start_service()
    service.wait_for(FAILED)
    desktop.wait_until_remembered("first-sync", 2)
    # Another one in its place: what was shown is not shown again.
    service.close()
    service = desktop.start_service()
    probe(contoso, service)
    assert not service.calls
    assert agent.is_running()


def test_the_system_bus_restarts(env, bus, agent):
    notices.need()
    desktop = notices.Desktop(env)
    service = desktop.start_service()
    session_agent = desktop.start_agent()
    office = desk.Office(env)
    office.begin_first_sync()
    desktop.wait_until_remembered("first-sync", 1)
    office.broker.close()
    agent.stop()
    env.bus.stop()
    env.start_bus()
    env.start_agent()
    office.client = treeclient.TreeClient(env.socket)
    office.fail()
    service.wait_for(FAILED)
    assert session_agent.is_running()
    desktop.close()


def test_nothing_to_tell_nothing_asked(contoso, desktop):
    """A session without news does not even start the notification service."""
    service = desktop.start_service()
    desktop.start_agent()
    contoso.session()
    contoso.session(ended=False, error="connect", message="refused")
    probe(contoso, service)
    assert [name for name in service.asked if name != "CloseNotification"] == [
        "GetCapabilities", "Notify"], "the probe's"


def test_one_a_session(desktop):
    desktop.start_agent()
    second = notices.SessionAgent(desktop)
    assert second.wait() == 0
    assert desktop.agents[0].is_running()


@pytest.mark.parametrize("variable", ["DBUS_SESSION_BUS_ADDRESS", "DBUS_SYSTEM_BUS_ADDRESS"])
def test_without_a_bus_it_ends_and_says_why(device, desktop, variable):
    result = device.run(PROGRAM, "--agent", expect=1, **dict(
        {"DBUS_SESSION_BUS_ADDRESS": desktop.address}, **{variable: "unix:path=/nonexistent"}))
    assert re.search(r"^dmclient-viewer: no (session|system) bus: .", result.stderr)


def test_wrong_use(env, bus):
    notices.need()
    result = env.run(PROGRAM, "--agent", "--version", expect=64)
    assert result.stderr == "dmclient-viewer: --agent goes with no other option\n"
    assert "--agent" in env.run(PROGRAM, "--help", expect=0).stdout


# -- hostile ---------------------------------------------------------------------------------------


HOSTILE = ["A & B <x", '<a href="javascript:alert(1)">click</a>', "%s%n%d", "x" * 100]


@pytest.mark.parametrize("markup", [True, False])
def test_a_servers_text_is_text(device, desktop, markup):
    """Escaped where the service reads markup, and only there; never a format."""
    capabilities = ("body", "body-markup") if markup else ("body",)
    service = desktop.start_service(capabilities=capabilities)
    desktop.start_agent()
    for name in HOSTILE:
        quoted = name.replace("%", "%25").replace("/", "%2F").replace(" ", "%20")
        office = desk.Office(device, quoted)
        try:
            office.set("FirstSyncStatus/SkipDeviceStatusPage", "false")
            office.set("FirstSyncStatus/CustomErrorText", "<b>custom</b>")
            office.fail()
            service.wait_for(FAILED)
        finally:
            office.close()
        body = service.calls[-1][2]
        shown = name if len(name) <= 60 else "x" * 59 + "…"
        if markup:
            for character, escape in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ('"', "&quot;")):
                shown = shown.replace(character, escape)
        assert body.startswith(NAME.format(shown) + " could not finish")
        assert "custom" not in body
        service.wait_for()


def test_a_damaged_memory_is_none(contoso, desktop):
    folder = desktop.state / "dmclient-viewer"
    folder.mkdir(parents=True)
    (folder / "told").write_bytes(b"\0\xff[[[\nfailures=\n")
    service = desktop.start_service()
    contoso.begin_first_sync()
    desktop.start_agent()
    contoso.fail()
    service.wait_for(FAILED)


# -- cheap -----------------------------------------------------------------------------------------


def count_switches(pid):
    return {task.name: int(re.search(r"^voluntary_ctxt_switches:\s+(\d+)",
                                     (task / "status").read_text(), re.M)[1])
            for task in pathlib.Path(f"/proc/{pid}/task").iterdir()}


def test_idle_it_is_not_woken(contoso, desktop):
    """Not in any of its threads, while others keep both buses busy."""
    service = desktop.start_service()
    agent = desktop.start_agent()
    contoso.session()
    probe(contoso, service)
    connection = gdbus.connect(desktop.address)

    def watch():
        before = count_switches(agent.pid)
        for _ in range(10):
            contoso.env.get_property(f"{harness.BUS_ROOT}/Provider/Contoso",
                                     f"{harness.BUS_NAME}.Session", "State")
            connection.call_sync("org.freedesktop.DBus", "/", "org.freedesktop.DBus", "ListNames",
                                 None, None, 0, -1, None)
        return count_switches(agent.pid) == before

    # What came last may still have been read.
    assert watch() or watch()
    connection.close_sync(None)


@pytest.mark.skipif(harness.is_sanitized(), reason="a sanitizer's memory is not the program's")
def test_it_is_small(contoso, desktop):
    """Though the program links GTK, it does not start it."""
    service = desktop.start_service()
    agent = desktop.start_agent()
    probe(contoso, service)
    text = pathlib.Path(f"/proc/{agent.pid}/smaps_rollup").read_text()
    dirty = int(re.search(r"^Private_Dirty:\s+(\d+) kB", text, re.M)[1])
    assert dirty < 4096, text


def test_it_ends_when_it_is_told_to(desktop):
    for number in (signal.SIGTERM, signal.SIGINT):
        desktop.start_agent().stop(number)
    assert not os.listdir(desktop.state / "dmclient-viewer") if (
        desktop.state / "dmclient-viewer").exists() else True
