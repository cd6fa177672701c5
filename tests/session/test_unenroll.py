# SPDX-License-Identifier: MIT
"""A server ends the enrolment in a session (rules section 9)."""

import pytest

from device import node


@pytest.mark.parametrize("path, data", [
    (node("Unenroll"), "whatever"), ("./Vendor/MSFT/DMClient/Unenroll", None)])
def test_E2_nothing_more_is_answered_and_the_provider_goes(device, session, path, data):
    command = {"verb": "Exec", "loc_uri": path}
    if data is not None:
        command["data"] = data
    server = session({"commands": [
        {"verb": "Replace", "loc_uri": node("HelpPhoneNumber"), "data": "1"}, command,
        {"verb": "Get", "loc_uri": node("HelpPhoneNumber")}]})
    # Package 1 and the server's answer to it; no Status of that answer's commands.
    assert len(server.exchanges) == 1
    # E3: the provider is gone, and another session of it cannot be.
    assert device.get("HelpPhoneNumber") is None
    assert device.get("") is None
