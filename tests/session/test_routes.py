# SPDX-License-Identifier: MIT
"""LocURIs of other trees (protocol.md section 7): handed to their sockets, their outcomes told to
the DMClient tree (rules F6)."""

import pytest

from device import PROVIDER, node
from other_tree import ATOMIC, GET, REPLACE, OtherTree

POLICY = "./Device/Vendor/MSFT/Policy"
CAMERA, SOUND = POLICY + "/Config/Camera", "./Vendor/MSFT/Policy/Config/Sound"
PHONE = node("HelpPhoneNumber")


def replace(uri, data="1"):
    return {"verb": "Replace", "loc_uri": uri, "data": data}


def get(uri):
    return {"verb": "Get", "loc_uri": uri}


@pytest.fixture
def other(device):
    """Another module's tree, to which Policy goes, and User's Policy."""
    path = device.env.dir / "other"
    routes = f"[routes]\n./Vendor/MSFT/Policy={path}\n./User/Vendor/MSFT/Policy={path}\n"
    device.configure(routes)
    made = OtherTree(path)
    yield made
    made.close()


def test_protocol_7_each_tree_has_its_part_in_order(device, other, session):
    server = session({"commands": [
        replace(CAMERA, "no"), replace(PHONE, "112"), get(CAMERA), get("./DevInfo/DevId"),
        get("./Vendor/MSFT/Nowhere"), replace(SOUND, "off"), get(SOUND), get(PHONE)]})
    answer = server.exchanges[1]
    assert answer.codes == [200, 200, 200, 200, 404, 200, 200, 200]
    assert answer.results[CAMERA] == (None, "no")
    assert answer.results[SOUND] == (None, "off")
    assert answer.results[PHONE] == (None, "112")
    (token, message, provider, uid, commands), = other.batches
    assert token and (message, provider, uid) == (1, PROVIDER, -1)
    assert commands == [(REPLACE, CAMERA, "no"), (GET, CAMERA, ""), (REPLACE, SOUND, "off"),
                        (GET, SOUND, "")]
    assert other.called("Attend") == [], "it is asked, it does not ask"


def test_protocol_7_messages_without_its_LocURIs_do_not_reach_it(device, other, session):
    server = session({"commands": [get(PHONE), get("./Device/Vendor/MSFT/PolicyX")]})
    assert server.exchanges[1].codes == [404, 404]
    assert other.calls == []


def test_A1_the_users_tree_needs_a_user(device, other, serve):
    uri = CAMERA.replace("./Device", "./User")
    server = serve([{"commands": [replace(uri)]}])
    device.enrol(server)
    device.sync()
    assert server.exchanges[1].codes == [405]
    assert not other.batches
    device.sync(arguments=("--user", "1234"))
    assert server.exchanges[3].codes == [200]
    assert other.batches[0][3] == 1234


def test_F6_outcomes_of_another_tree_are_told(device, other, session):
    other.statuses = {SOUND: 500, POLICY + "/Config/Later": 202}
    session(
        {"commands": [replace(node("FirstSyncStatus/ExpectedPolicies"),
                              "\uf000".join([CAMERA, SOUND, POLICY + "/Config/Later"]))]},
        {"commands": [replace(CAMERA), replace(SOUND), replace(POLICY + "/Config/Later")]})
    assert device.property("Categories", "Progress", "FirstSyncStatus")[0] == ["Policies", 3, 1, 1]
    failed, = device.property("FailedItems", "Progress", "FirstSyncStatus")
    assert "Sound" in failed and "500" in failed


# -- Atomic and Sequence ---------------------------------------------------------------------------


def group(verb, *commands):
    return {"verb": verb, "commands": list(commands)}


