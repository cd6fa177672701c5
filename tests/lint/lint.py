#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The project's own rules, as checks. Each yields findings: "file:line: what is wrong"."""

import argparse
import concurrent.futures
import itertools
import json
import os
import re
import shlex
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

MAX_FILE_LINES = 600
MAX_FUNCTION_LINES = 60
MAX_COLUMNS = 100

# Design section 2: what a folder may include beside itself. common/ is layer 0.
LAYERS = {
    "common": {"folders": set(), "libs": {"glib"}},
    "tree": {"folders": {"common"}, "libs": {"glib", "sqlite3", "openssl"}},
    "syncml": {"folders": {"common"}, "libs": {"glib", "libxml", "openssl"}},
    "dbus": {"folders": {"common"}, "libs": {"glib", "dbus"}},
    "plugin": {"folders": {"common", "tree", "dbus"}, "libs": {"glib", "dbus"}},
    "hosts": {"folders": {"common", "dbus"}, "libs": {"glib", "dbus", "json-glib"}},
    "broker": {"folders": {"common", "syncml", "dbus"}, "libs": {"glib", "dbus", "curl", "openssl"}},
    "agent": {"folders": {"common"}, "libs": {"glib"}, "files": {"plugin/plugin.h"}},
    "cli": {"folders": {"common", "syncml", "dbus"}, "libs": {"glib", "dbus", "json-glib"}},
    "desktop": {"folders": set(), "libs": {"glib", "gtk", "adwaita", "gio"},
                "files": {"common/clock.h", "common/i18n.h", "common/timer.h", "dbus/names.h",
                          "dbus/node-names.h"}},
    # Examples: what a stranger's program has.
    "docs": {"folders": set(), "libs": {"glib", "gio"}},
}
# The node table is data, and the one place for names: any folder may expand it, its generators too.
DATA_FILES = {"tree/nodes.def", "tree/gen-nodes.h"}
LIBRARIES = {
    "glib": r"glib(-unix|-object)?\.h|glib/.*|gmodule\.h",
    "gio": r"gio/.*",
    "sqlite3": r"sqlite3\.h",
    "openssl": r"openssl/.*",
    "libxml": r"libxml/.*",
    "dbus": r"dbus/dbus\.h",
    "curl": r"curl/.*",
    "json-glib": r"json-glib/.*",
    "gtk": r"gtk/.*",
    "adwaita": r"adwaita\.h",
}
# libdbus's own headers, which no file of ours may shadow.
LIBDBUS_HEADERS = {
    "dbus", "dbus-address", "dbus-arch-deps", "dbus-bus", "dbus-connection", "dbus-errors", "dbus-macros",
    "dbus-memory", "dbus-message", "dbus-misc", "dbus-pending-call", "dbus-protocol", "dbus-server",
    "dbus-shared", "dbus-signature", "dbus-syntax", "dbus-threads", "dbus-types",
}
# What dmclient.so and friends may export.
EXPORTS = {"plugin/dmclient.so": {"dm_plugin_get"}}
# Of package polkitd.
POLKIT_DTD = "/usr/share/polkit-1/policyconfig-1.dtd"
INCLUDE = re.compile(r'^\s*#\s*include\s+(["<])([^">]+)[">]')


def run(*command, **options):
    return subprocess.run(command, capture_output=True, text=True, check=False, **options)


def tracked(root, *patterns):
    """Files that git tracks or would add, so that a new file is held to the rules before its commit."""
    out = run("git", "-C", str(root), "ls-files", "-co", "--exclude-standard", "--", *patterns)
    if out.returncode != 0:
        raise RuntimeError(out.stderr.strip())
    return sorted(root / line for line in set(out.stdout.splitlines()) if (root / line).is_file())


def sources(root):
    return [p for p in tracked(root, "*.c", "*.h") if "tests/data" not in str(p)]


def relative(root, path):
    return path.relative_to(root).as_posix()


def check_layers(root, build):
    """Includes point downward only (design section 2), and quoted ones carry their folder."""
    for path in sources(root):
        name = relative(root, path)
        folder = name.split("/")[0]
        if folder == "dbus" and path.stem in LIBDBUS_HEADERS:
            yield f"{name}:1: has the name of one of libdbus's headers"
        for number, line in enumerate(path.read_text().splitlines(), 1):
            match = INCLUDE.match(line)
            if match:
                problem = judge_include(folder, match[1] == '"', match[2])
                if problem:
                    yield f"{name}:{number}: {problem}"


