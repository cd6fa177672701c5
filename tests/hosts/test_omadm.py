# SPDX-License-Identifier: MIT
"""dmclient-omadm.so and its siblings in a host that behaves like an OMA-DM client."""

import os
import re
import resource
import select
import shutil
import signal
import subprocess
import time

import pytest

import certs
import harness
from device import PROVIDER, Device, node
from mdm_server import MdmServer
from omadm_host import BASE, HOST, MODULE, MODULES, OmadmHost
from proxy import Proxy

pytestmark = pytest.mark.long

DEVICE = "./Device/Vendor/MSFT/DMClient"
A = f"{BASE}/Provider/A"
PHONE = f"{A}/HelpPhoneNumber"
OBJECT = f"{harness.BUS_ROOT}/Provider/A"
MAX_BYTES = 40 * 1024
CYCLES = "1000"
# What a module may take from the process: libdbus, and of libc nothing that changes the process.
FOREIGN = re.compile(r"^(dbus_|_ITM_|__gmon_start__|__cxa_finalize|__asan_|__ubsan_|__gcov|llvm_)")
NEVER = {"exit", "_exit", "abort", "signal", "sigaction", "pthread_create", "fork", "setlocale",
         "umask", "putenv", "setenv", "printf", "puts", "fprintf", "perror", "syslog", "chdir",
         "atexit", "dbus_bus_get", "dbus_connection_open", "dbus_threads_init_default",
         "dbus_connection_set_change_sigpipe", "dbus_shutdown"}


@pytest.fixture(scope="module")
def served():
    """An environment with the service, and a provider A with a phone number."""
    with harness.Environment() as env:
        env.start_bus()
        env.start_agent()
        fill(env)
        yield env


def fill(env):
    env.ctl("add", A, expect=0)
    env.ctl("add", PHONE, "0", expect=0)


def run_host(env, *arguments, prefix=(), **more):
    """Runs one of the host's own checks, which must hold."""
    env.run(*prefix, HOST, *arguments, expect=0, timeout=600, **more)


# -- the file ------------------------------------------------------------------------------------


def list_symbols(path, *options):
    out = subprocess.run(["nm", "-D", *options, path], capture_output=True, text=True, check=True)
    return {line.split()[-1].split("@")[0] for line in out.stdout.splitlines()}


@pytest.mark.parametrize("base", MODULES)
def test_a_file_exports_the_one_symbol_and_takes_libdbus_and_libc_alone(base):
    path = MODULES[base]
    exported = {name for name in list_symbols(path, "--defined-only")
                if not re.match(r"^(__odr_asan|__asan|__ubsan)", name)}
    assert exported == {"omadm_get_mo_interface"}
    taken = list_symbols(path, "--undefined-only")
    assert not taken & NEVER
    libc = list_symbols("/lib/x86_64-linux-gnu/libc.so.6", "--defined-only")
    assert {name for name in taken if not FOREIGN.match(name)} <= libc
    if not harness.is_sanitized():
        out = subprocess.run(["readelf", "-d", path], capture_output=True, text=True, check=True)
        needed = re.findall(r"NEEDED.*\[(.*)\]", out.stdout)
        assert set(needed) == {"libdbus-1.so.3", "libc.so.6"}
        assert "NODELETE" not in out.stdout


@pytest.mark.parametrize("base", MODULES)
def test_a_stripped_file_has_at_most_40_KB(base, tmp_path):
    if harness.is_sanitized():
        pytest.skip("a sanitizer's code is in it")
    subprocess.run(["strip", "-o", tmp_path / "stripped", MODULES[base]], check=True)
    assert (tmp_path / "stripped").stat().st_size <= MAX_BYTES


# -- what a host sees ----------------------------------------------------------------------------


def test_a_session_with_all_three_files(served):
    with OmadmHost(served, DMCLIENT_UID="1000") as host:
        for _ in range(2):
            host.open()
            assert host.replace(f"{A}/EntDeviceName", "a & b%/ü") == 200
            assert host.get(f"{DEVICE}/Provider/A/EntDeviceName") == (200, "chr", "a & b%/ü")
            status, form, names = host.get(f"{BASE}/Provider")
            assert (status, form) == (200, "node") and "A" in names.split("/")
            assert host.get("./User/Vendor/MSFT/DMClient/Provider")[:2] == (200, "node")
            assert host.get("./Vendor/MSFT/Policy")[0] == 404
            host.close()


def test_A2_names_stay_escaped_on_the_way(served):
    """A provider with a blank, a slash and a letter of its own, by the name that Get gives."""
    uri = f"{BASE}/Provider/MS%20DM%2f%C3%BC"
    with OmadmHost(served) as host:
        host.open()
        assert host.add(uri) == 200
        name = next(name for name in host.get(f"{BASE}/Provider")[2].split("/") if "%20" in name)
        assert host.replace(f"{BASE}/Provider/{name}/HelpWebsite", "https://x.example/") == 200
        assert host.get(f"{uri}/HelpWebsite") == (200, "chr", "https://x.example/")
        assert host.delete(uri) == 200