def test_M2_an_Atomic_of_one_tree_is_that_trees(device, other, session):
    other.statuses = {SOUND: 404}
    server = session(
        {"commands": [group("Atomic", replace(CAMERA, "yes"), replace(POLICY + "/B", "2"))]},
        {"commands": [group("Atomic", replace(CAMERA, "no"), replace(SOUND))]})
    assert server.exchanges[1].codes == [200, 200, 200]
    assert server.exchanges[2].codes == [507, 216, 404]
    assert other.leaves == {CAMERA: "yes", POLICY + "/B": "2"}
    assert [one[4][0][0] for one in other.batches] == [ATOMIC, ATOMIC]


def test_M2_an_Atomic_that_spans_two_trees_is_507_and_not_run(device, other, session):
    server = session({"commands": [group("Atomic", replace(CAMERA), replace(PHONE, "no")),
                                   replace(SOUND, "on")]})
    assert server.exchanges[1].codes == [507, 215, 215, 200]
    assert other.leaves == {SOUND: "on"}
    assert device.get("HelpPhoneNumber") is None


def test_M3_a_Sequence_may_span_two_trees(device, other, session):
    server = session({"commands": [
        group("Sequence", replace(PHONE, "1"), replace(CAMERA, "2"), get("./Nowhere"), get(CAMERA)),
        group("Sequence", replace(SOUND, "3"))]})
    assert server.exchanges[1].codes == [200, 200, 200, 404, 200, 200, 200]
    assert device.get("HelpPhoneNumber") == "1"
    assert other.leaves == {CAMERA: "2", SOUND: "3"}


# -- a tree that is not there ----------------------------------------------------------------------


def test_protocol_7_a_tree_that_is_not_there_is_503(device, session, other):
    other.close()
    server = session({"commands": [
        replace(PHONE, "1"), replace(CAMERA), group("Atomic", replace(SOUND), replace(CAMERA)),
        group("Sequence", replace(CAMERA), get(PHONE))]})
    assert server.exchanges[1].codes == [200, 503, 507, 503, 503, 200, 503, 200]
    assert device.session_property("LastError") == ""


def test_protocol_7_a_tree_that_dies_is_503_and_comes_back(device, other, session):
    path = device.env.dir / "other"
    trees = [other]

    other.on_apply = other.die

    def come_back(_exchange):
        other.close()
        trees.append(OtherTree(path))
        return {"commands": [replace(CAMERA, "2"), get(CAMERA)]}

    server = session({"commands": [replace(CAMERA, "1"), replace(PHONE, "1")]}, come_back)
    assert server.exchanges[1].codes == [503, 200]
    assert server.exchanges[2].codes == [200, 200]
    assert server.exchanges[2].results[CAMERA] == (None, "2")
    trees[1].close()


def test_protocol_7_one_that_comes_late_is_waited_for(device, other, session):
    """A module that restarts while a session runs loses nothing."""
    other.close()
    path, trees = device.env.dir / "other", []

    def start(_exchange):
        trees.append(OtherTree(path))
        return {"commands": [replace(CAMERA, "1")]}

    server = session({"commands": [replace(PHONE, "1")]}, start)
    assert server.exchanges[2].codes == [200]
    trees[0].close()


def test_E2_nothing_more_is_run_in_any_tree(device, other, session):
    session({"commands": [{"verb": "Exec", "loc_uri": node("Unenroll")}, replace(CAMERA)]})
    assert device.get("") is None
    assert not other.batches


@pytest.mark.parametrize("line, word", [
    ("./Vendor/MSFT/DMClient/Provider=/run/x", "DMClient"), ("./DevInfo=/run/x", "DevInfo"),
    ("Policy=/run/x", "LocURI"), ("./Vendor/MSFT/Policy=run/x", "absolute"),
    ("./Vendor/MSFT/Policy=/" + "x" * 108, "107")])
def test_wrong_routes_are_named(device, line, word):
    device.configure(f"[routes]\n{line}\n")
    done = device.sync(expect=64)
    assert word in done.stderr and str(device.env.config) in done.stderr
