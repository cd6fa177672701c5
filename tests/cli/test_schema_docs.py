# SPDX-License-Identifier: MIT
"""docs/nodes.md is what dmclient-schema prints, and knows every rule."""

import os
import re
import subprocess

import harness

SCHEMA = harness.BUILD / "tree" / "dmclient-schema"
DOCUMENT = harness.ROOT / "docs" / "nodes.md"
SECTIONS = {"A": 4, "V": 11, "M": 4, "L": 7, "P": 10, "S": 7, "F": 7, "U": 3, "E": 4, "W": 4}


def test_the_committed_copy_is_current():
    """DM_UPDATE_GOLDEN=1 writes it."""
    text = subprocess.run([SCHEMA, "--markdown"], capture_output=True, check=True,
                          encoding="utf-8").stdout
    if os.environ.get("DM_UPDATE_GOLDEN"):
        DOCUMENT.write_text(text, encoding="utf-8")
    assert text == DOCUMENT.read_text(encoding="utf-8")


def test_every_rule_has_one_sentence():
    ids = re.findall(r"^\| ([A-Z]\d+) \| .+\. \|$", DOCUMENT.read_text(encoding="utf-8"), re.M)
    assert sorted(ids) == sorted(f"{letter}{n}" for letter, last in SECTIONS.items()
                                 for n in range(1, last + 1))


def test_usage():
    """One output a run; anything else is 64 and says what there is."""
    for arguments in ([], ["--markdown", "--ddf"], ["--nothing"], ["--ddf", "word"]):
        result = subprocess.run([SCHEMA, *arguments], capture_output=True, text=True, check=False)
        assert result.returncode == 64 and result.stdout == "" and "--help" in result.stderr
    for argument, start in (("--ddf", "<?xml"), ("--facts", "path,format,"),
                            ("--version", "dmclient-schema ")):
        result = subprocess.run([SCHEMA, argument], capture_output=True, text=True, check=True)
        assert result.stdout.startswith(start)


def test_failed_output_is_1():
    with open("/dev/full", "w", encoding="utf-8") as full:
        result = subprocess.run([SCHEMA, "--facts"], stdout=full, stderr=subprocess.PIPE,
                                text=True, check=False)
    assert result.returncode == 1 and "could not be written" in result.stderr
