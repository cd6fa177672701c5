# SPDX-License-Identifier: MIT
"""The tree keeps the project's rules, and each rule is one that can be broken."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from . import lint

pytestmark = pytest.mark.long

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("DM_BUILD_DIR", ROOT / "build"))
LICENCE = "/* SPDX-License-Identifier: MIT */\n"


@pytest.mark.parametrize("name", lint.CHECKS)
def test_tree_keeps(name):
    assert list(lint.CHECKS[name](ROOT, BUILD)) == []


@pytest.fixture
def tree(tmp_path):
    """An empty repository with a node table, to break rules in."""
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree/nodes.def").write_text('DM_NODE(HELP, ROOT,\n        "HelpPhoneNumber", CHR)\n')
    (tmp_path / ".clang-format").write_text((ROOT / ".clang-format").read_text())

    def add(name, text):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return tmp_path

    return add


def body(lines):
    return LICENCE + "\nvoid\nf(void)\n{\n" + "    g();\n" * lines + "}\n"


def policy(default="", other=""):
    """A bus policy that is right but for what is added to it."""
    return f"""<busconfig>
  <policy context="default">
    <deny own_prefix="org.x"/><deny send_destination="org.x" send_type="method_call"/>
    <allow send_destination="org.x" send_interface="org.x.I"/>{default}
  </policy>
  <policy user="x"><allow own="org.x"/>{other}</policy>
</busconfig>
"""


BROKEN = {
    "upward include": ("layers", "common/a.c", LICENCE + '#include "tree/tree.h"\n'),
    "same layer": ("layers", "syncml/a.c", LICENCE + '#include "tree/tree.h"\n'),
    "no folder": ("layers", "tree/a.c", LICENCE + '#include "tree.h"\n'),
    "foreign library": ("layers", "plugin/a.c", LICENCE + "#include <libxml/parser.h>\n"),
    "agent beyond plugin.h": ("layers", "agent/a.c", LICENCE + '#include "plugin/service.h"\n'),
    "libdbus's name": ("layers", "dbus/dbus-message.h", LICENCE),
    "example with a header of ours": ("layers", "docs/examples/a.c",
                                      LICENCE + '#include "dbus/names.h"\n'),
    "folder of no layer": ("layers", "new/a.c", LICENCE + '#include "common/uri.h"\n'),
    "long file": ("sizes", "common/a.h", LICENCE + "\n" * 601),
    "long function": ("sizes", "common/a.c", body(61)),
    "long line": ("sizes", "common/a.c", LICENCE + "/* " + "x" * 100 + " */\n"),
    "goto": ("habits", "common/a.c", LICENCE + "    goto out;\n"),
    "no licence": ("habits", "common/a.c", "int x;\n"),
    "left for later": ("habits", "common/a.c", LICENCE + "/* TODO */\n"),
    "sleep in a test": ("habits", "tests/a.py", "time.sleep(1)\n"),
    "node named twice": ("habits", "plugin/a.c", LICENCE + 'f("Provider/X/HelpPhoneNumber");\n'),
    "format": ("format", "common/a.c", LICENCE + "int  x ;\n"),
    "bad script": ("scripts", "tools/x", "#!/usr/bin/env bash\nif then\n"),
    "bad XML": ("xml", "policy/a.conf", "<a>"),
    "no polkit actions": ("xml", "policy/a.policy", "<policyconfig><action id='a'/></policyconfig>"),
    "no interface": ("policy", "policy/a.conf", policy('<allow send_destination="org.x"/>')),
    "all of the bus": ("policy", "policy/a.conf", policy(
        '<allow send_destination="org.freedesktop.DBus" send_interface="org.x.I"/>')),
    "no destination": ("policy", "policy/a.conf", policy('<allow send_interface="org.x.I"/>')),
    "own any": ("policy", "policy/a.conf", policy(other='<allow own="*"/>')),
    "own a prefix": ("policy", "policy/a.conf", policy(other='<allow own_prefix="org.x"/>')),
    "receive": ("policy", "policy/a.conf", policy('<allow receive_sender="org.x"/>')),
    "call undenied": ("policy", "policy/a.conf", policy(
        other='<allow send_destination="org.x.B" send_interface="org.x.I"/>')),
    "own undenied": ("policy", "policy/a.conf", policy(other='<allow own="org.y"/>')),
    "deny behind": ("policy", "policy/a.conf", policy().replace(
        "<deny own_", '<allow send_destination="org.x" send_interface="org.x.I"/><deny own_')),
    "no policy": ("policy", "policy/a.conf", "<busconfig><allow own='org.x'/></busconfig>"),
    "policy is no XML": ("policy", "policy/a.conf", "<busconfig>"),
    "spelling": ("spelling", "docs/a.md", "reci" + "eve\n"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_lint_finds(tree, case):
    check, name, text = BROKEN[case]
    root = tree(name, text)
    (root / "tests/lint").mkdir(parents=True, exist_ok=True)
    (root / "tests/lint/spelling-ignore.txt").write_text("")
    assert list(lint.CHECKS[check](root, BUILD))


@pytest.mark.parametrize("check, name", [("tidy", "tree/a.c"), ("clang", "tests/a.c")])
@pytest.mark.parametrize("compiler", ["cc", "ccache cc"])
@pytest.mark.parametrize("option, text, what", [
    ("-Wall", "static int a;\n", "unused variable 'a'"),
    ("-Wall", '#include "none.h"\n', "'none.h' file not found"),
    ("--none-such", "int a;\n", "--none-such")])
def test_lint_finds_what_clang_says(tree, check, name, compiler, option, text, what):
    root = tree(name, text)
    (root / ".clang-tidy").write_text((ROOT / ".clang-tidy").read_text())
    build = root / "build"
    build.mkdir()
    (build / "compile_commands.json").write_text(json.dumps([
        {"directory": str(build), "command": f"{compiler} {option} -o a.o -c ../{name}",
         "file": f"../{name}"}]))
    found, = lint.CHECKS[check](root, build)
    assert what in found


def test_lint_lets_a_policy_pass(tree):
    assert list(lint.check_policy(tree("policy/a.conf", policy()), BUILD)) == []


@pytest.mark.parametrize("name,text", [
    ("tree/a.c", LICENCE + '#include "common/uri.h"\n#include <sqlite3.h>\n'),
    ("agent/a.c", LICENCE + '#include "plugin/plugin.h"\n'),
    ("common/a.c", body(60)),
])
def test_lint_lets_pass(tree, name, text):
    root = tree(name, text)
    for check in ("layers", "sizes"):
        assert list(lint.CHECKS[check](root, BUILD)) == []
