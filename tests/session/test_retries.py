# SPDX-License-Identifier: MIT
"""Retries, pauses and the order of addresses (rules L3 to L5)."""

import email.utils
import re
import signal
import time

import pytest

import harness
from device import PROVIDER, node
from mdm_server import free_port
from test_daemon import sync

SET = {"verb": "Replace", "loc_uri": node("HelpPhoneNumber"), "data": "set"}
DOWN = {"http": {"status": 503}}
LONG_MS = 3600000
HTTP, CONNECT = 13, 11


def angle(*servers):
    return "".join(f"<{getattr(server, 'address', server)}>" for server in servers)


def closed():
    return f"https://localhost:{free_port()}/closed"


def enrol(device, address, **how):
    device.provision(device.document(getattr(address, "address", address), **how))


@pytest.fixture
def broker(device):
    """broker(…): starts a session that is not waited for."""
    started = []

    def start(*arguments):
        started.append(harness.Process(
            "dmclient-broker", [harness.BROKER, "--once", PROVIDER, *arguments],
            device.env.environ(), device.env.dir / "broker.log"))
        return started[-1]

    yield start
    for one in started:
        if one.pidfd >= 0:
            one.kill()


@pytest.fixture
def state(device):
    """state(name): waits until the bus says that the session's state is this."""
    path = device.object_path()
    interface = harness.BUS_NAME + ".Session"
    context = harness.GLib.MainContext.default()
    connection = device.env.connect()
    connection.signal_subscribe(None, "org.freedesktop.DBus.Properties", "PropertiesChanged", path,
                                None, harness.Gio.DBusSignalFlags.NONE, lambda *_: None)

    def wait(name, timeout_s=20):
        late = []
        deadline = harness.GLib.timeout_add_seconds(timeout_s, lambda: late.append(1) or False)
        while device.env.get_property(path, interface, "State") != name:
            assert not late, f"the session's state was not {name} within {timeout_s} s"
            context.iteration(True)
        if not late:
            harness.GLib.source_remove(deadline)

    yield wait
    connection.close_sync(None)


# -- how often, and when ---------------------------------------------------------------------------

# Steps of one server, retries, how the session ends, how many requests.
RETRIES = {
    "answers-at-once": ([], 3, 0, 1),
    "answers-at-the-last": ([DOWN] * 3, 3, 0, 4),
    "never-answers": ([DOWN] * 9, 3, HTTP, 4),
    "no-retries": ([DOWN] * 9, 0, HTTP, 1),
    "500": ([{"http": {"status": 500}}], 1, 0, 2),
    "502": ([{"http": {"status": 502}}], 1, 0, 2),
    "429": ([{"http": {"status": 429}}], 1, 0, 2),
    "408": ([{"http": {"status": 408}}], 1, 0, 2),
    "404-is-an-answer": ([{"http": {"status": 404}}], 3, HTTP, 1),
    "401-is-an-answer": ([{"http": {"status": 401}}], 3, HTTP, 1),
    "a-reset": ([{"fault": {"kind": "reset"}}], 1, 0, 2),
    "half-an-answer": ([{"fault": {"kind": "truncated"}}], 1, 0, 2),
    "no-http": ([{"fault": {"kind": "no-http"}}], 1, 0, 2),
}


@pytest.mark.parametrize("case", RETRIES)
def test_L4_an_address_is_tried_again(device, serve, case):
    steps, retries, code, requests = RETRIES[case]
    server = serve(steps)
    enrol(device, server, retries=retries)
    device.sync(expect=code)
    assert len(server.exchanges) == requests
    assert all(one.resend for one in server.exchanges[1:]), "the same message"
    assert device.session_property("State") == "idle"


def test_L4_pauses_double_up_to_the_longest(device, serve):
    """The times at which requests come: never before they are due."""
    server = serve([DOWN] * 9)
    enrol(device, server, retries=4, wait_ms=100, max_wait_ms=300)
    done = device.sync(expect=HTTP)
    times = [one.time for one in server.exchanges]
    pauses = [later - earlier for earlier, later in zip(times, times[1:])]
    assert len(pauses) == 4
    for pause, least in zip(pauses, (0.1, 0.2, 0.3, 0.3)):
        assert pause >= least
    assert len(re.findall(r"next try at \d{4}-\d\d-\d\d \d\d:\d\d:\d\d", done.stderr)) == 4
    assert re.search("retry 4 of 4", done.stderr)


