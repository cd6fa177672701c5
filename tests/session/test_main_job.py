# SPDX-License-Identifier: MIT
"""The main job: one session sets what people see, reads it back, and a desktop then sees it."""

import pathlib
import time

import pytest
from gi.repository import Gio, GLib

import harness
from device import INTERFACE, PROVIDER, node

SCRIPTS = pathlib.Path(__file__).resolve().parent.parent / "server" / "scripts"
CONTACTS = {"HelpPhoneNumber": "+49 30 1234 567",
            "HelpWebsite": "https://help.example.test/?a=1&b=2",
            "HelpEmailAddress": "help@example.test"}
PAGE = {"Title": "Willkommen – ようこそ", "BodyText": "First line\nSecond <line> & \"quotes\"",
        "HyperlinkHref": "https://start.example.test/", "HyperlinkText": "First steps"}
DONE, PENDING = node("CommercialID"), "./Device/Vendor/MSFT/Policy/Config/Camera/AllowCamera"
POLL = {"IntervalForFirstSetOfRetries": "15", "NumberOfFirstRetries": "8",
        "IntervalForSecondSetOfRetries": "60", "NumberOfSecondRetries": "10",
        "IntervalForRemainingScheduledRetries": "1440", "NumberOfRemainingScheduledRetries": "0"}

SET = (
    [{"verb": "Replace", "loc_uri": node(name), "data": value} for name, value in CONTACTS.items()]
    + [{"verb": "Add", "loc_uri": node("CustomEnrollmentCompletePage"), "format": "node"}]
    + [{"verb": "Add", "loc_uri": node(f"CustomEnrollmentCompletePage/{name}"), "data": value,
        "format": "chr"} for name, value in PAGE.items()]
    + [{"verb": "Replace", "loc_uri": node("FirstSyncStatus/ExpectedPolicies"),
        "data": f"{DONE}\uf000{PENDING}"},
       {"verb": "Replace", "loc_uri": DONE, "data": "contoso-1"},
       {"verb": "Add", "loc_uri": node("Poll"), "format": "node"}]
    + [{"verb": "Add", "loc_uri": node(f"Poll/{name}"), "data": value, "format": "int"}
       for name, value in POLL.items()])
READ = ({node(name): (None, value) for name, value in CONTACTS.items()}
        | {node(f"CustomEnrollmentCompletePage/{name}"): (None, value)
           for name, value in PAGE.items()}
        | {node("FirstSyncStatus/ExpectedPolicies"): (None, f"{DONE}\uf000{PENDING}")}
        | {node(f"Poll/{name}"): ("int", value) for name, value in POLL.items()})


@pytest.fixture
def managed(device, serve):
    """A device after the session of the main job, and its server."""
    server = serve([{"commands": SET},
                    {"commands": [{"verb": "Get", "loc_uri": path} for path in READ]}])
    device.enrol(server, sample="06-no-dmclient.xml")
    device.sync()
    return device, server


def test_main_job_every_command_is_200(managed):
    server = managed[1]
    assert len(server.exchanges) == 3
    assert server.exchanges[1].codes == [200] * len(SET)
    assert server.exchanges[2].codes == [200] * len(READ)


def test_main_job_the_server_reads_back_what_it_set(managed):
    assert managed[1].exchanges[2].results == READ


def test_main_job_the_command_line_reads_the_same(managed):
    device = managed[0]
    for path, (_, value) in READ.items():
        assert device.get(path.removeprefix(node() + "/")) == value


def test_main_job_a_desktop_reads_help_contacts_and_page(managed):
    device = managed[0]
    assert {name: device.property(name) for name in CONTACTS} == CONTACTS
    assert {name: device.property(name, "CustomEnrollmentCompletePage",
                                  "CustomEnrollmentCompletePage") for name in PAGE} == PAGE


def test_F6_progress_counts_what_the_session_itself_set_as_done(managed):
    device = managed[0]
    categories = device.property("Categories", "Progress", "FirstSyncStatus")
    by_name = {name: (total, done, failed) for name, total, done, failed in categories}
    assert by_name.pop("Policies") == (2, 1, 0)
    assert set(by_name.values()) == {(0, 0, 0)}
    assert len(by_name) == 5
    assert device.property("Phase", "Progress", "FirstSyncStatus") == "running"


