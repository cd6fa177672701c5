# SPDX-License-Identifier: MIT
"""Push (rules section 8): a channel for each PFN, sessions for pushes."""

import pytest

from device import PROVIDER, node
from mocks import Logind, NetworkManager, settle
from push_service import NAME, PushService
from test_daemon import Watch, is_idle, switches, sync

PFN = "Example.Mdm_1234"
CHANNEL = f"https://push.example.test/{PROVIDER}/{PFN}"


@pytest.fixture
def service(device):
    """A push service that the broker is configured for."""
    device.configure(f"push-service={NAME}")
    made = PushService(device.env.bus_address)
    yield made
    made.close()


@pytest.fixture
def watch(device, service):
    return Watch(device.env)


def set_pfn(device, pfn=PFN, provider=PROVIDER):
    device.env.ctl("add", node("Push", provider))
    verb = "replace" if device.get("Push/PFN", provider) is not None else "add"
    device.env.ctl(verb, node("Push/PFN", provider), pfn, expect=0)


def push_state(device, provider=PROVIDER):
    return device.get("Push/ChannelURI", provider), device.get("Push/Status", provider)


@pytest.fixture
def pushed(device, serve, service, watch):
    """A device with a channel, and its server."""
    server = serve({"sessions": [[], [], []]})
    device.enrol(server)
    device.env.start_broker()
    set_pfn(device)
    watch.until(lambda: push_state(device) == (CHANNEL, "0"))
    return server


def test_U1_without_a_service_there_is_no_channel(device, serve):
    device.enrol(serve([]))
    device.env.start_broker()
    set_pfn(device)
    settle(device.env)
    assert push_state(device) == ("", "4")


def test_U1_a_PFN_is_registered_and_the_channel_shown(device, pushed, service):
    assert service.called("Register") == [(PROVIDER, PFN)]
    assert service.calls[0] == ("Retain", ([],))
    assert device.property("ChannelURI", "Push", "Push") == CHANNEL
    assert device.property("Status", "Push", "Push") == 0


def test_U1_another_PFN_is_another_channel(device, pushed, service, watch):
    set_pfn(device, "Other.Mdm")
    watch.until(lambda: push_state(device) == (CHANNEL.replace(PFN, "Other.Mdm"), "0"))
    assert service.called("Revoke") == [(PROVIDER, PFN, CHANNEL)]


# What the service says, and what is shown.
ANSWERS = {
    "invalid-pfn": ({"refuse": {"Register": "org.dmclient.Push1.Error.InvalidPfn"}}, "1"),
    "another-error": ({"refuse": {"Register": "org.example.Error"}}, "8"),
    "expired-device": ({"status": 2}, "2"),
    "no-enrolment": ({"status": 3}, "3"),
    "no-channel": ({"status": 4}, "4"),
    "a-status-that-is-none": ({"status": 9}, "8"),
}


def test_U1_what_the_service_says_is_shown(device, serve, service, watch):
    device.enrol(serve([]))
    device.env.start_broker()
    for name, (answer, status) in ANSWERS.items():
        service.refuse, service.status = answer.get("refuse", {}), answer.get("status", 0)
        set_pfn(device, name)
        service.wait(lambda name=name: (PROVIDER, name) in service.called("Register"))
        watch.until(lambda status=status: push_state(device) == ("", status))
        service.refuse, service.status = {}, 0
        set_pfn(device, name + "-good")
        watch.until(lambda: device.get("Push/Status") == "0")


def test_U1_a_channel_that_changes_by_itself(device, pushed, service, watch):
    service.say("Channel", "sssu", PROVIDER, PFN, "https://new.example.test/", 0)
    watch.until(lambda: push_state(device) == ("https://new.example.test/", "0"))
    service.say("Channel", "sssu", PROVIDER, PFN, "", 5)
    watch.until(lambda: push_state(device) == ("", "5"))


def test_U1_a_channel_over_its_cap_is_not_taken(device, pushed, service, watch):
    service.say("Channel", "sssu", PROVIDER, PFN, "https://x/" + "a" * 1024, 0)
    service.say("Channel", "sssu", PROVIDER, PFN, "https://good.example.test/", 0)
    watch.until(lambda: device.get("Push/ChannelURI") == "https://good.example.test/")


# -- the end of a channel --------------------------------------------------------------------------

ENDS = {"PFN": ["delete", node("Push/PFN")], "Push": ["delete", node("Push")]}


@pytest.mark.parametrize("end", ENDS)
def test_U2_removing_revokes(device, pushed, service, end):
    device.env.ctl(*ENDS[end], expect=0)
    service.wait(lambda: service.called("Revoke"))
    assert service.called("Revoke") == [(PROVIDER, PFN, CHANNEL)]


