# SPDX-License-Identifier: MIT
"""Messages that the bus lets through and nobody would send: each method that there is, by its own
introspection, answers as it should or not at all (security.md section 5)."""

import os
import struct
import time
import xml.etree.ElementTree as xml

import harness
import pytest
import rawbus
from bus_clients import DBUS_ERROR, INTROSPECTABLE, OBJECT_MANAGER, PEER, PROPERTIES, path_of
from gi.repository import GLib

INVALID_ARGS = DBUS_ERROR + "InvalidArgs"
POLKIT = "org.freedesktop.PolicyKit1.Authority"
GET = rawbus.get(path_of("X"), "ProviderID")

# In types that no method takes, and in those that some take: each is wrong for the others.
BODIES = [None] + [GLib.Variant(signature, value) for signature, value in [
    ("(i)", (1,)), ("(s)", ("",)), ("(ss)", ("", "")), ("(ssss)", ("",) * 4), ("(v)", (
        GLib.Variant("s", ""),)), ("(ssv)", ("", "", GLib.Variant("s", ""))), ("(a{sv})", ({},)),
    ("(oa{sv})", ("/", {})), ("(sa{sv})", ("/", {})), ("(oa{ss})", ("/", {})), ("(ua{sv})", (1, {})),
    ("(a{sv}s)", ({}, "")), ("(as)", ([""] * 1000,)), ("((s))", (("",),)), ("(g)", ("aai",))]]


def signature_of(body):
    return body.get_type_string()[1:-1] if body is not None else ""


def fds_of(process):
    return len(os.listdir(f"/proc/{process.pid}/fd"))


@pytest.fixture
def raw(env, tree):
    """A connection; the service has served it and lets go of all that it was given."""
    tree.add_provider()
    tree.add_user(1000)
    connection = rawbus.Raw(env)
    assert connection.ask(rawbus.MANAGED).error is None
    before = fds_of(env.agent)
    yield connection
    assert connection.ask(GET).body.endswith(b"X\0")
    assert fds_of(env.agent) == before
    connection.close()


def levels(raw, path=harness.BUS_ROOT):
    document = xml.fromstring(raw.ask(rawbus.call(path, INTROSPECTABLE, "Introspect")).string())
    yield path, document
    for node in document.findall("node"):
        yield from levels(raw, f"{path}/{node.get('name')}")


@pytest.fixture
def methods(raw):
    """(path, interface, name, signature) of every method on every object. The library's own, which
    take whatever comes, are left out."""
    found = [(path, interface.get("name"), method.get("name"),
              "".join(a.get("type") for a in method.findall("arg") if a.get("direction") == "in"))
             for path, document in levels(raw) for interface in document.findall("interface")
             for method in interface.findall("method") if interface.get("name") != PEER]
    assert {name for _, _, name, _ in found} >= {
        "Get", "GetAll", "Set", "Introspect", "GetManagedObjects", "Sync", "Unenroll",
        "RetryFirstSync", "CollectLogs", "Reload", "GetHistory"}
    return found


def test_arguments_of_other_types(raw, methods):
    asked = {}
    for path, interface, name, signature in methods:
        for body in BODIES:
            if signature_of(body) != signature:
                for place in (interface, None):
                    serial = raw.send(rawbus.call(path, place, name, body))
                    asked[serial] = (path, place, name, body)
        rawbus.read_all([raw])
    for message in raw.take():
        if message.kind != rawbus.SIGNAL:
            call = asked.pop(message.fields[rawbus.REPLY_SERIAL])
            assert message.error == INVALID_ARGS, call
    assert asked == {}


def test_no_reply_to_who_wants_none(raw, methods):
    """Whatever the arguments; right ones only where nothing is done."""
    for path, interface, name, signature in methods:
        for body in BODIES:
            if signature_of(body) != signature or interface == PROPERTIES:
                for place in (interface, None):
                    raw.send(rawbus.call(path, place, name, body, flags=rawbus.NO_REPLY))
    assert raw.ask(GET).error is None
    assert [m for m in raw.take() if m.kind != rawbus.SIGNAL] == []


