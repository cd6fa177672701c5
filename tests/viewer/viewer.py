# SPDX-License-Identifier: MIT
"""dmclient-viewer on a screen of the tests' own, seen and used as by a screen reader: through AT-SPI, spoken on its bus.

    viewer = Viewer(env, screen.get())
    viewer.wait_for_text("Contoso")
    viewer.press("Sync Now")
"""

import harness
from gi.repository import Gio, GLib

PROGRAM = harness.BUILD / "desktop" / "dmclient-viewer"

# Names of AT-SPI, and numbers of its roles and states.
A11Y = "org.a11y.atspi."
REGISTRY = A11Y + "Registry"
ROOT = "/org/a11y/atspi/accessible/root"
KEYBOARD = "/org/a11y/atspi/registry/deviceeventcontroller"
ALERT, LABEL, ROW, BUTTON, STATUS, HEADING = 2, 29, 32, 43, 54, 83
WORDS = (LABEL, STATUS, HEADING)
SENSITIVE = 24
IN_WINDOW = 1
ESCAPE, RETURN, TAB = 0xff1b, 0xff0d, 0xff09
SYMBOL = 3

MAX_TABS = 60
READ_AGAIN = 5
CALL_MS = 10000
# How often a picture must be the same to be finished.
STILL = 5
# What is around a window where nothing else draws it.
FRAME = 5


class Node:
    """One thing on the screen, as it was when it was read."""

    def __init__(self, viewer, item):
        _, self.path = item[0]
        self.viewer = viewer
        self.name, self.role, self.description = item[6:9]
        self.states = item[9][0] | item[9][1] << 32
        self.children = []

    def has(self, state):
        return bool(self.states >> state & 1)

    def call(self, interface, method, arguments=None):
        return self.viewer.call(self.path, interface, method, arguments)

    def extents(self):
        """x, y, width, height in the window."""
        return self.call("Component", "GetExtents", GLib.Variant("(u)", (IN_WINDOW,)))[0]

    def walk(self):
        yield self
        for child in self.children:
            yield from child.walk()

    def texts(self):
        """All words in it, in order, each once."""
        return list(dict.fromkeys(node.name for node in self.walk() if node.role in WORDS and node.name))


