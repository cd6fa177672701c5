# SPDX-License-Identifier: MIT
"""polkit on a private bus: a mock that says what a test wants, and the real polkitd with our actions,
a test's own rules and sessions, and a person at the dialog. Neither touches the system's.

    bus = env.start_bus(prefix=prefix(env))
    polkitd = start_real_polkitd(env)
    polkitd.put_in_session(caller.pid, PERSON, is_active=True)
"""

import os
import pathlib
import shutil
import subprocess

import gi
import pytest

import accounts
import harness

gi.require_version("Gio", "2.0")
from gi.repository import Gio, GLib  # noqa: E402

NAME = "org.freedesktop.PolicyKit1"
PATH = "/org/freedesktop/PolicyKit1/Authority"
INTERFACE = NAME + ".Authority"
MOCK = "org.freedesktop.DBus.Mock"

ACTIONS = harness.ROOT / "policy" / (harness.BUS_NAME + ".policy")
POLKITD = "/usr/lib/polkit-1/polkitd"

# Somebody with a home and a desk, beside the users of the service.
PERSON = 64803
UIDS = {**accounts.UIDS, "person": PERSON}

# Run in a mount namespace: the daemon reads from below a directory what it else reads of the system.
SCRIPT = ('mount --bind "$1/actions" /usr/share/polkit-1/actions'
          ' && mount --bind "$1/rules" /etc/polkit-1/rules.d'
          ' && mount --bind "$1/no-rules" /usr/share/polkit-1/rules.d'
          ' && mount --bind "$1/run" /run && shift && exec "$@"')

DEADLINE = 30  # seconds


def prefix(env):
    """Words in front of a program (the bus, the agent): it finds the users of UIDS."""
    return accounts.prefix(env.dir, UIDS)


# -- the mock -------------------------------------------------------------------------------------


class MockPolkit(harness.Process):
    """python3-dbusmock's template. It says yes or no at once: what a person could say yes to
    (a challenge) is not in its repertoire, nor does it look at who asks about whom."""

    def __init__(self, env):
        self.env = env
        super().__init__("dbusmock", ["/usr/bin/python3", "-m", "dbusmock", "--system", "--template",
                                      "polkitd"], env.environ(), env.dir / "dbusmock.log",
                         stdout=subprocess.DEVNULL)
        env.wait_for_name(NAME)

    def call(self, method, signature="", *values):
        self.env.call(PATH, MOCK, method, signature, *values, name=NAME)

    def changed(self):
        """What the real one says when its answers may be others."""
        self.call("EmitSignal", "sssav", INTERFACE, "Changed", "", [])

    def set_allowed(self, *actions):
        """These and no others are allowed from now on."""
        self.call("SetAllowed", "as", actions)
        self.changed()

    def allow(self, *actions):
        """The same for actions of the service, by the last part of their ids."""
        self.set_allowed(*(f"{harness.BUS_NAME}.{action}" for action in actions))

    def hang_on(self, *actions):
        """Questions about these actions of the service stay without an answer from now on."""
        ids = [f"{harness.BUS_NAME}.{action}" for action in actions]
        self.call("SimulateHangActions", "as", ids)

    def allow_unknown(self, is_allowed):
        """Whether everything else is allowed."""
        self.call("AllowUnknown", "b", is_allowed)
        self.changed()

    def hang(self, is_hanging):
        """Whether questions stay without an answer from now on."""
        self.call("SimulateHang", "b", is_hanging)

    def release(self):
        """Answers those that were left hanging."""
        self.call("ReleaseHangingCalls")

    def close(self):
        self.kill()


def start_dbusmock_polkit(env):
    """A MockPolkit on the bus of `env`, by which nothing is allowed yet; close() it."""
    return MockPolkit(env)


# -- the real one ---------------------------------------------------------------------------------


class Polkitd(harness.Process):
    """The machine's own polkitd. It believes what this class says of sessions: logind's files, and
    the control group of a process, are what it goes by."""

    def __init__(self, env, actions, rules):
        self.env = env
        self.dir = env.dir / "polkit"
        self.n_sessions = 0
        for name in ("actions", "rules", "no-rules", "run/systemd/sessions", "run/systemd/users",
                     "run/systemd/seats", "run/systemd/machines", "cgroups"):
            (self.dir / name).mkdir(parents=True, exist_ok=True)
        (self.dir / "actions" / ACTIONS.name).write_text(actions, encoding="utf-8")
        for number, text in enumerate(rules):
            (self.dir / "rules" / f"{number:02}.rules").write_text(text, encoding="utf-8")
        # It runs as a user of its own.
        env.dir.chmod(0o711)
        super().__init__("polkitd", [*prefix(env), "sh", "-c", SCRIPT, "sh", self.dir, POLKITD],
                         env.environ(), env.dir / "polkitd.log", stdout=subprocess.DEVNULL)
        env.wait_for_name(NAME)

    def set_rules(self, text):
        """Has these rules (JavaScript) before all others from now on; returns when polkitd has read
        them."""
        connection = self.env.connect()
        changes = []
        connection.signal_subscribe(NAME, INTERFACE, "Changed", PATH, None,
                                    Gio.DBusSignalFlags.NONE, lambda *_: changes.append(True))
        connection.call_sync("org.freedesktop.DBus", "/", "org.freedesktop.DBus.Peer", "Ping",
                             None, None, Gio.DBusCallFlags.NONE, -1, None)
        draft = self.dir / "rules" / "draft"
        draft.write_text(text, encoding="utf-8")
        draft.rename(self.dir / "rules" / "00-set.rules")
        harness.wait_until(lambda: changes, "that polkitd read its rules anew")
        connection.close_sync(None)

    def put_in_session(self, pid, uid, is_active=True, session=None):
        """The process is in a session of the user's at the machine's own screen from now on, in
        front or not (polkit goes by whether any of a user's is in front); in a new one, or in
        `session`. Returns the session's id."""
        state = "active" if is_active else "online"
        if session is None:
            self.n_sessions += 1
            session = f"t{self.n_sessions}"
        (self.dir / "run/systemd/sessions" / session).write_text(
            f"UID={uid}\nUSER={uid}\nACTIVE={int(is_active)}\nSTATE={state}\nREMOTE=0\n"
            "TYPE=wayland\nCLASS=user\nSEAT=seat0\n")
        (self.dir / "run/systemd/users" / str(uid)).write_text(
            f"NAME={uid}\nSTATE={state}\nDISPLAY={session}\nSESSIONS={session}\n"
            f"ACTIVE_SESSIONS={session if is_active else ''}\nONLINE_SESSIONS={session}\n")
        group = f"/user.slice/user-{uid}.slice/session-{session}.scope"
        control = self.dir / "cgroups" / session
        control.write_text(f"1:name=systemd:{group}\n0::{group}\n")
        out = subprocess.run(
            ["nsenter", f"--mount=/proc/{self.pid}/ns/mnt", "mount", "--bind", control,
             f"/proc/{pid}/cgroup"], capture_output=True, text=True, check=False)
        if out.returncode != 0:
            pytest.skip(f"sessions cannot be shown to polkitd: {out.stderr.strip()}")
        return session

    def close(self):
        self.kill()