def test_add_gives_no_rights_and_is_not_refused(served):
    """The host cuts the list of rights at Add, and then looks for Replace: with Add at its end both
    are found, and no list of its own is set."""
    with OmadmHost(served) as host:
        host.open()
        assert host.add(f"{A}/Push") == 200
        assert host.replace(f"{A}/Push/PFN", "x") == 200
        assert host.delete(f"{A}/Push") == 200


@pytest.mark.parametrize("text", ["", "x" * 4096, "a\nb", "\x00", "\xff", "\u202e"])
def test_data_without_a_NUL_is_read_to_its_end_and_no_further(served, text):
    """The host's data end where its memory ends."""
    data = text.encode("latin-1" if text == "\xff" else "utf-8")
    page = f"{A}/CustomEnrollmentCompletePage"
    with OmadmHost(served) as host:
        host.open()
        assert host.add(page) in (200, 418)
        status = host.replace(f"{page}/BodyText", data, "chr")
        if text in ("\x00", "\xff"):
            assert status == 415
        else:
            assert status == 200
            assert host.get(f"{page}/BodyText") == (200, "chr", text)


def test_V9_rows_that_the_client_fills_are_written_by_the_host(served):
    with OmadmHost(served) as host:
        host.open()
        assert host.replace(f"{A}/ExchangeID", "e1") == 200
        assert host.get(f"{A}/ExchangeID") == (200, "chr", "e1")


def test_E3_exec_unenroll_and_the_end_of_the_session_remove_the_provider(env, agent):
    fill(env)
    with OmadmHost(env) as host:
        host.open()
        assert host.execute(f"{A}/Unenroll") == 200
        host.close()
        host.open()
        harness.look_until(lambda: host.get(A)[0] == 404, "the end of the provider")


def test_M4_a_failing_disk_is_510_to_the_server(env, bus):
    ignore = ("/bin/sh", "-c", 'trap "" XFSZ; exec "$@"', "sh")
    env.start_agent(prefix=ignore)
    fill(env)
    resource.prlimit(env.agent.pid, resource.RLIMIT_FSIZE, (0, 0))
    with OmadmHost(env) as host:
        host.open()
        assert host.replace(PHONE, "1") == 510
        assert host.get(PHONE) == (200, "chr", "0")


def test_F6_what_the_host_sets_counts_for_who_expects_it(env, agent):
    fill(env)
    with OmadmHost(env) as host:
        host.open()
        assert host.replace(f"{A}/FirstSyncStatus/ExpectedPolicies",
                            f"{A}/HelpWebsite\uf000{A}/HelpEmailAddress\uf000./Vendor/X") == 200
        assert host.replace(f"{A}/HelpWebsite", "https://x.example/") == 200
        assert host.replace(f"{A}/HelpEmailAddress", b"\xff") == 415
    categories = env.get_property(f"{OBJECT}/FirstSyncStatus", f"{harness.BUS_NAME}.Progress",
                                  "Categories")
    assert categories[0] == ["Policies", 3, 1, 1]


# -- a good guest --------------------------------------------------------------------------------


