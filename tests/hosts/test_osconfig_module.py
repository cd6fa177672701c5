# SPDX-License-Identifier: MIT
"""The module for OSConfig as a file and as a guest: what it exports, how large it is, its model, and
what it does to the process that loads it."""

import csv
import ctypes.util
import re
import shutil
import subprocess

import pytest

import harness
from osconfig import COMPONENT, HOST, MODEL, MODULE, ROOT_URI, Host, camel_case
from treeclient import TreeClient, command

pytestmark = pytest.mark.long

FUNCTIONS = {"MmiGetInfo", "MmiOpen", "MmiClose", "MmiSet", "MmiGet", "MmiFree"}
MAX_SIZE = 40 * 1024
NAME = re.compile(r"^[a-zA-Z](?:[a-zA-Z0-9_]*[a-zA-Z0-9])?$")
CLASH = harness.BUILD / "tests" / "hosts" / "json-clash.so"
N_CYCLES = 1000
# Memcheck translates code anew that is loaded anew: there one cycle in so many uses all of it.
FULL_CYCLE = 50


def run(*words):
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout


# -- the file --------------------------------------------------------------------------------------


def test_it_exports_the_interface_and_nothing_else():
    lines = run("nm", "-D", "--defined-only", MODULE).splitlines()
    assert {line.split()[-1].split("@")[0] for line in lines} == FUNCTIONS


def test_what_it_links():
    """No JSON library: another one of the host could take its place."""
    needed = set(re.findall(r"NEEDED.*\[(.*?)\.so", run("readelf", "-d", MODULE)))
    needed -= {"libasan", "libubsan"}
    assert needed <= {"libdbus-1", "libglib-2.0", "libgobject-2.0", "libc"}


@pytest.mark.skipif(harness.is_sanitized() or b"__gcov" in MODULE.read_bytes(),
                    reason="code of a sanitizer or of gcov is in it")
def test_it_is_small(tmp_path):
    shutil.copy(MODULE, tmp_path / "module.so")
    run("strip", tmp_path / "module.so")
    assert (tmp_path / "module.so").stat().st_size <= MAX_SIZE


# -- GetInfo and the model -------------------------------------------------------------------------


@pytest.fixture(scope="module")
def served():
    """An environment with a provider A."""
    with harness.Environment() as env:
        env.start_bus()
        env.start_agent()
        env.ctl("add", f"{ROOT_URI}/Provider/A", expect=0)
        yield env


@pytest.fixture
def host(served):
    with Host(served) as made:
        yield made


def test_info(host):
    info = host.info()
    version = re.search(r"version: '(.*?)'", (harness.ROOT / "meson.build").read_text())[1]
    for name in ("Name", "Description", "Manufacturer", "VersionInfo"):
        assert isinstance(info[name], str) and info[name]
    assert [info["VersionMajor"], info["VersionMinor"], info["VersionPatch"]] == [
        int(part) for part in version.split(".")]
    assert info["VersionInfo"] == version
    assert info["Components"] == [COMPONENT]
    assert info["Lifetime"] == 1
    assert set(info) <= {"Name", "Description", "Manufacturer", "VersionMajor", "VersionMinor", "VersionInfo",
                         "Components", "Lifetime", "VersionPatch", "VersionTweak", "LicenseUri", "ProjectUri",
                         "UserAccount"}


MODEL_TEXT = MODEL.read_text()
(MODEL_COMPONENT,) = harness.json.loads(MODEL_TEXT)["contents"]


def find_object(name, desired):
    (found,) = [one for one in MODEL_COMPONENT["contents"] if (one["name"], one["desired"]) == (name, desired)]
    return found["schema"]


def check_schema(schema):
    """Of a field or object, as the interface's description has it."""
    if schema in ("string", "integer", "boolean"):
        return
    if schema["type"] == "array":
        assert set(schema) == {"type", "elementSchema"}
        check_schema(schema["elementSchema"])
        return
    assert schema["type"] == "object" and set(schema) == {"type", "fields"}
    names = [field["name"] for field in schema["fields"]]
    assert len(set(names)) == len(names)
    for field in schema["fields"]:
        assert set(field) == {"name", "schema"} and NAME.match(field["name"])
        check_schema(field["schema"])