def test_F6_progress_counts_what_failed_in_no_tree_of_ours(device, session):
    """The broker answers for every LocURI outside the DMClient tree, and reports it."""
    other = "./Device/Vendor/MSFT/Policy/Config/Camera/Other"
    server = session(
        {"commands": [{"verb": "Replace", "data": f"{PENDING}\uf000{other}\uf000{PENDING}2",
                       "loc_uri": node("FirstSyncStatus/ExpectedPolicies")}]},
        {"commands": [{"verb": "Replace", "loc_uri": PENDING, "data": "1"},
                      {"verb": "Get", "loc_uri": other}]})
    assert server.exchanges[2].codes == [404, 404]
    categories = device.property("Categories", "Progress", "FirstSyncStatus")
    assert categories[0] == ["Policies", 3, 0, 1]
    failed = device.property("FailedItems", "Progress", "FirstSyncStatus")
    assert len(failed) == 1
    assert PENDING in failed[0] and "404" in failed[0]


def test_P1_the_next_session_is_due_by_the_schedule_that_the_session_set(managed):
    """The first set, 15 minutes from the commit; jitter (P8) adds 90 seconds at most."""
    device, server = managed
    due_s = device.session_property("NextScheduled") / 1e6
    commit_s = server.exchanges[0].time
    assert commit_s + 15 * 60 - 5 <= due_s <= time.time() + 15 * 60 + 90 + 5


def test_design_5_the_session_says_when_and_with_whom_it_was(managed):
    device, server = managed
    last = device.session_property("LastSuccess") / 1e6
    assert server.exchanges[0].time - 5 <= last <= time.time()
    assert device.session_property("LastAttempt") <= device.session_property("LastSuccess")
    assert device.session_property("State") == "idle"
    assert device.session_property("LastError") == ""
    assert device.session_property("ServerHost").split(":")[0] == "localhost"


def test_design_5_the_certificate_in_use_says_when_it_expires(managed):
    """The tests' client certificate ends with 2049."""
    assert managed[0].session_property("CertificateExpires") == 2524607999 * 1000000


def test_main_job_survives_a_restart_of_the_agent(managed):
    device = managed[0]
    device.env.agent.stop()
    device.env.start_agent()
    assert {name: device.property(name) for name in CONTACTS} == CONTACTS
    assert {name: device.get(f"Poll/{name}") for name in POLL} == POLL


def test_main_job_by_the_demo_s_script(device, serve):
    server = serve(str(SCRIPTS / "demo.json"), values={"PROVIDER": PROVIDER})
    device.enrol(server)
    device.sync()
    assert set(server.exchanges[1].codes) == {200}
    codes = server.exchanges[2].codes
    assert set(codes[:-1]) == {200}
    # The last one asks for the model, which not every machine tells: never a made-up value.
    assert codes[-1] == (200 if "./DevInfo/Mod" in server.exchanges[2].results else 404)
    assert server.exchanges[2].results["./DevDetail/SwV"][1]


def test_G4_a_desktop_is_told_of_the_change_once(device, serve):
    """One PropertiesChanged for the provider and message, with all that a session changed."""
    server = serve([{"commands": SET[:3]}])
    device.enrol(server)
    connection = device.env.connect()
    told = []
    connection.signal_subscribe(
        INTERFACE, "org.freedesktop.DBus.Properties", "PropertiesChanged",
        f"{harness.BUS_ROOT}/Provider/{PROVIDER}", f"{INTERFACE}.Provider",
        Gio.DBusSignalFlags.NONE, lambda *call: told.append(call[5].unpack()))
    device.sync()
    # An answer of the agent comes after the signals that it sent before.
    connection.call_sync(INTERFACE, harness.BUS_ROOT, "org.freedesktop.DBus.Peer", "Ping", None,
                         None, Gio.DBusCallFlags.NONE, 10000, None)
    context = GLib.MainContext.default()
    while context.pending():
        context.iteration(False)
    assert [changed for _, changed, _ in told] == [CONTACTS]
    connection.close_sync(None)
