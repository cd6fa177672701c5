# SPDX-License-Identifier: MIT
"""Cuts of power, on paper: records what a program writes to the files of a directory, and makes what
a disk may hold if power goes at some point of it. Of a file's writes since its last sync any may be
missing or cut within a page; a file that was made or removed since the directory's last sync may
still not, or still, be there."""

import dataclasses
import random
import re

import strace

NAMES = ("openat", "close", "pwrite64", "write", "fdatasync", "fsync", "ftruncate", "unlink")
SECTOR = 512


@dataclasses.dataclass
class Recording:
    operations: list  # ("write", path, offset, bytes), ("truncate", path, size), ("unlink", path),
    # ("create", path), ("sync", path), ("sync-directory",), ("say", text)
    output: str


def _bytes(text):
    return bytes(int(pair, 16) for pair in re.findall(r"\\x([0-9a-f]{2})", text))


def _open(arguments, result, paths, directory, operations):
    path = _bytes(re.search(r'"([^"]*)"', arguments)[1]).decode()
    paths[result] = path
    if path.startswith(f"{directory}/") and "O_CREAT" in arguments:
        operations.append(("create", path))


def record(argv, directory, log):
    """Runs `argv` and records what it does to the files of `directory`, and when it says what."""
    result = strace.run(argv, log, strace.FAST, "-xx", "-s", "200000", names=NAMES)
    assert result.returncode == 0, result.stderr
    paths, operations = {}, []
    for call in strace.parse(log):
        descriptor = call.arguments.split(",")[0]
        path = paths.get(descriptor, "")
        inside = path.startswith(f"{directory}/")
        text = re.search(r'"([^"]*)"', call.arguments)
        if call.name == "openat" and int(call.result) >= 0:
            _open(call.arguments, call.result, paths, directory, operations)
        elif call.name == "close":
            paths.pop(descriptor, None)
        elif call.name == "pwrite64" and inside:
            offset = int(call.arguments.rsplit(",", 1)[1])
            operations.append(("write", path, offset, _bytes(text[1])))
        elif call.name == "write" and descriptor == "1":
            operations.append(("say", _bytes(text[1]).decode()))
        elif call.name == "ftruncate" and inside:
            operations.append(("truncate", path, int(call.arguments.rsplit(",", 1)[1])))
        elif call.name in ("fdatasync", "fsync"):
            sync = ("sync", path) if inside else ("sync-directory",)
            if inside or path == str(directory):
                operations.append(sync)
        elif call.name == "unlink":
            operations.append(("unlink", _bytes(text[1]).decode()))
    return Recording(operations, result.stdout)


def _apply(content, operation):
    """One write or truncation of a file's content."""
    if operation[0] == "truncate":
        return content[: operation[2]].ljust(operation[2], b"\0")
    _, _, offset, data = operation
    return content.ljust(offset, b"\0")[:offset] + data + content[offset + len(data) :]


def _cut_short(operation, rng):
    """A write of which only some sectors arrived."""
    if operation[0] != "write" or rng.random() < 0.5:
        return operation
    kind, path, offset, data = operation
    return kind, path, offset, data[: rng.randrange(0, len(data) + 1, SECTOR)]


class _Disk:
    """Files by path: what is on the disk, and what is only on its way there."""

    def __init__(self, start, recorded):
        self.durable = {str(recorded / path.name): path.read_bytes() for path in start.iterdir()}
        self.pending = {}
        self.entries = []  # creations and removals the directory was not synced after

    def do(self, operation):
        kind = operation[0]
        if kind == "create":
            if operation[1] not in self.durable and operation[1] not in self.pending:
                self.entries.append(operation)
                self.pending[operation[1]] = []
        elif kind == "unlink":
            self.entries.append(operation)
        elif kind in ("write", "truncate"):
            self.pending.setdefault(operation[1], []).append(operation)
        elif kind == "sync":
            content = self.durable.get(operation[1], b"")
            for write in self.pending.pop(operation[1], []):
                content = _apply(content, write)
            self.durable[operation[1]] = content
        elif kind == "sync-directory":
            for entry in self.entries:
                self._settle(entry)
            self.entries = []

    def _settle(self, entry):
        if entry[0] == "unlink":
            self.durable.pop(entry[1], None)
            self.pending.pop(entry[1], None)
        else:
            self.durable.setdefault(entry[1], b"")

    def after_cut(self, rng):
        """One of the states that may be found."""
        files = dict(self.durable)
        for path, writes in self.pending.items():
            content = files.get(path, b"")
            arrived = rng.choice([0.0, 0.5, 1.0])
            for write in writes:
                if rng.random() < arrived:
                    content = _apply(content, _cut_short(write, rng) if arrived < 1 else write)
            files[path] = content
        for entry in self.entries:
            is_there = rng.random() < 0.5
            if entry[0] == "unlink" and is_there:
                files.pop(entry[1], None)
            elif entry[0] == "create" and not is_there:
                files.pop(entry[1], None)
        return files


def cuts(recording, start, directory, n):
    """`n` times: what the program had said, and a directory as a cut of power may leave it; always
    the same ones."""
    rng = random.Random(20240229)
    recorded = None
    for operation in recording.operations:
        if operation[0] in ("write", "create"):
            recorded = type(start)(operation[1]).parent
            break
    for _ in range(n):
        stop = rng.randrange(len(recording.operations) + 1)
        disk, said = _Disk(start, recorded), ""
        for operation in recording.operations[:stop]:
            if operation[0] == "say":
                said += operation[1]
            else:
                disk.do(operation)
        directory.mkdir()
        for path, content in disk.after_cut(rng).items():
            target = directory / type(start)(path).name
            target.write_bytes(content)
            target.chmod(0o600)
        yield said, directory
