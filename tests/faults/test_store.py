# SPDX-License-Identifier: MIT
"""What the store holds after a kill, a cut of power, a full or a broken disk (security.md 5: G1, G2,
G5, G6). Everything in it is of one generation; each commit takes it to the next."""

import pathlib
import re
import shutil
import sqlite3
import subprocess

import pytest

import harness
import power
import strace

pytestmark = pytest.mark.long

DRIVER = harness.BUILD / "tests" / "faults" / "store-driver"
DB = "dmclient.db"
FRAME = 4096 + 24  # a page in the log

STRACE_MISSING = strace.is_available()
needs_strace = pytest.mark.skipif(STRACE_MISSING is not None, reason=str(STRACE_MISSING))

# The first layout, as tree/store-layout.c makes it in its step from 0 to 1.
FIRST_LAYOUT = """
    PRAGMA journal_mode = WAL;
    PRAGMA application_id = 1145914161;
    PRAGMA user_version = 1;
    CREATE TABLE node(id INTEGER PRIMARY KEY, path TEXT NOT NULL UNIQUE) STRICT;
    CREATE TABLE provider(key INTEGER PRIMARY KEY AUTOINCREMENT,
        scope TEXT NOT NULL CHECK(scope IN ('root', 'device', 'user')), uid INTEGER NOT NULL,
        id TEXT NOT NULL, UNIQUE(scope, uid, id)) STRICT;
    INSERT INTO provider VALUES(0, 'root', 0, '');
    CREATE TABLE leaf(provider INTEGER NOT NULL REFERENCES provider(key),
        node INTEGER NOT NULL REFERENCES node(id), value ANY,
        PRIMARY KEY(provider, node)) STRICT, WITHOUT ROWID;
    CREATE TABLE account(provider INTEGER NOT NULL REFERENCES provider(key), name TEXT NOT NULL,
        value TEXT NOT NULL, PRIMARY KEY(provider, name)) STRICT, WITHOUT ROWID;
    INSERT INTO node VALUES(7, 'Provider/{ProviderID}/UPN');
    INSERT INTO provider VALUES(1, 'device', 0, 'Old');
    INSERT INTO leaf VALUES(1, 7, 'old@example');
    INSERT INTO account VALUES(1, 'NAME', 'Old server');
"""


def drive(state, *command, expect=0):
    """Runs the driver on `state`; its output."""
    result = subprocess.run(
        [DRIVER, state, *map(str, command)], capture_output=True, text=True, timeout=30
    )
    harness.check_sanitizers("store-driver", result.stderr)
    assert result.returncode == expect, (result.returncode, result.stdout, result.stderr)
    return result.stdout


def generation(state):
    """The generation that is in `state`, whole; -1: nothing. Fails on anything else."""
    return int(re.fullmatch(r"generation (-?\d+)\n", drive(state, "check"))[1])


def last_committed(output, before):
    """The last generation that the driver said was on disk."""
    return max([before, *map(int, re.findall(r"^committed (\d+)$", output, re.M))])


def make_closed(state):
    drive(state, "commit", 3)
    return 2


def make_crashed(state):
    """The last commits are in the log only."""
    drive(state, "commit", 2)
    drive(state, "crash", 2)
    return 3


def used(log):
    """How much of the log is in use: up to where its generation's salt ends."""
    content = log.read_bytes()
    salt = content[16:24]
    frames = range(32, len(content) + FRAME, FRAME)
    return next(at for at in frames if content[at + 8 : at + 16] != salt)


