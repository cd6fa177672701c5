# SPDX-License-Identifier: MIT
"""What an organisation does to the device in a test: its settings, its first sync, its sessions."""

import time

import harness
import treeclient
from fake_broker import FakeBroker
from gi.repository import GLib

URI = "./Device/Vendor/MSFT/DMClient"
USER_URI = "./User/Vendor/MSFT/DMClient"
ADDRESS = "https://mdm.contoso.example/dm"
POLICIES = ("./Vendor/MSFT/Policy/Config/Camera/AllowCamera", "./Vendor/MSFT/Policy/Config/Lock")
WIFI = "./Vendor/MSFT/WiFi/Profile/Office"


class Office:
    """The organisation Contoso; others with `name`."""

    def __init__(self, env, name="Contoso"):
        self.env = env
        self.name = name
        self.client = treeclient.TreeClient(env.socket)
        self.broker = FakeBroker(env)
        self.providers = []
        self.enrol(name)

    def run(self, verb, uri, data=None, **context):
        status, = self.client.status(treeclient.command(verb, uri, data), **context)
        assert status == 200, f"{verb} {uri}: {status}"

    def enrol(self, name):
        self.providers.append(name)
        self.run("Add", f"{URI}/Provider/{name}")
        self.set("ManagementServiceAddress", ADDRESS, name=name)

    def add(self, path, name=None):
        self.run("Add", f"{URI}/Provider/{name or self.name}/{path}")

    def set(self, path, data, name=None):
        self.run("Replace", f"{URI}/Provider/{name or self.name}/{path}", data)

    def set_contacts(self, phone="+49 30 1234567", website="https://help.contoso.example/start",
                     mail="help@contoso.example"):
        self.set("HelpPhoneNumber", phone)
        self.set("HelpWebsite", website)
        self.set("HelpEmailAddress", mail)

    def set_person(self):
        self.set("UPN", "jo@contoso.example")
        self.set("EntDeviceName", "LAPTOP-0815")

    def set_page(self, title="Welcome to Contoso", body="Your device is ready.\n\nHave a good start!",
                 href="https://intranet.contoso.example/new", text="First steps"):
        self.add("CustomEnrollmentCompletePage")
        self.set("CustomEnrollmentCompletePage/Title", title)
        self.set("CustomEnrollmentCompletePage/BodyText", body)
        self.set("CustomEnrollmentCompletePage/HyperlinkHref", href)
        self.set("CustomEnrollmentCompletePage/HyperlinkText", text)

    # -- sessions ---------------------------------------------------------------------------------

    def session(self, begin=True, **fields):
        """A session from beginning to end."""
        if begin:
            self.broker.begin(self.name, "schedule")
        report = {"state": "idle", "ended": True, "address": ADDRESS,
                  "certificate_expires": int((time.time() + 100 * 86400) * 1e6), **fields}
        self.broker.report(self.name, **report)

    # -- first sync -------------------------------------------------------------------------------

    def begin_first_sync(self, block=0, show=True, logs=False, text=""):
        """The server expects two policies and a network."""
        for path, data in (("ExpectedPolicies", "\uf000".join(POLICIES)),
                           ("ExpectedNetworkProfiles", WIFI), ("BlockInStatusPage", str(block)),
                           ("AllowCollectLogsButton", str(logs).lower()), ("CustomErrorText", text),
                           ("SkipDeviceStatusPage", str(not show).lower())):
            self.set(f"FirstSyncStatus/{path}", data)
        self.broker.begin(self.name, "enrolment")
        self.session(begin=False)

    def add_user(self, uid):
        """The user's part, with a certificate that is expected."""
        below = f"{USER_URI}/Provider/{self.name}"
        commands = [("Add", below, None), ("Add", f"{below}/FirstSyncStatus", None),
                    ("Replace", f"{below}/FirstSyncStatus/ExpectedSCEPCerts", "./User/Vendor/MSFT/C")]
        statuses = self.client.status(*[treeclient.command(*entry) for entry in commands],
                                      provider=self.name, uid=uid)
        assert set(statuses) == {200}

    def outcome(self, uri, status=200, reason=""):
        self.client.call("ReportOutcome", GLib.Variant("(sxsus)", (self.name, -1, uri, status, reason)))

    def fail(self):
        self.set("FirstSyncStatus/WasDeviceSuccessfullyProvisioned", "0")

    def finish(self):
        self.set("FirstSyncStatus/WasDeviceSuccessfullyProvisioned", "1")
        self.set("FirstSyncStatus/IsSyncDone", "true")

    def close(self):
        for name in self.providers:
            self.client.apply(treeclient.command("Delete", f"{URI}/Provider/{name}"))
        self.broker.close()
        self.client.close()
        harness.wait_until(lambda: not GLib.MainContext.default().pending(), "quiet")
