# SPDX-License-Identifier: MIT
"""provision: a wap-provisioningdoc against the real service (rules section 10)."""

import hashlib
import json
import re
import ssl
import subprocess
import sys

import pytest

import harness
from cli_helpers import ROOT_URI

PUSH = '<characteristic type="Push"><parm name="PFN" value="Contoso"/></characteristic>'
DOCUMENT = """<?xml version="1.0"?>
<wap-provisioningdoc version="1.1">
  <characteristic type="APPLICATION">
    <parm name="APPID" value="w7"/>
    <parm name="PROVIDER-ID" value="MS DM Server"/>
    {address}
  </characteristic>
  <characteristic type="DMClient">
    <characteristic type="Provider">
      <characteristic type="{provider}">
        <parm name="UPN" value="anna@example.test" datatype="string"/>
        <characteristic type="Poll">
          <parm name="NumberOfFirstRetries" value="{retries}" datatype="integer"/>
        </characteristic>{more}
      </characteristic>
    </characteristic>
  </characteristic>
</wap-provisioningdoc>
"""
ADDRESS = '<parm name="ADDR" value="https://mdm.example.test/dm"/>'
PROVIDER_URI = f"{ROOT_URI}/Provider/MS%20DM%20Server"


@pytest.fixture
def document(env):
    """document(address=…, provider=…, retries=…, more=…): a file; each can be made wrong."""

    def write(address=ADDRESS, provider="MS DM Server", retries="8", more=""):
        path = env.dir / "provisioning.xml"
        path.write_text(DOCUMENT.format(address=address, provider=provider, retries=retries, more=more))
        return path

    return write


def ctl(env, *arguments, **options):
    """dmclientctl with the built broker to be found."""
    path = f"{harness.BROKER.parent}:{env.environ()['PATH']}"
    return env.ctl(*arguments, PATH=path, **options)


def no_keys(env):
    """Whether the broker keeps no key."""
    return not [path for path in env.state_dir.rglob("*.key")]


def test_provision(env, agent, document, golden):
    result = ctl(env, "provision", document(), expect=0)
    golden("provision.txt", result.stdout)
    assert result.stderr == ""
    assert env.ctl("get", f"{PROVIDER_URI}/UPN", expect=0).stdout == "anna@example.test\n"
    assert env.ctl("get", f"{PROVIDER_URI}/Poll/NumberOfFirstRetries", expect=0).stdout == "8\n"
    assert env.ctl("get", f"{PROVIDER_URI}/ManagementServiceAddress",
                   expect=0).stdout == "https://mdm.example.test/dm\n"
    assert env.ctl_json("status")["providers"][0]["id"] == "MS DM Server"


def test_from_standard_input(env, agent, document):
    ctl(env, "provision", "-", stdin=document().read_text(), expect=0)
    env.ctl("get", PROVIDER_URI, expect=0)


def test_check_changes_nothing(env, agent, document, golden):
    result = ctl(env, "provision", "--check", document(), expect=0)
    golden("provision-check.txt", result.stdout)
    env.ctl("get", PROVIDER_URI, expect=3)


def test_refused_value_names_file_line_and_parm(env, agent, document):
    """W2: refused whole; the error names the parm."""
    path = document(retries="eight")
    for option in ([], ["--check"]):
        result = ctl(env, "provision", *option, path, expect=1)
        assert result.stdout == ""
        assert result.stderr.startswith(
            f"{path}:13: parm NumberOfFirstRetries: 415 unsupported media type or format\n")
        assert "Nothing was applied" in result.stderr
    env.ctl("get", PROVIDER_URI, expect=3)


def test_refused_address_is_named(env, agent, document):
    """L1: no scheme but https."""
    path = document(address='<parm name="ADDR" value="ftp://mdm.example.test/"/>')
    result = ctl(env, "provision", path, expect=1)
    assert result.stderr.startswith(f"{path}:6: parm ADDR: 400 bad request")
    env.ctl("get", PROVIDER_URI, expect=3)


def test_the_bad_one_of_several_addresses_is_named(env, agent, document):
    """W2: the error names the parm that is refused, not its neighbours."""
    parm = '<parm name="ADDR" value="{}"/>\n'
    addresses = ["https://a.example.test/", "https://user@b.example.test/", "https://c.example.test/"]
    path = document(address="".join(parm.format(address) for address in addresses))
    result = ctl(env, "provision", "--check", path, expect=1)
    lines = [line for line in result.stderr.splitlines() if "ADDR" in line]
    assert [line.startswith(f"{path}:7: parm ADDR: 400") for line in lines] == [True]


def test_too_many_addresses_are_all_named(env, agent, document):
    """L1: over 16 entries; each by itself is good."""
    parm = '<parm name="ADDR" value="https://{}.example.test/"/>\n'
    path = document(address="".join(parm.format(n) for n in range(17)))
    result = ctl(env, "provision", path, expect=1)
    assert len([line for line in result.stderr.splitlines() if "parm ADDR: 400" in line]) == 17


SAMPLES = harness.ROOT / "tests" / "data" / "provisioning"
HTTP_SAMPLE = "07-certificates-and-renew.xml"


@pytest.mark.parametrize("name", sorted(
    path.name for path in SAMPLES.glob("*.xml") if path.name != HTTP_SAMPLE))
def test_samples(env, agent, name):
    """W4: every shape that real servers send is taken, every bad one refused whole."""
    is_bad = name.startswith("bad-")
    for option in (["--check"], []):
        ctl(env, "provision", *option, SAMPLES / name, expect=1 if is_bad else 0)
        there = env.ctl("get", f"{ROOT_URI}/Provider", expect=0).stdout.strip()
        assert bool(there) == (not is_bad and not option)


