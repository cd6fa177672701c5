# SPDX-License-Identifier: MIT
"""What a device has to answer to a message of the server: read back from the bytes that went out,
so that what a test scripts and what it expects cannot differ."""

from collections import Counter
from dataclasses import dataclass, field
from typing import NamedTuple

from syncml import (COMMANDS, CONTAINERS, FORMATS, OF_CONTAINER, find, find_all, name_of,
                    normalise, parse_loosely, text_of)


class Violation(NamedTuple):
    """A check that failed: its name, and what was found."""

    rule: str
    text: str

    def __str__(self):
        return f"{self.rule}: {self.text}"


@dataclass
class Command:
    """A command of the server, or an element in a command's place that is none."""

    name: str
    cmd_id: str              # "" if it has none
    known: bool
    no_resp: bool
    targets: list            # LocURI of each Item
    parent: "Command" = None
    statuses: list = field(default_factory=list)  # (code, target or None) as answered


def flatten(container, parent=None):
    """All commands in document order (M3)."""
    commands = []
    for element in container:
        name = name_of(element)
        if name in ("Final", "Status", "Results") or (parent and name in OF_CONTAINER):
            continue
        known = name in COMMANDS
        targets = [text_of(item, "Target/LocURI") or "" for item in find_all(element, "Item")]
        command = Command(name, text_of(element, "CmdID") or "", known,
                          find(element, "NoResp") is not None, targets, parent)
        commands.append(command)
        if name in CONTAINERS:
            commands += flatten(element, command)
    return commands