class Viewer(harness.Process):
    def __init__(self, env, screen, *arguments, state=None, resources="", wait=True, command=(PROGRAM,),
                 options=None, **more):
        """`state`: text of its key file; `resources`: of the X server; `command`: what starts it;
        `options`: of its Process; `more`: variables."""
        self.env = env
        self.screen = screen
        self.home = env.dir / "home"
        for name in ("config/gtk-4.0", "state/dmclient-viewer", "data", "cache", "run"):
            (self.home / name).mkdir(parents=True, exist_ok=True)
        if state is not None:
            (self.home / "state/dmclient-viewer/state").write_text(state)
        (self.home / ".Xdefaults").write_text(resources)
        (self.home / "config/gtk-4.0/settings.ini").write_text(
            "[Settings]\ngtk-enable-animations=false\ngtk-font-name=Cantarell 11\n")
        variables = dict(
            screen.env, HOME=self.home, XDG_CONFIG_HOME=self.home / "config",
            XDG_STATE_HOME=self.home / "state", XDG_DATA_HOME=self.home / "data",
            XDG_CACHE_HOME=self.home / "cache", XDG_RUNTIME_DIR=self.home / "run",
            GDK_BACKEND="x11", GSK_RENDERER="cairo", GTK_A11Y="atspi", GTK_USE_PORTAL="0",
            ADW_DISABLE_PORTAL="1", GSETTINGS_BACKEND="memory", G_DEBUG="fatal-warnings",
            DMCLIENT_LOCALE_DIR=harness.BUILD / "po", LANGUAGE="en", TZ="Europe/Berlin",
            # What GTK and its libraries keep until the end is not ours.
            **harness.without_leaks())
        variables.update(more)
        self.bus = screen.connect()
        self.owner = None  # its name on the bus for screen readers
        self.words = set()  # paths of those that have no children
        self.focused = []  # paths of what got the keyboard's focus
        self.bus.signal_subscribe(None, A11Y + "Event.Object", "StateChanged", None, "focused",
                                  Gio.DBusSignalFlags.NONE, self._on_focus)
        super().__init__("dmclient-viewer", [*command, *arguments], env.environ(**variables),
                         env._log("viewer"), **(options or {}))
        if wait:
            self.wait_for(self.texts, "words in the window")

    def _on_focus(self, _bus, sender, path, _interface, _signal, arguments):
        if sender == self.owner and arguments.unpack()[1]:
            self.focused.append(path)

    def call(self, path, interface, method, arguments=None, owner=None):
        return self.bus.call_sync(
            owner or self.owner, path, interface if "." in interface else A11Y + interface, method,
            arguments, None, Gio.DBusCallFlags.NONE, CALL_MS, None).unpack()

    # -- reading ----------------------------------------------------------------------------------

    def wait_for(self, condition, what):
        """Waits until condition(); its end fails it. Nothing tells that a screen reader would read
        something else now but looking again."""
        def look():
            if not self.is_running():
                raise harness.Failure(f"dmclient-viewer ended before {what}:\n{self.output()}")
            return condition()
        harness.look_until(look, what)

    def find_owner(self):
        """Its name on the bus for screen readers, as soon as it has told the registry."""
        known, = self.call(ROOT, "Accessible", "GetChildren", owner=REGISTRY)
        for owner, _ in known:
            try:
                pid, = self.call("/", "org.freedesktop.DBus", "GetConnectionUnixProcessID",
                                 GLib.Variant("(s)", (owner,)), owner="org.freedesktop.DBus")
            except GLib.Error:
                continue  # somebody who has gone
            if pid == self.pid:
                return owner
        return None

    def read(self):
        """All that there is in its windows, as a tree; GLib.Error if something went away while it was
        read. Who is whose child has to be asked of each, level by level; the rest comes at one go."""
        children = {}
        level = [ROOT]
        while level:
            asked = [path for path in level if path not in self.words]
            children.update(self.ask_for_children(asked))
            level = [child for path in asked for child in children[path]]
        items, = self.call("/org/a11y/atspi/cache", "Cache", "GetItems")
        nodes = {item[0][1]: Node(self, item) for item in items}
        self.words.update(path for path, node in nodes.items() if node.role in WORDS)
        for path, below in children.items():
            nodes[path].children = [nodes[child] for child in below]
        return nodes[ROOT]

    def ask_for_children(self, paths):
        """Path to paths; all are asked at once."""
        answers = {}
        for path in paths:
            self.bus.call(self.owner, path, A11Y + "Accessible", "GetChildren", None, None,
                          Gio.DBusCallFlags.NONE, CALL_MS, None,
                          lambda bus, result, path: answers.update({path: result}), path)
        harness.wait_until(lambda: len(answers) == len(paths), "answers about children")
        return {path: [child for _, child in self.bus.call_finish(result).unpack()[0]]
                for path, result in answers.items()}

    def try_read(self):
        """The same; None if it cannot be read yet."""
        for _ in range(READ_AGAIN):
            try:
                self.owner = self.owner or self.find_owner()
                return self.read() if self.owner else None
            except (GLib.Error, KeyError):
                continue  # something came or went meanwhile
        return None

    def texts(self):
        """All words, in order, each once."""
        node = self.try_read()
        return node.texts() if node else []

    def rows(self):
        """The rows by their first words: title to what stands below it."""
        node = self.try_read()
        rows = [n.texts() for n in (node.walk() if node else ()) if n.role == ROW]
        return {row[0]: row[1:] for row in rows if row}

    def buttons(self):
        """Names of the buttons of the page, in order; without those of the window's frame."""
        node = self.try_read()
        frame = ("Minimize", "Maximize", "Restore", "Close", "Main Menu", "Back", "")
        names = [n.name for n in (node.walk() if node else ()) if n.role == BUTTON]
        return [name for name in names if name not in frame and not name.startswith("Gtk")]

    def wait_for_text(self, *texts):
        """Waits until all of these stand somewhere, each as one whole text."""
        seen = []

        def is_there():
            seen[:] = self.texts()
            return set(texts) <= set(seen)

        try:
            self.wait_for(is_there, f"{texts} on the screen")
        except harness.Failure as failure:
            raise harness.Failure(f"{failure}; it has {seen}") from None

    def wait_for_row(self, title, *below):
        self.wait_for(lambda: self.rows().get(title) == list(below),
                      f"the row {title}: {below}; it was {self.rows()}")

    def wait_until_gone(self, text):
        self.wait_for(lambda: text not in self.texts(), f"that {text!r} is gone")

    def is_laid_out(self, name):
        """Whether the button is there and has a place: before that it cannot be pressed."""
        button = self.find(name, BUTTON)
        try:
            return button is not None and button.extents()[2] > 0
        except GLib.Error:
            return False

    # -- using ------------------------------------------------------------------------------------

    def find(self, name, *roles):
        """The first with this name and one of the roles, or None."""
        node = self.try_read()
        for found in node.walk() if node else ():
            if found.role in roles and (found.name == name or name in found.texts()[:1]):
                return found
        return None

    def wait_for_find(self, name, *roles):
        found = []
        self.wait_for(lambda: found.append(self.find(name, *roles)) or found[-1], f"a {roles} {name}")
        return found[-1]

    def press(self, name):
        """Presses a button, by the action that screen readers have for it."""
        self.wait_for(lambda: self.is_laid_out(name), f"a button {name}")
        button = self.find(name, BUTTON)
        assert button.has(SENSITIVE), f"{name} cannot be pressed"
        button.call("Action", "DoAction", GLib.Variant("(i)", (0,)))

    def tab_to(self, name, key=TAB):
        """Goes with the keyboard, from what has the focus, until `name` has it; returns the names on
        the way."""
        way = []
        while name not in way[-1:]:
            before = len(self.focused)
            self.key(key)
            self.wait_for(lambda: len(self.focused) > before, f"a focus after {way}")
            nodes = {node.path: node.name for node in self.read().walk()}
            way.append(nodes.get(self.focused[-1]))
            assert len(way) < MAX_TABS, f"{name} is not among {way}"
        return way

    def open_row(self, title):
        """Goes to a row with the keyboard, and presses Return on it."""
        self.tab_to(title)
        self.key(RETURN)

    def key(self, symbol):
        """A key of the keyboard, pressed and released."""
        self.call(KEYBOARD, "DeviceEventController", "GenerateKeyboardEvent",
                  GLib.Variant("(isu)", (symbol, "", SYMBOL)), owner=REGISTRY)

    def find_window(self):
        return self.try_read().children[0]

    def act(self, name):
        """Does an action of the window that screen readers find there."""
        window = self.find_window()
        names = [action for action, _, _ in window.call("Action", "GetActions")[0]]
        window.call("Action", "DoAction", GLib.Variant("(i)", (names.index(name),)))

    # -- seeing -----------------------------------------------------------------------------------

    def wait_for_picture(self):
        """Rows of pixels of the window, as soon as they stay the same."""
        width, height = self.size()
        seen = []

        def is_still():
            seen.append(self.screen.read_pixels(FRAME, FRAME, width, height))
            return len(seen) > STILL and all(rows == seen[-1] for rows in seen[-STILL:])

        self.wait_for(is_still, "a picture that stays")
        return seen[-1]

    def size(self):
        return self.find_window().extents()[2:]

    def close(self):
        """Ends it as the user does, which it must do well."""
        try:
            self.act("window.close")
        except GLib.Error as error:
            # It may be gone before it answers; whether it ended well is said by its code.
            if not error.matches(Gio.dbus_error_quark(), Gio.DBusError.NO_REPLY):
                raise
        assert self.wait() == 0, self.output()
        self.bus.close_sync(None)
