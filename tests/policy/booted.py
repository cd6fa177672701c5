# SPDX-License-Identifier: MIT
"""Boots a system in a container: systemd and the bus of this machine's /usr, an /etc of its own, and
the installed project. Nothing of the machine but /usr is in it, and that can only be read."""

import contextlib
import json
import os
import pathlib
import shutil
import signal
import subprocess

import pytest

import harness
from installed import get_options

HERE = pathlib.Path(__file__).resolve().parent
DOCUMENT = HERE.parent / "data" / "provisioning" / "01-full-parm-after-poll.xml"
BOOT_TIMEOUT = 240

PASSWD = """root:x:0:0:root:/root:/bin/sh
messagebus:x:101:101::/nonexistent:/usr/sbin/nologin
nobody:x:65534:65534::/nonexistent:/usr/sbin/nologin
"""
GROUP = "root:x:0:\nmessagebus:x:101:\nnogroup:x:65534:\n"
TARGET = """[Unit]
Description=What the test needs
Requires=basic.target
Wants=dbus.socket dmclient-agent.socket steps.service
After=basic.target
"""
STEPS = """[Unit]
Description=Steps of the test
After=basic.target dbus.socket dmclient-agent.socket
SuccessAction=poweroff
FailureAction=poweroff

[Service]
Type=oneshot
ExecStart=/usr/bin/python3 /steps.py {ctl} {broker}
"""


def need(installed):
    """Skips where no system can be booted."""
    if os.geteuid() != 0:
        pytest.skip("only root can boot a system")
    if shutil.which("systemd-nspawn") is None:
        pytest.skip("systemd-nspawn is needed (package systemd-container)")
    if get_options()["b_sanitize"] != "none":
        pytest.skip("the units confine what a sanitizer needs")
    if str(installed.prefix) == "/usr" or not os.path.isdir(installed.prefix):
        pytest.skip(f"the installed tree cannot be put to {installed.prefix} in a container")


def write_root(root, installed):
    """Fills the root directory of the system to boot."""
    for folder in ("usr", "var/lib", "run", "tmp", "proc", "sys", "dev", "root", "enrol"):
        (root / folder).mkdir(parents=True)
    for link in ("bin", "sbin", "lib", "lib64"):
        (root / link).symlink_to(f"usr/{link}")
    shutil.copytree(installed / "/etc", root / "etc")
    for name in ("nsswitch.conf", "ld.so.cache", "os-release"):
        shutil.copy(f"/etc/{name}", root / "etc" / name)
    (root / "etc/passwd").write_text(PASSWD)
    (root / "etc/group").write_text(GROUP)
    (root / "etc/machine-id").write_text("0123456789abcdef0123456789abcdef\n")
    units = root / "etc/systemd/system"
    units.mkdir(parents=True)
    (units / "test.target").write_text(TARGET)
    (units / "steps.service").write_text(STEPS.format(
        ctl=installed.broker.parent / "dmclientctl", broker=installed.broker))
    shutil.copy(HERE / "boot_steps.py", root / "steps.py")
    shutil.copy(DOCUMENT, root / "enrol/document.xml")
    subprocess.run(
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=device"
        f" -keyout {root}/enrol/client.key -out {root}/enrol/client.pem".split(),
        capture_output=True, check=True)


@contextlib.contextmanager
def own_cgroup(name):
    """Words that start systemd-nspawn. Where no systemd manages this machine, it gets a control
    group of its own in each hierarchy of systemd's, taken away at the end."""
    made = []
    if os.path.isdir("/run/systemd/system"):
        yield ["systemd-nspawn"]
        return
    for hierarchy in ("", "systemd", "unified"):
        path = pathlib.Path("/sys/fs/cgroup", hierarchy, name)
        if (path.parent / "cgroup.procs").exists():
            with contextlib.suppress(OSError):
                path.mkdir()
                made.append(path)
    join = "".join(f"echo $$ > {path}/cgroup.procs; " for path in made)
    try:
        yield ["sh", "-c", join + 'exec systemd-nspawn --keep-unit "$@"', "sh"]
    finally:
        for path in made:
            for folder, _, _ in os.walk(path, topdown=False):
                with contextlib.suppress(OSError):
                    os.rmdir(folder)


def container(words, root, installed):
    """Words that run a container on `root`; what it runs is to follow."""
    inside = installed / installed.prefix
    return [*words, "--quiet", f"--directory={root}", "--bind-ro=/usr",
            f"--bind-ro={inside}:{installed.prefix}", "--register=no", "--private-network",
            f"--machine=dm-{os.getpid()}", "--link-journal=no"]


def run_container(root, installed):
    """Boots it and waits for its end; what it wrote on its console. Skips where there can be no
    container at all."""
    with own_cgroup(root.parent.name) as words:
        command = container(words, root, installed)
        trial = subprocess.run([*command, "/bin/true"], stdin=subprocess.DEVNULL, text=True,
                               capture_output=True, timeout=BOOT_TIMEOUT, check=False)
        if trial.returncode != 0:
            pytest.skip(f"no container can be run here: {trial.stderr.strip()}")
        process = subprocess.Popen(
            [*command, "--boot", "systemd.unit=test.target"], stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
        try:
            return process.communicate(timeout=BOOT_TIMEOUT)[0]
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGTERM)
            output = process.communicate()[0]
            raise harness.Failure(f"the system did not end:\n{output}") from None


def boot(directory, installed):
    """The facts that boot_steps.py found in a system booted below `directory`."""
    root = directory / "root"
    write_root(root, installed)
    console = run_container(root, installed)
    facts = root / "facts.json"
    if not facts.exists():
        raise harness.Failure(f"the steps did not run:\n{console}")
    return json.loads(facts.read_text())
