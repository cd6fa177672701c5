# SPDX-License-Identifier: MIT
"""Fixtures for the command line: golden outputs, and a service that says what a test wants."""

import os
import pathlib
import subprocess
import sys

import pytest

import harness
from cli_helpers import ROOT_URI

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "bus"))

from bus_fixtures import broker, tree  # noqa: E402, F401


@pytest.fixture
def golden():
    """golden(NAME, TEXT): TEXT must be what golden/NAME holds. DM_UPDATE_GOLDEN=1 writes it."""

    def check(name, text):
        path = HERE / "golden" / name
        if os.environ.get("DM_UPDATE_GOLDEN"):
            path.write_text(text, encoding="utf-8")
        assert text == path.read_text(encoding="utf-8")

    return check


@pytest.fixture
def stub(env, bus):
    """stub(TEXT): starts tests/cli/stub_service.py on the private bus with that answer."""
    processes = []

    def start(text):
        path = env.dir / "answer"
        path.write_text(text, encoding="utf-8")
        process = subprocess.Popen(
            [sys.executable, HERE / "stub_service.py", path],
            env=env.environ(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        processes.append(process)
        assert process.stdout.readline() == "ready\n"
        return process

    yield start
    for process in processes:
        process.communicate(timeout=harness.STOP_TIMEOUT)


@pytest.fixture
def provider(env, agent):
    """The LocURI of a provider, added by local root (V1) to a fresh service."""
    uri = f"{ROOT_URI}/Provider/Contoso"
    env.ctl("add", uri, expect=0)
    return uri
