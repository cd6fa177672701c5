# SPDX-License-Identifier: MIT
"""What people read in the viewer, and what they can do there, as a screen reader has it."""

import re


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
