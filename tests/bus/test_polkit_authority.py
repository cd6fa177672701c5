# SPDX-License-Identifier: MIT
"""What the real polkitd makes of policy/org.dmclient.DMClient1.policy (security.md section 2), and
what plugin/polkit.c makes of polkitd."""

import pathlib
import re
import subprocess
import sys
import time

import pytest

import accounts
import harness
import polkit_env

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "policy"))
from policy_bus import Caller, Refused  # noqa: E402

POLKIT_ASK = harness.BUILD / "tests" / "bus" / "polkit-ask"

ROOT, NOBODY = 0, 65534
SERVICE = accounts.UIDS[accounts.AGENT]
PERSON = polkit_env.PERSON

NOT_AUTHORIZED = "org.freedesktop.PolicyKit1.Error.NotAuthorized"
KEPT = "polkit.retains_authorization_after_challenge"

# What polkit answers: is authorised, a person could say so, and would not be asked again soon.
YES, NO = (True, False, False), (False, False, False)
ASK, ASK_ONCE = (False, True, False), (False, True, True)

# Action to what who has no session, one in the background, and one in front gets.
DEFAULTS = {
    "sync": (NO, NO, YES),
    "retry-first-sync": (NO, NO, YES),
    "collect-logs": (NO, NO, ASK_ONCE),
    "read-identity": (ASK_ONCE, ASK_ONCE, YES),
    "read-details": (ASK_ONCE, ASK_ONCE, ASK_ONCE),
    "disconnect": (ASK, ASK, ASK),
    "reload": (ASK, ASK, ASK),
}

GRANT_DETAILS = """polkit.addRule(function(action, subject) {
    if (action.id == "org.dmclient.DMClient1.read-details" && subject.user == "person")
        return polkit.Result.YES;
});
"""


@pytest.fixture
def bus(env):
    """A bus that knows the users of the service, and one more."""
    polkit_env.need_polkitd()
    bus = env.start_bus(prefix=polkit_env.prefix(env))
    env.dir.chmod(0o711)
    return bus


@pytest.fixture
def caller_of(env, bus):
    """caller_of(UID): a process of that user's on the bus."""
    callers = []

    def make(uid):
        callers.append(Caller(env, uid))
        return callers[-1]

    yield make
    for caller in callers:
        if caller.process.pidfd >= 0:
            caller.close()


def ask(asker, about, action, flags=0):
    """What polkitd answers `asker` of the caller `about`."""
    ((is_authorized, is_challenge, details),) = asker.call(
        polkit_env.NAME, polkit_env.PATH, polkit_env.INTERFACE, "CheckAuthorization",
        f"(('system-bus-name', {{'name': <'{about.unique_name()}'>}}), '{harness.BUS_NAME}.{action}',"
        f" @a{{ss}} {{}}, uint32 {flags}, '')")
    return is_authorized, is_challenge, KEPT in details


