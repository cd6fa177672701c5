# SPDX-License-Identifier: MIT
"""Fixtures for tests of what is on the bus, wherever they stand; a conftest takes what it wants."""

import bus_tree
import fake_broker
import pytest


@pytest.fixture
def tree(env, agent):
    """A bus_tree.Tree on the running service, in which nothing is yet."""
    return bus_tree.Tree(env)


@pytest.fixture
def broker(env, agent):
    """A fake_broker.FakeBroker that attends at the service."""
    made = fake_broker.FakeBroker(env)
    yield made
    made.close()
