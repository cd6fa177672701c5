# SPDX-License-Identifier: MIT
"""What people read in the viewer, and what they can do there, as a screen reader has it."""

import re

import treeclient
from desk import ADDRESS, URI
from viewer import ALERT, BUTTON, ESCAPE, LABEL, SENSITIVE


def test_every_row_of_the_organisation(office, start):
    office.set_contacts()
    office.set_person()
    office.set("NumberOfDaysAfterLostContactToUnenroll", "30")
    office.session()
    viewer = start()
    viewer.wait_for_text("Contoso", "This organisation manages your device.",
                         "Everything is up to date.")
    viewer.wait_for_row("Phone", "+49 30 1234567")
    rows = viewer.rows()
    assert rows["Website"] == ["https://help.contoso.example/start"]
    assert rows["Email"] == ["help@contoso.example"]
    assert rows["Name at the organisation"] == ["LAPTOP-0815"]
    assert rows["Account"] == ["jo@contoso.example"]
    assert rows["Last sync"] == ["Just now"]
    assert re.fullmatch(r"(Today|Tomorrow) at \d\d:\d\d|In \d+ minutes?", rows["Next sync"][0])
    assert rows["Certificate valid until"][0].endswith(", 99 days left")
    assert rows["Disconnects by itself"][0].endswith(", 29 days left")
    assert "Last problem" not in rows
    assert viewer.buttons() == ["Sync Now", "Call", "Copy Phone Number", "Open Website",
                                "Copy Address", "Write Email", "Copy Email Address", "Disconnect…"]


def test_what_changes_is_shown(office, start):
    """Values that signals have, and those that they only name."""
    office.set_contacts()
    viewer = start()
    viewer.wait_for_row("Phone", "+49 30 1234567")
    assert "Account" not in viewer.rows()
    office.set("HelpPhoneNumber", "+49 30 999")
    office.set("UPN", "jo@contoso.example")
    viewer.wait_for_row("Phone", "+49 30 999")
    viewer.wait_for_row("Account", "jo@contoso.example")
    office.session(ended=False, error="tls", message="mdm.contoso.example: expired")
    viewer.wait_for_text("The server did not prove who it is. Ask your help desk.")
    viewer.wait_for_row("Last problem", "mdm.contoso.example: expired")


def test_sync_now_with_progress_and_outcome(office, start):
    viewer = start()
    viewer.press("Sync Now")
    assert office.broker.wait_for_signal("SyncRequested")[:1] == ("Contoso",)
    viewer.wait_for_text("Waiting to sync…")
    viewer.wait_for(lambda: not viewer.find("Sync Now", BUTTON).has(SENSITIVE), "a second sync")
    office.broker.begin("Contoso")
    office.broker.report("Contoso", state="running")
    viewer.wait_for_text("Syncing…")
    office.session(begin=False)
    viewer.wait_for_text("The sync is done.", "Everything is up to date.")
    viewer.wait_for_row("Last sync", "Just now")


def test_sync_now_that_fails_says_what_to_do(office, start):
    viewer = start()
    viewer.press("Sync Now")
    office.broker.wait_for_signal("SyncRequested")
    office.broker.begin("Contoso")
    office.session(begin=False, ended=False, error="resolve", message="mdm.contoso.example: unknown")
    sentence = "The server could not be found. Check your network connection."
    viewer.wait_for(lambda: viewer.texts().count(sentence) and viewer.find("Dismiss", BUTTON),
                    "the outcome")
    assert viewer.find(sentence, ALERT), "nothing is announced"
    viewer.press("Dismiss")
    viewer.wait_for(lambda: viewer.find("Dismiss", BUTTON) is None, "that it is dismissed")


def test_disconnect_says_what_goes_and_asks_first(office, start):
    viewer = start()
    viewer.press("Disconnect…")
    viewer.wait_for_text("Disconnect From Contoso?", "This Will Be Removed",
                         "The certificate and key of this device")
    viewer.press("Cancel")
    viewer.wait_until_gone("This Will Be Removed")
    assert office.broker.requests() == []
    viewer.press("Disconnect…")
    viewer.press("Disconnect")
    assert office.broker.wait_for_signal("SyncRequested")[2] == "unenroll"
    office.broker.begin("Contoso", "unenroll")
    office.broker.report("Contoso", ended=True, state="idle")
    office.broker.finish_unenroll("Contoso")
    viewer.wait_for_text("Not Managed")


def test_transparency_has_every_detail_of_the_table(office, start):
    """For root, who needs no authorisation: every leaf of read class details that is set."""
    office.set("NumberOfDaysAfterLostContactToUnenroll", "1")
    office.add("Poll")
    viewer = start()
    viewer.open_row("What Your Organisation Can See and Do")
    viewer.wait_for_row("Let go of this device",
                        "After 1 day without contact this device disconnects by itself.")
    rows = viewer.rows()
    for name, value in (("ManagementServiceAddress", ADDRESS), ("SyncApplicationVersion", "1.0"),
                        ("RequireMessageSigning", "false"), ("IntervalForFirstSetOfRetries", "15"),
                        ("SecurityMode", "0")):
        assert rows[name] == [value]
    assert "Reach this device" not in rows
    office.add("Push")
    viewer.wait_for(lambda: "Reach this device" in viewer.rows(), "that a push is told")


def test_several_organisations(office, start):
    office.enrol("Fabrikam")
    viewer = start()
    viewer.wait_for_row("Fabrikam", "Not synced yet.")
    viewer.open_row("Fabrikam")
    viewer.wait_for_text("This organisation manages your device.")
    viewer.key(ESCAPE)
    viewer.wait_for_text("Several organisations manage this device.")
    viewer.open_row("Contoso")
    viewer.wait_for_text("This organisation manages your device.")
    office.client.apply(treeclient.command("Delete", f"{URI}/Provider/Contoso"))
    viewer.wait_for_find("Fabrikam", LABEL)


def test_everything_is_reached_by_keyboard(office, start):
    office.set_contacts()
    viewer = start()
    viewer.wait_for_row("Phone", "+49 30 1234567")
    way = viewer.tab_to("Disconnect…")
    wanted = ["Sync Now", "Call", "Copy Phone Number", "Open Website", "Write Email",
              "What Your Organisation Can See and Do", "Disconnect…"]
    assert [name for name in way if name in wanted] == wanted
    assert "Main Menu" in way + viewer.tab_to("Main Menu")
