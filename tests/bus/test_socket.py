# SPDX-License-Identifier: MIT
"""The tree socket of a running agent, with its store on disk, seen by a client that shares no code
with ours."""

import os
import stat

import pytest
from treeclient import (
    ERROR,
    TreeClient,
    TreeError,
    apply_arguments,
    command,
    frame,
    handshake,
    send_and_hang_up,
)

from gi.repository import GLib

PROVIDER = "./Device/Vendor/MSFT/DMClient/Provider/A"
WEBSITE = PROVIDER + "/HelpWebsite"
PHONE = PROVIDER + "/HelpPhoneNumber"


@pytest.fixture
def client(env, agent):
    """A client of an agent that has provider A."""
    client = TreeClient(env.socket)
    assert client.status(command("Add", PROVIDER)) == [200]
    yield client
    client.close()


def test_modes(env, agent):
    """security.md 1: socket 0660; the state is its owner's alone."""
    assert stat.S_IMODE(os.stat(env.socket).st_mode) == 0o660
    assert stat.S_IMODE(os.stat(env.state_dir).st_mode) == 0o700
    for name in os.listdir(env.state_dir):
        assert stat.S_IMODE(os.stat(env.state_dir / name).st_mode) & 0o077 == 0, name


def test_hello(client):
    version, product = client.hello
    assert version == 1
    assert product.startswith("dmclient ")


def test_hello_is_needed(env, agent):
    silent = TreeClient(env.socket, version=None)
    with pytest.raises(TreeError) as refused:
        silent.call("GetDue")
    assert refused.value.name == ERROR + "BadRequest"
    silent.close()


def test_hello_of_another_version(env, agent):
    with pytest.raises(TreeError) as refused:
        TreeClient(env.socket, version=2)
    assert refused.value.name == ERROR + "BadVersion"


def test_apply(client):
    results = client.apply(
        command("Replace", WEBSITE, "https://help.example/"),
        command("Get", WEBSITE),
        command("Get", PHONE),
        command("Get", "./Device/Vendor/MSFT/DMClient/Nonsense"),
    )
    assert [status for status, _ in results] == [200, 200, 404, 404]
    (uri, _, has_data, data), = results[1][1]
    assert (uri, has_data, data) == (WEBSITE, True, "https://help.example/")


def test_atomic(client):
    """M2 over the wire: all or nothing."""
    assert client.status(
        command("Atomic", span=2),
        command("Replace", WEBSITE, "https://help.example/"),
        command("Replace", "./Device/Vendor/MSFT/DMClient/Nonsense", "x"),
    ) == [507, 216, 404]
    assert client.get(WEBSITE) is None


def test_malformed_batch_runs_nothing(client):
    with pytest.raises(TreeError) as refused:
        client.apply(command("Replace", WEBSITE, "x"), command("Atomic", span=7))
    assert refused.value.name == ERROR + "BadRequest"
    assert client.get(WEBSITE) is None


def test_bus_has_changed_when_the_answer_comes(env, client):
    """G4: who has the answer finds the new value on the bus at once."""
    for text in ("https://one.example/", "https://two.example/"):
        client.apply(command("Replace", WEBSITE, text))
        path = "/org/dmclient/DMClient1/Provider/A"
        assert env.get_property(path, "org.dmclient.DMClient1.Provider", "HelpWebsite") == text


def test_resend_after_a_kill(env, client):
    """Exactly once, over a kill -9: Add is good once, a second run would be 418."""
    add = command("Add", WEBSITE, "https://help.example/")
    assert client.status(add, session="A/1", message=1, provider="A") == [200]
    env.agent.kill()
    env.start_agent()
    again = TreeClient(env.socket)
    assert again.get(WEBSITE) == "https://help.example/"
    assert again.status(add, session="A/1", message=1, provider="A") == [200]
    assert again.status(add, session="A/1", message=2, provider="A") == [418]
    again.close()


def test_cut_then_killed(env, client):
    """Dropped at a byte and killed: the store has the whole message or nothing of it, and the
    broker's resend gets the answer of the one run."""
    data = handshake(os.geteuid()) + frame("Hello", GLib.Variant("(u)", (1,)), 1)
    batch = [command("Add", WEBSITE, "https://help.example/"), command("Add", PHONE, "+1 555 0100")]
    data += frame("Apply", apply_arguments(batch, session="A/7", message=1, provider="A"), 2)
    client.close()
    for size in (len(data) // 2, len(data) - 1, len(data)):
        send_and_hang_up(env.socket, data[:size])
        env.agent.kill()
        env.start_agent()
        again = TreeClient(env.socket)
        values = (again.get(WEBSITE), again.get(PHONE))
        # The kill may come before or after the run of what has arrived as a whole.
        assert values == (None, None) or (size == len(data) and None not in values)
        again.close()
    again = TreeClient(env.socket)
    assert again.status(*batch, session="A/7", message=1, provider="A") == [200, 200]
    again.close()


def test_noise(env, client):
    """Bytes that are no D-Bus end that connection and nothing else."""
    for noise in (b"GET / HTTP/1.1\r\n\r\n", b"\0" * 4096, b"\0AUTH EXTERNAL 30\r\nBEGIN\r\n\xff" * 64,
                  handshake(os.geteuid()) + b"l\1\0\1" + b"\xff" * 64):
        send_and_hang_up(env.socket, noise)
    assert client.status(command("Get", PROVIDER)) == [200]


def test_sync_without_a_broker(env, client):
    """Nobody listens on the socket: the caller hears why, and what to start."""
    client.close()
    path = "/org/dmclient/DMClient1"
    result = env.run("busctl", f"--address={env.bus_address}", "call", "org.dmclient.DMClient1",
                     path, "org.dmclient.DMClient1.Manager", "Sync", "oa{sv}",
                     path + "/Provider/A", "0")
    assert result.returncode != 0
    assert "dmclient-broker" in result.stderr
