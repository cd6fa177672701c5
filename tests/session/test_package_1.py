# SPDX-License-Identifier: MIT
"""What the device says first (protocol.md 1, 4 and 7). That each message is as it must be is the
test server's work; here is what it cannot know."""

import platform
import re

import pytest

from certs import thumbprint
from device import PROVIDER
from syncml import find_all, name_of, text_of


def dev_info(exchange):
    replace = next(one for one in exchange.elements if name_of(one) == "Replace")
    return {text_of(item, "Source/LocURI").removeprefix("./DevInfo/"): text_of(item, "Data")
            for item in find_all(replace, "Item")}


def test_protocol_1_a_session_that_is_started_here_says_1201(session):
    server = session()
    assert server.exchanges[0].alerts == ["1201", "1224"]
    assert len(server.exchanges) == 1


def test_protocol_1_a_session_that_a_push_asked_for_says_1200(device, serve):
    server = serve([])
    device.enrol(server)
    device.sync(origin="push")
    assert server.exchanges[0].alerts == ["1200", "1224"]
    assert device.session_property("Origin") == "push"


def test_protocol_4_the_request_names_mode_and_platform(session):
    target = session().exchanges[0].target
    assert target == f"/ManagementServer/MDM.svc?mode=Machine&Platform={platform.system()}"


def test_protocol_4_the_user_agent_ends_in_our_product_token(session):
    agent = session().exchanges[0].headers["User-Agent"]
    assert re.fullmatch(r"MSFT OMA DM Client/1\.2\.0\.1 dmclient/\S+", agent)


def test_protocol_4_the_user_agent_can_be_configured(device, serve):
    server = serve([])
    device.configure("user-agent=MSFT OMA DM Client/1.2.0.1 other/7")
    device.enrol(server)
    device.sync()
    assert server.exchanges[0].headers["User-Agent"].endswith(" other/7")


def test_protocol_4_no_UserAgentOrigin_before_version_4(session):
    headers = {name.lower() for name in session().exchanges[0].headers}
    assert not headers & {"useragentorigin", "mdm-signature", "mdm-genericalert", "cookie",
                          "authorization", "expect"}


def test_protocol_4_the_query_of_the_address_is_kept(device, serve):
    server = serve([])
    address = server.address + "?hwid=HW-505b6921&x=%20"
    device.enrol(address, sample="04-address-with-query-no-datatypes.xml")
    device.sync()
    assert server.exchanges[0].target.startswith(
        "/ManagementServer/MDM.svc?hwid=HW-505b6921&x=%20&mode=")
    assert server.exchanges[0].header("Target/LocURI") == address


def test_security_4_the_enrolment_s_certificate_is_used(session, certs_dir):
    assert session().exchanges[0].certificate == thumbprint(f"{certs_dir}/client.pem")


def test_protocol_7_DevId_is_the_EntDMID_at_provisioning(device, serve):
    server = serve([])
    device.enrol(server, "MS DM Server", sample="03-version-5-and-entdmid.xml")
    device.sync("MS DM Server")
    assert server.exchanges[0].header("Source/LocURI") == "4d5c1d0e-6b1a-4f56-8a0e-1d0e6b1a4f56"


def test_protocol_7_DevId_is_the_HWDevID_without_EntDMID(device, session):
    server = session()
    assert server.exchanges[0].header("Source/LocURI") == device.get("HWDevID")
    assert dev_info(server.exchanges[0])["DevId"] == device.get("HWDevID")


def test_protocol_7_DevId_stays_when_a_server_sets_EntDMID(device, session):
    server = session({"commands": [
        {"verb": "Replace", "loc_uri": f"./Vendor/MSFT/DMClient/Provider/{PROVIDER}/EntDMID",
         "data": "new"}]})
    device.sync()
    assert device.get("EntDMID") == "new"
    assert server.exchanges[2].session == 2
    assert server.exchanges[2].header("Source/LocURI") == device.get("HWDevID")


@pytest.mark.parametrize("sample, version, base", [
    ("06-no-dmclient.xml", None, 10), ("03-version-5-and-entdmid.xml", "5.0", 16)])
def test_S1_SessionID_is_decimal_and_from_2_0_on_hexadecimal(device, serve, sample, version, base):
    """Twelve sessions, one after another: a counter that has to pass ten."""
    server = serve([])
    device.enrol(server, sample=sample)
    assert device.get("SyncApplicationVersion") == (version or "1.0")
    for _ in range(12):
        device.sync()
    numbers = [exchange.header("SessionID") for exchange in server.exchanges]
    values = [int(number, base) for number in numbers]
    assert values == list(range(values[0], values[0] + 12))
    assert any(re.search("[a-fA-F]", number) for number in numbers) == (base == 16)


def test_V9_A2_a_provider_may_have_a_name_that_needs_escaping(device, serve):
    name = "MS DM Server"
    server = serve([{"commands": [
        {"verb": "Replace", "data": "1", "loc_uri":
         "./Device/Vendor/MSFT/DMClient/Provider/MS%20DM%20Server/HelpPhoneNumber"}]}])
    device.enrol(server, name, sample="03-version-5-and-entdmid.xml")
    device.sync(name)
    assert server.exchanges[1].codes == [200]
    assert device.property("HelpPhoneNumber", provider=name) == "1"
