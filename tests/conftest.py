# SPDX-License-Identifier: MIT
"""Fixtures for all tests: a private environment, with a bus, with a bus and the agent."""

import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import harness  # noqa: E402
import polkit_env  # noqa: E402


def pytest_configure(config):
    config.addinivalue_line("markers", "long: the file takes a minute or more")


def pytest_collection_modifyitems(items):
    """What takes longest begins first, and the rest runs beside it."""
    items.sort(key=lambda item: "long" not in item.keywords)


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


@pytest.fixture
def traced(monkeypatch):
    """traced(log, calls): words of an strace to put before a program; it records these calls in
    `log`, and stands behind the program, so that that is who is stopped. Under ptrace nobody can look
    for leaks."""
    for name, options in harness.without_leaks().items():
        monkeypatch.setenv(name, options)
    return lambda log, calls: ("strace", "-D", "-f", "-y", "-o", log, "-e", f"trace={calls}")


@pytest.fixture
def mock_polkit(env, bus):
    """A polkit_env.MockPolkit on `bus`, by which nothing is allowed."""
    made = polkit_env.start_dbusmock_polkit(env)
    yield made
    made.close()


@pytest.fixture
def start_polkitd(env, bus):
    """start_polkitd(…): the real polkitd on `bus` (a polkit_env.Polkitd), which the test must have
    started behind polkit_env.prefix(); options as start_real_polkitd() has them."""
    polkit_env.need_polkitd()
    started = []

    def make(**options):
        started.append(polkit_env.start_real_polkitd(env, **options))
        return started[-1]

    yield make
    for polkitd in started:
        polkitd.close()