def test_the_model_is_a_mim():
    model = harness.json.loads(MODEL_TEXT)
    assert set(model) == {"name", "type", "contents"} and model["type"] == "mimModel"
    assert NAME.match(model["name"])
    assert MODEL_COMPONENT["type"] == "mimComponent" and MODEL_COMPONENT["name"] == COMPONENT
    objects = MODEL_COMPONENT["contents"]
    assert [(one["name"], one["desired"]) for one in objects] == [
        ("hwDevId", False), ("providers", False), ("lastCommand", False), ("providers", True), ("command", True)]
    for one in objects:
        assert set(one) == {"name", "type", "desired", "schema"}
        assert one["type"] == "mimObject" and NAME.match(one["name"])
        check_schema(one["schema"])


def to_fields(schema):
    return {field["name"]: field["schema"] for field in schema["fields"]}


def read_expected():
    """The fields of a provider by the tests' own copy of the node table."""
    kinds = {"chr": "string", "int": "integer", "bool": "boolean"}
    fields = {"providerId": "string"}
    with open(harness.ROOT / "tests" / "data" / "nodes.csv", encoding="utf-8") as stream:
        for row in csv.DictReader(stream):
            head, _, path = row["path"].partition("/{ProviderID}/")
            if head != "Provider" or not path or row["format"] == "null":
                continue
            *parents, name = [camel_case(part) for part in path.split("/")]
            where = fields
            for parent in parents:
                where = where[parent]
            where[name] = {} if row["format"] == "node" else kinds[row["format"]]
    return fields


def simplify(fields):
    return {name: schema if isinstance(schema, str) else simplify(to_fields(schema))
            for name, schema in fields.items()}


def test_the_model_has_every_node():
    expected = read_expected()
    assert sum(len(value) if isinstance(value, dict) else 1 for value in expected.values()) > 50
    for desired in (False, True):
        schema = find_object("providers", desired)
        assert schema["type"] == "array"
        assert simplify(to_fields(schema["elementSchema"])) == expected
    assert find_object("hwDevId", False) == "string"
    assert to_fields(find_object("lastCommand", False)) == {
        "commandId": "string", "status": "integer", "message": "string"}
    assert to_fields(find_object("command", True)) == {
        name: "string" for name in ("commandId", "verb", "locUri", "format", "data")}


def check_value(value, schema):
    """A reported value against the model."""
    if schema == "string":
        assert isinstance(value, str)
    elif schema in ("integer", "boolean"):
        assert type(value) is {"integer": int, "boolean": bool}[schema]
    elif schema["type"] == "array":
        for entry in value:
            check_value(entry, schema["elementSchema"])
    else:
        fields = to_fields(schema)
        for name, inner in value.items():
            check_value(inner, fields[name])


def list_leaves(fields, above=()):
    for name, schema in fields.items():
        if isinstance(schema, str):
            yield (*above, name), schema
        else:
            yield from list_leaves(to_fields(schema), (*above, name))


def test_the_module_reports_and_takes_what_the_model_has(host):
    """Each leaf of the model in the type that it has there, and in no other."""
    session = host.open()
    provider = to_fields(find_object("providers", True)["elementSchema"])
    values = {"string": "x", "integer": 1, "boolean": True}
    for path, schema in list_leaves(provider):
        if path == ("providerId",):
            continue
        for kind, value in values.items():
            desired = value
            for name in reversed(path):
                desired = {name: desired}
            session.providers({"providerId": "A", **desired})
            message = session.get("lastCommand")["message"]
            assert ("must be a" in message) == (kind != schema), (path, kind, message)
            assert "in the model" not in message
    for name in ("hwDevId", "providers", "lastCommand"):
        check_value(session.get(name), find_object(name, False))
    assert len(session.provider()["poll"]) == len(to_fields(provider["poll"]))


