# SPDX-License-Identifier: MIT
"""Strict checks of what a device sends in a session, written from protocol.md.

A SessionChecker follows one session: give it each request of the device and each answer of the
server, in order. Each check that fails is a Violation, named by a short rule.
"""

import re
import xml.etree.ElementTree as ElementTree
from urllib.parse import urlsplit

import cms
from expected import Answer, Violation
from parts import Objects, Parts
from syncml import (CONTENT_TYPE, DTD, EMPTY, META, METINF, STATUS_CODES, SYNCML, find, find_all,
                    name_of, split, text_of)

DEV_INFO = ["./DevInfo/DevId", "./DevInfo/Man", "./DevInfo/Mod", "./DevInfo/DmV",
            "./DevInfo/Lang"]
LOGIN_STATUS = "com.microsoft/MDM/LoginStatus"
REQUEST_PENDING = "Reversed-Domain-Name:com.microsoft.mdm.requestpending"
USER_AGENT = re.compile(r"MSFT OMA DM Client/1\.2\.0\.1 \S+")
QUERY = re.compile(r"(?P<own>.*?)(?:^|&)mode=(?:Maintenance|Machine)&Platform=[^&=#]+")
DEVICE_MESSAGE_MAX = 524288


# -- the shape of a message ------------------------------------------------------------------------


def check_shape(element, parent="", found=None):
    """Namespaces, order and number of children as the DTD has them, of an element and all in it."""
    found = [] if found is None else found
    namespace, name = split(element.tag)
    wanted = METINF if parent == "Meta" else SYNCML
    if namespace != wanted:
        found.append(Violation("namespace", f"{name} is in '{namespace}', not in '{wanted}'"))
    if element.attrib:
        found.append(Violation("dtd", f"{name} has attributes"))
    children = [name_of(child) for child in element]
    if name == "SyncBody":
        _check_body(children, found)
    elif name == "Meta":
        _check_meta(children, found)
    elif name in DTD:
        _check_children(name, children, found)
    elif children:
        found.append(Violation("dtd", f"{name} holds {', '.join(children)}"))
    if (children or name in DTD) and (element.text or "").strip():
        found.append(Violation("dtd", f"{name} holds text besides elements"))
    if name in EMPTY and (children or element.text):
        found.append(Violation("dtd", f"{name} is not empty"))
    for child in element:
        check_shape(child, name, found)
    return found


def _check_children(name, children, found):
    position = 0
    for child, often in DTD[name]:
        count = 0
        while position < len(children) and children[position] == child:
            position, count = position + 1, count + 1
        if (often in "1+" and count == 0) or (often in "1?" and count > 1):
            found.append(Violation("dtd", f"{name} holds {count} {child} where the DTD has {often} "
                                          f"(children: {', '.join(children)})"))
            return
    if position != len(children):
        found.append(Violation("dtd", f"{children[position]} stands in {name} where it may not "
                                      f"(children: {', '.join(children)})"))


def _check_body(children, found):
    if not children:
        found.append(Violation("dtd", "SyncBody is empty"))
    if "Final" in children[:-1]:
        found.append(Violation("final-last", "Final is not the last element of SyncBody"))
    for child in children:
        if child not in ("Alert", "Status", "Results", "Replace", "Final"):
            found.append(Violation("dtd", f"a device does not send {child}"))


def _check_meta(children, found):
    for child in children:
        if child not in META or children.count(child) > 1:
            found.append(Violation("dtd", f"Meta holds {children.count(child)} {child}"))


def parse(body, found):
    """The root of a device's message, or None after noting why not."""
    if body.startswith(b"\xef\xbb\xbf") or b"<!DOCTYPE" in body:
        found.append(Violation("xml", "BOM or DOCTYPE"))
    try:
        body.decode("utf-8")
        root = ElementTree.fromstring(body)
    except (UnicodeDecodeError, ElementTree.ParseError) as problem:
        found.append(Violation("xml", f"not well-formed UTF-8 XML: {problem}"))
        return None
    if root.tag != f"{{{SYNCML}}}SyncML":
        found.append(Violation("root", f"the root is {root.tag}, not SyncML in {SYNCML}"))
        return None
    found += check_shape(root)
    return root