def judge_include(folder, quoted, header):
    """Why `folder` may not include `header`; None if it may."""
    if folder == "tests":
        return None
    layer = LAYERS.get(folder)
    if layer is None:
        return f"folder {folder}/ is in no layer: add it to the design and to lint.py"
    if quoted:
        target = header.split("/")[0]
        if "/" not in header:
            return f'"{header}" does not carry its folder'
        if target == folder or target in layer["folders"]:
            return None
        if header in layer.get("files", set()) or header in DATA_FILES:
            return None
        return f'{folder}/ may not include "{header}"'
    for library, pattern in LIBRARIES.items():
        if re.fullmatch(pattern, header) and library not in layer["libs"]:
            return f"{folder}/ may not use {library} (<{header}>)"
    return None


def functions(text):
    """Yields (line, name, length) of each function of a C file in the project's format: the body's
    braces stand alone at the first column."""
    lines = text.splitlines()
    start = None
    for number, line in enumerate(lines, 1):
        if line == "{":
            start = number
        elif line == "}" and start is not None:
            yield start, lines[start - 2], number - start - 1
            start = None


def check_sizes(root, build):
    """Files up to 600 lines, functions up to 60, lines up to 100 columns."""
    for path in tracked(root, "*.c", "*.h", "*.py", "tools/*", "*.def"):
        name = relative(root, path)
        if "tests/data" in name:
            continue
        text = path.read_text()
        lines = text.splitlines()
        if len(lines) > MAX_FILE_LINES:
            yield f"{name}:{len(lines)}: over {MAX_FILE_LINES} lines"
        if path.suffix in (".c", ".h", ".def"):
            for number, line in enumerate(lines, 1):
                if len(line) > MAX_COLUMNS:
                    yield f"{name}:{number}: over {MAX_COLUMNS} columns"
        if path.suffix == ".c":
            for start, header, length in functions(text):
                if length > MAX_FUNCTION_LINES:
                    yield f"{name}:{start}: function of {length} lines, over {MAX_FUNCTION_LINES}: {header}"


def check_habits(root, build):
    """No goto, no work left for later, no node named outside the table, no sleep in a test."""
    nodes = {n for n in re.findall(r'^ {8}"([A-Z][A-Za-z0-9]+)"', (root / "tree/nodes.def").read_text(), re.M)}
    # Names of a single word (Title, Status, Poll) belong to other vocabularies too.
    nodes = {n for n in nodes if re.search(r"[a-z][A-Z]|[A-Z]{2}[a-z]", n)}
    literal = re.compile(r'"(?:[^"\\]|\\.)*"')
    for path in sources(root) + tracked(root, "*.py"):
        name = relative(root, path)
        if name == "tests/lint/lint.py" or name == "tests/lint/test_lint.py":
            continue
        in_tests = name.startswith("tests/")
        is_outside = in_tests or name.startswith("docs/examples/")
        text = path.read_text()
        if path.suffix in (".c", ".h") and not text.startswith("/* SPDX-License-Identifier: MIT */"):
            yield f"{name}:1: no licence line"
        for number, line in enumerate(text.splitlines(), 1):
            where = f"{name}:{number}"
            if path.suffix == ".c" and re.search(r"^\s*goto\b", line):
                yield f"{where}: goto"
            if re.search(r"\b(TODO|FIXME|XXX)\b", line):
                yield f"{where}: work left for later"
            if in_tests and re.search(r"\b(time\.sleep|g_usleep|usleep|nanosleep|sleep)\s*\(", line):
                yield f"{where}: sleeps; wait for the event instead"
            if not is_outside:
                for text_literal in literal.findall(line):
                    for word in re.findall(r"[A-Za-z0-9]+", text_literal):
                        if word in nodes:
                            yield f"{where}: names the node {word}, which only tree/nodes.def may"


def check_format(root, build):
    """clang-format agrees."""
    out = run("clang-format", "--dry-run", "--ferror-limit=3", "-Werror", *map(str, sources(root)))
    for line in out.stderr.splitlines():
        if "error:" in line:
            yield line.replace(str(root) + "/", "")