# -- the guest -------------------------------------------------------------------------------------


def run_host(env, *arguments, prefix=(), **more):
    """A check of the host's own, which prints nothing; its standard output is a file."""
    with open(env.dir / "out", "w+b") as out:
        words = [*prefix, HOST, *map(str, arguments), MODULE]
        done = subprocess.run(words, env=env.environ(**more), stdout=out,
                              stderr=subprocess.PIPE, text=True, timeout=1200, check=False)
        out.seek(0)
        assert out.read() == b""
    assert done.returncode == 0, done.stderr
    harness.check_sanitizers("osconfig-host", done.stderr)
    return done.stderr


@pytest.mark.parametrize("check", ["guest", "hostile", "threads"])
def test_good_guest(served, check):
    """No thread, signal handler, locale, umask, directory or variable is another, nothing is printed;
    wrong pointers and sessions are refused; several sessions and threads at a time."""
    run_host(served, check)


def test_a_thousand_loads_leave_nothing(served):
    run_host(served, "cycles", N_CYCLES, 1,
             GLIBC_TUNABLES="glibc.malloc.tcache_count=0:glibc.malloc.arena_max=1")


@pytest.mark.skipif(harness.is_sanitized(), reason="memcheck and a sanitizer do not go together")
def test_a_thousand_loads_under_memcheck(served):
    if shutil.which("valgrind") is None:
        pytest.skip("valgrind is not installed")
    run_host(served, "cycles", N_CYCLES, FULL_CYCLE,
             prefix=["valgrind", "-q", "--error-exitcode=9", "--leak-check=full",
                     "--errors-for-leak-kinds=definite,indirect"])


def use(env, libraries):
    with Host(env, libraries) as host:
        session = host.open()
        assert session.providers({"providerId": "A", "upn": str(len(libraries))}) == 0
        assert session.provider()["upn"] == str(len(libraries))
        assert session.set("providers", b"[") != 0
        assert session.get("lastCommand")["status"] == 415


@pytest.mark.parametrize("name", ["json-clash", "json-c", "jansson", "json-glib-1.0"])
def test_the_host_has_another_json_library(served, name):
    """Loaded for everybody: its functions go before those of any library that a module links."""
    library = CLASH if name == "json-clash" else ctypes.util.find_library(name)
    if library is None:
        pytest.skip(f"lib{name} is not installed")
    use(served, [library])


def test_the_clashing_library_has_every_name_that_is_used():
    names = {line.split()[-1] for line in run("nm", "-D", "--defined-only", CLASH).splitlines()}
    used = set(re.findall(rb"(?<=\0)json_[a-z_]+(?=\0)", MODULE.read_bytes()))
    assert len(used) > 20
    assert {name.decode() for name in used} <= names


def test_no_json_library_at_all(served):
    """Where json-glib is missing, MmiOpen fails and says so; what else the host does goes on."""
    copy = served.dir / "renamed.so"
    copy.write_bytes(MODULE.read_bytes().replace(b"libjson-glib-1.0.so.0", b"libjson-none-1.0.so.0"))
    with Host(served, module=copy) as host:
        assert host.info()["Name"] == COMPONENT
        assert host.ask("open", 0)[0] == 0
        assert "libjson-none-1.0.so.0" in host.output() and "install json-glib" in host.output()


def test_the_desktop_and_the_tree_see_the_same(served, host):
    session = host.open()
    assert session.providers({"providerId": "A", "helpPhoneNumber": "+1"}) == 0
    path = f"{harness.BUS_ROOT}/Provider/A"
    assert served.get_property(path, f"{harness.BUS_NAME}.Provider", "HelpPhoneNumber") == "+1"
    tree = TreeClient(served.socket)
    assert tree.status(command("Replace", f"{ROOT_URI}/Provider/A/HelpPhoneNumber", "+2")) == [200]
    tree.close()
    assert session.provider()["helpPhoneNumber"] == "+2"
