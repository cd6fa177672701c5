#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""other-tree.py SOCKET: the tree of another module, behind the same calls as the DMClient tree:
leaves that are kept in memory, below whatever prefix the broker hands over."""

import os
import pwd
import sys

import gi

gi.require_version("Gio", "2.0")
from gi.repository import Gio, GLib  # noqa: E402

XML = """<node><interface name="org.dmclient.Tree1">
<method name="Hello"><arg type="u" direction="in"/><arg type="u" direction="out"/>
  <arg type="s" direction="out"/></method>
<method name="Apply"><arg type="s" direction="in"/><arg type="t" direction="in"/>
  <arg type="s" direction="in"/><arg type="x" direction="in"/>
  <arg type="a(yussbs)" direction="in"/>
  <arg type="a(ua(sybs))" direction="out"/><arg type="b" direction="out"/></method>
</interface></node>"""
ADD, GET, REPLACE, DELETE, EXEC, ATOMIC, SEQUENCE = range(1, 8)
CHR = 0  # the first of the formats
leaves = {}
connections = set()
replies = {}  # session -> (message, results): a message that comes again is not run again


def run(verb, uri, data):
    """One command: its status, and what a Get brings."""
    if verb in (GET, DELETE) and uri not in leaves:
        return (404, [])
    if verb == ADD and uri in leaves:
        return (418, [])
    if verb == GET:
        return (200, [(uri, CHR, True, leaves[uri])])
    if verb == DELETE:
        del leaves[uri]
    elif verb in (ADD, REPLACE):
        leaves[uri] = data
    else:
        return (405 if verb in (EXEC, ATOMIC, SEQUENCE) else 501, [])
    return (200, [])


def apply(session, message, provider, uid, commands):
    known = replies.get(session)
    if session and known and known[0] == message:
        return known[1]
    results = [run(verb, uri, data) for verb, span, uri, form, has_data, data in commands]
    replies[session] = (message, results)
    return results


def on_call(connection, sender, path, interface, method, arguments, invocation):
    if method == "Hello":
        answer = GLib.Variant("(us)", (1, "other-tree"))
    else:
        answer = GLib.Variant("(a(ua(sybs))b)", (apply(*arguments.unpack()), False))
    invocation.return_value(answer)


def may_write(observer, stream, credentials):
    """Root, the broker, and for a trial whoever runs this."""
    allowed = {0, os.getuid()} | {user.pw_uid for user in pwd.getpwall()
                                  if user.pw_name == "dmclient-broker"}
    return credentials is not None and credentials.get_unix_user() in allowed


def on_connection(server, connection):
    connections.add(connection)  # closed as soon as nobody holds it
    connection.connect("closed", lambda closed, vanished, error: connections.discard(closed))
    connection.register_object("/org/dmclient/Tree1", interface_info, on_call)
    return True


interface_info = Gio.DBusNodeInfo.new_for_xml(XML).interfaces[0]
observer = Gio.DBusAuthObserver()
observer.connect("authorize-authenticated-peer", may_write)
observer.connect("allow-mechanism", lambda _, mechanism: mechanism == "EXTERNAL")
server = Gio.DBusServer.new_sync(f"unix:path={sys.argv[1]}", Gio.DBusServerFlags.NONE,
                                 Gio.dbus_generate_guid(), observer, None)
server.connect("new-connection", on_connection)
server.start()
print("ready", flush=True)
GLib.MainLoop().run()