class Answer:
    """What follows from one message of the server."""

    def __init__(self, root):
        self.root = root
        body = find(root, "SyncBody")
        header = find(root, "SyncHdr")
        self.header_code = None  # as the device gave it
        self.msg_id = (text_of(header, "MsgID") or "").strip()
        self.no_resp = find(header, "NoResp") is not None
        self.max_size = int((text_of(header, "Meta/MaxMsgSize") or "0").strip())
        self.asks = any(name_of(element) == "Alert" and text_of(element, "Data") == "1222"
                        for element in body)
        self.commands = flatten(body)
        self.opens_object = False  # parts.Objects knows, and the LocURIs for Alert 1225:
        self.drops = []
        self.final = find(body, "Final") is not None
        versions = [(text_of(header, name) or "").strip() for name in ("VerDTD", "VerProto")]
        self.header_codes = {200, 212} if versions == ["1.2", "DM/1.2"] else {505, 513}
        if find(header, "Cred") is not None:
            self.header_codes |= {401}
        self.has_commands = any(command.name != "Alert" for command in self.commands)
        self.abort = any(name_of(element) == "Alert" and text_of(element, "Data") == "1223"
                         for element in body)
        self.challenge = any(
            text_of(status, "Cmd") == "SyncHdr" and text_of(status, "Data") in ("401", "407")
            and find(status, "Chal") is not None for status in find_all(body, "Status"))
        self.authenticated = any(
            text_of(status, "Cmd") == "SyncHdr" and text_of(status, "Data") == "212"
            for status in find_all(body, "Status"))

    @classmethod
    def of(cls, body):
        """The answer due to these bytes; None if they are no message."""
        root = parse_loosely(body)
        if root is None or name_of(root) != "SyncML" or None in (find(root, "SyncHdr"),
                                                                 find(root, "SyncBody")):
            return None
        return cls(root)

    def check(self, elements, final):
        """Violations of the device's answer (protocol.md 1 and 2)."""
        found = []

        def note(rule, text):
            found.append(Violation(rule, text))

        due = self.final and not self.opens_object
        if final != due:
            note("final", f"Final is {final} in the answer to a message where it is {self.final}")
        rest = [element for element in elements if name_of(element) not in ("Status", "Results")]
        wanted = [("1225", drop) for drop in self.drops] + ([] if due else [("1222", None)])
        if [(text_of(element, "Data"), text_of(element, "Item/Target/LocURI"))
                for element in rest] != wanted or any(
                name_of(element) != "Alert" for element in rest):
            note("answer", f"besides Statuses and Results: {[name_of(e) for e in rest]}, "
                           f"wanted Alerts {wanted}")
        if rest and elements[-len(rest):] != rest:
            note("answer", "an Alert stands before a Status or Results")
        for element in elements:
            if name_of(element) in ("Status", "Results"):
                self._check_reference(element, note)
        statuses = find_all(elements, "Status")
        if self._match(statuses, note):
            self._check_codes(note)
            self._check_results(elements, found)
        return found

    def _check_reference(self, element, note):
        reference = text_of(element, "MsgRef")
        if (reference or "1") != self.msg_id:
            note("msg-ref", f"{name_of(element)} refers to message {reference}, not {self.msg_id}")

    def _wanted(self, statuses):
        """(CmdRef, Cmd, target or None, command) of each Status that is due, in order."""
        itemised = {(text_of(status, "CmdRef"), text_of(status, "Cmd")) for status in statuses
                    if find(status, "TargetRef") is not None}
        wanted = [("0", "SyncHdr", None, None)]
        for command in self.commands:
            key = (command.cmd_id, command.name)
            if command.no_resp or self.no_resp:
                continue
            if len(command.targets) > 1 and (command.name == "Get" or key in itemised):
                wanted += [key + (normalise(target), command) for target in command.targets]
            else:
                wanted.append(key + (None, command))
        return wanted

    def _match(self, statuses, note):
        """Whether exactly the Statuses that are due stand there, in order."""
        wanted = self._wanted(statuses)
        got = []
        several = {key[:2] for key in wanted if key[2] is not None}
        for status in statuses:
            key = (text_of(status, "CmdRef"), text_of(status, "Cmd"))
            target = text_of(status, "TargetRef")
            got.append(key + (normalise(target) if target and key in several else None,))
        if not got or got[0] != wanted[0][:3]:
            note("status-header", f"the first Status is {got[0] if got else 'missing'}, not that "
                                  "of the SyncHdr")
        due = [key[:3] for key in wanted]
        if got == due:
            self.header_code = int(text_of(statuses[0], "Data"))
            for status, key in zip(statuses, wanted):
                if key[3] is not None:
                    key[3].statuses.append((int(text_of(status, "Data")), key[2]))
            return True
        self._explain(Counter(got), Counter(due), note)
        return False

    @staticmethod
    def _explain(got, due, note):
        missing, extra = list((due - got).elements()), list((got - due).elements())
        for key in list(missing):
            other = next((one for one in extra if one[0] == key[0] and one[1] != key[1]), None)
            if other:
                note("status-cmd", f"CmdRef {key[0]} says {other[1]}, not {key[1]}")
                missing.remove(key)
                extra.remove(other)
        for key in missing:
            note("status-missing", f"none for {key[1]} '{key[0]}' {key[2] or ''}")
        for key in extra:
            rule = "status-twice" if key in due else "status-unexpected"
            note(rule, f"{key[1]} '{key[0]}' {key[2] or ''}")
        if got == due:
            note("status-order", "not in the order of the commands")

    def _check_codes(self, note):
        """What each code has to be, whatever the tree says (protocol.md 1 and 2, M2)."""
        if self.header_code not in self.header_codes:
            note("status-header", f"{self.header_code}, not one of {self.header_codes}")
        for command in self.commands:
            codes = {code for code, _ in command.statuses}
            if not codes:
                continue
            if (not command.known or not command.cmd_id) and codes != {400}:
                note("status-400", f"{command.name} '{command.cmd_id}' got {codes}, not 400")
            atomic = command.parent is not None and command.parent.name == "Atomic"
            if not atomic and codes & {215, 216} and not self._inside_atomic(command):
                note("atomic", f"{command.name} '{command.cmd_id}' got {codes} outside an Atomic")
            if command.name == "Atomic":
                self._check_atomic(command, next(iter(codes)), note)

    @staticmethod
    def _inside_atomic(command):
        while command.parent is not None:
            command = command.parent
            if command.name == "Atomic":
                return True
        return False

    def _check_atomic(self, atomic, code, note):
        inside = [one for command in self.commands if command.parent is atomic
                  for one, _ in command.statuses]
        good = all(one in (200, 202) for one in inside)
        if code == 200 and not good:
            note("atomic", f"Atomic '{atomic.cmd_id}' is 200, what is inside it {inside}")
        if code == 507 and any(200 <= one < 300 and one not in (215, 216) for one in inside):
            note("atomic", f"Atomic '{atomic.cmd_id}' is 507, what is inside it {inside}")

    def _check_results(self, elements, found):
        """One Results after the last Status of each Get that found something, and no other."""
        due = {}  # of the element before which it stands: the command
        position = iter(element for element in elements if name_of(element) == "Status")
        next(position)
        for command in self.commands:
            last = None
            for _ in command.statuses:
                last = next(position)
            if command.name == "Get" and any(code == 200 for code, _ in command.statuses):
                due[id(last)] = command
        for before, element in zip([None] + elements, elements + [None]):
            command = due.get(id(before)) if before is not None else None
            is_results = element is not None and name_of(element) == "Results"
            if command is None and is_results and not self._unanswered(element):
                found.append(Violation("results-place", "Results do not directly follow the "
                                                               "Status of a Get that is 200"))
            elif command is not None and not is_results:
                found.append(Violation("results-missing", f"Get '{command.cmd_id}'"))
            elif command is not None:
                self._check_one(command, element, found)

    def _unanswered(self, results):
        """Whether these Results belong to a Get whose Status was not wanted."""
        return any(command.name == "Get" and (command.no_resp or self.no_resp)
                   and command.cmd_id == text_of(results, "CmdRef") for command in self.commands)

    @staticmethod
    def _check_one(command, results, found):
        if text_of(results, "CmdRef") != command.cmd_id:
            found.append(Violation("results-ref", f"CmdRef {text_of(results, 'CmdRef')} "
                                                         f"after Get '{command.cmd_id}'"))
        succeeded = command.targets if len(command.targets) == 1 else [
            target for (code, _), target in zip(command.statuses, command.targets) if code == 200]
        allowed = [(normalise(target), "?list=" in target) for target in succeeded]
        items = find_all(results, "Item")
        for item in items:
            _check_results_item(item, allowed, found)
        listed = any(below for _, below in allowed)
        if not listed and len(items) != len(succeeded):
            found.append(Violation("results-item", f"{len(items)} Items for "
                                                          f"{len(succeeded)} that succeeded"))


def _check_results_item(item, allowed, found):
    """One Item of a Results: `allowed` are the normalised LocURIs that were asked for, and whether
    what stands below them may come too."""
    path = text_of(item, "Source/LocURI")
    if path is None or find(item, "Target") is not None:
        found.append(Violation("results-item", "no Source/LocURI, or a Target"))
        return
    if "?" in path or not any(normalise(path) == asked or (
            below and normalise(path).startswith(asked + "/")) for asked, below in allowed):
        found.append(Violation("results-item", f"{path} was not asked for"))
    form = text_of(item, "Meta/Format")
    if form == "chr" or (form is not None and form not in FORMATS):
        found.append(Violation("results-format", f"{path}: Format {form}"))
