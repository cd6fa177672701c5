# SPDX-License-Identifier: MIT
"""The configuration file: what dmclient.conf(5) says is what the programs take."""

import os
import re
import shutil
import subprocess

import pytest

import harness

PAGE = harness.ROOT / "docs" / "man" / "dmclient.conf.5"
MAKER = harness.BUILD / "common" / "dmclient-config-man"

# A value of the form that the page shows.
VALUES = {"PATH": "/nonexistent", "true|false": "true", "http://HOST:PORT": "http://localhost:1",
          "TEXT": "Text/1", "NAME": "org.example.Push", "HH:MM": "02:30",
          "off|if-stapled|require": "require",
          "sha256/...;sha256/...": ";".join(f"sha256/{char * 43}=" for char in "AE")}


def groups():
    """{group: {key: (value's form, range)}} as the page has them."""
    found = {}
    for text in re.split(r"^\.SH \[", PAGE.read_text(), flags=re.M)[1:]:
        name, body = text.split("]", 1)
        body = body.split("\n.SH ", 1)[0].replace("\\-", "-")
        found[name] = {}
        for key, form, doc in re.findall(r"^\.TP\n\\fB(.+)\\fR=\\fI(.+)\\fR\n(.*(?:\n[^.].*)*)",
                                         body, re.M):
            limits = re.search(r"From (\d+) to (\d+); default: (\d+)\.", doc)
            found[name][key] = (form, limits and [int(one) for one in limits.groups()])
    return found


def lines(group, pick):
    return "".join(f"{key}={pick(*what)}\n" for key, what in groups()[group].items())


def highest(form, limits):
    return limits[1] if limits else VALUES[form]


def test_the_page_is_what_the_table_makes_of_its_template(env):
    made = env.run(MAKER, f"{PAGE}.in", expect=0).stdout
    if os.environ.get("DM_UPDATE_GOLDEN"):
        PAGE.write_text(made)
    assert PAGE.read_text() == made


def test_the_page_is_good_for_man():
    if shutil.which("man") is None or shutil.which("groff") is None:
        pytest.skip("man and groff are not installed")
    done = subprocess.run(["man", "--warnings", "-l", str(PAGE)], capture_output=True, text=True,
                          env={**os.environ, "MANPAGER": "cat", "LC_ALL": "C.UTF-8"}, check=True)
    assert done.stderr == ""
    for key in (key for keys in groups().values() for key in keys):
        assert key in done.stdout


def test_every_key_of_the_page_is_taken(env, bus):
    found = groups()
    assert len(found["broker"]) >= 17 and len(found["tree"]) == 2 and not found["routes"]
    env.configure(f"[broker]\n{lines('broker', highest)}[tree]\n{lines('tree', highest)}")
    agent = env.start_agent()
    done = env.run(harness.BROKER, "--once", "Nobody")
    assert done.returncode != 64, done.stderr
    assert "not known" not in done.stderr + agent.output()


def test_every_number_has_the_range_and_default_of_the_page(env):
    numbers = {key: limits for key, (_, limits) in groups()["broker"].items() if limits}
    for key, (low, high, default) in numbers.items():
        assert low <= default <= high
        for value, is_good in ((low, True), (high, True), (high + 1, False), (low - 1, False)):
            env.configure(f"[broker]\n{key}={value}\n")
            done = env.run(harness.BROKER, "--once", "Nobody")
            assert (done.returncode != 64) == is_good, (key, value, done.stderr)
            assert is_good or f"[broker] {key} must be" in done.stderr


@pytest.mark.parametrize("group", ["broker", "tree"])
def test_a_key_that_is_not_on_the_page_is_named(env, bus, group):
    env.configure(f"[{group}]\nmax-mesages=3\n")
    agent = env.start_agent()
    done = env.run(harness.BROKER, "--once", "Nobody")
    said = done.stderr if group == "broker" else agent.output()
    assert f"{env.config}: [{group}] max-mesages is not known" in said
