# SPDX-License-Identifier: MIT
"""Fixtures of the bus tests: the service with a tree to look at, and clients of all sorts."""

import os
import pathlib
import shutil
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import bus_clients  # noqa: E402
from bus_fixtures import broker, tree  # noqa: E402, F401


@pytest.fixture
def gdbus(env, agent):
    client = bus_clients.GdbusClient(env)
    yield client
    client.close()


@pytest.fixture(params=bus_clients.CLIENTS)
def client(request, env, agent):
    """Each of the three clients in turn."""
    made = bus_clients.CLIENTS[request.param](env)
    yield made
    if hasattr(made, "close"):
        made.close()


@pytest.fixture
def client_of(env, agent):
    """client_of(UID): a client that runs as that user. Needs root."""
    if os.geteuid() != 0:
        pytest.skip("only root can be somebody else")
    # Neither the directory of the bus nor that of the build need be open to others.
    program = env.dir / "bus-client"
    shutil.copy(bus_clients.LIBDBUS_CLIENT, program)
    program.chmod(0o755)
    env.dir.chmod(0o711)

    def make(uid):
        made = bus_clients.LibdbusClient(env)
        made.uid = uid
        made.program = program
        return made

    return make
