# SPDX-License-Identifier: MIT
"""A session that is broken off ends at once, and leaves its record."""

import signal
import subprocess

import pytest

import harness
from device import PROVIDER, node

SET = {"verb": "Replace", "loc_uri": node("HelpPhoneNumber"), "data": "set"}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_breaks_a_session_off(device, serve, number):
    """While the server has the word: what was committed stays, nothing more is said to anybody."""
    server = serve([{"commands": [SET]}, {"fault": {"kind": "hang"}}])
    device.enrol(server)
    with subprocess.Popen([str(harness.BROKER), "--once", PROVIDER], text=True,
                          env=device.env.environ(), stderr=subprocess.PIPE) as broker:
        server.wait(lambda: len(server.exchanges) == 2)
        broker.send_signal(number)
        message = broker.communicate(timeout=20)[1]
    assert broker.returncode == 1
    assert "signal" in message
    assert device.get("HelpPhoneNumber") == "set"
    assert device.session_property("LastError") == "failed"
    assert device.session_property("LastErrorMessage")
    assert device.session_property("State") == "idle"
    assert device.session_property("LastSuccess") == 0
