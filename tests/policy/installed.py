# SPDX-License-Identifier: MIT
"""The tree that `meson install` makes, below a directory; where things are in it."""

import json
import pathlib
import subprocess

import harness


def get_options():
    out = subprocess.run(["meson", "introspect", "--buildoptions", harness.BUILD],
                         capture_output=True, text=True, check=True).stdout
    return {option["name"]: option["value"] for option in json.loads(out)}


class Installed:
    """An installation below `root`; paths are those that the programs know, without it."""

    def __init__(self, root):
        self.root = pathlib.Path(root)
        options = get_options()
        prefix = pathlib.PurePath(options["prefix"])
        self.prefix = prefix
        self.agent = prefix / options["libexecdir"] / "dmclient-agent"
        self.broker = prefix / options["bindir"] / "dmclient-broker"
        self.plugin = prefix / options["libdir"] / "dmclient" / "dmclient.so"
        self.units = prefix / "lib/systemd/system"
        self.sysusers = prefix / "lib/sysusers.d/dmclient.conf"
        self.tmpfiles = prefix / "lib/tmpfiles.d/dmclient.conf"
        self.services = prefix / options["datadir"] / "dbus-1/system-services"
        usr = prefix == pathlib.PurePath("/usr")
        self.bus_policy = pathlib.PurePath("/usr/share" if usr else "/etc",
                                           "dbus-1/system.d/org.dmclient.DMClient1.conf")
        self.actions = pathlib.PurePath(
            "/usr/share/polkit-1/actions/org.dmclient.DMClient1.policy")
        self.apparmor = pathlib.PurePath("/etc/apparmor.d")

    def install(self):
        subprocess.run(["meson", "install", "-C", harness.BUILD, "--no-rebuild", "--quiet",
                        "--destdir", self.root], capture_output=True, check=True)

    def __truediv__(self, path):
        """Where that path is below the root."""
        return self.root / pathlib.PurePath(path).relative_to("/")