def test_E3_unenrolling_revokes(device, pushed, service, watch):
    device.env.ctl("exec", node("Unenroll"), expect=0)
    watch.until(lambda: device.get("") is None)
    service.wait(lambda: service.called("Revoke"))
    assert service.called("Revoke") == [(PROVIDER, PFN, CHANNEL)]


def test_U2_a_revocation_that_fails_is_status_6(device, pushed, service, watch):
    service.refuse = {"Revoke": "org.example.Error"}
    device.env.ctl("delete", node("Push/PFN"), expect=0)
    watch.until(lambda: push_state(device) == ("", "6"))


def test_U2_what_was_removed_while_the_broker_was_away_is_not_retained(device, pushed, service):
    device.env.broker.stop()
    device.env.ctl("delete", node("Push"), expect=0)
    device.env.start_broker()
    service.wait(lambda: len(service.called("Retain")) == 2)
    assert service.called("Retain")[1] == ([],)


def test_U1_broker_agent_and_service_may_start_again(device, pushed, service, watch):
    device.env.broker.stop()
    device.env.start_broker()
    service.wait(lambda: len(service.called("Register")) == 2)
    assert service.called("Retain")[1] == ([(PROVIDER, PFN)],)
    device.env.agent.stop()
    device.env.start_agent()
    assert push_state(device) == (CHANNEL, "0")
    service.close()
    other = PushService(device.env.bus_address, channel="https://other.example.test/{0}")
    other.wait(lambda: other.called("Register"))
    assert other.calls[0] == ("Retain", ([(PROVIDER, PFN)],))
    watch.until(
        lambda: push_state(device)[0] == f"https://other.example.test/{PROVIDER}")
    other.close()


def test_a_service_that_is_not_configured_any_more_is_left(device, pushed, service, watch):
    device.configure()
    device.env.call_manager("Reload")
    service.wait(lambda: service.called("Revoke"))
    watch.until(lambda: push_state(device) == ("", "4"))


# -- pushes ----------------------------------------------------------------------------------------


def test_U2_a_push_is_a_session_at_most_one_a_minute(device, pushed, service, watch):
    service.wake(PROVIDER, PFN)
    pushed.wait(lambda: pushed.exchanges)
    watch.until(lambda: is_idle(device))
    assert device.session_property("Origin") == "push"
    assert pushed.exchanges[0].alerts[0] == "1200", "the server asked for it"
    for _ in range(3):
        service.wake(PROVIDER, PFN)
    settle(device.env)
    # Another session, asked for by somebody else, is the next there is.
    sync(device)
    pushed.wait(lambda: len(pushed.exchanges) == 2)
    assert [one.alerts[0] for one in pushed.exchanges] == ["1200", "1201"]


def test_U2_no_registration_no_session(device, pushed, service, watch):
    """Neither a wrong PFN nor a wrong provider, nor what somebody else says."""
    service.wake(PROVIDER, "Other")
    service.wake("Other", PFN)
    stranger = PushService(device.env.bus_address, name=None)
    owner = device.env.wait_for_name("org.dmclient.DMClient1.Broker")
    stranger.say("Wake", "ss", PROVIDER, PFN, to=owner)
    stranger.wake(PROVIDER, PFN)
    stranger.close()
    device.env.ctl("delete", node("Push"), expect=0)
    service.wait(lambda: service.called("Revoke"))
    service.wake(PROVIDER, PFN)
    settle(device.env)
    sync(device)
    pushed.wait(lambda: pushed.exchanges)
    watch.until(lambda: is_idle(device))
    assert [one.alerts[0] for one in pushed.exchanges] == ["1201"]


def test_U2_a_push_that_led_to_no_session_is_status_7(device, pushed, service, watch):
    port = pushed.port
    pushed.stop()
    service.wake(PROVIDER, PFN)
    watch.until(lambda: push_state(device) == (CHANNEL, "7"))
    server = type(pushed)(device.certs_dir, [], port=port)
    sync(device)
    watch.until(lambda: push_state(device) == (CHANNEL, "0"))
    server.stop()


def test_idle_it_is_not_woken(device, pushed, service, watch):
    """With all that it listens to on the bus: nothing due, no wake-up."""
    others = [Logind(device.env), NetworkManager(device.env, NetworkManager.GLOBAL)]
    settle(device.env)
    settle(device.env)
    before = switches(device.env.broker.pid)
    for _ in range(40):
        device.session_property("State")
        others[0].call("EmitSignal", "sssav", "org.example", "Unrelated", "", [])
    assert switches(device.env.broker.pid) == before
    for mock in others:
        mock.close()
