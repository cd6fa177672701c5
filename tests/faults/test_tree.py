# SPDX-License-Identifier: MIT
"""Kill -9 at every write of what must happen as a whole and once: the end of an enrolment (rules E2,
E3), and that of a first sync (F4, G3)."""

import shutil
import sqlite3
import subprocess

import pytest

import harness
import strace

DRIVER = harness.BUILD / "tests" / "faults" / "tree-driver"
DB = "dmclient.db"

STRACE_MISSING = strace.is_available()
pytestmark = pytest.mark.skipif(STRACE_MISSING is not None, reason=str(STRACE_MISSING))


def drive(state, *commands):
    result = subprocess.run(
        [DRIVER, state, *commands], capture_output=True, text=True, timeout=30
    )
    harness.check_sanitizers("tree-driver", result.stderr)
    assert result.returncode == 0, (result.returncode, result.stderr)


def each_kill(state, tmp_path, *commands):
    """A copy of `state` for each write of `commands`, which were killed in it."""
    probe = tmp_path / "probe"
    shutil.copytree(state, probe)
    counts = strace.count([DRIVER, probe, *commands], tmp_path / "trace")
    assert counts.get("pwrite64", 0) > 3 and counts.get("fdatasync", 0) > 0, counts
    shutil.rmtree(probe)
    for name, number in counts.items():
        for i in range(1, number + 1):
            copy = tmp_path / f"{name}-{i}"
            shutil.copytree(state, copy)
            result = strace.inject(
                [DRIVER, copy, *commands], tmp_path / "trace", name, i, "signal=KILL"
            )
            assert result.returncode == -9, (name, i, result)
            yield f"{name} {i}", copy
            shutil.rmtree(copy)


def query(state, sql):
    """What is on disk, without a driver that would go on with it."""
    copy = state.with_name("look")
    shutil.copytree(state, copy)
    db = sqlite3.connect(copy / DB)
    rows = db.execute(sql).fetchall()
    db.close()
    shutil.rmtree(copy)
    return rows


def enrolment(state):
    """Where the enrolment stands: "enrolled", "pending" or "gone"; it may not be between."""
    providers = query(state, "SELECT scope FROM provider WHERE id = 'P' ORDER BY scope")
    records = query(state, "SELECT provider, done != 0, actor FROM unenrollment")
    last = query(state, "SELECT value FROM tree WHERE path LIKE '%/UPN'")
    rests = query(
        state,
        "SELECT provider FROM leaf WHERE provider NOT IN (SELECT key FROM provider) UNION"
        " SELECT provider FROM text WHERE provider NOT IN (SELECT key FROM provider)",
    )
    replies = len(query(state, "SELECT session FROM reply"))
    assert rests == []
    if records == []:
        assert (providers, last, replies) == ([("device",), ("user",)], [], 1)
        return "enrolled"
    if records == [("P", 0, "server")]:
        # What came before the Exec is in the same commit.
        assert (providers, last, replies) == ([("device",), ("user",)], [("last",)], 2)
        return "pending"
    assert records == [("P", 1, "server")]
    assert (providers, last, replies) == ([], [], 0)
    return "gone"


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    state = tmp_path_factory.mktemp("filled") / "state"
    drive(state, "fill")
    return state


def test_E2_kill_at_every_write_of_the_message(filled, tmp_path):
    seen = set()
    for where, state in each_kill(filled, tmp_path, "exec"):
        stands = enrolment(state)
        assert stands in ("enrolled", "pending"), where
        seen.add(stands)
        drive(state, "open")
        assert enrolment(state) == ("gone" if stands == "pending" else "enrolled"), where
    assert seen == {"enrolled", "pending"}


@pytest.mark.parametrize("command", ["open", "finish"])
def test_E3_kill_at_every_write_of_the_clean_up(filled, command, tmp_path):
    pending = tmp_path / "pending"
    shutil.copytree(filled, pending)
    drive(pending, "exec")
    assert enrolment(pending) == "pending"
    seen = set()
    for where, state in each_kill(pending, tmp_path, command):
        seen.add(enrolment(state))
        # The next start finishes it, once, and there is nothing left to do after it.
        drive(state, "open")
        assert enrolment(state) == "gone", where
        drive(state, "finish")
        assert enrolment(state) == "gone", where
        # The same name again is an enrolment of its own.
        drive(state, "fill")
        drive(state, "open")
        assert len(query(state, "SELECT key FROM provider WHERE id = 'P'")) == 2, where
    assert seen == {"pending", "gone"}


def decision(state):
    """The two leaves that say how the first sync ended."""
    rows = query(
        state,
        "SELECT path, value FROM tree WHERE scope = 'device'"
        " AND (path LIKE '%/IsSyncDone' OR path LIKE '%/WasDeviceSuccessfullyProvisioned')",
    )
    return {path.rsplit("/", 1)[1]: value for path, value in rows}


def test_F4_G3_kill_at_every_write_of_the_decision(filled, tmp_path):
    decided = {"IsSyncDone": 1, "WasDeviceSuccessfullyProvisioned": 1}
    assert decision(filled) == {}
    seen = 0
    for where, state in each_kill(filled, tmp_path, "outcome"):
        # Both or neither, together with the outcome that decided it.
        found = decision(state)
        outcomes = query(state, "SELECT name FROM text WHERE kind = 'outcome' AND name LIKE './%'")
        assert (found == decided and len(outcomes) == 1) or (found == {} and outcomes == []), where
        seen += found == decided
        # Reported again, as a broker does that got no answer.
        drive(state, "outcome")
        assert decision(state) == decided, where
    assert seen > 0
