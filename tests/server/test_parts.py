# SPDX-License-Identifier: MIT
"""That the checks of what goes over several messages can fail."""

import pytest

from expected import Answer
from parts import Objects, Parts
from syncml import METINF, build_message, find, name_of, parse_loosely, text_of

HEADER = {"session_id": "1", "msg_id": "4", "target": "d", "source": "s"}


def asks():
    """What the server asks for the rest with, message 4."""
    return Answer(parse_loosely(build_message(
        HEADER, [], [{"verb": "Alert", "code": 1222, "cmd_id": "9"}], False)))


def status(command, reference, message="4"):
    return (f"<Status><CmdID>1</CmdID><MsgRef>{message}</MsgRef><CmdRef>{reference}</CmdRef>"
            f"<Cmd>{command}</Cmd><Data>200</Data></Status>")


GREETING = status("SyncHdr", "0") + status("Alert", "9")


def results(data, size=None, more=False, uri="./a", reference="2"):
    meta = f'<Meta><Size xmlns="{METINF}">{size}</Size></Meta>' if size is not None else ""
    return (f"<Results><CmdID>3</CmdID><MsgRef>3</MsgRef><CmdRef>{reference}</CmdRef><Item><Source>"
            f"<LocURI>{uri}</LocURI></Source>{meta}<Data>{data}</Data>"
            f"{'<MoreData/>' if more else ''}</Item></Results>")


def join(*messages):
    """The elements that come of these parts, and the rules that were broken."""
    parts, found = Parts(), []
    for number, text in enumerate(messages):
        if number:
            parts.ask(asks())
        parts.add(list(parse_loosely(f"<Body>{text}</Body>".encode())), found)
    return parts.join(found), [violation.rule for violation in found]


def test_parts_are_put_together():
    elements, found = join(status("Get", "2", "3") + results("ab", 6, True),
                           GREETING + results("cd", more=True),
                           GREETING + results("ef") + results("x", uri="./b"))
    assert found == []
    assert [name_of(one) for one in elements] == ["Status", "Results"]
    items = [(text_of(one, "Source/LocURI"), text_of(one, "Data"), find(one, "MoreData"))
             for one in elements[1] if name_of(one) == "Item"]
    assert items == [("./a", "abcdef", None), ("./b", "x", None)]


@pytest.mark.parametrize("rule, parts", [
    ("chunk", [results("ab", None, True), GREETING + results("cd")]),
    ("chunk", [results("ab", 5, True), GREETING + results("cd")]),
    ("chunk", [results("ab", 4, True), GREETING + results("cd", 4)]),
    ("chunk", [results("ab", 4, True), GREETING + results("cd", uri="./b")]),
    ("chunk", [results("ab", 4, True), GREETING + status("Get", "3", "3") + results("cd")]),
    ("chunk", [results("ab", 4, True) + status("Get", "3", "3"), GREETING + results("cd")]),
    ("chunk", [results("ab", 4, True)]),
    ("chunk", [results("ab", 2)]),
    ("part-status", [status("Get", "2", "3"), results("cd")]),
    ("part-status", [status("Get", "2", "3"), status("SyncHdr", "0") + results("cd")]),
    ("part-status", [status("Get", "2", "3"), GREETING.replace(">4<", ">3<") + results("cd")]),
    ("part-empty", [status("Get", "2", "3"), GREETING]),
])
def test_each_check_of_parts_can_fail(rule, parts):
    assert rule in join(*parts)[1]


def follow(*messages):
    """(whether an object is left open, those dropped) for each message of the server."""
    objects, seen = Objects(), []
    for commands in messages:
        root = parse_loosely(build_message(HEADER, [], commands, False))
        answer = Answer(root)
        objects.take(answer, root)
        seen.append((answer.opens_object, answer.drops))
    return seen


def chunk(data, more=True, uri="./a", **fields):
    return {"verb": "Add", "loc_uri": uri, "data": data, "more_data": more, **fields}


@pytest.mark.parametrize("messages, seen", [
    ([[chunk("ab")], [chunk("cd", False)]], [(True, []), (False, [])]),
    ([[chunk("ab")], [chunk("cd", False, "./b")]], [(True, []), (False, ["./a"])]),
    ([[chunk("ab")], [chunk("cd", uri="./b")]], [(True, []), (True, ["./a"])]),
    ([[chunk("ab", size=1)], [chunk("cd", False, "./b")]], [(False, []), (False, [])]),
    ([[chunk("ab", size=300000)]], [(False, [])]),
    ([[chunk("ab")], [{"verb": "Alert", "code": 1222}]], [(True, []), (True, [])]),
])
def test_objects_in_chunks_are_followed(messages, seen):
    assert follow(*messages) == seen