def test_flags_and_kinds_that_nobody_knows(raw):
    for flags in (0x08, 0x80, 0xf8):
        message = bytearray(GET)
        message[2] = flags
        assert raw.ask(message).body.endswith(b"X\0")
    for kind in (5, 77, 255):
        message = bytearray(GET)
        message[1] = kind
        raw.send(message)


def test_descriptors_that_nobody_wants(raw, methods):
    """Closed again, whether the arguments speak of them or not."""
    with open("/dev/null", "rb") as null:
        for path, interface, name, _ in methods:
            call = with_fds(path, interface, name, GLib.Variant("(h)", (0,)), 1)
            assert raw.ask(call, fds=[null.fileno()]).error == INVALID_ARGS
        body = GLib.Variant("(ss)", ("", "ProviderID"))
        for n in (1, 16):
            call = with_fds(path_of("X"), PROPERTIES, "Get", body, n)
            assert raw.ask(call, fds=[null.fileno()] * n).body.endswith(b"X\0")


def with_fds(path, interface, name, body, n):
    """A call whose header says that `n` descriptors come with it."""
    call = rawbus.call(path, interface, name, body)
    fields, = struct.unpack_from("<I", call, 12)
    end = 16 + fields
    padding = -end % 8
    field = b"\0" * padding + b"\x09\x01u\0" + struct.pack("<I", n)
    start = (end + 7) & ~7
    call[end:start] = field + b"\0" * (-(end + len(field)) % 8)
    struct.pack_into("<I", call, 12, fields + len(field))
    return call


def test_huge_arguments(env, raw):
    """Up to the largest message that the bus takes: refused, named by no error, and forgotten."""
    text = "x" * 30_000_000
    many = {f"option-{i}": GLib.Variant("b", True) for i in range(20_000)}
    nested = GLib.Variant("s", "")
    for _ in range(55):
        nested = GLib.Variant("v", nested)
    manager = harness.BUS_NAME + ".Manager"
    for call, error in [
            (rawbus.get_all(path_of("X"), text), "UnknownInterface"),
            (rawbus.get(path_of("X"), text), "UnknownProperty"),
            (rawbus.call(path_of("X"), PROPERTIES, "Get", GLib.Variant.new_tuple(
                GLib.Variant.new_bytestring(text.encode()))), "InvalidArgs"),
            (rawbus.call(harness.BUS_ROOT, manager, "Reload", GLib.Variant("(a{sv})", (many,))),
             "InvalidArgs"),
            (rawbus.call(harness.BUS_ROOT, manager, "Reload", GLib.Variant("(a{sv})", (
                {"a": nested},))), "InvalidArgs"),
            (rawbus.call(path_of("X"), PROPERTIES, "Set", GLib.Variant("(ssv)", (
                "", "ProviderID", nested))), "AccessDenied")]:
        reply = raw.ask(call)
        assert reply.error == DBUS_ERROR + error
        assert reply.size < 1000
    deadline = time.monotonic() + harness.STOP_TIMEOUT
    while not harness.is_sanitized() and resident(env.agent) > 40:
        assert time.monotonic() < deadline, f"{resident(env.agent)} MB are in use"
        raw.ask(rawbus.MANAGED)


