# SPDX-License-Identifier: MIT
"""Kill -9 at every write of what must happen as a whole and once: the end of an enrolment (rules E2,
E3), that of a first sync (F4, G3), and that of a session (its history)."""

import os
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


def drive(state, *commands, boot="driver"):
    result = subprocess.run(
        [DRIVER, state, *commands],
        capture_output=True,
        text=True,
        timeout=30,
        env=dict(os.environ, DM_TEST_BOOT_ID=boot),
    )
    harness.check_sanitizers("tree-driver", result.stderr)
    assert result.returncode == 0, (result.returncode, result.stderr)
    return result.stdout


def each_kill(state, tmp_path, *commands):
    """A copy of `state` for each write of `commands`, which were killed in it."""
    probe = tmp_path / "probe"
    shutil.copytree(state, probe)
    counts = strace.count([DRIVER, probe, *commands], tmp_path / "trace")
    assert counts.get("pwrite64", 0) > 3 and counts.get("fdatasync", 0) > 0, counts
    shutil.rmtree(probe)
    for name, number in counts.items():
        for i in strace.choose(number):
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


# -- the history of sessions ---------------------------------------------------------------------


@pytest.fixture(scope="module")
def under_way(filled, tmp_path_factory):
    """A session is under way, and as many are over as are kept."""
    state = tmp_path_factory.mktemp("under-way") / "state"
    shutil.copytree(filled, state)
    drive(state, "end", "end-many", "begin")
    assert history(state) == (200, True, "ok")
    return state


def history(state):
    """How many sessions are over, whether one is under way, and the result of the last."""
    rows = query(state, "SELECT id, result FROM session ORDER BY number")
    tokens = query(state, "SELECT value FROM text WHERE kind = 'session' AND name = 'token'")
    counter = query(state, "SELECT value FROM text WHERE kind = 'session' AND name = 'counter'")
    ids = [row[0] for row in rows] + [token for (token,) in tokens]
    # Each session stands in one place: under way, or over.
    assert len(ids) == len(set(ids)) and len(tokens) <= 1
    assert len(ids) == min(int(counter[0][0]), 200 + len(tokens))
    return len(rows), bool(tokens), rows[-1][1] if rows else None


def last_id(state):
    return query(state, "SELECT id FROM session ORDER BY number DESC LIMIT 1")


def current_id(state):
    return query(state, "SELECT value FROM text WHERE kind = 'session' AND name = 'token'")


def success(state):
    return query(state, "SELECT value FROM text WHERE kind = 'session' AND name = 'success'")


def test_G1_kill_at_every_write_of_a_sessions_end(under_way, tmp_path):
    token = current_id(under_way)
    before = success(under_way)
    seen = set()
    for where, state in each_kill(under_way, tmp_path, "end"):
        is_over = last_id(state) == token
        # The row, what it pushes out, and all else that the end changes: in one commit.
        assert history(state) == (200, not is_over, "ok"), where
        assert (success(state) != before) == is_over, where
        seen.add(is_over)
        # The same report again, as a broker sends that got no answer: it is over, once.
        assert drive(state, "end") == "ended ok\n"
        assert (last_id(state), history(state)) == (token, (200, False, "ok")), where
    assert seen == {False, True}


def test_G1_kill_at_every_write_of_a_begin_that_notes_one_lost(under_way, tmp_path):
    token = current_id(under_way)
    seen = set()
    for where, state in each_kill(under_way, tmp_path, "begin"):
        is_lost = last_id(state) == token
        assert history(state) == (200, True, "lost" if is_lost else "ok"), where
        assert (current_id(state) != token) == is_lost, where
        seen.add(is_lost)
        drive(state, "begin", "end")
        assert history(state) == (200, False, "ok"), where
    assert seen == {False, True}


def test_G1_kill_as_a_new_boot_notes_one_lost(under_way, tmp_path, monkeypatch):
    token = current_id(under_way)
    monkeypatch.setenv("DM_TEST_BOOT_ID", "another")
    seen = set()
    for where, state in each_kill(under_way, tmp_path, "open"):
        is_lost = last_id(state) == token
        assert history(state) == (200, not is_lost, "lost" if is_lost else "ok"), where
        seen.add(is_lost)
        drive(state, "open", boot="another")
        assert (last_id(state), history(state)) == (token, (200, False, "lost")), where
    assert seen == {False, True}


def each_error(state, tmp_path, error, command):
    """What `command`, run twice, said on a copy of `state` for each write of the first that failed
    with `error`, and that copy."""
    probe = tmp_path / "probe"
    shutil.copytree(state, probe)
    names = ("pwrite64", "fdatasync")
    counts = strace.count([DRIVER, probe, command], tmp_path / "trace", names)
    assert counts.get("pwrite64", 0) > 3 and counts.get("fdatasync", 0) > 0, counts
    shutil.rmtree(probe)
    for name, number in counts.items():
        if error == "ENOSPC" and name != "pwrite64":
            continue
        for i in range(1, number + 1):
            copy = tmp_path / f"{name}-{i}"
            shutil.copytree(state, copy)
            result = strace.inject(
                [DRIVER, copy, command, command], tmp_path / "trace", name, i, f"error={error}"
            )
            assert result.returncode == 0, (name, i, result)
            yield f"{name} {i}", result.stdout.splitlines(), copy
            shutil.rmtree(copy)


def test_G6_disk_full_at_every_write_of_a_sessions_end(under_way, tmp_path):
    token = current_id(under_way)
    refused = 0
    for where, said, state in each_error(under_way, tmp_path, "ENOSPC", "end"):
        # Where it is refused it is still under way, and the same report goes through later.
        assert said in (["ended ok", "ended ok"], ["full degraded", "ended ok"]), (where, said)
        refused += said[0] == "full degraded"
        assert (last_id(state), history(state)) == (token, (200, False, "ok")), where
    assert refused > 3


def test_G5_io_error_at_every_write_of_a_sessions_end(under_way, tmp_path):
    token = current_id(under_way)
    refused = 0
    for where, said, state in each_error(under_way, tmp_path, "EIO", "end"):
        if said == ["ended ok", "ended ok"]:
            # Not in the commit: the lock's name, or the directory.
            assert last_id(state) == token, where
            continue
        assert said == ["storage read-only", "storage read-only"], (where, said)
        refused += 1
        # As before or as after; the next start goes on from there.
        is_over = last_id(state) == token
        assert history(state) == (200, not is_over, "ok"), where
        assert drive(state, "end") == "ended ok\n"
        assert (last_id(state), history(state)) == (token, (200, False, "ok")), where
    assert refused > 3
