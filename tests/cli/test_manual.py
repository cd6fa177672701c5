# SPDX-License-Identifier: MIT
"""The manual pages: sound, and with exactly the options that the programs have."""

import re
import shutil
import subprocess

import harness
import pytest

MAN = harness.ROOT / "docs" / "man"
MADE = harness.BUILD / "cli" / "dmclientctl.1"
VIEWER = harness.BUILD / "desktop" / "dmclient-viewer"
PAGES = {
    MADE: harness.CTL,
    MAN / "dmclient-agent.8": harness.AGENT,
    MAN / "dmclient-broker.8": harness.BROKER,
    MAN / "dmclient-viewer.1": VIEWER,
}
ALL = [MADE, *sorted(MAN.glob("*.[1-8]"))]


def options_of_help(text):
    """Those of lines that begin with one; -h is everywhere."""
    pairs = re.findall(r"^ +(?:(-\w), )?(--[\w-]+)", text, re.M)
    return {option for pair in pairs for option in pair if option} | {"-h"}


def options_of_page(text):
    """Those that are explained: of paragraphs with a tag."""
    tags = re.findall(r"^\.TP\n(.+)$", text, re.M)
    plain = [re.sub(r"\\f[BIR]", "", tag).replace("\\-", "-") for tag in tags]
    return {option for tag in plain if tag.startswith("-")
            for option in re.findall(r"(?<!\w)--?\w[\w-]*", tag)}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_options_are_those_of_the_program(env, page):
    if not PAGES[page].exists():
        pytest.skip("the viewer was not built: GTK is absent")
    texts = [env.run(PAGES[page], "--help", expect=0).stdout]
    if page == MADE:
        commands = re.findall(r"^  ([a-z-]+)", texts[0].split("Commands for")[1] +
                              texts[0].split("Commands for root:")[1].split("\n'")[0], re.M)
        texts += [env.ctl(command, "--help", expect=0).stdout for command in commands]
    wanted = set().union(*(options_of_help(text) for text in texts))
    assert options_of_page(page.read_text(encoding="utf-8")) == wanted


def test_every_command_is_in_the_manual(env):
    text = MADE.read_text(encoding="utf-8")
    commands = text.split(".SH COMMANDS")[1].split(".SH OPTIONS")[0]
    found = [tag.replace("\\-", "-") for tag in re.findall(r"^\.TP\n\\fB([a-z\\-]+)\\fR", commands, re.M)]
    shown = env.ctl("--help").stdout.split("Commands for everyone:")[1].split("\n'")[0]
    assert found == re.findall(r"^  ([a-z-]+)", shown, re.M)
    assert "complete" not in found


@pytest.mark.skipif(shutil.which("mandoc") is None, reason="needs package mandoc")
@pytest.mark.parametrize("page", ALL, ids=lambda page: page.name)
def test_pages_are_sound(page):
    result = subprocess.run(["mandoc", "-Tlint", "-W", "warning", page], capture_output=True,
                            text=True, check=False)
    assert (result.returncode, result.stdout) == (0, "")


@pytest.mark.skipif(shutil.which("groff") is None, reason="needs package groff-base")
@pytest.mark.parametrize("page", ALL, ids=lambda page: page.name)
def test_groff_has_no_warning(page):
    result = subprocess.run(["groff", "-man", "-Tutf8", "-ww", "-z", page], capture_output=True,
                            text=True, check=False)
    assert (result.returncode, result.stderr) == (0, "")


@pytest.mark.skipif(shutil.which("mandoc") is None, reason="needs package mandoc")
def test_text_comes_out_as_it_is():
    """Nothing of the table's texts is taken for an escape or a request."""
    text = subprocess.run(["mandoc", "-Tutf8", MADE], capture_output=True, text=True, check=True).stdout
    plain = " ".join(re.sub(".\b", "", text).split())
    assert "`?list=` or `?prop=`" in plain and 'Print JSON ("schema": 1)' in plain
    assert "--provider 'MS DM Server'" in plain and "chr, int, bool, …" in plain