# The analyzer's paths, all of them with tools/lint: that takes four times as long.
DEEP = "DM_LINT_DEEP"
SHALLOW = [f"--extra-arg={word}" for word in
           ("-Xclang", "-analyzer-config", "-Xclang", "mode=shallow")]


def compiled(root, build):
    """How each file of ours is compiled: (its path below the root, its command), sorted."""
    commands = {}
    for command in json.loads((build / "compile_commands.json").read_text()):
        path = Path(os.path.normpath(os.path.join(command["directory"], command["file"])))
        if path.is_relative_to(root) and not path.is_relative_to(build):
            commands[str(path.relative_to(root))] = command
    return sorted(commands.items())


# The commands are gcc's: with warnings that clang has never heard of, and none that ends it.
FOR_CLANG = ("-Wno-unknown-warning-option", "-Wno-error")


def read_each(root, sources, read):
    """What `read`, of a path and its command, runs and finds in each of these; one that fails without
    saying where is a finding too."""
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for (path, _), out in zip(sources, pool.map(lambda source: read(*source), sources)):
            found = re.findall(r"^(\S+:\d+:\d+: (?:fatal error|error|warning): .*)$",
                               out.stdout + out.stderr, re.M)
            for line in sorted(set(found)):
                yield line.replace(str(root) + "/", "")
            if out.returncode != 0 and not found:
                yield f"{path}: {out.args[0]} failed: {(out.stderr + out.stdout).strip()[-200:]}"


def check_tidy(root, build):
    """clang-tidy agrees on the product (.clang-tidy has the checks), and clang has no warning for it;
    as a test it looks less deep."""
    options = [f"--extra-arg={word}" for word in FOR_CLANG]

    def tidy(path, command):
        return run("clang-tidy", "--quiet", "-p", str(build), *options,
                   *(() if DEEP in os.environ else SHALLOW), str(root / path))

    yield from read_each(root, [one for one in compiled(root, build)
                                if not one[0].startswith("tests/")], tidy)


def check_clang(root, build):
    """clang has no warning for the tests' programs; for the product: see tidy."""
    def read(path, command):
        options = itertools.dropwhile(lambda word: not word.startswith("-"),  # cc, or ccache cc
                                      shlex.split(command["command"]))
        # Up to what it would write.
        options = itertools.takewhile(lambda word: word not in ("-MD", "-o"), options)
        return run("clang", *options, *FOR_CLANG, "-fsyntax-only", "-fno-color-diagnostics",
                   command["file"], cwd=command["directory"])

    yield from read_each(root, [one for one in compiled(root, build)
                                if one[0].startswith("tests/")], read)


def check_symbols(root, build):
    """Shared objects export what they must and nothing else."""
    for name, wanted in EXPORTS.items():
        out = run("nm", "-D", "--defined-only", str(build / name))
        if out.returncode != 0:
            yield f"{name}: {out.stderr.strip()}"
            continue
        found = {line.split()[-1].split("@")[0] for line in out.stdout.splitlines() if line.split()[-2] != "A"}
        for symbol in sorted(found ^ wanted):
            yield f"{name}: {symbol} is {'exported' if symbol in found else 'missing'}"
        flags = run("readelf", "-d", str(build / name)).stdout
        if "NODELETE" not in flags:
            yield f"{name}: not linked with -z nodelete"


def check_xml(root, build):
    """Every XML file of the project parses, and polkit's actions are as its DTD says."""
    for path in tracked(root, "policy/*.conf", "policy/*.xml", "policy/*.policy", "dbus/*.xml", "docs/*.xml"):
        dtd = ["--dtdvalid", POLKIT_DTD] if path.suffix == ".policy" else []
        out = run("xmllint", "--noout", "--nonet", *dtd, str(path))
        if out.returncode != 0:
            yield f"{relative(root, path)}: {out.stderr.strip()}"


# Everybody's, and policed by the system's own file.
BUS_DRIVER = "org.freedesktop.DBus"


def judge_rule(rule):
    """Why a bus policy may not have this <allow>; None if it may."""
    ours = all(not value.endswith("*") for value in rule.attrib.values())
    if set(rule.attrib) == {"own"} and ours:
        return None
    if {"send_destination", "send_interface"} <= set(rule.attrib) and ours:
        if rule.get("send_destination") == BUS_DRIVER and "send_member" not in rule.attrib:
            return "opens more of the bus itself than one method"
        return None
    return "does not name destination and interface, or the one name that may be owned"


