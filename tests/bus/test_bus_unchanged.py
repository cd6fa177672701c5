# SPDX-License-Identifier: MIT
"""Unchanged is free: a message that changes nothing costs no write to the state directory and no
signal on the bus, end to end."""

import pytest

import bus_tree

WRITES = "write,pwrite64,writev,pwritev,fsync,fdatasync,ftruncate,fallocate,rename,unlink,unlinkat"
PROVIDER = bus_tree.URI + "/Provider/X/"
POLL = ("IntervalForFirstSetOfRetries", "NumberOfFirstRetries", "IntervalForSecondSetOfRetries",
        "NumberOfSecondRetries", "IntervalForRemainingScheduledRetries",
        "NumberOfRemainingScheduledRetries")


def replace(path, data):
    return "Replace", PROVIDER + path, data


@pytest.fixture(scope="module")
def message():
    """What a server sends in each session although all of it is so already."""
    two_infinite = zip(POLL, ("15", "5", "1440", "0", "1440", "0"))
    return [
        replace("HelpPhoneNumber", "1"),
        replace("UPN", "anna@example.test"),
        replace("ManagementServiceAddress", bus_tree.ADDRESSES),
        replace("ManagementServerAddressList", ""),  # L1: unsets
        replace("SyncApplicationVersion", "2.0"),
        *[replace("Poll/" + name, value) for name, value in two_infinite],  # P2: corrected
        replace("CustomEnrollmentCompletePage/Title", "Welcome"),
        replace("FirstSyncStatus/ServerHasFinishedProvisioning", "false"),  # F4: true would end the run
        replace("FirstSyncStatus/IsSyncDone", "false"),
        ("Delete", PROVIDER + "FirstSyncStatus/CustomErrorText", None),  # V3: is at its default
        replace("EnhancedAppLayerSecurity/Cert0", bus_tree.certificate()),
        replace("EnhancedAppLayerSecurity/SecurityMode", "2"),
        ("Add", PROVIDER + "CommercialID", "c"),
        ("Delete", PROVIDER + "CommercialID", None),
        ("Get", PROVIDER[:-1], None),
    ]


@pytest.fixture
def agent(env, bus, traced):
    """The agent, with its writes recorded."""
    return env.start_agent(prefix=traced(env.dir / "writes", WRITES))


def disk_writes(env):
    """System calls so far that wrote to the state directory."""
    return [line for line in (env.dir / "writes").read_text().splitlines()
            if str(env.state_dir) in line]


def test_nothing_is_written_and_nobody_told(env, tree, gdbus, message):
    tree.add_provider()
    tree.apply(*message)
    gdbus.watch()
    wal = env.state_dir / "dmclient.db-wal"
    before = disk_writes(env)
    size = wal.stat().st_size
    assert before and size
    for _ in range(3):
        tree.apply(*message)
    tree.apply(*message, server="X")
    assert gdbus.take_signals() == []
    assert disk_writes(env) == before
    assert wal.stat().st_size == size
    # And one that changes something is seen by all three.
    tree.apply(*message, replace("HelpPhoneNumber", "2"))
    assert gdbus.take_signals() != []
    assert disk_writes(env) != before