@pytest.mark.parametrize("name,cause", [
    (HTTP_SAMPLE, r":1: parm ADDR: 400 "),
    ("bad-doctype.xml", r"line 2: "),
    ("bad-no-address.xml", r"no server address \(ADDR\)"),
    ("bad-poll-value.xml", r":32: parm IntervalForFirstSetOfRetries: 415 "),
    ("bad-provider-mismatch.xml", r'line 29: provider "ServerB" differs .* "ServerA"'),
])
def test_bad_samples_name_the_cause(env, agent, name, cause):
    """W2: the error names the parm and its line."""
    assert re.search(cause, ctl(env, "provision", SAMPLES / name, expect=1).stderr)


def test_no_address_is_refused(env, agent, document):
    result = ctl(env, "provision", document(address=""), expect=1)
    assert "no server address" in result.stderr
    env.ctl("get", PROVIDER_URI, expect=3)


def test_other_provider_id_is_refused(env, agent, document):
    """W2: a DMClient ProviderID that differs from the w7 PROVIDER-ID."""
    path = document(provider="Other")
    result = ctl(env, "provision", path, expect=1)
    assert result.stderr.startswith(f"dmclientctl: {path}: ")
    assert "Other" in result.stderr


def test_existing_provider_is_refused(env, agent, document):
    ctl(env, "provision", document(), expect=0)
    result = ctl(env, "provision", document(), expect=1)
    assert "'MS DM Server': 418 already exists" in result.stderr
    assert f"dmclientctl delete {PROVIDER_URI}" in result.stderr


def test_impossible_name_is_refused(env, agent, document):
    """A2: `*` is no segment."""
    path = document()
    path.write_text(path.read_text().replace("MS DM Server", "*"))
    result = ctl(env, "provision", path, expect=1)
    assert result.stderr.startswith(f"{path}: provider '*': 400 bad request")


def test_push_is_left_out_with_a_warning(env, agent, document):
    """U3: ignored with a warning, and the document stands."""
    path = document(more=PUSH)
    result = ctl(env, "provision", path, expect=0)
    assert re.search(rf"^{re.escape(str(path))}:14: parm PFN: .* \(left out\)$", result.stderr,
                     re.MULTILINE)
    env.ctl("get", f"{PROVIDER_URI}/Push", expect=3)
    env.ctl("get", f"{PROVIDER_URI}/UPN", expect=0)


def test_json(env, agent, document):
    answer = json.loads(ctl(env, "provision", "--json", document(), expect=0).stdout)
    assert answer["schema"] == 1
    assert answer["provider"] == "MS DM Server"
    assert answer["address"] == "https://mdm.example.test/dm"
    assert answer["applied"] is True
    assert answer["status"] == 200
    assert answer["certificate"] is None
    assert {"line": 13, "parm": "NumberOfFirstRetries",
            "loc_uri": f"{PROVIDER_URI}/Poll/NumberOfFirstRetries", "data": "8",
            "status": 200, "text": "ok"} in answer["settings"]


def test_json_of_a_refusal(env, agent, document):
    answer = json.loads(ctl(env, "provision", "--json", document(retries="x"), expect=1).stdout)
    assert answer["applied"] is False
    assert answer["status"] == 415
    bad = [entry for entry in answer["settings"] if entry["status"] == 415]
    assert [entry["line"] for entry in bad] == [13]


def test_malformed_is_1(env):
    path = env.dir / "x.xml"
    path.write_text("<wap-provisioningdoc>")
    result = env.ctl("provision", path, expect=1)
    assert str(path) in result.stderr


def test_missing_file_is_1(env):
    result = env.ctl("provision", env.dir / "nothing.xml", expect=1)
    assert "nothing.xml" in result.stderr


def test_no_service_is_6(env, document):
    env.ctl("provision", document(), expect=6)


# -- certificate and key ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    """The certificates of tests/server/certs.py."""
    directory = tmp_path_factory.mktemp("certs")
    script = harness.ROOT / "tests" / "server" / "certs.py"
    subprocess.run([sys.executable, script, directory], check=True, capture_output=True)
    return directory


def test_certificate_goes_to_the_broker(env, agent, document, certificates):
    pem = (certificates / "client.pem").read_text()
    thumbprint = hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).hexdigest()
    result = ctl(env, "provision", document(), "--certificate", certificates / "client.pem",
                 "--key", certificates / "client.key", expect=0)
    assert f"Its certificate is {thumbprint}." in result.stdout
    assert not no_keys(env)


def test_refused_document_leaves_no_key(env, agent, document, certificates):
    ctl(env, "provision", document(retries="x"), "--certificate", certificates / "client.pem",
        "--key", certificates / "client.key", expect=1)
    assert no_keys(env)


def test_check_leaves_no_key(env, agent, document, certificates):
    ctl(env, "provision", "--check", document(), "--certificate", certificates / "client.pem",
        "--key", certificates / "client.key", expect=0)
    assert no_keys(env)


def test_wrong_key_is_refused_before_the_commit(env, agent, document, certificates):
    result = ctl(env, "provision", document(), "--certificate", certificates / "client.pem",
                 "--key", certificates / "server.key", expect=1)
    assert "client.pem" in result.stderr
    env.ctl("get", PROVIDER_URI, expect=3)


def test_no_broker_is_said(env, agent, document, certificates):
    result = env.ctl("provision", document(), "--certificate", certificates / "client.pem",
                     "--key", certificates / "client.key", expect=1, PATH="/nonexistent")
    assert "dmclient-broker" in result.stderr
    env.ctl("get", PROVIDER_URI, expect=3)