def need_polkitd():
    """Skips the test where the real polkitd cannot run."""
    accounts.need()
    if not os.path.exists(POLKITD):
        pytest.skip(f"{POLKITD} is not installed")


def start_real_polkitd(env, actions=None, rules=()):
    """A Polkitd on the bus of `env`, which prefix() must stand before; close() it. `actions`: text of
    the actions file (ours); `rules`: texts of JavaScript rules files."""
    return Polkitd(env, ACTIONS.read_text(encoding="utf-8") if actions is None else actions, rules)


# -- the person -----------------------------------------------------------------------------------


AGENT_PATH = "/org/example/Dialog"
AGENT_INTERFACE = NAME + ".AuthenticationAgent"
AGENT_XML = f"""<node><interface name="{AGENT_INTERFACE}">
  <method name="BeginAuthentication">
    <arg type="s" name="action" direction="in"/><arg type="s" name="message" direction="in"/>
    <arg type="s" name="icon" direction="in"/><arg type="a{{ss}}" name="details" direction="in"/>
    <arg type="s" name="cookie" direction="in"/><arg type="a(sa{{sv}})" name="who" direction="in"/>
  </method>
  <method name="CancelAuthentication"><arg type="s" name="cookie" direction="in"/></method>
</interface></node>"""


class Dialog:
    """The authentication agent of a session (what shows the password dialog), in the test's own
    process, which must be root: it answers for the helper that has checked the password, too."""

    def __init__(self, env, polkitd, uid):
        self.open = {}  # cookie to (action, message, invocation)
        self.cancelled = []
        self.session = polkitd.put_in_session(os.getpid(), uid)
        self.uid = uid
        self.connection = env.connect()
        self.connection.register_object(
            AGENT_PATH, Gio.DBusNodeInfo.new_for_xml(AGENT_XML).interfaces[0], self.on_call,
            None, None)
        subject = ("unix-session", {"session-id": GLib.Variant("s", self.session)})
        self.call("RegisterAuthenticationAgent",
                  GLib.Variant("((sa{sv})ss)", (subject, "de_DE.UTF-8", AGENT_PATH)))

    def call(self, method, arguments):
        self.connection.call_sync(NAME, PATH, INTERFACE, method, arguments, None,
                                  Gio.DBusCallFlags.NONE, DEADLINE * 1000, None)

    def on_call(self, _connection, _sender, _path, _interface, method, arguments, invocation):
        if method == "BeginAuthentication":
            action, message, _, _, cookie, _ = arguments.unpack()
            self.open[cookie] = (action, message, invocation)
        else:
            (cookie,) = arguments.unpack()
            self.cancelled.append(self.open.pop(cookie)[0])
            invocation.return_value(None)

    def wait_for_one(self):
        """Waits until a dialog is open; returns its cookie, action and message."""
        harness.wait_until(lambda: self.open, "a dialog")
        ((cookie, (action, message, _)),) = self.open.items()
        return cookie, action, message

    def wait_for_cancel(self):
        """Waits until a dialog was closed again; returns its action."""
        harness.wait_until(lambda: self.cancelled, "the end of a dialog")
        return self.cancelled.pop()

    def answer(self, is_right, uid=None):
        """Somebody enters the right password, or gives up; the person, or `uid` where it takes an
        administrator (0 is one)."""
        cookie, _, _ = self.wait_for_one()
        if is_right:
            identity = ("unix-user", {"uid": GLib.Variant("u", self.uid if uid is None else uid)})
            self.call("AuthenticationAgentResponse2",
                      GLib.Variant("(us(sa{sv}))", (os.getuid(), cookie, identity)))
        self.open.pop(cookie)[2].return_value(None)
        self.connection.flush_sync(None)

    def close(self):
        self.connection.close_sync(None)


def copy_program(env, program):
    """A program of the build where every user can run it."""
    target = pathlib.Path(env.dir / program.name)
    shutil.copy(program, target)
    target.chmod(0o755)
    env.dir.chmod(0o711)
    return target
