# SPDX-License-Identifier: MIT
"""SyncML for the test server: what DM 1.2.1 lets stand where, and the server's own messages.

Written from protocol.md and the OMA documents it names, not from the client under test.
"""

import re
import xml.etree.ElementTree as ElementTree
from xml.sax.saxutils import escape

SYNCML = "SYNCML:SYNCML1.2"
METINF = "syncml:metinf"
CONTENT_TYPE = "application/vnd.syncml.dm+xml"

# Commands of OMA DM that a server may send and that each get a Status; the second row is known by
# name only, and answered 501.
COMMANDS = ("Add", "Get", "Replace", "Delete", "Exec", "Atomic", "Sequence", "Alert",
            "Copy", "Search", "Map", "Put", "Sync")
CONTAINERS = ("Atomic", "Sequence")
# What belongs to an Atomic or Sequence itself, and is no command inside it.
OF_CONTAINER = ("CmdID", "NoResp", "Cred", "Meta", "Correlator")

STATUS_CODES = frozenset((
    200, 202, 212, 213, 214, 215, 216, 400, 401, 403, 404, 405, 406, 407, 412, 413, 414, 415, 416,
    418, 420, 424, 425, 500, 501, 503, 505, 507, 510, 513, 516, 517))
FORMATS = frozenset(("chr", "int", "bool", "b64", "xml", "null", "node", "float", "date", "time"))

# Children of each element in the DTD's order, with how often: 1, ?, * or +.
DTD = {
    "SyncML": "SyncHdr1 SyncBody1",
    "SyncHdr": "VerDTD1 VerProto1 SessionID1 MsgID1 Target1 Source1 RespURI? NoResp? Cred? Meta?",
    "Alert": "CmdID1 NoResp? Cred? Data? Correlator? Item*",
    "Replace": "CmdID1 NoResp? Cred? Meta? Item+",
    "Status": "CmdID1 MsgRef1 CmdRef1 Cmd1 TargetRef* SourceRef* Cred? Chal? Data1 Item*",
    "Results": "CmdID1 MsgRef? CmdRef1 Meta? TargetRef? SourceRef? Item+",
    "Item": "Target? Source? SourceParent? TargetParent? Meta? Data? MoreData?",
    "Target": "LocURI1 LocName?",
    "Source": "LocURI1 LocName?",
    "Cred": "Meta? Data1",
    "Chal": "Meta1",
}
DTD = {name: [(child[:-1], child[-1]) for child in text.split()] for name, text in DTD.items()}
META = ("Format", "Type", "Mark", "Size", "Anchor", "Version", "NextNonce", "MaxMsgSize",
        "MaxObjSize", "EMI", "Mem")
EMPTY = ("Final", "NoResp", "MoreData")


def split(tag):
    """Namespace and local name of an ElementTree tag; "" where there is none."""
    return tuple(tag[1:].split("}", 1)) if tag.startswith("{") else ("", tag)


def name_of(element):
    return split(element.tag)[1]


def find(element, path):
    """The first descendant along local names ("Item/Source/LocURI"), or None."""
    for name in path.split("/"):
        element = next((child for child in element if name_of(child) == name), None)
        if element is None:
            return None
    return element


def find_all(element, name):
    return [child for child in element if name_of(child) == name]


def text_of(element, path):
    """Text of the first descendant along the path, "" if it is empty, None if it is not there."""
    found = find(element, path)
    return None if found is None else found.text or ""


def parse_loosely(body):
    """A server's message as the device has to take it (protocol.md 6): BOM and declared encoding
    are ignored. None if it is not well-formed even so."""
    try:
        text = body.decode("utf-8-sig")
        return ElementTree.fromstring(re.sub(r"\A\s*<\?xml[^>]*\?>", "", text))
    except (UnicodeDecodeError, ElementTree.ParseError):
        return None


