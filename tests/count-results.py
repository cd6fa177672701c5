#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Adds up JUnit files: names what failed or was skipped, and ends with the line that CI reads."""

import sys
import xml.etree.ElementTree as ET


def outcomes(path):
    """Yields (outcome, name, reason) for each test case of a JUnit file."""
    for suite in ET.parse(path).getroot().iter("testsuite"):
        for case in suite.findall("testcase"):
            name = "{}/{}".format(case.get("classname") or suite.get("name"), case.get("name"))
            for tag in ("failure", "error", "skipped"):
                found = case.find(tag)
                if found is not None:
                    kind = "skipped" if tag == "skipped" else "failed"
                    yield kind, name, found.get("message") or ""
                    break
            else:
                yield "passed", name, ""


def main(paths):
    if not paths:
        print("usage: count-results.py FILE.xml…", file=sys.stderr)
        return 64
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    for path in paths:
        for outcome, name, reason in outcomes(path):
            counts[outcome] += 1
            if outcome != "passed":
                print("{}: {}: {}".format(outcome, name, reason.strip().split("\n")[0][:200]))
    print("{passed} passed, {failed} failed, {skipped} skipped".format(**counts))
    return 0 if counts["failed"] == 0 and counts["passed"] > 0 else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