def judge_defaults(policies):
    """What the default context leaves open: yields findings. It denies before it allows, all names
    and all calls to whatever name of ours the file has to do with."""
    rules = [rule for policy in policies if policy.get("context") == "default" for rule in policy]
    first = next((i for i, rule in enumerate(rules) if rule.tag == "allow"), len(rules))
    denied = [rule.attrib for rule in rules[:first]]
    prefixes = [rule["own_prefix"] for rule in denied if set(rule) == {"own_prefix"}]
    calls = [rule["send_destination"] for rule in denied
             if rule.get("send_type", "method_call") == "method_call"
             and set(rule) <= {"send_destination", "send_type"} and "send_destination" in rule]
    names = {rule.get("own") or rule.get("send_destination")
             for policy in policies for rule in policy if rule.tag == "allow"} - {None, BUS_DRIVER}
    for name in sorted(names):
        if not any(name == prefix or name.startswith(prefix + ".") for prefix in prefixes):
            yield f"the default does not deny to own {name} and what is below it"
        if name not in calls:
            yield f"the default does not deny all calls to {name} first"


def check_policy(root, build):
    """Bus policy: denied by default, each allow names destination (or own) and interface."""
    for path in tracked(root, "policy/*.conf"):
        name = relative(root, path)
        try:
            policies = ElementTree.parse(path).getroot()
        except ElementTree.ParseError as error:
            yield f"{name}: {error}"
            continue
        if policies.tag != "busconfig" or any(policy.tag != "policy" for policy in policies):
            yield f"{name}: is not a bus configuration of policies alone"
            continue
        for rule in policies.iter("allow"):
            problem = judge_rule(rule)
            if problem:
                yield f"{name}: <allow> {rule.attrib} {problem}"
        yield from (f"{name}: {finding}" for finding in judge_defaults(policies))


def check_scripts(root, build):
    """Shell scripts parse, say their interpreter, and can be run."""
    for path in tracked(root, "tools/*", ".ci/*"):
        name = relative(root, path)
        first = path.read_text().split("\n", 1)[0]
        if "bash" in first:
            out = run("bash", "-n", str(path))
            if out.returncode != 0:
                yield f"{name}: {out.stderr.strip()}"
            if first.startswith("#!") and not os.access(path, os.X_OK):
                yield f"{name}: is not executable"


def check_spelling(root, build):
    """codespell agrees."""
    files = [str(p) for p in tracked(root) if "tests/data" not in str(p) and "corpus" not in str(p) and p.suffix != ".po"]
    words = root / "tests/lint/spelling-ignore.txt"
    out = run("codespell", "--ignore-words", str(words), *files)
    yield from (line.replace(str(root) + "/", "") for line in out.stdout.splitlines())


CHECKS = {
    "layers": check_layers,
    "sizes": check_sizes,
    "habits": check_habits,
    "format": check_format,
    "symbols": check_symbols,
    "xml": check_xml,
    "policy": check_policy,
    "scripts": check_scripts,
    "spelling": check_spelling,
    "clang": check_clang,
    "tidy": check_tidy,
}


def main():
    parser = argparse.ArgumentParser(
        description="Holds the tree against the project's rules.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="\n".join(f"  {name:10}{check.__doc__.splitlines()[0]}" for name, check in CHECKS.items()))
    parser.add_argument("--root", type=Path, default=Path(__file__).resolve().parents[2])
    parser.add_argument("--build", type=Path)
    parser.add_argument("checks", nargs="*", metavar="CHECK", help="those to run (all)")
    options = parser.parse_args()
    build = (options.build or options.root / "build").resolve()
    unknown = [c for c in options.checks if c not in CHECKS]
    if unknown:
        parser.error(f"no such check: {', '.join(unknown)}")
    failed = False
    for name in options.checks or CHECKS:
        findings = list(CHECKS[name](options.root.resolve(), build))
        print(f"{'not ok' if findings else 'ok'} - {name}: {CHECKS[name].__doc__.splitlines()[0]}")
        for finding in findings:
            print(f"    {finding}")
        failed = failed or bool(findings)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
