# SPDX-License-Identifier: MIT
"""A tree socket without a tree, in a thread of its own: answers what a broker calls, notes it, and
says what a test wants said. For what the real one does only rarely, or not at will."""

import gi

gi.require_version("Gio", "2.0")
from gi.repository import Gio, GLib  # noqa: E402

from loop_thread import LoopThread  # noqa: E402

PATH = "/org/dmclient/Tree1"
INTERFACE = "org.dmclient.Tree1"

GET = 2  # the verb on the wire

# Of each method the types that it takes, and those that it gives.
METHODS = {
    "Hello": (["u"], ["u", "s"]),
    "Attend": ([], []),
    "Apply": (["s", "t", "s", "x", "a(yussbs)"], ["a(ua(sybs))", "b"]),
    "BeginSession": (["s", "s"], ["a{sv}"]),
    "ReportSession": (["s", "a{sv}"], []),
    "ReportOutcome": (["s", "x", "s", "u", "s"], []),
    "RenewNonce": (["s", "s", "s"], []),
    "FinishUnenroll": (["s"], []),
    "NoteLogin": (["u", "b"], ["as"]),
    "GetPush": ([], ["a(sssu)"]),
    "ReportPush": (["s", "s", "s", "u"], []),
    "GetUnenrollments": ([], ["a(sxxsss)"]),
    "GetDue": ([], ["a(sxs)"]),
    "GetProviders": ([], ["a(suas)"]),
    "Inspect": ([], ["a(sas)", "s"]),
    "HandLogs": (["s", "a(say)"], []),
}


def make_xml():
    def arguments(types, direction):
        return "".join(f'<arg type="{one}" direction="{direction}"/>' for one in types)

    return f'<node><interface name="{INTERFACE}">' + "".join(
        f'<method name="{name}">{arguments(takes, "in")}{arguments(gives, "out")}</method>'
        for name, (takes, gives) in METHODS.items()) + "</interface></node>"


class FakeTree(LoopThread):
    """Serves at `path`. `providers` is {id: [address, …]}; `dues` what GetDue answers. Calls are
    noted as (member, arguments); a test may set `refuse` = {member: error name}."""

    def __init__(self, path, providers, dues=()):
        self.providers = providers
        self.dues = list(dues)
        self.account = {"DevId": "the-device"}
        self.thumbprints = []     # of each provider
        self.health = "ok"
        self.tokens = []          # given to sessions, in order; "" or none left: made up
        self.refuse = {}
        self.n_sessions = 0
        self.n_settled = 0
        self._connections = []    # those that attend
        self._open = []           # all: nobody else keeps one while it says Hello
        self._path = path
        super().__init__()

    def say(self, member, signature="", *arguments):
        """Sends a signal to whoever attends."""
        body = GLib.Variant(f"({signature})", arguments) if signature else None
        for connection in self._connections:
            connection.emit_signal(None, PATH, INTERFACE, member, body)

    def ask(self, provider, session="", origin="user", uid=-1):
        self.say("SyncRequested", "sssx", provider, session, origin, uid)

    def settle(self):
        """Waits until the broker has taken all that was said: it answers in order."""
        self.n_settled += 1
        request = f"settle-{self.n_settled}"
        self.say("LogsRequested", "s", request)
        self.wait(lambda: any(name == request for name, _ in self.called("HandLogs")))

    # .. in the thread

    def open_up(self):
        self._interface = Gio.DBusNodeInfo.new_for_xml(make_xml()).interfaces[0]
        self._server = Gio.DBusServer.new_sync(f"unix:path={self._path}", Gio.DBusServerFlags.NONE,
                                               Gio.dbus_generate_guid(), None, None)
        self._server.connect("new-connection", self._on_connection)
        self._server.start()

    def shut_down(self):
        self._server.stop()
        for connection in self._open:
            if not connection.is_closed():
                connection.close_sync(None)

    def _on_connection(self, _server, connection):
        self._open.append(connection)
        connection.register_object(PATH, self._interface, self._on_call, None, None)
        return True

    def _on_call(self, connection, _sender, _path, _interface, member, arguments, invocation):
        values = arguments.unpack()
        if member == "Attend":
            self._connections.append(connection)
        gives = METHODS[member][1]
        if member in self.refuse:
            invocation.return_dbus_error(self.refuse[member], f"{member} is refused")
        else:
            answer = getattr(self, "_" + member, lambda *_: ())(*values)
            invocation.return_value(GLib.Variant(f"({''.join(gives)})", answer))
        self.note(member, values)

    @staticmethod
    def _Hello(version):
        return (version, "fake tree")

    def _BeginSession(self, provider, _origin):
        self.n_sessions += 1
        token = self.tokens.pop(0) if self.tokens else ""
        return ({
            "session-id": GLib.Variant("s", str(self.n_sessions)),
            "token": GLib.Variant("s", token or f"{provider}-{self.n_sessions}"),
            "addresses": GLib.Variant("as", self.providers[provider]),
            "account": GLib.Variant("a{ss}", self.account),
            "version": GLib.Variant("s", "4.0"),
            "sign": GLib.Variant("b", False),
            "keep-alive": GLib.Variant("b", False),
            "security-mode": GLib.Variant("x", 0),
        },)

    @staticmethod
    def _Apply(_session, _message, _provider, _uid, commands):
        """There is no node: every Get is 404, everything else good."""
        return ([(404 if verb == GET else 200, []) for verb, *_ in commands], False)

    @staticmethod
    def _GetUnenrollments():
        return ([],)

    @staticmethod
    def _NoteLogin(_uid, _is_new):
        return ([],)

    @staticmethod
    def _GetPush():
        return ([],)

    def _GetDue(self):
        return (self.dues,)

    def _GetProviders(self):
        return ([(name, len(addresses), self.thumbprints)
                 for name, addresses in self.providers.items()],)

    def _Inspect(self):
        return (list(self.providers.items()), self.health)