def test_nothing_of_the_process_changes(served, tmp_path):
    """Signals, mask, umask, locale, threads, variables, standard output."""
    with open(tmp_path / "out", "wb") as out:
        done = subprocess.run([HOST, "guest", PHONE, MODULE, MODULES[DEVICE]], env=served.environ(),
                              stdout=out, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out").read_bytes() == b""
    assert done.stderr == ""


def test_a_hostile_host_gets_statuses(served):
    run_host(served, "hostile", PHONE, MODULE)


def test_sessions_run_beside_each_other(served):
    run_host(served, "threads", PHONE, MODULE)


def test_1000_cycles_leave_nothing(served):
    files = [MODULES[BASE], MODULES[DEVICE]]
    run_host(served, "cycles", CYCLES, PHONE, *files)


def test_1000_cycles_under_memcheck(served):
    if harness.is_sanitized():
        pytest.skip("a sanitizer and memcheck do not go together")
    if shutil.which("valgrind") is None:
        pytest.skip("valgrind is not installed")
    run_host(served, "cycles", CYCLES, PHONE, MODULE, prefix=[
        "valgrind", "-q", "--error-exitcode=9", "--leak-check=full",
        "--errors-for-leak-kinds=definite,indirect,possible"])


# -- the service comes and goes ------------------------------------------------------------------


def test_the_next_call_works_after_the_agent_was_killed(env, agent):
    fill(env)
    with OmadmHost(env) as host:
        host.open()
        assert host.replace(PHONE, "1") == 200
        agent.kill()
        assert host.get(PHONE)[0] == 503
        env.start_agent()
        assert host.get(PHONE) == (200, "chr", "1")
        assert host.replace(PHONE, "2") == 200
        env.agent.stop()
        env.start_agent()
        assert host.replace(PHONE, "3") == 200


@pytest.mark.parametrize("cut", ["request", "reply"])
def test_an_add_whose_connection_is_lost_runs_once(env, agent, cut):
    """Run again it would be 418; lost it would not be there."""
    fill(env)
    proxy = Proxy(env.dir / "proxy", env.socket, cut)
    with OmadmHost(env, DMCLIENT_SOCKET=env.dir / "proxy") as host:
        host.open()
        host.blind()
        assert host.add(f"{A}/Poll") == 200
        assert host.get(f"{A}/Poll")[0] == 200
    assert proxy.connections == 2
    assert proxy.applies[0][-200:] == proxy.applies[1][-200:]
    proxy.close()


class KillingProxy(Proxy):
    """Has the agent killed, and another one started, instead of passing on the answer."""

    def __init__(self, env):
        self.env = env
        super().__init__(env.dir / "proxy", env.socket, "reply")

    def ends_here(self, *what):
        ends = super().ends_here(*what)
        if ends:
            self.env.agent.kill()
            self.env.start_agent()
        return ends


def test_an_add_whose_agent_is_killed_after_the_commit_runs_once(env, agent):
    fill(env)
    proxy = KillingProxy(env)
    with OmadmHost(env, DMCLIENT_SOCKET=env.dir / "proxy") as host:
        host.open()
        host.blind()
        assert host.add(f"{A}/Poll") == 200
        assert host.delete(f"{A}/Poll") == 200
    assert env.agent is not agent
    proxy.close()


SERVICE = """[D-BUS Service]
Name={name}
Exec={words}
"""


@pytest.fixture
def start_bus_with(env):
    """start_bus_with(WORDS): a bus that starts this for the service's name."""
    def start(words):
        services = env.dir / "services"
        services.mkdir()
        (services / "agent.service").write_text(
            SERVICE.format(name=harness.BUS_NAME, words=" ".join(map(str, words))))
        env.start_bus(harness.BUS_CONFIG.replace(
            "<type>system</type>", f"<type>session</type><servicedir>{services}</servicedir>"))

    return start


def stop_owner(env):
    """Ends the service that the bus started, and waits until it has."""
    pid = env.get_owner_pid()
    pidfd = os.pidfd_open(pid)
    signal.pidfd_send_signal(pidfd, signal.SIGTERM)
    select.select([pidfd], [], [], harness.STOP_TIMEOUT)
    os.close(pidfd)


def test_where_nobody_serves_the_bus_starts_the_agent(env, start_bus_with):
    start_bus_with([harness.AGENT, "--plugin", harness.PLUGIN])
    with OmadmHost(env) as host:
        host.open()
        assert host.add(A) == 200
        stop_owner(env)
        assert host.replace(PHONE, "1") == 200
    assert env.ctl("get", PHONE, expect=0).stdout == "1\n"
    stop_owner(env)


def test_where_the_agent_does_not_come_the_host_waits_5_seconds_once(env, start_bus_with):
    start_bus_with(["/bin/sleep", "10"])
    with OmadmHost(env) as host:
        host.open()
        before = time.monotonic()
        assert [host.get(PHONE)[0] for _ in range(10)] == [503] * 10
        assert 4.5 < time.monotonic() - before < 9


# -- together with all others --------------------------------------------------------------------


def test_desktop_broker_and_host_see_what_each_changes(env, tmp_path):
    certs.make(str(tmp_path))
    device = Device(env, tmp_path)
    env.start_bus()
    env.start_agent()
    server = MdmServer(str(tmp_path), [{"commands": [
        {"verb": "Get", "loc_uri": node("HelpPhoneNumber")},
        {"verb": "Replace", "loc_uri": node("HelpWebsite"), "data": "https://broker.example/"}]}])
    base = f"{BASE}/Provider/{PROVIDER}"
    try:
        with OmadmHost(env) as host:
            device.enrol(server)
            host.open()
            assert host.replace(f"{base}/HelpPhoneNumber", "host's") == 200
            assert device.property("HelpPhoneNumber") == "host's"
            device.sync()
            assert server.exchanges[1].results[node("HelpPhoneNumber")][1] == "host's"
            assert host.get(f"{base}/HelpWebsite") == (200, "chr", "https://broker.example/")
            assert device.property("HelpWebsite") == "https://broker.example/"
            host.close()
    finally:
        server.stop()
    assert server.violations == []