def test_L3_L4_every_address_has_its_retries_before_the_next(device, serve):
    order = []
    servers = [serve([{**DOWN, "on_request": lambda _, name=name: order.append(name)}] * 3)
               for name in "abc"]
    enrol(device, angle(*servers), retries=2)
    assert "none of 3 addresses" in device.sync(expect=HTTP).stderr
    assert order == list("aaabbbccc")


def test_L3_in_the_next_session_the_first_is_first_again_where_none_worked(device, serve):
    first, second = serve([DOWN] * 3), serve([DOWN] * 3)
    enrol(device, angle(first, second))
    device.sync(expect=HTTP)
    device.sync(expect=HTTP)
    assert first.exchanges[-1].time < second.exchanges[-1].time
    assert (len(first.exchanges), len(second.exchanges)) == (2, 2)


def test_L3_after_the_last_address_the_first_follows(device, serve):
    first = serve({"sessions": [[DOWN], []]})
    second = serve({"sessions": [[], [DOWN], []]})
    enrol(device, angle(first, second))
    for _ in range(3):
        device.sync()
    assert [one.session for one in second.exchanges] == [1, 2]
    assert (len(first.exchanges), len(second.exchanges)) == (3, 2)


def test_no_retry_ends_after_the_first_round(device, serve):
    first, second = serve([DOWN]), serve([DOWN])
    enrol(device, angle(first, second), retries=9, wait_ms=LONG_MS)
    done = device.sync(expect=HTTP, arguments=["--no-retry"])
    assert (len(first.exchanges), len(second.exchanges)) == (1, 1)
    assert "next try" not in done.stderr


def test_L4_an_error_after_the_first_answer_is_not_tried_again(device, serve):
    server = serve([{"commands": [SET]}, DOWN])
    enrol(device, server, retries=3)
    device.sync(expect=HTTP)
    assert len(server.exchanges) == 2


# -- Retry-After -----------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [429, 503])
def test_L4_Retry_After_in_seconds(device, serve, status):
    server = serve([{"http": {"status": status, "headers": {"Retry-After": "1"}}}])
    enrol(device, server, retries=1)
    done = device.sync()
    assert server.exchanges[1].time - server.exchanges[0].time >= 1
    assert "left alone for 1 s" in done.stderr


def test_L4_Retry_After_as_a_date(device, serve):
    server = serve([{"http": {"status": 503, "headers": {
        "Retry-After": email.utils.formatdate(time.time() + 3600, usegmt=True)}}}])
    enrol(device, server, retries=1, wait_ms=1, max_wait_ms=400)
    device.sync()
    assert server.exchanges[1].time - server.exchanges[0].time >= 0.4


@pytest.mark.parametrize("value", ["soon", "-1", "0", "Thu, 01 Jan 1970 00:00:00 GMT"])
def test_L4_a_Retry_After_that_says_nothing(device, serve, value):
    server = serve([{"http": {"status": 503, "headers": {"Retry-After": value}}}])
    enrol(device, server, retries=1)
    device.sync()
    assert len(server.exchanges) == 2


def test_L4_Retry_After_does_not_hold_up_another_address(device, serve):
    first = serve([{"http": {"status": 503, "headers": {"Retry-After": "3600"}}}])
    second = serve([])
    enrol(device, angle(first, second))
    device.sync()
    assert (len(first.exchanges), len(second.exchanges)) == (1, 1)


# -- a pause, as others see it ---------------------------------------------------------------------


def test_L4_a_pause_is_a_state_and_a_signal_ends_it(device, broker, state):
    enrol(device, closed(), retries=1, wait_ms=LONG_MS)
    running = broker()
    state("backing-off")
    # The bus is told first.
    harness.look_until(lambda: re.search(r"next try at .*, in 3600 s, retry 1 of 1", running.output()),
                       "the broker to say when it tries again")
    running.stop(signal.SIGINT, expect=1)
    assert device.session_property("State") == "idle"
    assert device.session_property("LastError") == "failed"


