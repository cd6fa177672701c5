# SPDX-License-Identifier: MIT
"""Translations: each language has every text, and the programs speak them."""

import os
import pathlib
import re
import shutil
import subprocess

import harness
import pytest

PO = harness.ROOT / "po"
CATALOGUES = harness.BUILD / "po"

pytestmark = pytest.mark.skipif(shutil.which("msgfmt") is None, reason="needs package gettext")


def languages():
    return [line for line in (PO / "LINGUAS").read_text().splitlines() if not line.startswith("#")]


def test_german_and_arabic_are_there():
    assert {"ar", "de"} <= set(languages())


def test_every_text_is_translated():
    """Held against the sources, not against what the catalogues happen to list."""
    result = subprocess.run([harness.ROOT / "tools" / "po", "--check"], capture_output=True,
                            text=True, check=False)
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("language", languages())
def test_statistics(language):
    result = subprocess.run(["msgfmt", "--statistics", "-o", os.devnull, PO / f"{language}.po"],
                            capture_output=True, text=True, check=True,
                            env=dict(os.environ, LC_ALL="C"))
    assert re.fullmatch(r"\d+ translated messages?\.\n", result.stderr)


def test_files_that_mark_texts_are_listed():
    listed = {line for line in (PO / "POTFILES").read_text().splitlines()
              if not line.startswith("#")}
    marked = {path.relative_to(harness.ROOT).as_posix()
              for folder in ("agent", "broker", "cli", "desktop", "plugin")
              for path in pathlib.Path(harness.ROOT / folder).rglob("*.c")
              if re.search(r"\b(N?_|ngettext|N?C_)\(\"", path.read_text(encoding="utf-8"))}
    assert marked <= listed
    assert all((harness.ROOT / name).is_file() for name in listed)


@pytest.mark.parametrize("language, words", [("de", "zeigt, was es gibt"), ("ar", "ما هو متاح"),
                                             ("xx", "shows what there is")])
def test_messages_are_in_the_users_language(env, language, words):
    result = env.ctl("frobnicate", expect=64, LANGUAGE=language, DMCLIENT_LOCALE_DIR=CATALOGUES)
    assert words in result.stderr


def test_json_is_the_same_everywhere(env):
    result = env.ctl("--json", "frobnicate", expect=64, LANGUAGE="de",
                     DMCLIENT_LOCALE_DIR=CATALOGUES)
    assert "shows what there is" in result.stdout


@pytest.mark.parametrize("language", languages())
def test_no_hidden_characters(language):
    """Messages are escaped as a whole for the terminal, with what a catalogue put into them."""
    text = (PO / f"{language}.po").read_text(encoding="utf-8")
    assert not re.search("[\u0080-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f]", text)


@pytest.mark.parametrize("language, words", [
    ("de", ["Dieses Gerät wird verwaltet.", "  Letzter Erfolg    nie\n", "Ersteinrichtung"]),
    ("ar", ["هذا الجهاز مُدار.", "آخر نجاح", "أبدًا"])])
def test_status_in_the_users_language(env, provider, language, words):
    """Labels are padded by what they take on a terminal."""
    text = env.ctl("status", expect=0, LANGUAGE=language, DMCLIENT_LOCALE_DIR=CATALOGUES).stdout
    for word in words:
        assert word in text


def test_dates_and_numbers_by_locale(env, stub, tmp_path):
    """German dates and digits, where the system can make that locale; in JSON none of that."""
    if shutil.which("localedef") is None or not pathlib.Path("/usr/share/i18n/locales/de_DE").exists():
        pytest.skip("needs package locales")
    subprocess.run(["localedef", "-i", "de_DE", "-f", "UTF-8", tmp_path / "de_DE.UTF-8"], check=True)
    stub("({'Managed': <true>}, {objectpath '/org/dmclient/DMClient1/Provider/X': "
         "{'org.dmclient.DMClient1.Session': {'LastAttempt': <uint64 1767348000000000>}}, "
         "'/org/dmclient/DMClient1/Provider/X/FirstSyncStatus': {'org.dmclient.DMClient1.Progress':"
         "{'Phase': <'running'>, 'Categories': <[('MSIAppPackages', uint32 2000, uint32 1000, uint32 0)]>}}})")
    locale = {"LOCPATH": tmp_path, "LC_ALL": "de_DE.UTF-8", "DMCLIENT_LOCALE_DIR": CATALOGUES,
              "TZ": "UTC"}
    assert re.search(r"Anwendungen .* 1\.000 +0 +2\.000\n", env.ctl("first-sync", **locale).stdout)
    assert "Fr 02 Jan 2026 10:00:00" in env.ctl("status", **locale).stdout
    assert '"total" : 2000' in env.ctl("first-sync", "--json", **locale).stdout
    assert '"2026-01-02T10:00:00Z"' in env.ctl("status", "--json", **locale).stdout
