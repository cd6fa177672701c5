# SPDX-License-Identifier: MIT
"""Rule S3: while a command takes long, the server is told to wait. The commands are the real tree's,
whose answers a proxy on the socket holds back: there is nothing to pull in what is installed."""

import threading

import pytest

import harness
from device import PROVIDER, node
from mdm_server import MdmServer
from proxy import Proxy
from syncml import name_of, text_of
from test_endings import CODES

PHONE, MAIL = node("HelpPhoneNumber"), node("HelpEmailAddress")
SET = {"verb": "Replace", "loc_uri": PHONE, "data": "set"}
GET = {"verb": "Get", "loc_uri": PHONE}
PENDING = "Reversed-Domain-Name:com.microsoft.mdm.requestpending"


def is_pending(exchange):
    return [text_of(one, "Item/Meta/Type") for one in exchange.elements
            if name_of(one) == "Alert"] == [PENDING]


def count_pending(server):
    return sum(is_pending(one) for one in server.exchanges)


@pytest.fixture
def slow(device, serve, certs_dir):
    """slow(step, …, until=…, expect=…): a session in which the first message's commands take until
    `until(exchange)` is true of a message of the device, or `seconds` have passed. Not `strict`:
    the server does what its own checks do not know."""

    def run(*steps, until=lambda _: False, seconds=None, wanted=True, lines=(), expect=0,
            strict=True):
        hold = threading.Event()

        def watch(step):
            def watched(exchange):
                if until(exchange):
                    hold.set()
                return step(exchange) if callable(step) else step
            return watched

        script = [watch(step) for step in [*steps, *[{}] * 8]]
        server = serve(script) if strict else MdmServer(certs_dir, script)
        device.configure("keep-alive-interval=1", *lines)
        device.enrol(server)
        device.env.ctl("replace", node("EnableOmaDmKeepAliveMessage"), str(wanted).lower(),
                       expect=0)
        proxy = Proxy(device.env.dir / "proxy", device.env.socket, hold=hold)
        timer = threading.Timer(seconds, hold.set) if seconds else None
        if timer:
            timer.start()
        try:
            device.env.run(harness.BROKER, "--once", PROVIDER, expect=expect,
                           DMCLIENT_SOCKET=device.env.dir / "proxy")
        finally:
            hold.set()
            proxy.close()
            if not strict:
                server.stop()
        return server

    return run


def pending_of(n):
    """Whether n of them have come."""
    seen = []

    def until(exchange):
        seen.extend([1] * is_pending(exchange))
        return len(seen) >= n

    return until


def test_S3_a_server_that_would_give_up_waits_for_the_answer(device, slow):
    """It forgets a session after four seconds of silence; the commands take longer."""
    times = []

    def patient(step):
        def answer(exchange):
            times.append(exchange.time)
            if len(times) > 1 and times[-1] - times[-2] > 4:
                return {"http": {"status": 404}, "may_abort": True}
            return step
        return answer

    steps = [{"commands": [SET, GET]}, {}, {"empty": True}, {"final": False}, {}, {}]
    server = slow(*[patient(step) for step in steps], until=pending_of(5))
    assert [is_pending(one) for one in server.exchanges] == [False] + [True] * 5 + [False]
    answer = server.exchanges[-1]
    assert times[-1] - times[0] > 4
    assert answer.codes == [200, 200] and answer.results == {PHONE: (None, "set")}
    assert [one.header("MsgID") for one in server.exchanges] == list("1234567")
    assert device.session_property("LastSuccess") > 0


def test_S3_the_message_is_as_the_specification_has_it(slow):
    server = slow({"commands": [SET]}, until=pending_of(1))
    message = server.exchanges[1]
    assert [name_of(one) for one in message.elements] == ["Alert"]
    alert = message.elements[0]
    assert text_of(alert, "CmdID") == "2" and text_of(alert, "Data") == "1224"
    assert text_of(alert, "Item/Data") == "1"


def test_S3_only_where_the_server_wants_it(slow):
    server = slow({"commands": [SET]}, seconds=2.5, wanted=False)
    assert count_pending(server) == 0 and len(server.exchanges) == 2


def test_S3_not_for_what_is_quick(device, session):
    device.configure("keep-alive-interval=1")
    server = session({"commands": [{"verb": "Replace", "loc_uri": node(
        "EnableOmaDmKeepAliveMessage"), "data": "true"}]}, {"commands": [SET]})
    device.sync()
    assert count_pending(server) == 0


def test_S3_the_same_answer_to_each_is_no_repetition(slow):
    same = {"statuses": [], "header": {"msg_id": 2}}
    server = slow({"commands": [SET]}, same, same, same, until=pending_of(3))
    assert server.exchanges[-1].codes == [200]


def test_S3_commands_that_come_meanwhile_run_afterwards(device, slow):
    """They are answered beside those that are due."""
    server = slow({"commands": [SET]}, {"commands": [{**SET, "loc_uri": MAIL, "data": "m@x.test"}]},
                  until=pending_of(1), strict=False)
    assert [one.codes for one in server.exchanges] == [[], [], [200, 200]]
    assert device.get("HelpEmailAddress") == "m@x.test"


@pytest.mark.parametrize("step, name", [
    ({"commands": [{"verb": "Alert", "code": 1223}]}, "aborted"),
    ({"http": {"status": 500}}, "http"),
    ({"body": "no message", "refused": True}, "malformed"),
], ids=["1223", "HTTP", "malformed"])
def test_S3_a_server_that_ends_it_meanwhile(device, slow, step, name):
    """What was under way is done all the same."""
    server = slow({"commands": [SET]}, step, seconds=3, expect=CODES[name])
    assert len(server.exchanges) == 2
    assert device.get("HelpPhoneNumber") == "set"


def test_S3_the_last_message_is_for_the_answer(slow):
    server = slow({"commands": [SET]}, seconds=4.5, lines=["max-messages=3"])
    assert [is_pending(one) for one in server.exchanges] == [False, True, False]
    assert server.exchanges[-1].codes == [200]


def test_protocol_4_what_takes_longer_than_a_session_may_ends_it(device, slow):
    slow({"commands": [SET]}, seconds=5, lines=["session-timeout=2"], expect=CODES["timeout"])
    assert device.session_property("LastError") == "timeout"
