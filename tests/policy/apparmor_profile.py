# SPDX-License-Identifier: MIT
"""What an AppArmor profile lets a program do with files, without a kernel that has AppArmor, and
what a program did by its trace."""

import os
import pathlib
import re
import subprocess

from apparmor.aare import AARE

VARIABLE = re.compile(r"^@\{(\w+)\}\s*\+?=\s*(.*)$")
USE = re.compile(r"@\{(\w+)\}")
FILE_RULE = re.compile(r'^(?:owner\s+)?(?P<path>[/@]\S*)\s+(?P<access>[rwaklmix]+),')
# A process's number, for those that the kernel fills into the profile.
PID = "1"


class Profile:
    """The rules for files of the one profile in a file, its includes with it."""

    def __init__(self, path):
        text = subprocess.run(["apparmor_parser", "--preprocess", "-QK", path], check=True,
                              capture_output=True, text=True).stdout
        self.variables = {"pid": [PID], "pids": [PID], "tid": [PID]}
        self.rules = []
        for line in map(str.strip, text.splitlines()):
            self._read(line)

    def _read(self, line):
        variable, rule = VARIABLE.match(line), FILE_RULE.match(line)
        if variable:
            values = self.variables.setdefault(variable[1], [])
            values.extend(word.strip('"') for word in variable[2].split("#")[0].split())
        elif rule:
            self.rules += [(AARE(path, True), set(rule["access"]))
                           for path in self._expand(rule["path"])]

    def _expand(self, path):
        """The path with each value of its variables."""
        use = USE.search(path)
        if use is None:
            return [re.sub("//+", "/", path)]
        return [done for value in self.variables.get(use[1], [])
                for done in self._expand(path[:use.start()] + value + path[use.end():])]

    def lets(self, path, access):
        """Whether the program may do all of that (letters of a rule) with the file."""
        left = set(access)
        for rule, granted in self.rules:
            if left & granted and rule.match(path):
                left -= granted
        return not left


CALLS = ["openat", "open", "unlink", "unlinkat", "mkdir", "mkdirat", "rename", "renameat",
         "renameat2", "connect", "mmap"]
# Those that succeeded: what is not there the kernel says before it asks AppArmor. With O_PATH it
# does not ask.
OPEN = re.compile(r'openat\(.*, (?P<flags>O_[A-Z_|]+).*\) = \d+<(?P<name>/[^>]*)>')
CHANGE = re.compile(r'(?:unlink|mkdir|rename)\w*\((?:(?:AT_FDCWD|\d+)<(?P<dir>[^>]*)>, )?'
                    r'"(?P<name>[^"]*)".*\) = 0')
RENAME = re.compile(r'rename\w*\(.*<(?P<dir>[^>]*)>, "(?P<name>[^"]*)"(?:, \w+)?\) = 0')
CONNECT = re.compile(r'connect\(.*sun_path="(?P<name>/[^"]*)".*\) = 0')
MAP = re.compile(r"mmap\(.*PROT_EXEC.*, \d+<(?P<name>/[^>]*)>, \w+\) = ")


def trace(log, *options):
    """Words in front of a program, whose trace goes to `log`."""
    return ["strace", "-f", "-y", "-qq", "-o", str(log), "-e", "trace=" + ",".join(
        "?" + call for call in CALLS), *options]


def read_call(line):
    """Yields (path, access) of a call that AppArmor would have judged."""
    for pattern, access in ((OPEN, "r"), (CHANGE, "w"), (RENAME, "w"), (CONNECT, "rw"),
                            (MAP, "mr")):
        match = pattern.search(line)
        if match is None:
            continue
        parts = match.groupdict()
        if "O_PATH" in (parts.get("flags") or ""):
            continue
        if "O_RDWR" in (parts.get("flags") or ""):
            access = "rw"
        elif "O_WRONLY" in (parts.get("flags") or ""):
            access = "w"
        path = str(pathlib.PurePath(parts.get("dir") or "/", parts["name"]))
        yield path.removesuffix(" (deleted)"), access


def as_kernel(path):
    """A path as the kernel names it: links followed, a directory with a slash behind it."""
    path = re.sub(r"^/proc/(self|\d+)/", f"/proc/{PID}/", os.path.realpath(path)
                  if not path.startswith("/proc/") else path)
    return path + "/" if os.path.isdir(path) else path


def read_trace(log):
    """{(path, access)}: what the program did with files."""
    lines = pathlib.Path(log).read_text(errors="replace").splitlines()
    return {(as_kernel(path), access) for line in lines for path, access in read_call(line)}
