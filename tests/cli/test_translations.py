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
