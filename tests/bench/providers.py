# SPDX-License-Identifier: MIT
"""What the trees of the benchmarks hold: providers P0, P1, … with every leaf that can be set, set."""

import csv
from pathlib import Path

NODES = Path(__file__).resolve().parents[1] / "data/nodes.csv"
PHONE = "+49 30 1234567"
VALUES = {"int": "1", "bool": "false"}
SPECIAL = {"HelpPhoneNumber": PHONE, "SyncApplicationVersion": "2.0",
           "ManagementServiceAddress": "https://mdm.example.test/dm",
           "ManagementServerAddressList": "https://mdm.example.test/dm",
           "ManagementServerToUpgradeTo": "https://mdm.example.test/next",
           # A schedule that the agent has no reason to warn of (P8).
           "IntervalForFirstSetOfRetries": "15", "NumberOfFirstRetries": "8",
           "IntervalForSecondSetOfRetries": "60", "NumberOfSecondRetries": "30",
           "IntervalForRemainingScheduledRetries": "1440",
           "NumberOfRemainingScheduledRetries": "0"}
# They end the first sync, which is over then.
LATCHES = ("IsSyncDone", "ServerHasFinishedProvisioning", "WasDeviceSuccessfullyProvisioned")


def leaves():
    """LocURI below the provider and a value, for every leaf of the table that a server may set."""
    with open(NODES, newline="") as file:
        for row in csv.DictReader(file):
            path = row["path"].removeprefix("Provider/{ProviderID}/")
            name = path.split("/")[-1]
            if path == row["path"] or "Replace" not in row["server_ops"] or name.startswith("Cert"):
                continue
            if name not in LATCHES:
                yield path, SPECIAL.get(name) or VALUES.get(row["format"], f"text of {name}")


def fill(numbers):
    """The SyncBody that makes the providers of these numbers."""
    commands = []

    def add(verb, uri, data=None):
        text = "" if data is None else f"<Data>{data}</Data>"
        commands.append(f"<{verb}><CmdID>{len(commands) + 1}</CmdID><Item><Target><LocURI>{uri}</LocURI>"
                        f"</Target>{text}</Item></{verb}>")

    for number in numbers:
        provider = f"./Device/Vendor/MSFT/DMClient/Provider/P{number}"
        add("Add", provider)
        for folder in ("Poll", "Push", "CustomEnrollmentCompletePage"):
            add("Add", f"{provider}/{folder}")
        for path, value in leaves():
            add("Replace", f"{provider}/{path}", value)
    return "<SyncBody>" + "".join(commands) + "</SyncBody>"
