# SPDX-License-Identifier: MIT
"""A device under test: the service, and the broker that is run for one session at a time."""

import os
import pathlib
import re
from urllib.parse import quote

import harness
from treeclient import TreeClient

DATA = pathlib.Path(__file__).resolve().parent.parent / "data" / "provisioning"
TREE = "./Device/Vendor/MSFT/DMClient"
INTERFACE = harness.BUS_NAME
PROVIDER = "TestMDMServer"


def node(path="", provider=PROVIDER):
    """The LocURI of a node below a provider, or of the provider itself."""
    return f"{TREE}/Provider/{provider}/{path}".rstrip("/")


class Device:
    """Works in a harness.Environment, whose agent runs by the time that it is used."""

    def __init__(self, env, certs_dir):
        self.env = env
        self.certs_dir = pathlib.Path(certs_dir)
        self.configure()

    def configure(self, *lines):
        """The broker's configuration: trusts the tests' CA, and what `lines` add."""
        self.env.configure("\n".join(["[broker]", f"ca-file={self.certs_dir}/ca.pem", *lines, ""]))

    # -- enrolment ----------------------------------------------------------------------------

    def document(self, address, provider=PROVIDER, sample="01-full-parm-after-poll.xml", extra="",
                 retries=0, wait_ms=1, max_wait_ms=86400000):
        """A document of tests/data/provisioning for this address and provider; without retries,
        which take longer than a test, or with `retries` after `wait_ms`, which doubles up to
        `max_wait_ms`. `extra` goes below the provider."""
        text = (DATA / sample).read_text()
        was = re.search('name="PROVIDER-ID" value="([^"]*)"', text)[1]
        text = re.sub(r'(name="ADDR" value=")[^"]*', lambda hit: hit[1] + xml(address), text)
        for name, value in (("CONNRETRYFREQ", retries), ("INITIALBACKOFFTIME", wait_ms),
                            ("MAXBACKOFFTIME", max_wait_ms)):
            text = re.sub(rf'(name="{name}" value=")[^"]*', rf"\g<1>{value}", text)
        text = text.replace(f'"{was}"', f'"{provider}"')
        text = text.replace(f'"{quote(was)}"', f'"{quote(provider)}"')
        return text.replace(f'<characteristic type="{quote(provider)}">',
                            f'<characteristic type="{quote(provider)}">{extra}', 1)

    def provision(self, document, certificate="client", key=None, expect=0):
        """Provisions a document, with the client certificate of that name, and its key. What that
        leaks is looked for in the command line's own tests."""
        path = self.env.dir / "provisioning.xml"
        path.write_text(document)
        arguments = ["--certificate", self.certs_dir / f"{certificate}.pem",
                     "--key", self.certs_dir / f"{key or certificate}.key"]
        # In a build directory the broker does not lie beside dmclientctl, which looks for it there.
        search = f"{harness.BROKER.parent}:{os.environ['PATH']}"
        return self.env.ctl("provision", path, *arguments, expect=expect, PATH=search,
                            **harness.without_leaks())

    def enrol(self, server, provider=PROVIDER, certificate="client", **how):
        """Enrols with a test server, or an address."""
        address = getattr(server, "address", server)
        return self.provision(self.document(address, provider, **how), certificate)

    # -- sessions -----------------------------------------------------------------------------

    def sync(self, provider=PROVIDER, expect=0, origin=None, arguments=(), **environment):
        """Runs one session; returns how the broker ended."""
        more = [*(["--origin", origin] if origin else []), *arguments]
        return self.env.run(harness.BROKER, "--once", provider, *more, expect=expect,
                            **environment)

    # -- reading ------------------------------------------------------------------------------

    def get(self, path, provider=PROVIDER):
        """A node's value as the tree has it; None if it is not there."""
        client = TreeClient(self.env.socket)
        try:
            return client.get(node(path, provider))
        finally:
            client.close()

    def object_path(self, child="", provider=PROVIDER):
        """What the provider, or a child of it, is on the bus."""
        return f"{harness.BUS_ROOT}/Provider/{escape(provider)}{child and '/' + child}"

    def property(self, name, interface="Provider", child="", provider=PROVIDER):
        """A property as a desktop reads it on the bus."""
        path = self.object_path(child, provider)
        return self.env.get_property(path, f"{INTERFACE}.{interface}", name)

    def session_property(self, name, provider=PROVIDER):
        return self.property(name, "Session", provider=provider)


def escape(provider):
    """A provider's name in an object path."""
    return "".join(char if char.isascii() and char.isalnum() else
                   "".join(f"_{byte:02x}" for byte in char.encode()) for char in provider)


def xml(text):
    return text.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")