def resident(process):
    """MB."""
    with open(f"/proc/{process.pid}/statm", encoding="ascii") as stream:
        return int(stream.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1024 / 1024


def test_answers_that_nobody_asked_for(raw):
    """The service's questions to the bus and to polkit have small serials; so have these."""
    for serial in range(1, 300):
        for body in (None, GLib.Variant("(u)", (0,)), GLib.Variant("((bba{ss}))", ((True, False, {}),))):
            fields = {"destination": harness.BUS_NAME, "reply_serial": serial}
            if body is not None:
                fields["body"] = body
            raw.send(rawbus.make(rawbus.RETURN, **fields))
        raw.send(rawbus.make(rawbus.ERROR, destination=harness.BUS_NAME, reply_serial=serial,
                             error_name=DBUS_ERROR + "NoReply"))


def test_signals_of_strangers(raw):
    """What only the bus or polkit may say is believed of nobody else."""
    name = GLib.Variant("(s)", (harness.BUS_NAME,))
    for path, interface, member, body in [
            ("/org/freedesktop/DBus", rawbus.BUS, "NameLost", name),
            ("/org/freedesktop/DBus", rawbus.BUS, "NameAcquired", name),
            ("/org/freedesktop/DBus", rawbus.BUS, "NameOwnerChanged",
             GLib.Variant("(sss)", (harness.BUS_NAME, raw.name, ""))),
            ("/org/freedesktop/DBus", rawbus.BUS, "NameOwnerChanged",
             GLib.Variant("(sss)", ("org.freedesktop.PolicyKit1", "", raw.name))),
            ("/org/freedesktop/PolicyKit1/Authority", POLKIT, "Changed", None),
            (harness.BUS_ROOT, PROPERTIES, "PropertiesChanged", name),
            (harness.BUS_ROOT, OBJECT_MANAGER, "InterfacesRemoved", None)]:
        fields = {"path": path, "interface": interface, "member": member}
        if body is not None:
            fields["body"] = body
        for destination in (harness.BUS_NAME, None):
            if destination is not None:
                fields["destination"] = destination
            raw.send(rawbus.make(rawbus.SIGNAL, **fields))
            fields.pop("destination", None)
    owner = raw.ask(rawbus.call("/org/freedesktop/DBus", rawbus.BUS, "GetNameOwner", name,
                                destination=rawbus.BUS)).string()
    assert raw.ask(GET).fields[rawbus.SENDER] == owner


def test_end_of_the_connection_by_a_stranger(env, raw):
    """libdbus says so to itself only: the bus lets no such message through."""
    stranger = rawbus.Raw(env)
    message = rawbus.make(rawbus.SIGNAL, path="/org/freedesktop/DBus/Xocal",
                          interface="org.freedesktop.DBus.Xocal", member="Disconnected",
                          destination=harness.BUS_NAME)
    stranger.socket.sendall(message.replace(b"Xocal", b"Local"))
    while not stranger.is_closed:
        stranger.read()
    stranger.close()


def test_bytes_that_are_no_message(env, raw):
    """The bus hangs up on who sends them; the service never hears of it."""
    for data in (b"\0" * 64, b"l" + b"\xff" * 63, bytes(GET)[:20] + b"\xff" * (len(GET) - 20),
                 bytes(GET).replace(b"Get\0", b"G\xfft\0"), bytes(GET).replace(b"/org", b"//rg")):
        stranger = rawbus.Raw(env)
        stranger.socket.sendall(data)
        while not stranger.is_closed:
            stranger.read()
        stranger.close()


def test_names_that_do_not_exist(raw):
    """Objects, interfaces, methods and properties, below the root, beside it and above it."""
    root = harness.BUS_ROOT
    everywhere = [("UnknownObject", path, PROPERTIES, "GetAll", GLib.Variant("(s)", ("",)))
                  for path in ("/x", "/org/x", "/org/dmclient/x", root + "1", root + "/x",
                               path_of("Y"), path_of("X", "x"), path_of("X", "Poll", "x"),
                               path_of("X", uid=1001), path_of("Y", uid=1000))]
    everywhere += [("UnknownObject", path, INTROSPECTABLE, "Introspect", None)
                   for _, path, *_ in everywhere]
    for error, *call in everywhere + [
            ("UnknownMethod", "/", "x.y", "Z", None),
            ("UnknownMethod", "/org", PROPERTIES, "GetAll", GLib.Variant("(s)", ("",))),
            ("UnknownInterface", root, "x.y", "Z", None),
            ("UnknownInterface", root + "/Provider", PROPERTIES, "GetAll",
             GLib.Variant("(s)", ("",))),
            ("UnknownInterface", path_of("X"), OBJECT_MANAGER, "GetManagedObjects", None),
            ("UnknownMethod", path_of("X"), PROPERTIES, "Get2", None),
            ("UnknownMethod", path_of("X"), None, "Z", None)]:
        assert raw.ask(rawbus.call(*call)).error == DBUS_ERROR + error, call