def make_nearly_written_back(state):
    """The next commit fills the log up, which is then written back."""
    drive(state, "crash", 1)
    log = state / f"{DB}-wal"
    done = 0
    while True:
        before = used(log)
        copy = state.with_name("ahead")
        shutil.copytree(state, copy, dirs_exist_ok=True)
        drive(copy, "crash", 1)
        after = used(copy / log.name)
        written_back = (copy / DB).stat().st_mtime_ns != (state / DB).stat().st_mtime_ns
        shutil.rmtree(copy)
        if written_back:
            return done
        # Most of the way in one go, the last commits one by one.
        steps = max(1, (1000 * FRAME - after) // max(after - before, 20 * FRAME) - 2)
        drive(state, "crash", steps)
        done += steps


def make_empty(state):
    state.mkdir()
    return -1


STARTS = {
    "closed": make_closed,
    "crashed": make_crashed,
    "nearly-written-back": make_nearly_written_back,
    "empty": make_empty,
}


@pytest.fixture(scope="module", params=STARTS)
def start(request, tmp_path_factory):
    """A state directory as it is before the fault, not to be changed, and the generation in it."""
    state = tmp_path_factory.mktemp("start") / "state"
    return state, STARTS[request.param](state)


def each_call(state, tmp_path, command, names=strace.WRITING, choose=lambda n: range(1, n + 1)):
    """For each call that `command` makes on a copy of `state`, or those that are chosen: its name,
    its number, a fresh copy."""
    probe = tmp_path / "probe"
    shutil.copytree(state, probe)
    counts = strace.count([DRIVER, probe, *command], tmp_path / "trace", names)
    assert counts.get("pwrite64", 0) > 3 and counts.get("fdatasync", 0) > 0, counts
    shutil.rmtree(probe)
    for name, number in counts.items():
        for i in choose(number):
            copy = tmp_path / f"{name}-{i}"
            shutil.copytree(state, copy)
            yield name, i, copy
            shutil.rmtree(copy)


@needs_strace
def test_G1_G2_kill_at_every_write(start, tmp_path):
    state, before = start
    n = 0
    for name, i, copy in each_call(state, tmp_path, ["commit", "1"], choose=strace.choose):
        command = [DRIVER, copy, "commit", "1"]
        result = strace.inject(command, tmp_path / "trace", name, i, "signal=KILL")
        assert result.returncode == -9, (name, i, result)
        after = generation(copy)
        assert after in (before, before + 1), (name, i)
        assert after >= last_committed(result.stdout, before), (name, i, result.stdout)
        # And it goes on from there.
        assert drive(copy, "commit", 1) == f"committed {after + 1}\n"
        n += 1
    assert n > 10 or harness.is_sanitized()


@needs_strace
def test_G1_kill_at_every_write_of_a_migration(tmp_path):
    state = tmp_path / "start"
    state.mkdir()
    db = sqlite3.connect(state / DB)
    db.executescript(FIRST_LAYOUT)
    db.close()
    for name, i, copy in each_call(state, tmp_path, ["crash", "0"], choose=strace.choose):
        command = [DRIVER, copy, "crash", "0"]
        result = strace.inject(command, tmp_path / "trace", name, i, "signal=KILL")
        assert result.returncode == -9, (name, i, result)
        drive(copy, "crash", 0)
        db = sqlite3.connect(copy / DB)
        assert db.execute("PRAGMA user_version").fetchone() == (4,)
        assert db.execute("SELECT provider, path, value FROM tree").fetchall() == [
            ("Old", "Provider/{ProviderID}/UPN", "old@example")
        ]
        assert db.execute("SELECT kind, name, value FROM text").fetchall() == [
            ("account", "NAME", "Old server")
        ]
        db.close()


@pytest.mark.parametrize("seconds", [0.02, 0.05, 0.1])
def test_G1_G2_kill_9(tmp_path, seconds):
    state = tmp_path / "state"
    make_closed(state)
    with subprocess.Popen([DRIVER, state, "commit", "100000"], stdout=subprocess.PIPE) as driver:
        try:
            driver.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            driver.kill()
        output = driver.stdout.read().decode()
    # The last line may have been cut where the process was.
    said = last_committed(output[: output.rfind("\n") + 1], 2)
    assert generation(state) in (said, said + 1)


@needs_strace
@pytest.mark.parametrize(
    "start, error",
    [
        ("closed", "ENOSPC"),
        ("closed", "EDQUOT"),
        ("crashed", "ENOSPC"),
        ("nearly-written-back", "ENOSPC"),
    ],
    indirect=["start"],
)
def test_G6_disk_full_at_every_write(start, error, tmp_path):
    state, before = start
    refused = 0
    for name, i, copy in each_call(state, tmp_path, ["crash", "1"], names=("pwrite64", "fdatasync")):
        if name != "pwrite64":
            continue
        command = [DRIVER, copy, "retry"]
        result = strace.inject(command, tmp_path / "trace", name, i, f"error={error}")
        lines = result.stdout.splitlines()
        # The old values stay, nothing is read-only, and the next commit goes through.
        if lines[0] == "failed full":
            refused += 1
            assert lines[1:] == [f"committed {before + 1}", f"generation {before + 1}"], (i, lines)
            assert generation(copy) == before + 1
        else:
            # Not in the commit: the lock's name, the log laid out, or the way back from it.
            assert lines[-1] == f"generation {before + 2}", (i, lines)
            assert generation(copy) == before + 2
    assert refused > 4


@needs_strace
def test_G6_no_room_to_lay_the_log_out(tmp_path):
    """The commit stands, and what was written for later ones is given back."""
    state = tmp_path / "start"
    before = make_closed(state)
    log = tmp_path / "trace"
    names = ("pwrite64", "fdatasync", "ftruncate")
    given_back = 0
    for name, i, copy in each_call(state, tmp_path, ["crash", "2"], names=names):
        if name != "pwrite64":
            continue
        result = strace.inject([DRIVER, copy, "crash", "2"], log, name, i, "error=ENOSPC")
        calls = strace.parse(log)
        at = [call.injected for call in calls].index(True)
        if int(calls[at].arguments.split(", ")[-2]) <= FRAME:
            continue
        assert calls[at + 1].name == "ftruncate"
        assert last_committed(result.stdout, before) == before + 2
        assert generation(copy) == before + 2
        given_back += 1
    assert given_back


@needs_strace
@pytest.mark.parametrize("call", ["fdatasync", "pwrite64"])
@pytest.mark.parametrize("start", ["closed", "nearly-written-back"], indirect=True)
def test_G5_read_only_after_an_io_error(start, call, tmp_path):
    state, before = start
    failures = 0
    log = tmp_path / "trace"
    for name, i, copy in each_call(state, tmp_path, ["crash", "1"], names=("pwrite64", "fdatasync")):
        if name != call:
            continue
        result = strace.inject([DRIVER, copy, "retry"], log, name, i, "error=EIO")
        if "failed storage read-only" not in result.stdout:
            # The lock's name, the directory (SQLite holds that it need not be asked).
            assert result.stdout.splitlines()[-1] == f"generation {before + 2}", (i, result.stdout)
            continue
        failures += 1
        # Nothing is written after it, closing included; the last good state is served.
        calls = strace.parse(log)
        after = calls[[c.injected for c in calls].index(True) + 1 :]
        assert [c.name for c in after] == [], (i, after)
        lines = result.stdout.splitlines()
        committed = last_committed(result.stdout, before)
        assert lines[-1] == f"generation {committed}"
        assert lines[-2] == "failed storage read-only"
        assert generation(copy) in (committed, committed + 1)
    assert failures > (0 if call == "fdatasync" else 4)


@needs_strace
@pytest.mark.parametrize("start", ["closed", "crashed", "nearly-written-back", "empty"], indirect=True)
def test_G1_G2_power_cut(start, tmp_path):
    state, before = start
    copy = tmp_path / "recorded"
    shutil.copytree(state, copy)
    recording = power.record([DRIVER, copy, "commit", "2"], copy, tmp_path / "trace")
    assert last_committed(recording.output, before) == before + 2
    n = 80
    if before > 100 or harness.is_sanitized():  # a long log is slow to read, and so is a sanitizer
        n = 30
    for i, (said, cut) in enumerate(power.cuts(recording, state, tmp_path / "cut", n)):
        after = generation(cut)
        committed = last_committed(said, before)
        assert after in (committed, committed + 1), (i, said)
        shutil.rmtree(cut)


def test_G6_full_file_system(tmp_path):
    """A tmpfs of 256 KB in a mount namespace of its own."""
    state = tmp_path / "state"
    state.mkdir()
    script = f"""
        mount -t tmpfs -o size=256k,mode=700 tmpfs {state} || exit 77
        {DRIVER} {state} commit 2 && {DRIVER} {state} fill; echo "exit $?"
        {DRIVER} {state} check
        {DRIVER} {state} commit 1
    """
    result = subprocess.run(
        ["unshare", "--mount", "sh", "-c", script], capture_output=True, text=True, timeout=60
    )
    if result.returncode in (1, 77) and "committed" not in result.stdout:
        pytest.skip(f"no mount namespace here: {result.stderr.strip()}")
    harness.check_sanitizers("store-driver", result.stderr)
    lines = result.stdout.splitlines()
    assert lines[:6] == [
        "committed 0",
        "committed 1",
        "failed full",
        "generation 1",
        "exit 3",
        "generation 1",
    ], (result.stdout, result.stderr)
    assert "make room" in result.stderr or lines[6:] == ["committed 2"]


def test_lock_names_the_holder(tmp_path):
    state = tmp_path / "state"
    make_closed(state)
    with subprocess.Popen([DRIVER, state, "commit", "100000"], stdout=subprocess.PIPE) as driver:
        try:
            assert driver.stdout.readline() == b"committed 3\n"
            second = subprocess.run([DRIVER, state, "check"], capture_output=True, text=True)
        finally:
            driver.kill()
            driver.stdout.read()
    assert second.returncode == 2
    assert f"in use by process {driver.pid} (store-driver)" in second.stderr


def test_driver_finds_torn_states(tmp_path):
    """The tests above rest on it."""
    state = tmp_path / "state"
    make_closed(state)
    db = sqlite3.connect(pathlib.Path(state) / DB)
    db.execute("DELETE FROM reply")
    db.commit()
    db.close()
    assert drive(state, "check", expect=1) == "torn at 2\n"
