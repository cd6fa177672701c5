# SPDX-License-Identifier: MIT
"""The contract on the bus as facts, and whether another document keeps them: within `1` the
interface only grows (design section 5)."""

import subprocess
import xml.etree.ElementTree as xml

import harness

SCHEMA = harness.BUILD / "plugin" / "dmclient-bus-schema"
COMMITTED = harness.ROOT / "dbus" / "org.dmclient.DMClient1.xml"

EMITS = "org.freedesktop.DBus.Property.EmitsChangedSignal"
NO_REPLY = "org.freedesktop.DBus.Method.NoReply"
DOC = "org.gtk.GDBus.DocString"


def generated():
    """What the tables of the plug-in say."""
    return subprocess.run([SCHEMA, "--xml"], capture_output=True, check=True,
                          encoding="utf-8").stdout


def annotations(element):
    """All but the docs, which may be put better."""
    return {a.get("name"): a.get("value") for a in element.findall("annotation")
            if a.get("name") != DOC}


def arguments(member):
    default = "out" if member.tag == "signal" else "in"
    return ", ".join(f"{a.get('direction', default)} {a.get('type')} {a.get('name')}"
                     for a in member.findall("arg"))


def facts_of(interface):
    """What one <interface> promises: a key for each promise, and what it is."""
    name = interface.get("name")
    facts = {f"interface {name}": ""}
    inherited = annotations(interface)
    for member in interface:
        if member.tag == "annotation":
            continue
        key = f"{member.tag} {name}.{member.get('name')}"
        assert key not in facts, f"{key} is there twice"
        # What holds where nothing is said.
        notes = {"property": {EMITS: inherited.get(EMITS, "true")},
                 "method": {NO_REPLY: "false"}}.get(member.tag, {}) | annotations(member)
        facts[key] = arguments(member) if member.tag != "property" else \
            f"{member.get('type')} {member.get('access')}"
        facts |= {f"{key} {note}": value for note, value in notes.items()}
    return facts | {f"interface {name} {note}": value for note, value in inherited.items()}


def facts_in(text):
    """The same of all interfaces of a document."""
    facts = {}
    for interface in xml.fromstring(text).iter("interface"):
        more = facts_of(interface)
        assert not facts.keys() & more.keys(), f"{interface.get('name')} is there twice"
        facts |= more
    return facts


def broken(promised, kept):
    """What `promised` has and `kept` has not, or otherwise; both are facts."""
    return [f"{key}: was “{value}”, is " + (f"“{kept[key]}”" if key in kept else "not there")
            for key, value in promised.items() if kept.get(key) != value]
