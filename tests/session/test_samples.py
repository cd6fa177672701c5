# SPDX-License-Identifier: MIT
"""Every recorded message of a server (tests/data/syncml) is answered with the right codes."""

import re

import pytest

from device import DATA

SAMPLES = DATA.parent / "syncml"

# Codes of the answer's Statuses in order, without the header's; None: no answer is due. What is
# of no tree that is there is 404; an Atomic that cannot succeed is 507.
EXPECTED = {
    "11_s2d_statuses_only_end_session.xml": None,
    "13_s2d_synchdr_status_only.xml": None,
    "15_s2d_two_replace_type_without_ns.xml": [404, 404],
    "18_s2d_atomic_uuid_cmdids.frag.xml": [507, 404],
    "19_s2d_atomic_add_exec_msi.frag.xml": [507, 404, 215],
    "20_s2d_add_exec_meta_after_data.frag.xml": [404, 404],
    "21_s2d_replace_comments_meta_before_target.frag.xml": [404, 404],
    "22_s2d_replace_cdata_admx.frag.xml": [404],
    "29_s2d_msmdm_sec4_pkg2_space_in_locuri.xml": [200, 404],
    "32_s2d_exec_unenroll.frag.xml": None,
    "33_s2d_replace_serverlist_padded_locuri.frag.xml": [200],
    "34_s2d_get_exchangeid.frag.xml": [404],
    "38_s2d_get_certstore_structdata_newline_locuri.frag.xml": [404],
    "44_s2d_msdocs_minpassword_replace.xml": [404],
    "45_s2d_exec_hostedinstall_add_zero_cmdid.frag.xml": [405, 405],  # no user
}

HEADER = ("<SyncHdr><VerDTD>1.2</VerDTD><VerProto>DM/1.2</VerProto>"
          "<SessionID>@SESSION_ID@</SessionID><MsgID>@MSG_ID@</MsgID>"
          "<Target><LocURI>@TARGET@</LocURI></Target><Source><LocURI>@SOURCE@</LocURI></Source>"
          "</SyncHdr>")
STATUS = ("<Status><CmdID>1</CmdID><MsgRef>1</MsgRef><CmdRef>0</CmdRef><Cmd>SyncHdr</Cmd>"
          "<Data>200</Data></Status>")


def test_every_sample_of_a_server_is_in_the_table():
    assert {path.name for path in SAMPLES.glob("*_s2d_*.xml")} == set(EXPECTED)


def make_message(name):
    """The sample as it was recorded, but of this session; a fragment in a message."""
    text = (SAMPLES / name).read_text(encoding="utf-8-sig")
    if ".frag." in name:
        text = re.sub(r"</?SyncBody[^>]*>|<Final */>", "", text)
        return (f'<SyncML xmlns="SYNCML:SYNCML1.2">{HEADER}<SyncBody>{STATUS}{text}<Final/>'
                "</SyncBody></SyncML>")
    text = re.sub(r"(<SessionID>)[^<]*", r"\1@SESSION_ID@", text, count=1)
    return re.sub(r"(<MsgID>)[^<]*", r"\1@MSG_ID@", text, count=1)


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_protocol_6_a_recorded_message_is_answered(device, serve, name):
    server = serve([{"body": make_message(name)}])
    device.enrol(server)
    device.sync()
    if EXPECTED[name] is None:
        assert len(server.exchanges) == 1
    else:
        assert server.exchanges[1].statuses[0] == ("SyncHdr", "0", 200)
        assert server.exchanges[1].codes == EXPECTED[name]
