# SPDX-License-Identifier: MIT
"""Fixtures for all tests: a private environment, with a bus, with a bus and the agent."""

import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import harness  # noqa: E402


@pytest.fixture
def env():
    """A harness.Environment in which nothing runs yet; what the test starts is stopped, and must
    end well."""
    with harness.Environment() as environment:
        yield environment


@pytest.fixture
def bus(env):
    """A private message bus (harness.Bus) in `env`."""
    return env.start_bus()


@pytest.fixture
def agent(env, bus):
    """The host agent (harness.Agent), ready, on `bus`."""
    return env.start_agent()
