# SPDX-License-Identifier: MIT
"""What goes over several messages (protocol.md 3): an answer of the device, which put together is
to be what one message would have said, and objects that the server sends in chunks."""

from expected import Violation
from syncml import find, find_all, name_of, text_of


class Parts:
    """The parts of one answer, each with what the server asked for it with."""

    def __init__(self):
        self.elements = []
        self.asked = None  # Answer that the last message of the server deserves; None: the first
        self.open = None   # the Item in chunks that is not whole, and the size it is to have

    def ask(self, answer):
        self.asked = answer

    def add(self, elements, found):
        """A part: what is for the server's last message stands in front, and is not kept."""
        elements = list(elements)
        if self.asked is not None:
            due = [("SyncHdr", "0")] + [(one.name, one.cmd_id) for one in self.asked.commands]
            for command, reference in due:
                first = elements.pop(0) if elements else None
                if first is None or (text_of(first, "Cmd"), text_of(first, "CmdRef"),
                                     text_of(first, "MsgRef")) != (command, reference,
                                                                   self.asked.msg_id):
                    found.append(Violation("part-status", f"no Status for {command} of message "
                                                          f"{self.asked.msg_id}"))
        if not elements:
            found.append(Violation("part-empty", "a message that carries nothing"))
        for element in elements:
            self._add_one(element, elements, found)

    def _add_one(self, element, elements, found):
        if name_of(element) != "Results":
            if self.open is not None:
                found.append(Violation("chunk", f"{name_of(element)} between chunks"))
            self.elements.append(element)
            return
        for item in find_all(element, "Item"):
            more, size = find(item, "MoreData") is not None, text_of(item, "Meta/Size")
            if more and (element is not elements[-1] or item is not find_all(element, "Item")[-1]):
                found.append(Violation("chunk", "MoreData in the midst of a message"))
            if (self.open is None and more) != (size is not None):
                found.append(Violation("chunk", f"Size is {size} where MoreData is {more}"))
            if self.open is not None:
                self._go_on(item, more, found)
                element.remove(item)
            elif more:
                self.open = (item, int(size or 0))
        if find(element, "Item") is not None:
            self._merge(element)

    def _go_on(self, item, more, found):
        first, size = self.open
        if text_of(item, "Source/LocURI") != text_of(first, "Source/LocURI"):
            found.append(Violation("chunk", "goes on with another LocURI"))
        find(first, "Data").text = text_of(first, "Data") + (text_of(item, "Data") or "")
        if more:
            return
        self.open = None
        if len(text_of(first, "Data").encode()) != size:
            found.append(Violation("chunk", f"{len(text_of(first, 'Data').encode())} bytes, Size "
                                            f"says {size}"))
        first.remove(find(first, "MoreData"))
        meta = find(first, "Meta")
        if meta is not None and find(meta, "Size") is not None:
            meta.remove(find(meta, "Size"))

    def _merge(self, results):
        """Several Results of one Get are one."""
        last = self.elements[-1] if self.elements else None
        if last is not None and name_of(last) == "Results" and (
                text_of(last, "CmdRef") == text_of(results, "CmdRef")):
            last.extend(find_all(results, "Item"))
        else:
            self.elements.append(results)

    def join(self, found):
        """All elements, as one message has them."""
        if self.open is not None:
            found.append(Violation("chunk", "the last one never came"))
        return self.elements


OBJECT_MAX = 262144


class Objects:
    """Follows the chunks of a server's messages: what the device has to ask for, and to miss."""

    def __init__(self):
        self.open = None  # (command, LocURI), of the object that is not whole
        self.well = True  # it is not refused so far
        self.size = None  # as told
        self.length = 0

    def take(self, answer, root):
        """Notes in an Answer whether its message leaves an object open, and which it drops."""
        for element in find(root, "SyncBody"):
            name, items = name_of(element), find_all(element, "Item")
            if name in ("Status", "Results", "Alert", "Final"):
                continue
            target = text_of(items[0], "Target/LocURI") if len(items) == 1 else None
            chunked = name in ("Add", "Replace", "Exec") and target is not None
            if self.open is not None and not (chunked and self.open == (name, target)):
                if self.well:
                    answer.drops.append(self.open[1])
                self.open = None
            if chunked and (self.open or find(items[0], "MoreData") is not None):
                self._add(name, target, items[0])
        answer.opens_object = self.open is not None and self.well

    def _add(self, name, target, item):
        if self.open is None:
            self.open, self.well, self.length = (name, target), True, 0
            size = text_of(item, "Meta/Size")
            self.size = None if size is None else int(size)
        self.length += len((text_of(item, "Data") or "").encode())
        if self.length > OBJECT_MAX or (self.size is not None and not (
                self.length <= self.size <= OBJECT_MAX)):
            self.well = False
        if find(item, "MoreData") is None:
            self.open = None
