# SPDX-License-Identifier: MIT
"""Fixtures: an installed tree, and a bus with its policy."""

import os
import pathlib
import shutil
import sys
import tempfile

import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "bus")]

import accounts  # noqa: E402
import harness  # noqa: E402
from installed import Installed  # noqa: E402
from policy_bus import System  # noqa: E402


@pytest.fixture(scope="session")
def installed():
    """The project as `meson install` puts it below a directory, which everybody may look into."""
    root = tempfile.mkdtemp(prefix="dm.", dir="/tmp")
    os.chmod(root, 0o755)
    tree = Installed(root)
    tree.install()
    yield tree
    shutil.rmtree(root)


@pytest.fixture(scope="module")
def system(installed):
    """A System on which the agent runs; the same for all tests of a file, which leave it as it
    is."""
    accounts.need()
    with harness.Environment() as env:
        made = System(env, installed)
        made.start_bus()
        made.start_agent()
        yield made
        made.close()
