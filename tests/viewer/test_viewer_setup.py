# SPDX-License-Identifier: MIT
"""The first sync as people see it (rules F): progress, failure, the ways out that the organisation
leaves open, and the page at the end."""

import os
import tarfile

import pytest
from desk import POLICIES, WIFI
from viewer import BUTTON, RETURN

FAILED = "Device Setup Failed"
RUNNING = "Setting Up Your Device"
CONTACT_BUTTONS = 6


def test_f6_progress_is_live(office, start):
    office.begin_first_sync()
    viewer = start()
    viewer.wait_for_row("Policies", "0 of 2 done")
    texts = viewer.texts()
    assert RUNNING in texts and "0 of 3 done\n60 minutes left" in texts
    assert "Desktop apps" not in viewer.rows(), "nothing is expected of it"
    office.outcome(POLICIES[0])
    viewer.wait_for_row("Policies", "1 of 2 done")
    office.outcome(POLICIES[1], 500, "no room for A & B <x")
    viewer.wait_for_row("Policies", "1 of 2 done, 1 failed")
    viewer.wait_for_text(f"{POLICIES[1]}: 500 no room for A & B <x")
    office.outcome(POLICIES[1])
    office.outcome(WIFI)
    viewer.wait_for_row("Networks", "1 of 1 done")
    office.set("FirstSyncStatus/ServerHasFinishedProvisioning", "true")
    # F4: nothing is pending, so it is done, and the page at the end comes by itself.
    viewer.wait_for_text("Your Device Is Ready")


# BlockInStatusPage: 0 holds nobody; 1 reset, 2 try again, 4 continue.
WAYS_OUT = {
    0: (["Continue Anyway"], ["Try Again", "Continue Anyway"]),
    1: ([], []),
    2: ([], ["Try Again"]),
    4: ([], ["Continue Anyway"]),
    7: ([], ["Try Again", "Continue Anyway"]),
}


def test_exactly_the_ways_out_that_are_allowed(office, start):
    office.begin_first_sync()
    viewer = start()
    viewer.wait_for_text(RUNNING)
    for logs in (False, True):
        office.set("FirstSyncStatus/AllowCollectLogsButton", str(logs).lower())
        for block, (running, _) in WAYS_OUT.items():
            office.set("FirstSyncStatus/BlockInStatusPage", str(block))
            expect(viewer, running, logs, block)
    office.fail()
    viewer.wait_for_text(FAILED)
    for logs in (False, True):
        office.set("FirstSyncStatus/AllowCollectLogsButton", str(logs).lower())
        for block, (_, failed) in WAYS_OUT.items():
            office.set("FirstSyncStatus/BlockInStatusPage", str(block))
            expect(viewer, failed, logs, block)
            hint = "Ask the help desk before you do anything."
            assert any(hint in text for text in viewer.texts()) == bool(block & 1)


def expect(viewer, ways, logs, block):
    wanted = sorted(ways + ["Collect Logs…"] * logs)
    viewer.wait_for(lambda: sorted(viewer.buttons()) == wanted, f"{wanted} for {block}")
    assert viewer.find("Back", BUTTON) is None, "a way out that nobody allowed"


def test_failure_says_what_the_organisation_says(office, start):
    office.begin_first_sync(block=2)
    office.fail()
    viewer = start()
    viewer.wait_for_text(
        FAILED, "Something could not be set up in time. Try again, or ask the help desk.")
    office.set("FirstSyncStatus/CustomErrorText", "Ruf an: 4711\nA & B <b>x</b>")
    viewer.wait_for_text("Ruf an: 4711\nA & B <b>x</b>")


def test_f5_try_again(office, start):
    office.begin_first_sync(block=2)
    office.fail()
    viewer = start()
    viewer.press("Try Again")
    viewer.wait_for_text(RUNNING, "Trying again.")
    assert office.broker.wait_for_signal("SyncRequested")[0] == "Contoso"


def test_continue_leaves_the_page_which_stays_in_reach(office, start):
    office.begin_first_sync(block=4)
    office.fail()
    viewer = start()
    viewer.press("Continue Anyway")
    viewer.wait_for_row(RUNNING, "Failed")
    viewer.open_row(RUNNING)
    viewer.wait_for_text(FAILED)
    viewer.press("Back")
    viewer.wait_for_row(RUNNING, "Failed")


@pytest.mark.parametrize("show", [True, False])
def test_pages_that_are_to_be_skipped_are(office, start, show):
    """SkipDeviceStatusPage, also when it changes while one looks."""
    office.set_contacts()
    office.begin_first_sync(show=show)
    viewer = start()
    for shown in (show, not show, show):
        office.set("FirstSyncStatus/SkipDeviceStatusPage", str(not shown).lower())
        viewer.wait_for_text(RUNNING if shown else "This organisation manages your device.")
    assert (RUNNING in viewer.texts()) == show


def test_the_users_part_has_its_own_switch(office, start):
    office.begin_first_sync(show=False)
    office.add_user(os.getuid())
    office.set("FirstSyncStatus/SkipUserStatusPage", "false")
    viewer = start()
    viewer.wait_for_text(RUNNING, "Your Account")
    viewer.wait_for_row("Requested certificates", "0 of 1 done")
    assert "This Device" not in viewer.texts() and "Policies" not in viewer.rows()
    office.set("FirstSyncStatus/SkipUserStatusPage", "true")
    viewer.wait_for_text("This organisation manages your device.")


def test_the_page_at_the_end_is_shown_once(office, start):
    office.set_page()
    office.begin_first_sync()
    office.finish()
    viewer = start(state="")
    words = ("Welcome to Contoso", "Your device is ready.\n\nHave a good start!", "First steps",
             "Leads to intranet.contoso.example")
    viewer.wait_for_text(*words)
    viewer.press("Done")
    viewer.wait_for_text("This organisation manages your device.")
    viewer.close()
    again = start(state=None)
    again.wait_for_text("This organisation manages your device.")
    again.open_row("Welcome Message")
    again.wait_for_text(*words)


def test_collect_logs_saves_what_the_service_hands_over(office, start):
    office.begin_first_sync(block=2, logs=True)
    office.fail()
    viewer = start()
    viewer.press("Collect Logs…")
    viewer.wait_for_find("Save the Logs", *range(200))
    viewer.key(RETURN)
    request, = office.broker.wait_for_signal("LogsRequested")
    office.broker.hand_logs(request, [("session-journal.txt", b"a line\n")])
    viewer.wait_for_text("The logs are saved. Send the file to your help desk.")
    saved = list(viewer.home.rglob("dmclient-logs.tar")) or list(viewer.env.dir.rglob("*.tar"))
    assert saved and saved[0].stat().st_mode & 0o777 == 0o600
    with tarfile.open(saved[0]) as archive:
        assert archive.extractfile("broker/session-journal.txt").read() == b"a line\n"
