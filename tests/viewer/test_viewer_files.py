# SPDX-License-Identifier: MIT
"""What a desktop reads of the viewer is valid and in its languages; and the rest of the project does
not need it."""

import configparser
import os
import pathlib
import re
import shutil
import subprocess
import xml.etree.ElementTree as ElementTree

import harness
import pytest
from viewer import PROGRAM

DATA = harness.BUILD / "desktop" / "data"
SOURCE = harness.ROOT / "desktop"
ID = "org.dmclient.Viewer"

pytestmark = pytest.mark.skipif(not PROGRAM.exists(), reason="built without the viewer")


def check(program, *arguments):
    if shutil.which(program) is None:
        pytest.skip(f"needs {program}")
    return subprocess.run([program, *map(str, arguments)], capture_output=True, text=True, check=False)


@pytest.mark.parametrize("name", [f"{ID}.desktop", f"{ID}.Agent.desktop"])
def test_desktop_files(name):
    out = check("desktop-file-validate", DATA / name)
    assert out.returncode == 0 and out.stdout == "", out.stdout
    entry = configparser.ConfigParser(interpolation=None, strict=True)
    entry.optionxform = str
    entry.read(DATA / name)
    for language in ("de", "ar"):
        assert entry["Desktop Entry"][f"Name[{language}]"]
        assert entry["Desktop Entry"][f"Comment[{language}]"]


def test_metainfo():
    out = check("appstreamcli", "validate", "--no-net", DATA / f"{ID}.metainfo.xml")
    assert out.returncode == 0, out.stdout
    root = ElementTree.parse(DATA / f"{ID}.metainfo.xml").getroot()
    languages = {name.get("{http://www.w3.org/XML/1998/namespace}lang") for name in root.iter("name")}
    assert languages == {None, "ar", "de"}


def test_icons_are_drawings():
    for name in (f"{ID}.svg", f"{ID}-symbolic.svg"):
        root = ElementTree.parse(SOURCE / "data" / name).getroot()
        assert root.tag.endswith("svg") and root.get("viewBox")
    # One colour, which the theme replaces.
    assert len(set(re.findall(r"#[0-9a-f]{6}", (SOURCE / f"data/{ID}-symbolic.svg").read_text()))) == 1


def test_no_word_is_cut_short():
    """Labels wrap, they are not given an ellipsis; and rows of ours never parse markup."""
    for path in SOURCE.glob("ui/*.ui"):
        root = ElementTree.parse(path).getroot()
        for widget in root.iter():
            properties = {p.get("name"): p.text for p in widget.findall("property")}
            assert "ellipsize" not in properties and "lines" not in properties
            if widget.get("class") in ("AdwActionRow", "AdwExpanderRow"):
                assert properties["use-markup"] == "False", f"{path.name}: {properties}"
            if widget.get("class") == "GtkLabel":
                assert properties["wrap"] == "True", f"{path.name}: {properties}"
    for path in SOURCE.glob("*.c"):
        assert not re.search(r"_set_markup\b|use.markup\W+TRUE|ellipsize", path.read_text()), path


def test_version():
    out = subprocess.run([PROGRAM, "--version"], capture_output=True, text=True, check=True)
    assert re.fullmatch(r"dmclient-viewer \d+\.\d+\.\d+\n", out.stdout)


def without_gtk(directory):
    """Variables with which pkg-config finds what it finds, but GTK 4."""
    found = subprocess.run(["pkg-config", "--variable", "pc_path", "pkg-config"], capture_output=True,
                           text=True, check=True).stdout.strip()
    directory.mkdir()
    for folder in reversed(found.split(":")):
        for file in pathlib.Path(folder).glob("*.pc"):
            if not file.name.startswith("gtk4"):
                shutil.copy(file, directory / file.name)
    return dict(os.environ, PKG_CONFIG_LIBDIR=str(directory), PKG_CONFIG_PATH="")


@pytest.mark.parametrize("is_hidden", [False, True])
def test_the_rest_is_built_without_it(tmp_path, is_hidden):
    """Without the viewer by option, and by default where GTK is not there: nothing of it is, and the
    rest is built, with nothing of GTK in it."""
    build = tmp_path / "build"
    env = without_gtk(tmp_path / "pc") if is_hidden else None
    out = subprocess.run(["meson", "setup", build, harness.ROOT, "-Doptimization=0",
                          *["-Dviewer=disabled"][is_hidden:]],
                         capture_output=True, text=True, check=False, env=env)
    assert out.returncode == 0, out.stdout
    if is_hidden:
        assert re.search("dependency gtk4 found: .*NO", out.stdout), out.stdout
    targets = subprocess.run(["ninja", "-C", build, "-t", "targets", "all"],
                             capture_output=True, text=True, check=True).stdout
    assert not re.search("^desktop/", targets, re.M)
    for program in ("agent/dmclient-agent:", "cli/dmclientctl:", "broker/dmclient-broker:"):
        assert program in targets
    assert "gtk-4" not in (build / "build.ninja").read_text()
    if is_hidden:
        return
    out = subprocess.run(["ninja", "-C", build, "cli/dmclientctl"], capture_output=True, text=True,
                         check=False)
    assert out.returncode == 0, out.stdout
    version = subprocess.run([build / "cli/dmclientctl", "--version"], capture_output=True, text=True,
                             check=True).stdout
    assert version.startswith("dmclientctl ")
