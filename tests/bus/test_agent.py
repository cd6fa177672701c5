# SPDX-License-Identifier: MIT
"""dmclient-agent: start, stop, readiness, options, refusals."""

import os
import shutil
import signal
import socket

import pytest
from harness import AGENT, BUS_NAME, BUS_ROOT, PLUGIN, Environment
from treeclient import TreeClient, command

PROVIDER = "./Device/Vendor/MSFT/DMClient/Provider/A"
MANAGER = BUS_NAME + ".Manager"


def refuse(env, *arguments, code=1, **more):
    """What the agent says when it does not start."""
    return env.run(AGENT, *arguments, expect=code, **more).stderr


# -- options ---------------------------------------------------------------------------------------


def test_help(env):
    text = env.run(AGENT, "--help", expect=0).stdout
    for word in ("--plugin", "--state-dir", "--socket", "--config", "--no-bus",
                 "DMCLIENT_STATE_DIR", "DMCLIENT_SOCKET", "DMCLIENT_CONFIG"):
        assert word in text


def test_version(env):
    assert env.run(AGENT, "--version", expect=0).stdout.startswith("dmclient-agent ")


@pytest.mark.parametrize("arguments", [["--nonsense"], ["word"], ["--socket"]])
def test_wrong_use(env, arguments):
    assert "--help" in refuse(env, *arguments, code=64)


def test_option_goes_before_variable(env, bus):
    """Design section 7: programs take the options and honour the variables."""
    env.start_agent("--state-dir", env.dir / "other", "--socket", env.dir / "elsewhere")
    assert (env.dir / "other").is_dir()
    assert (env.dir / "elsewhere").is_socket()
    assert not env.state_dir.exists()
    assert not env.socket.exists()


# -- start and stop --------------------------------------------------------------------------------


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_stop(env, agent, signum):
    """A clean end: exit 0, nothing left behind but the state, no sanitizer's report."""
    agent.stop(signum)
    assert not env.socket.exists()
    assert env.state_dir.is_dir()
    assert agent.output() == ""


def test_ready_means_served(env, agent):
    """The first call after READY=1 is answered, on the bus and on the socket."""
    assert env.get_property(BUS_ROOT, MANAGER, "Health") == "ok"
    TreeClient(env.socket).close()


def test_no_thread(agent):
    """Design section 1: the plug-in serves on the host's own main context."""
    assert len(os.listdir(f"/proc/{agent.pid}/task")) == 1


def test_no_bus(env):
    env.start_agent("--no-bus")
    client = TreeClient(env.socket)
    assert client.status(command("Get", "./Device/Vendor/MSFT/DMClient")) == [200]
    client.close()


def test_state_survives(env, agent):
    client = TreeClient(env.socket)
    assert client.status(command("Add", PROVIDER)) == [200]
    client.close()
    agent.stop()
    env.start_agent()
    assert env.get_property(BUS_ROOT, MANAGER, "Managed") is True


def test_killed(env, agent):
    """G9: after kill -9 the next one takes over state, socket and name."""
    client = TreeClient(env.socket)
    assert client.status(command("Add", PROVIDER)) == [200]
    agent.kill()
    assert env.socket.is_socket()
    env.start_agent()
    assert env.get_property(BUS_ROOT, MANAGER, "Managed") is True
    TreeClient(env.socket).close()


def test_bus_restarts(env, agent):
    """A bus that goes away is no failure: the agent comes back on the next one."""
    env.bus.kill()
    env.start_bus()
    env.wait_for_name()
    assert env.get_property(BUS_ROOT, MANAGER, "Health") == "ok"
    assert agent.is_running()


def test_two_side_by_side(env, agent):
    """Two instances on two states and two buses know nothing of each other."""
    with Environment() as other:
        other.start_bus()
        other.start_agent()
        client = TreeClient(other.socket)
        assert client.status(command("Add", PROVIDER)) == [200]
        client.close()
        assert other.get_property(BUS_ROOT, MANAGER, "Managed") is True
        assert env.get_property(BUS_ROOT, MANAGER, "Managed") is False


def test_socket_activation(env, bus):
    """A socket that the service manager listens on is served, and its path left alone."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(str(env.socket))
    listener.listen(8)
    script = 'exec 3<&%d; LISTEN_PID=$$ LISTEN_FDS=1 exec "$0" "$@"' % listener.fileno()
    agent = env.start_agent(prefix=["bash", "-c", script], pass_fds=[listener.fileno()])
    listener.close()
    client = TreeClient(env.socket)
    assert client.status(command("Get", "./Device/Vendor/MSFT/DMClient")) == [200]
    client.close()
    agent.stop()
    assert env.socket.is_socket()


# -- refusals --------------------------------------------------------------------------------------


def test_state_has_one_owner(env, agent):
    """The second one says who has it."""
    text = refuse(env, "--plugin", PLUGIN, "--socket", env.dir / "elsewhere")
    assert str(env.state_dir) in text
    assert str(agent.pid) in text
    assert not (env.dir / "elsewhere").exists()


def test_socket_has_one_owner(env, agent):
    text = refuse(env, "--plugin", PLUGIN, "--state-dir", env.dir / "other")
    assert str(env.socket) in text
    assert str(agent.pid) in text
    TreeClient(env.socket).close()


def test_name_has_one_owner(env, agent):
    text = refuse(env, "--plugin", PLUGIN, "--state-dir", env.dir / "other",
                  "--socket", env.dir / "elsewhere")
    assert BUS_NAME in text


def test_config_that_was_named_must_be_there(env):
    text = refuse(env, "--plugin", PLUGIN, DMCLIENT_CONFIG=env.dir / "absent.conf")
    assert "absent.conf" in text


def test_config_is_checked(env):
    env.configure("[tree]\nallow-http=perhaps\n")
    text = refuse(env, "--plugin", PLUGIN)
    assert "allow-http" in text
    assert str(env.config) in text


def test_config_allows_http(env, bus):
    """L1: only where the administrator says so."""
    address = PROVIDER + "/ManagementServiceAddress"
    for config, status in (("", 400), ("[tree]\nallow-http=true\n", 200)):
        env.configure(config)
        agent = env.start_agent()
        client = TreeClient(env.socket)
        client.apply(command("Add", PROVIDER))
        assert client.status(command("Replace", address, "http://127.0.0.1:8080/")) == [status]
        client.close()
        agent.stop()


def test_plugin_writable_by_others(env):
    copy = env.dir / "dmclient.so"
    shutil.copy(PLUGIN, copy)
    os.chmod(copy, 0o775)
    text = refuse(env, "--plugin", copy)
    assert str(copy) in text
    assert "chmod" in text
    assert not env.state_dir.exists()


def test_plugin_absent(env):
    assert "absent.so" in refuse(env, "--plugin", env.dir / "absent.so")


def test_plugin_of_another_abi(env):
    other = PLUGIN.parent.parent / "tests" / "unit" / "other-abi.so"
    text = refuse(env, "--plugin", other)
    assert str(other) in text
    assert "version" in text


def test_database_unreadable(env):
    """Never overwritten: refused with the reason."""
    env.start_bus()
    env.start_agent().stop()
    databases = [path for path in env.state_dir.iterdir() if path.stat().st_size > 4096]
    assert databases
    for path in databases:
        path.write_bytes(b"not a database at all" * 1000)
    before = {path: path.read_bytes() for path in databases}
    text = refuse(env, "--plugin", PLUGIN)
    assert str(env.state_dir) in text
    assert {path: path.read_bytes() for path in databases} == before