# -- a session -------------------------------------------------------------------------------------


class SessionChecker:
    """One session as its server sees it."""

    def __init__(self):
        self.session_id = self.target = self.source = None
        self.address = None       # of the server, as the request's line and Host have it
        self.message = 0          # of the device's last message
        self.expected = None      # Answer: what the device has to answer; None: package 1
        self.ended = False        # after this the device sends nothing more
        self.package_has_commands = False  # of the server, so far
        self.may_abort = False    # the server's last answer was such that 1223 is in order
        self.challenged = False   # the server asked for credentials
        self.may_authenticate = False  # … and has not said 212 since
        self.pending = False      # the device said that its answer is not ready (S3)
        self.max_size = DEVICE_MESSAGE_MAX  # of a message, as the server said
        self.objects = Objects()
        self.parts = None         # Parts of an answer that goes on in the next message
        self.request_ids = set()

    # .. HTTP (protocol.md 4)

    def check_request(self, method, target, headers, secured=False):
        """Violations of a request: `target` is path and query, `headers` a mapping that ignores
        case; `secured`: its body is not SyncML, but CMS (rules S4)."""
        found = []
        parts = urlsplit(target)
        query = QUERY.fullmatch(parts.query)
        if method != "POST":
            found.append(Violation("http-method", method))
        if query is None:
            found.append(Violation("http-query", f"'{parts.query}' does not end in mode=…&"
                                                 "Platform=…"))
        for name, wanted in (
                ("Content-Type", cms.CONTENT_TYPE if secured else CONTENT_TYPE + "; charset=utf-8"),
                ("Accept", cms.CONTENT_TYPE if secured else CONTENT_TYPE)):
            if headers.get(name) != wanted:
                found.append(Violation("http-" + name.lower(), f"{headers.get(name)}"))
        if not USER_AGENT.match(headers.get("User-Agent") or ""):
            found.append(Violation("http-user-agent", f"{headers.get('User-Agent')}"))
        if (headers.get("Accept-Encoding") or "identity") != "identity":
            found.append(Violation("http-compression", f"{headers.get('Accept-Encoding')}"))
        request_id = headers.get("client-request-id")
        if not request_id or request_id in self.request_ids:
            found.append(Violation("http-request-id", f"{request_id} is missing or used before"))
        self.request_ids.add(request_id)
        self.address = None
        if query is not None and headers.get("Host"):
            own = "?" + query["own"] if query["own"] else ""
            self.address = f"https://{headers['Host']}{parts.path}{own}"
        return found

    # .. a message

    def check_message(self, body):
        """Violations of the device's next message; follows check_request() of its request where
        there was one."""
        found = []
        root = parse(body, found)
        if root is None:
            return found
        header, sync_body = find(root, "SyncHdr"), find(root, "SyncBody")
        if header is None or sync_body is None:
            return found  # noted by check_shape()
        elements = [element for element in sync_body if name_of(element) != "Final"]
        # That a server takes next to nothing has to be said nevertheless.
        limit = DEVICE_MESSAGE_MAX if is_abort(elements) else self.max_size
        if len(body) > limit:
            found.append(Violation("size", f"{len(body)} bytes of {limit}"))
        if self.ended and not (self.may_abort and is_abort(elements)):
            found.append(Violation("after-end", "a message after the session's end"))
        self._check_header(header, found)
        self._check_cmd_ids(elements, found)
        for status in find_all(sync_body, "Status"):
            self._check_status(status, found)
        final = find(sync_body, "Final") is not None
        self.pending = self.expected is not None and is_request_pending(elements)
        if is_abort(elements):
            self._check_abort(final, found)
        elif self.expected is None:
            self._check_package_1(elements, final, found)
        elif self.pending:
            if final:
                found.append(Violation("final", "a request-pending message has no Final"))
        elif self.challenged:
            self._check_package_1_again(elements, final, found)
        else:
            self._check_answer(elements, final, len(body), found)
        self.message += 1
        return found

    def _check_answer(self, elements, final, size, found):
        """The device's answer, or a part of it: without Final, and without asking by Alert 1222."""
        asks = bool(elements) and name_of(elements[-1]) == "Alert" and (
            text_of(elements[-1], "Data") == "1222")
        limited = size > DEVICE_MESSAGE_MAX // 2 or self.max_size < DEVICE_MESSAGE_MAX
        if self.parts is None and (final or asks or not limited):
            found += self.expected.check(elements, final)
            return
        self.parts = self.parts or Parts()
        self.parts.add(elements, found)
        if final or asks:
            whole, self.parts = self.parts.join(found), None
            found += self.expected.check(whole, final)

    def note_answer(self, body, refused=False, may_abort=False):
        """Takes what the server answered: its bytes, b"" for an empty body, None where it sent no
        answer that a device can take; `refused`: the device has to refuse these bytes;
        `may_abort`: it may have reasons of its own to end the session."""
        if self.pending:
            return
        answer = Answer.of(body) if body and not refused else None
        self.may_abort = may_abort or (bool(body) and answer is None)
        self.challenged = answer is not None and answer.challenge
        if answer is not None:
            self.may_authenticate = self.challenged or (
                self.may_authenticate and not answer.authenticated)
            self.objects.take(answer, answer.root)
            self.max_size = min(DEVICE_MESSAGE_MAX, answer.max_size or self.max_size)
        if answer is None or answer.abort:
            self.ended, self.expected = True, answer or self.expected
            return
        if self.parts is not None and not answer.has_commands:
            self.ended = answer.final and not answer.asks
            self.parts.ask(answer)
            return
        self.package_has_commands |= answer.has_commands
        if answer.final:
            self.ended = not self.package_has_commands and not answer.challenge
            self.package_has_commands = False
        else:
            again = self.expected is not None and not self.expected.final
            self.ended = again and not answer.has_commands
        self.expected = answer

    def _check_header(self, header, found):
        values = {name: text_of(header, name)
                  for name in ("VerDTD", "VerProto", "SessionID", "MsgID")}
        target, source = text_of(header, "Target/LocURI"), text_of(header, "Source/LocURI")
        if values["VerDTD"] != "1.2" or values["VerProto"] != "DM/1.2":
            found.append(Violation("version", f"{values['VerDTD']} {values['VerProto']}"))
        if not values["SessionID"] or self.session_id not in (None, values["SessionID"]):
            found.append(Violation("session-id", f"{values['SessionID']} in {self.session_id}"))
        if values["MsgID"] != str(self.message + 1):
            found.append(Violation("msg-id", f"{values['MsgID']}, not {self.message + 1}"))
        wanted = self.address
        if not target or (wanted and target != wanted) or self.target not in (None, target):
            found.append(Violation("target", f"{target}, not {self.target or wanted}"))
        if not source or self.source not in (None, source):
            found.append(Violation("source", f"{source}, not {self.source}"))
        if find(header, "Target/LocName") is not None:
            found.append(Violation("target", "LocName"))
        if not self.may_authenticate:
            for path in ("Source/LocName", "Cred"):
                if find(header, path) is not None:
                    found.append(Violation("credentials", f"{path} without a challenge"))
        for path in ("RespURI", "NoResp"):
            if find(header, path) is not None:
                found.append(Violation("header", f"a device does not send {path}"))
        if self.message == 0 and find(header, "Meta") is not None:
            found.append(Violation("header", "Meta in package 1"))
        self.session_id, self.target, self.source = values["SessionID"], target, source

    def _check_cmd_ids(self, elements, found):
        first = 1 if elements and name_of(elements[0]) == "Status" else 2
        ids = [text_of(element, "CmdID") or "" for element in elements]
        if not all(re.fullmatch("[1-9][0-9]*", cmd_id) for cmd_id in ids):
            found.append(Violation("cmd-id", f"not all are numbers: {ids}"))
            return
        numbers = [int(cmd_id) for cmd_id in ids]
        if any(one >= two for one, two in zip(numbers, numbers[1:])):
            found.append(Violation("cmd-id", f"not unique and rising: {ids}"))
        if numbers and numbers[0] != first:
            found.append(Violation("cmd-id-first", f"begins with {numbers[0]}, not {first}"))

    def _check_status(self, status, found):
        code = text_of(status, "Data") or ""
        if not code.isdigit() or int(code) not in STATUS_CODES:
            found.append(Violation("status-code", f"'{code}' is none"))

    def _check_abort(self, final, found):
        if not self.may_abort:
            found.append(Violation("abort", "Alert 1223 where nothing was wrong"))
        if not final:
            found.append(Violation("final", "Alert 1223 goes with Final"))

    # .. package 1 (protocol.md 1)

    def _check_package_1(self, elements, final, found):
        names = [name_of(element) for element in elements]
        alerts = [element for element in elements if name_of(element) == "Alert"]
        if names != ["Alert"] * len(alerts) + ["Replace"]:
            found.append(Violation("package-1", f"Alerts, then one Replace, not {names}"))
        if not alerts or text_of(alerts[0], "Data") not in ("1200", "1201"):
            found.append(Violation("package-1", "does not begin with Alert 1200 or 1201"))
        elif find(alerts[0], "Item") is not None:
            found.append(Violation("package-1", "Item in the first Alert"))
        if len(alerts) < 2 or not is_login_status(alerts[1]):
            found.append(Violation("package-1", "no Alert 1224 with the login status in the second "
                                                "place"))
        for alert in alerts[1:]:
            if not re.fullmatch(r"12\d\d", text_of(alert, "Data") or ""):
                found.append(Violation("package-1", f"Alert {text_of(alert, 'Data')}"))
        for replace in (element for element in elements if name_of(element) == "Replace"):
            self._check_dev_info(replace, found)
        if not final:
            found.append(Violation("final", "package 1 has no Final"))

    def _check_dev_info(self, replace, found):
        items = find_all(replace, "Item")
        paths = [text_of(item, "Source/LocURI") for item in items]
        if paths != DEV_INFO:
            found.append(Violation("dev-info", f"{paths}"))
        for path, item in zip(paths, items):
            data = text_of(item, "Data")
            if data is None or find(item, "Target") is not None:
                found.append(Violation("dev-info", f"{path} has no Data, or a Target"))
            if path == DEV_INFO[0] and data != self.source:
                found.append(Violation("dev-info", f"DevId {data} is not the Source {self.source}"))
            if path in (DEV_INFO[3], DEV_INFO[4]) and not data:
                found.append(Violation("dev-info", f"{path} is empty"))

    def _check_package_1_again(self, elements, final, found):
        """After a challenge (protocol.md 5): the Status of the server's header, then package 1."""
        first = elements[0] if elements else None
        if first is None or name_of(first) != "Status" or text_of(first, "Cmd") != "SyncHdr":
            found.append(Violation("status-header", "no Status of the server's header"))
        self._check_package_1([element for element in elements if name_of(element) != "Status"],
                              final, found)


# -- parts of messages -----------------------------------------------------------------------------


def is_login_status(alert):
    return (text_of(alert, "Data") == "1224"
            and text_of(alert, "Item/Meta/Type") == LOGIN_STATUS
            and text_of(alert, "Item/Data") in ("user", "others", "none"))


def is_request_pending(elements):
    return (len(elements) == 1 and name_of(elements[0]) == "Alert"
            and text_of(elements[0], "Data") == "1224"
            and text_of(elements[0], "Item/Meta/Type") == REQUEST_PENDING
            and text_of(elements[0], "Item/Data") == "1")


def is_abort(elements):
    return any(name_of(element) == "Alert" and text_of(element, "Data") == "1223"
               for element in elements)