def start_question(env, name, uid, action, *more, **options):
    """plugin/polkit.c asking, as the service's user."""
    program = polkit_env.copy_program(env, POLKIT_ASK)
    return subprocess.Popen(
        [*accounts.become(SERVICE), program, name, str(uid), f"{harness.BUS_NAME}.{action}", *more],
        env=env.environ(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)


def end_question(question):
    """Its verdict, and what it logged."""
    verdict, log = question.communicate(timeout=harness.RUN_TIMEOUT)
    harness.check_sanitizers("polkit-ask", log)
    assert question.returncode == 0, log
    return verdict.strip(), log


def verdict_of(env, caller, action, *more):
    return end_question(start_question(env, caller.unique_name(), caller.uid, action, *more))


# -- the actions file -----------------------------------------------------------------------------


def test_the_table_has_every_action():
    text = polkit_env.ACTIONS.read_text(encoding="utf-8")
    ids = re.findall(r'<action id="org\.dmclient\.DMClient1\.([^"]*)">', text)
    assert sorted(ids) == sorted(DEFAULTS)


def test_owner_may_ask_about_others(start_polkitd, caller_of):
    start_polkitd()
    person = caller_of(PERSON)
    for asker in (caller_of(ROOT), caller_of(SERVICE)):
        for action, (expected, _, _) in DEFAULTS.items():
            assert ask(asker, person, action) == expected, action
    for asker in (caller_of(NOBODY), caller_of(accounts.UIDS[accounts.BROKER])):
        for action in DEFAULTS:
            with pytest.raises(Refused) as refused:
                ask(asker, person, action)
            assert refused.value.name == NOT_AUTHORIZED


def test_without_the_owner_only_root_may_ask(env, start_polkitd, caller_of):
    text = polkit_env.ACTIONS.read_text(encoding="utf-8")
    without, n_owners = re.subn(r"<annotate [^>]*owner.*</annotate>", "", text)
    assert n_owners == len(DEFAULTS)
    start_polkitd(actions=without)
    person, root, service = caller_of(PERSON), caller_of(ROOT), caller_of(SERVICE)
    for action, (expected, _, _) in DEFAULTS.items():
        assert ask(root, person, action) == expected
        with pytest.raises(Refused) as refused:
            ask(service, person, action)
        assert refused.value.name == NOT_AUTHORIZED
    verdict, log = verdict_of(env, person, "read-identity")
    assert verdict == "none" and log.count("warning") == 1 and "NotAuthorized" in log


def test_defaults(start_polkitd, caller_of):
    polkitd = start_polkitd()
    service = caller_of(SERVICE)
    outside, behind, in_front = caller_of(PERSON), caller_of(NOBODY), caller_of(PERSON)
    polkitd.put_in_session(behind.process.pid, NOBODY, is_active=False)
    polkitd.put_in_session(in_front.process.pid, PERSON, is_active=True)
    for action, expected in DEFAULTS.items():
        found = tuple(ask(service, caller, action) for caller in (outside, behind, in_front))
        assert found == expected, action


def test_root_may_everything(start_polkitd, caller_of):
    start_polkitd()
    root, service = caller_of(ROOT), caller_of(SERVICE)
    for action in DEFAULTS:
        assert ask(service, root, action) == YES, action


def test_rules_of_the_machine_decide_otherwise(start_polkitd, caller_of):
    """An administrator's rule holds, also one that comes while polkitd runs."""
    polkitd = start_polkitd()
    service, person, other = caller_of(SERVICE), caller_of(PERSON), caller_of(NOBODY)
    assert ask(service, person, "read-details") == ASK_ONCE
    polkitd.set_rules(GRANT_DETAILS)
    assert ask(service, person, "read-details") == YES
    assert ask(service, other, "read-details") == ASK_ONCE
    assert ask(service, person, "disconnect") == ASK


@pytest.mark.parametrize("locale,first", [("C.UTF-8", "Synchronize"), ("de_DE.UTF-8", "Mit"),
                                          ("ar_EG.UTF-8", "المزامنة"), ("fr_FR.UTF-8", "Synchronize")])
def test_texts_in_the_language_of_who_reads_them(start_polkitd, caller_of, locale, first):
    start_polkitd()
    (actions,) = caller_of(ROOT).call(polkit_env.NAME, polkit_env.PATH, polkit_env.INTERFACE,
                                      "EnumerateActions", f"('{locale}',)")
    texts = {action[0]: action[1:5] for action in actions}
    assert len(texts) == len(DEFAULTS)
    description, message, vendor, _ = texts[harness.BUS_NAME + ".sync"]
    assert description.startswith(first) and message and vendor == "dmclient"


# -- plugin/polkit.c with it ----------------------------------------------------------------------


def test_verdicts(env, start_polkitd, caller_of):
    polkitd = start_polkitd()
    in_front, outside = caller_of(PERSON), caller_of(PERSON)
    polkitd.put_in_session(in_front.process.pid, PERSON)
    assert verdict_of(env, in_front, "sync") == ("yes", "")
    assert verdict_of(env, outside, "sync") == ("no", "")
    assert verdict_of(env, in_front, "read-details") == ("challenge", "")
    # Nobody is there who could be asked.
    assert verdict_of(env, in_front, "read-details", "interactive") == ("challenge", "")


def test_caller_that_has_left(env, start_polkitd, caller_of):
    """No, and nothing in the log that anybody could fill it with."""
    start_polkitd()
    person = caller_of(PERSON)
    name = person.unique_name()
    person.close()
    question = start_question(env, name, PERSON, "read-identity", "interactive")
    assert end_question(question) == ("no", "")


def test_action_that_is_not_installed(env, start_polkitd, caller_of):
    start_polkitd()
    verdict, log = verdict_of(env, caller_of(PERSON), "unheard-of")
    assert verdict == "none" and log.count("warning") == 1 and "PolicyKit1.Error" in log


def test_no_polkit(env, bus, caller_of):
    verdict, log = verdict_of(env, caller_of(PERSON), "sync", "interactive")
    assert verdict == "none" and log.count("warning") == 1 and "polkitd" in log


@pytest.fixture
def dialog(env, start_polkitd, caller_of):
    """A person in front of the machine who waits to be asked."""
    polkitd = start_polkitd()
    made = polkit_env.Dialog(env, polkitd, PERSON)
    made.polkitd = polkitd
    yield made
    made.close()


@pytest.mark.parametrize("is_right,expected", [(True, "yes"), (False, "no")])
def test_person_decides(env, dialog, caller_of, is_right, expected):
    person = caller_of(PERSON)
    dialog.polkitd.put_in_session(person.process.pid, PERSON, session=dialog.session)
    question = start_question(env, person.unique_name(), PERSON, "collect-logs", "interactive")
    _, action, message = dialog.wait_for_one()
    assert action == harness.BUS_NAME + ".collect-logs"
    assert message == "Um Diagnoseprotokolle der Geräteverwaltung zu sammeln, müssen Sie sich" \
                      " legitimieren"
    dialog.answer(is_right)
    assert end_question(question) == (expected, "")
    assert not dialog.cancelled


def test_nobody_is_asked_who_need_not_be(env, dialog, caller_of):
    person = caller_of(PERSON)
    dialog.polkitd.put_in_session(person.process.pid, PERSON, session=dialog.session)
    assert verdict_of(env, person, "collect-logs") == ("challenge", "")
    assert verdict_of(env, person, "sync", "interactive") == ("yes", "")
    assert not dialog.open and not dialog.cancelled


def test_dialog_closes_when_the_caller_leaves(env, dialog, caller_of):
    person = caller_of(PERSON)
    dialog.polkitd.put_in_session(person.process.pid, PERSON, session=dialog.session)
    question = start_question(env, person.unique_name(), PERSON, "collect-logs", "interactive")
    dialog.wait_for_one()
    person.close()
    assert dialog.wait_for_cancel() == harness.BUS_NAME + ".collect-logs"
    assert end_question(question) == ("no", "")


# -- with a mock ----------------------------------------------------------------------------------


def test_mock(env, mock_polkit, caller_of):
    """The mock that other tests rest on does what it is told."""
    person = caller_of(PERSON)
    assert verdict_of(env, person, "sync") == ("no", "")
    mock_polkit.set_allowed(harness.BUS_NAME + ".sync")
    assert verdict_of(env, person, "sync") == ("yes", "")
    assert verdict_of(env, person, "reload") == ("no", "")
    mock_polkit.allow_unknown(True)
    assert verdict_of(env, person, "reload") == ("yes", "")


def test_five_seconds(env, mock_polkit, caller_of):
    mock_polkit.hang(True)
    began = time.monotonic()
    verdict, log = verdict_of(env, caller_of(PERSON), "sync", "interactive")
    assert verdict == "none" and log.count("warning") == 1
    assert 5 <= time.monotonic() - began < 5 + harness.START_TIMEOUT
    mock_polkit.release()
