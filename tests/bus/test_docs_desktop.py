# SPDX-License-Identifier: MIT
"""The page for desktop programmers: its examples do what they say, and it names what there is."""

import os
import re
import subprocess

import contract
import harness
import pytest
from bus_clients import path_of
from test_docs_examples import ADDRESS, PHONE, Example

DOCUMENT = harness.ROOT / "docs" / "desktop.md"


@pytest.fixture(params=["c", "py"])
def language(request):
    return request.param


@pytest.fixture
def enrolled(tree):
    tree.add_provider()
    tree.set_leaf("ManagementServiceAddress", ADDRESS)
    tree.set_leaf("HelpPhoneNumber", PHONE)
    return tree


def test_the_committed_copy_is_current():
    """DM_UPDATE_GOLDEN=1 writes it."""
    text = subprocess.run([contract.SCHEMA, "--markdown", f"{DOCUMENT}.in"], capture_output=True,
                          check=True, encoding="utf-8").stdout
    if os.environ.get("DM_UPDATE_GOLDEN"):
        DOCUMENT.write_text(text, encoding="utf-8")
    assert text == DOCUMENT.read_text(encoding="utf-8")


def test_what_it_names_is_on_the_bus():
    """Interface.Member and the names of properties, held against the introspection document."""
    interfaces = contract.generated()
    text = DOCUMENT.read_text(encoding="utf-8").split("## A panel")[0]
    members = set(re.findall(r'(?:property|method|signal) name="(\w+)"', interfaces))
    for interface, member in re.findall(r"`(Manager|Session|Progress|FirstSyncStatus)\.(\w+)`", text):
        assert f'<interface name="{harness.BUS_NAME}.{interface}">' in interfaces
        assert member in members, member
    for name in ("ProviderID", "Categories", "Deadline", "CustomErrorText", "SkipDeviceStatusPage",
                 "SkipUserStatusPage", "BlockInStatusPage", "AllowCollectLogsButton", "LastSuccess",
                 "LastErrorMessage", "CertificateExpires"):
        assert f"`{name}`" in text and name in members, name


def test_panel(env, enrolled, broker, language):
    """Shown as it changes, and again after the service was away."""
    example = Example(env, "panel", language)
    example.read_until(lambda output: f"X: session idle, first sync none, help desk {PHONE}" in output)
    enrolled.set_leaf("HelpPhoneNumber", "112")
    example.read_until(lambda output: "help desk 112" in output)
    broker.begin()
    example.read_until(lambda output: "first sync running" in output)
    broker.close()
    env.agent.stop()
    example.read_until(lambda output: "the service is not running" in output)
    env.start_agent()
    example.read_until(lambda output: "help desk 112" in output.split("is not running\n")[-1])
    example.stop()


def test_panel_without_a_service(env, bus, language):
    example = Example(env, "panel", language)
    example.read_until(lambda output: "the service is not running" in output)
    example.stop()


def test_page(env, enrolled, language):
    assert Example(env, "page", language, path_of("X")).wait() == "there is no page\n"
    page = "CustomEnrollmentCompletePage/"
    for name, value in (("Title", "Welcome <b>"), ("BodyText", "Your device\nis ready."),
                        ("HyperlinkText", "First steps"),
                        ("HyperlinkHref", "https://www.example.test/start")):
        enrolled.set_leaf(page + name, value)
    assert Example(env, "page", language, path_of("X")).wait() == (
        "Welcome <b>\n\nYour device\nis ready.\n\nFirst steps (www.example.test)\n")
    for href in ("javascript:alert(1)", "http://example.test/", "https://user@example.test/", "x"):
        enrolled.set_leaf(page + "HyperlinkHref", href)
        assert "First steps" not in Example(env, "page", language, path_of("X")).wait()


def test_disconnect(env, enrolled, broker, language):
    assert "being disconnected" in Example(env, "disconnect", language, path_of("X")).wait()
    assert broker.wait_for_signal("SyncRequested")[2] == "unenroll"


def test_disconnect_of_nothing(env, enrolled, language):
    output = Example(env, "disconnect", language, path_of("Y")).wait(expect=1)
    assert "GDBus.Error" not in output and len(output) > 5
