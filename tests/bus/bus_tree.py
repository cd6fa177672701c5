# SPDX-License-Identifier: MIT
"""Writes a tree through the command line, and knows what the bus must show of it: from the tests'
own table of nodes, not from the program's."""

import csv
import itertools
import pathlib
import subprocess
from xml.sax.saxutils import escape

import harness
import treeclient

NODES = pathlib.Path(__file__).resolve().parents[1] / "data" / "nodes.csv"
URI = "./Device/Vendor/MSFT/DMClient"
USER_URI = "./User/Vendor/MSFT/DMClient"

# What the bus shows of each node: column path to (object below the provider, property).
with open(NODES, newline="", encoding="utf-8") as stream:
    ROWS = {row["path"]: row for row in csv.DictReader(stream)}
OBJECTS = ["", "Poll", "Push", "CustomEnrollmentCompletePage", "FirstSyncStatus",
           "EnhancedAppLayerSecurity"]
PROVIDER = "Provider/{ProviderID}"

LIST = "./Vendor/MSFT/WiFi/Profile/A \uf000\"./Vendor/MSFT/B;3\"\uf000 ./C"
LIST_SHOWN = ["./Vendor/MSFT/WiFi/Profile/A", "./Vendor/MSFT/B;3", "./C"]
ADDRESSES = "<https://a.example.test/dm><https://b.example.test/dm>"
ADDRESSES_SHOWN = ["https://a.example.test/dm", "https://b.example.test/dm"]

# Values for rows that do not take just any text, number or truth: as sent, as shown.
SPECIAL = {
    "SyncApplicationVersion": ("2.0", "2.0"),
    "EnrollmentType": ("Full", "Full"),
    "ManagementServiceAddress": (ADDRESSES, ADDRESSES_SHOWN),
    "ManagementServerAddressList": (ADDRESSES, ADDRESSES_SHOWN),
    "ManagementServerToUpgradeTo": ("https://new.example.test/", "https://new.example.test/"),
    "NumberOfDaysAfterLostContactToUnenroll": ("36500", 36500),
    "Poll/IntervalForFirstSetOfRetries": ("30", 30),
    "Poll/NumberOfFirstRetries": ("5", 5),
    "Poll/IntervalForSecondSetOfRetries": ("60", 60),
    "Poll/NumberOfSecondRetries": ("2147483647", 2147483647),
    "Poll/IntervalForRemainingScheduledRetries": ("1440", 1440),
    "Poll/NumberOfRemainingScheduledRetries": ("0", 0),
    "Push/Status": ("0", 0),
    "FirstSyncStatus/WasDeviceSuccessfullyProvisioned": ("1", 1),
    "FirstSyncStatus/SkipDeviceStatusPage": ("false", False),
    "FirstSyncStatus/SkipUserStatusPage": ("false", False),
    "EnhancedAppLayerSecurity/UseCertIfRevocationCheckOffline": ("false", False),
}

# Nobody writes these: they are what they are.
FIXED = {"HWDevID", "MaxSyncApplicationVersion"}


def leaves():
    """(path below the provider, row) of each leaf below a provider that the bus shows."""
    for path, row in ROWS.items():
        if path.startswith(PROVIDER + "/") and row["dbus"] not in ("object", "-"):
            yield path[len(PROVIDER) + 1:], row


def place(path):
    """The object below the provider and the property of a leaf."""
    parent, _, name = path.rpartition("/")
    return parent, name


def interface_of(parent):
    return f"{harness.BUS_NAME}.{parent or 'Provider'}"


def sample(path, row):
    """A value for the row, as sent and as shown."""
    if path in SPECIAL:
        return SPECIAL[path]
    if row["dbus"] == "as":
        return LIST, LIST_SHOWN
    if row["dbus"] == "b":
        return "true", True
    if row["dbus"] == "i":
        return "3", 3
    text = f"Grüße aus {path.rpartition('/')[2]} & <b> \"Köln\""
    return text, text


def default(row):
    """What the bus shows while the leaf is unset; None: nothing."""
    if row["default"] == "":
        return None
    if row["dbus"] == "as":
        return []
    if row["dbus"] == "b":
        return row["default"] == "true"
    if row["dbus"] == "i":
        return int(row["default"])
    return "" if row["default"] == "empty" else row["default"]


def certificate():
    """A certificate as base64 of its DER form."""
    der = subprocess.run(
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout /dev/null"
        " -subj /CN=test -outform DER".split(), capture_output=True, check=True).stdout
    return subprocess.run(["openssl", "base64", "-A"], input=der, capture_output=True,
                          check=True).stdout.decode()


def commands_to_fill(provider):
    """(verb, LocURI, data) for each leaf that can be set, and path to value as the bus shows it."""
    shown = {}
    commands = []
    for path, row in leaves():
        if path in FIXED:
            continue
        data, shown[path] = sample(path, row)
        if "certificate" in row["allowed"]:
            data = shown[path] = certificate()
        commands.append(("Replace", f"{URI}/Provider/{provider}/{path}", data))
    # F3, F4: said last, because nothing can be expected any more then.
    last = ("WasDeviceSuccessfullyProvisioned", "ServerHasFinishedProvisioning", "IsSyncDone")
    commands.sort(key=lambda c: c[1].endswith(last))
    return commands, shown


def commands_to_add(provider):
    return [("Add", f"{URI}/Provider/{provider}{below}", None)
            for below in ("", "/Poll", "/Push", "/CustomEnrollmentCompletePage")]


def fill_many(env, n):
    """Providers P0, P1, … with everything set, as fast as it goes: over the tree socket."""
    client = treeclient.TreeClient(env.socket)
    filling = commands_to_add("{}") + commands_to_fill("{}")[0]
    for i in range(n):
        statuses = client.status(*[treeclient.command(verb, uri.format(f"P{i}"), data)
                                   for verb, uri, data in filling])
        assert set(statuses) == {200}
    client.close()


class Tree:
    """The tree of a running service, as local root writes it."""

    def __init__(self, env):
        self.env = env
        self.numbers = itertools.count(1)

    def apply(self, *commands, server=None, user=None):
        """Runs (verb, LocURI, data or None) as one message; all must succeed."""
        body = "".join(
            f"<{verb}><CmdID>{i}</CmdID><Item><Target><LocURI>{escape(uri)}</LocURI></Target>"
            + (f"<Data>{escape(data)}</Data>" if data is not None else "")
            + f"</Item></{verb}>"
            for i, (verb, uri, data) in enumerate(commands, 1)
        )
        options = ["--server", server] if server else []
        options += ["--user", str(user)] if user is not None else []
        path = self.env.dir / f"apply-{next(self.numbers)}.xml"
        path.write_text(body, encoding="utf-8")
        answer = self.env.ctl("apply", *options, path)
        assert answer.returncode == 0, answer.stdout + answer.stderr
        return answer.stdout

    def add_provider(self, provider="X"):
        """A provider with all its objects, their leaves unset."""
        self.apply(*commands_to_add(provider))

    def add_user(self, uid, provider="X"):
        """The user's tree of a provider, with its first sync."""
        self.apply(("Add", f"{USER_URI}/Provider/{provider}", None),
                   ("Add", f"{USER_URI}/Provider/{provider}/FirstSyncStatus", None),
                   server=provider, user=uid)

    def set_leaf(self, path, data, provider="X"):
        self.apply(("Replace", f"{URI}/Provider/{provider}/{path}", data))

    def fill(self, provider="X"):
        """Sets every leaf that can be set; returns what the bus must show: path to value."""
        commands, shown = commands_to_fill(provider)
        self.apply(*commands)
        return shown
