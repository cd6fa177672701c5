# SPDX-License-Identifier: MIT
"""Each page as it looks, by light and dark, from right to left, narrow, in large letters and in high
contrast: kept in the build directory, and held against emptiness and cut-off words.
DM_UPDATE_SCREENSHOTS=1 puts those of the README into docs/screenshots."""

import gettext
import os

import harness
import pytest
import screen as screens
from desk import POLICIES, Office
from viewer import BUTTON, LABEL, ROW, STATUS

pytestmark = pytest.mark.long

PICTURES = harness.BUILD / "screenshots"
README = {("light", "organisation"), ("light", "setup"), ("dark", "transparency")}
NARROW = 360
# How a page must at least differ from one colour, in pixels.
MIN_INK = 2000

VARIANTS = {
    "light": {},
    "dark": {"ADW_DEBUG_COLOR_SCHEME": "prefer-dark"},
    "rtl": {"LANGUAGE": "ar"},
    "narrow": {"state": f"[window]\nwidth={NARROW}\nheight=720\n"},
    "large": {"resources": "Xft.dpi: 192\n"},
    "contrast": {"ADW_DEBUG_HIGH_CONTRAST": "1"},
}


class Camera:
    def __init__(self, viewer, variant):
        self.viewer = viewer
        self.variant = variant
        self.problems = []

    def take(self, page, marker):
        """Takes a picture as soon as `marker`, a word of the page, is there and nothing moves."""
        self.viewer.wait_for_text(marker)
        rows = self.viewer.wait_for_picture()
        path = PICTURES / f"{page}-{self.variant}.png"
        PICTURES.mkdir(parents=True, exist_ok=True)
        screens.write_png(path, rows)
        if os.environ.get("DM_UPDATE_SCREENSHOTS") and (self.variant, page) in README:
            target = harness.ROOT / "docs/screenshots" / f"{page}.png"
            target.parent.mkdir(exist_ok=True)
            screens.write_png(target, rows)
        self.judge(page, rows)

    def judge(self, page, rows):
        pixels = b"".join(rows)
        colours = {}
        for i in range(0, len(pixels), 3):
            colour = pixels[i:i + 3]
            colours[colour] = colours.get(colour, 0) + 1
        ink = sum(colours.values()) - max(colours.values())
        if ink < MIN_INK:
            self.problems.append(f"{page}: only {ink} pixels are not background")
        root = self.viewer.read()
        width = root.children[0].extents()[2]
        for node in root.walk():
            if node.role not in (LABEL, STATUS, BUTTON, ROW) or not node.name:
                continue
            x, _, w, h = node.extents()
            # What is folded away has no size.
            if w > 0 and h > 0 and (x < 0 or x + w > width):
                self.problems.append(f"{page}: {node.role} {node.name!r} is cut off: {x} {w}")


def walk(viewer, camera, office, words):
    """Through all pages; `words`: texts by which they are known."""
    camera.take("setup", words["setup"])
    office.outcome(POLICIES[1], 500, "the file system is read-only")
    office.fail()
    camera.take("failed", words["failed"])
    viewer.press(words["retry"])
    viewer.wait_for_text(words["setup"])
    office.finish()
    camera.take("done", "Welcome to Contoso")
    viewer.press(words["done"])
    camera.take("organisation", words["managed"])
    viewer.open_row(words["transparency"])
    camera.take("transparency", words["see"])
    viewer.press(words["back"])
    viewer.press(words["disconnect"])
    camera.take("disconnect", words["removed"])
    viewer.press(words["cancel"])
    viewer.wait_until_gone(words["removed"])
    second = Office(office.env, "Fabrikam")
    viewer.press(words["back"])
    camera.take("list", "Fabrikam")
    second.close()


ENGLISH = {"setup": "Setting Up Your Device", "failed": "Device Setup Failed", "retry": "Try Again",
           "done": "Done", "managed": "This organisation manages your device.", "back": "Back",
           "transparency": "What Your Organisation Can See and Do", "see": "Your Organisation Can See",
           "disconnect": "Disconnect…", "removed": "This Will Be Removed", "cancel": "Cancel"}


def translate(words, language):
    """The same in another language; buttons have a mnemonic in the catalogue."""
    catalogue = gettext.translation("dmclient", harness.BUILD / "po", [language])

    def say(text):
        plain, button = catalogue.gettext(text), catalogue.gettext("_" + text)
        assert plain != text or button != "_" + text
        return plain if plain != text else button.replace("_", "")

    return {key: say(text) for key, text in words.items()}


@pytest.mark.skipif(harness.is_sanitized(), reason="a sanitizer sees no pictures; the plain build has them")
@pytest.mark.parametrize("variant", VARIANTS)
def test_every_page_is_whole(office, start, variant):
    office.set_contacts()
    office.set_person()
    office.set_page()
    office.set("NumberOfDaysAfterLostContactToUnenroll", "30")
    office.session()
    office.begin_first_sync(block=7, logs=True, text="Please call the help desk: 4711.")
    office.outcome(POLICIES[0])
    viewer = start(**VARIANTS[variant])
    camera = Camera(viewer, variant)
    words = ENGLISH if variant != "rtl" else translate(ENGLISH, "ar")
    walk(viewer, camera, office, words)
    assert not camera.problems
