# SPDX-License-Identifier: MIT
"""Fixtures for sessions: certificates, a managed device, test servers whose checks must hold."""

import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "server"))

import certs  # noqa: E402
from device import Device  # noqa: E402
from mdm_server import MdmServer  # noqa: E402


@pytest.fixture(scope="session")
def certs_dir(tmp_path_factory):
    """The certificates of tests/server/certs.py."""
    directory = str(tmp_path_factory.mktemp("certs"))
    certs.make(directory)
    return directory


@pytest.fixture
def device(env, certs_dir):
    """A device.Device: bus and agent run, the broker trusts the tests' CA; not enrolled yet."""
    device = Device(env, certs_dir)
    env.start_bus()
    env.start_agent()
    return device


@pytest.fixture
def serve(certs_dir):
    """serve(script, …): a test server as MdmServer has it. At the end of the test every check of
    every message of the device must have held."""
    servers = []

    def start(script, **options):
        servers.append(MdmServer(certs_dir, script, **options))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()
    violations = [str(violation) for server in servers for violation in server.violations]
    assert violations == []


@pytest.fixture
def session(device, serve):
    """session(step, …): enrols with a server that plays these steps, runs one session to its
    regular end, and returns the server."""

    def run(*steps):
        server = serve(list(steps))
        device.enrol(server)
        device.sync()
        return server

    return run
