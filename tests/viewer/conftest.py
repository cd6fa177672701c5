# SPDX-License-Identifier: MIT
"""Fixtures for the viewer: a desk with a service that shows what a test wants, and the viewer on it."""

import pathlib
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "bus")]

import desk  # noqa: E402
import harness  # noqa: E402
import screen  # noqa: E402
import viewer as viewers  # noqa: E402


def need_viewer():
    if not viewers.PROGRAM.exists():
        pytest.skip("built without the viewer: GTK 4 or libadwaita is not there")


@pytest.fixture(scope="module")
def module_env():
    """A bus and the agent for the tests of a module; each leaves no provider behind."""
    need_viewer()
    screen.need()
    with harness.Environment() as env:
        env.start_bus()
        env.start_agent()
        yield env


@pytest.fixture
def office(module_env):
    """A desk.Office: an organisation on the module's service, gone afterwards."""
    made = desk.Office(module_env)
    yield made
    made.close()


@pytest.fixture
def start(module_env):
    """start(…): a viewer.Viewer on the module's bus; it must end well."""
    started = []

    def make(*arguments, env=module_env, state="", **options):
        started.append(viewers.Viewer(env, screen.get(), *arguments, state=state, **options))
        return started[-1]

    yield make
    for viewer in started:
        if viewer.pidfd >= 0:
            viewer.close()