def normalise(loc_uri):
    """A LocURI without its aliases (rules A1-A3), to compare by."""
    path = loc_uri.strip().split("?", 1)[0]
    segments = path.split("/")
    if len(segments) > 1 and segments[0] == "." and segments[1].lower() == "vendor":
        segments.insert(1, "Device")
    return "/".join(re.sub("%([0-9A-Fa-f]{2})", lambda hit: chr(int(hit[1], 16)), segment)
                    for segment in segments)


# -- the server's messages -------------------------------------------------------------------------


def _element(name, text):
    return f"<{name}>{escape(text)}</{name}>"


def _item(item):
    """Item of a dict: loc_uri, source, format, type, data, xml (raw Data), more_data."""
    parts = []
    for key, name in (("loc_uri", "Target"), ("source", "Source")):
        if key in item:
            parts.append(f"<{name}>{_element('LocURI', item[key])}</{name}>")
    meta = "".join(f'<{name} xmlns="{METINF}">{escape(str(item[key]))}</{name}>'
                   for key, name in (("format", "Format"), ("type", "Type"), ("size", "Size"))
                   if key in item)
    if meta:
        parts.append(f"<Meta>{meta}</Meta>")
    if item.get("data") is not None:
        parts.append(_element("Data", item["data"]))
    if item.get("xml") is not None:
        parts.append(f"<Data>{item['xml']}</Data>")
    if item.get("more_data"):
        parts.append("<MoreData/>")
    return f"<Item>{''.join(parts)}</Item>"


def build_command(command, next_id):
    """XML of a command: text is taken as it is; a dict has `verb`, and as wanted `cmd_id` (None
    for none; counted up by itself), `no_resp`, `code` (Data of an Alert), `commands` (inside it),
    `items`, or the one item's fields (see _item)."""
    if isinstance(command, str):
        return command
    cmd_id = command.get("cmd_id", "") if "cmd_id" in command else str(next_id())
    parts = [] if cmd_id is None else [_element("CmdID", cmd_id)]
    if command.get("no_resp"):
        parts.append("<NoResp/>")
    if "code" in command:
        parts.append(_element("Data", str(command["code"])))
    items = command.get("items")
    if items is None and any(key in command for key in ("loc_uri", "source", "data", "xml")):
        items = [command]
    parts += [_item(item) for item in items or ()]
    parts += [build_command(inner, next_id) for inner in command.get("commands", ())]
    return f"<{command['verb']}>{''.join(parts)}</{command['verb']}>"


def build_status(status, next_id):
    """XML of a Status: text as it is, or a dict with msg_ref, cmd_ref, cmd, data, chal (raw)."""
    if isinstance(status, str):
        return status
    return (f"<Status>{_element('CmdID', str(next_id()))}"
            f"{_element('MsgRef', str(status['msg_ref']))}"
            f"{_element('CmdRef', str(status['cmd_ref']))}{_element('Cmd', status['cmd'])}"
            f"{status.get('chal', '')}{_element('Data', str(status['data']))}</Status>")


def build_header(header):
    """XML of a SyncHdr: session_id, msg_id, target, source; ver_dtd, ver_proto, extra (raw)."""
    return (f"<SyncHdr>{_element('VerDTD', header.get('ver_dtd', '1.2'))}"
            f"{_element('VerProto', header.get('ver_proto', 'DM/1.2'))}"
            f"{_element('SessionID', header['session_id'])}"
            f"{_element('MsgID', str(header['msg_id']))}"
            f"<Target>{_element('LocURI', header['target'])}</Target>"
            f"<Source>{_element('LocURI', header['source'])}</Source>"
            f"{header.get('extra', '')}</SyncHdr>")


def build_message(header, statuses, commands, final=True, xmlns=SYNCML):
    """Bytes of a server's message."""
    count = iter(range(1, 1 << 30))

    def next_id():
        return next(count)

    body = "".join([build_status(status, next_id) for status in statuses]
                   + [build_command(command, next_id) for command in commands])
    root = f' xmlns="{xmlns}"' if xmlns else ""
    return (f'<?xml version="1.0" encoding="UTF-8"?>\n<SyncML{root}>{build_header(header)}'
            f"<SyncBody>{body}{'<Final/>' if final else ''}</SyncBody></SyncML>").encode()