def test_L4_a_new_trigger_tries_at_once(device, serve, state):
    server = serve([{"http": {"status": 503, "headers": {"Retry-After": "3600"}}},
                    {"commands": [SET]}])
    enrol(device, server, retries=1, wait_ms=LONG_MS)
    device.env.start_broker()
    sync(device)
    state("backing-off")
    assert len(server.exchanges) == 1
    sync(device)
    server.wait(lambda: len(server.exchanges) == 3)
    state("idle")
    assert {one.session for one in server.exchanges} == {1}, "the same session"
    assert device.get("HelpPhoneNumber") == "set"


def test_L4_a_session_in_a_pause_stands_in_no_other_s_way(device, serve, state):
    """More of them than sessions that may run side by side."""
    for number in range(5):
        device.provision(device.document(closed(), f"Down{number}", retries=1, wait_ms=LONG_MS))
    server = serve([])
    enrol(device, server)
    device.env.start_broker()
    for name in [f"Down{number}" for number in range(5)] + [PROVIDER]:
        sync(device, name)
    server.wait(lambda: server.exchanges)
    state("idle")


def test_E2_an_enrolment_that_ends_does_not_wait_for_a_pause(device, state):
    enrol(device, closed(), retries=1, wait_ms=LONG_MS)
    device.env.start_broker()
    sync(device)
    state("backing-off")
    # It has a retry too, which its last session does not use.
    device.env.call_manager("Unenroll", device.object_path())
    deadline = time.monotonic() + 30
    while device.get("") is not None:
        assert time.monotonic() < deadline


def test_a_second_process_is_told_of_the_pause_of_the_first(device, broker, state):
    enrol(device, closed(), retries=1, wait_ms=LONG_MS)
    running = broker()
    state("backing-off")
    assert device.sync(expect=23).stderr
    running.stop(signal.SIGTERM, expect=1)


# -- the fallback ----------------------------------------------------------------------------------


def change_list(address):
    return {"commands": [{"verb": "Replace", "loc_uri": node("ManagementServerAddressList"),
                          "data": address}]}


def test_L5_the_last_address_that_worked_is_tried_once_at_the_end(device, serve):
    old, new = serve({"sessions": [[], []]}), serve([DOWN] * 9)
    old.script.sessions[0].append(change_list(angle(new)))
    enrol(device, old, retries=2)
    device.sync()
    device.sync()
    assert len(new.exchanges) == 3, "the list first, with its retries"
    assert [one.session for one in old.exchanges] == [1, 1, 2]
    assert new.exchanges[-1].time < old.exchanges[-1].time
    record = str(device.env.call(device.object_path(), harness.BUS_NAME + ".Session", "GetHistory",
                                 "ua{sv}", 1, {}))
    assert "none of the listed addresses answered" in record and old.address in record


def test_L5_the_fallback_has_no_retries(device, serve):
    old = serve({"sessions": [[], [DOWN] * 9]})
    old.script.sessions[0].append(change_list(angle(closed())))
    enrol(device, old, retries=2)
    device.sync()
    device.sync(expect=HTTP)
    assert [one.session for one in old.exchanges] == [1, 1, 2]


def test_L5_the_fallback_counts_as_listed_while_it_is_in_use(device, serve):
    """A redirect to its host is followed; the new list has another one only."""
    old = serve({"sessions": [[], []]})
    old.script.sessions[0].append(change_list(f"<https://nowhere.invalid:{free_port()}/x>"))
    enrol(device, old)
    device.sync()
    old.script.sessions[1].append({"http": {"status": 307, "headers": {
        "Location": old.address + "?again&mode=Machine&Platform=Linux"}}})
    device.sync()
    assert len(old.exchanges) == 4
    assert old.exchanges[-1].resend and "?again&" in old.exchanges[-1].target


def test_L5_is_over_once_the_new_list_has_worked(device, serve):
    old, new = serve({"sessions": [[]]}), serve({"sessions": [[], [DOWN]]})
    old.script.sessions[0].append(change_list(angle(new)))
    enrol(device, old)
    device.sync()
    device.sync()
    device.sync(expect=HTTP)
    assert (len(old.exchanges), len(new.exchanges)) == (2, 2)
