# SPDX-License-Identifier: MIT
"""What servers write is shown, and is nothing but text (security.md section 3)."""

import pytest
import treeclient
from desk import URI, Office
from viewer import BUTTON

LINK = '<a href="javascript:alert(1)">click</a>'
MARKUP = "A & B <x"
# Binary without NUL, as far as the tree takes it: DEL and the C1 controls; C0 is no XML.
BINARY = "\x7fELF" + "".join(map(chr, range(0x7f, 0xa0)))
NOISE = "".join(map(chr, [*range(0x21, 0x7f), *range(0xae, 0x180)]))
LONG = ("Lorem ipsum dolor sit amet. " * 300)[:8192 - 2] + "!?"
# Not a link, for one reason each.
NO_LINKS = ["javascript:alert(1)", "file:///etc/passwd", "https://", "https:///path",
            "https://help.example@evil.example/", "https://evil.example\\@help.example/",
            "https://evil.example/<b>", "ftp://help.example/", LINK, "https://exa mple.example/",
            "help.contoso.example", "data:text/html,x", "https://user:pass@evil.example/"]
NO_PHONES = ["+49 30 12;ext=1", "tel:123", "call me", "12?x=1", "*#06#"]
NO_MAILS = ["a@b.example?bcc=c@d.example", "a@b@c.example", "Jo <jo@b.example>", "@b.example",
            "a@", "a b@c.example", "a@b.example,c@d.example", "a%0abcc@b.example"]


def test_markup_is_text_on_every_page(office, start):
    office.set("HelpPhoneNumber", MARKUP)
    office.set("HelpWebsite", LINK)
    office.set("HelpEmailAddress", "<b>bold</b>")
    office.set("UPN", MARKUP)
    office.set("EntDeviceName", LINK)
    office.set_page(title=MARKUP, body=LINK + "\n" + LONG[:4000], href="javascript:alert(1)", text=LINK)
    office.begin_first_sync(text=LINK)
    office.fail()
    viewer = start()
    viewer.wait_for_text("Device Setup Failed", LINK)
    viewer.press("Continue Anyway")
    viewer.wait_for_text("This organisation manages your device.")
    rows = viewer.rows()
    assert rows["Phone"] == [MARKUP]
    assert rows["Website"] == [LINK] and rows["Email"] == ["<b>bold</b>"]
    assert rows["Account"] == [MARKUP] and rows["Name at the organisation"] == [LINK]
    assert not {"Call", "Open Website", "Write Email"} & set(viewer.buttons())
    viewer.open_row("What Your Organisation Can See and Do")
    viewer.wait_for_row("Name of the device", LINK)
    assert viewer.rows()["Your account"] == [MARKUP]


def test_binary_is_text(office, start):
    """What is no character is not shown; what is left is, also where it is very long."""
    status, = office.client.status(
        treeclient.command("Replace", f"{URI}/Provider/Contoso/HelpPhoneNumber", "\x01ELF"))
    assert status == 415
    office.set_contacts(phone=BINARY[:20], website=BINARY, mail=BINARY)
    office.set("UPN", BINARY)
    office.set("EntDeviceName", NOISE[:40])
    office.set("EntDMID", BINARY)
    office.begin_first_sync(text=BINARY)
    office.fail()
    viewer = start()
    viewer.wait_for_text("Device Setup Failed", "ELF")
    viewer.press("Continue Anyway")
    for title in ("Phone", "Website", "Email", "Account"):
        viewer.wait_for_row(title, "ELF")
    viewer.wait_for_row("Name at the organisation", NOISE[:40])
    assert not {"Call", "Open Website", "Write Email"} & set(viewer.buttons())
    viewer.open_row("What Your Organisation Can See and Do")
    viewer.wait_for_row("EntDMID", "ELF")


def test_the_page_at_the_end_is_text(office, start):
    office.set_page(title=MARKUP, body=LONG, href="javascript:alert(1)", text=LINK)
    office.begin_first_sync()
    office.finish()
    viewer = start()
    viewer.wait_for_text(MARKUP, LONG)
    viewer.wait_for_row(LINK, "javascript:alert(1)")
    assert "Open Website" not in viewer.buttons()
    # Names and directions that deceive: the real host stands there.
    office.set("CustomEnrollmentCompletePage/HyperlinkText", "https://bank.example\u202e/\u200b")
    office.set("CustomEnrollmentCompletePage/HyperlinkHref", "https://xn--bnk-qla.example/a")
    viewer.wait_for_row("https://bank.example/", "Leads to xn--bnk-qla.example")
    office.set("CustomEnrollmentCompletePage/HyperlinkHref", "https://b\u00e4nk.example/")
    viewer.wait_for_row("https://bank.example/", "Leads to xn--bnk-qla.example")
    office.set("CustomEnrollmentCompletePage/HyperlinkHref", "http://help.example/")
    viewer.wait_for_row("https://bank.example/", "Leads to help.example\nNot encrypted: others can "
                        "read what you send there")
    assert "Open Website" in viewer.buttons()
    office.set("CustomEnrollmentCompletePage/HyperlinkText", BINARY)
    office.set("CustomEnrollmentCompletePage/Title", BINARY)
    office.set("CustomEnrollmentCompletePage/BodyText", (BINARY + NOISE) * 9)
    viewer.wait_for_text("ELF", ("ELF" + NOISE) * 9)
    viewer.wait_for_row("ELF", "Leads to help.example\nNot encrypted: others can read what you send "
                        "there")


def test_what_is_no_link_cannot_be_opened(office, start):
    viewer = start()
    for leaf, title, button, texts in (("HelpWebsite", "Website", "Open Website", NO_LINKS),
                                       ("HelpPhoneNumber", "Phone", "Call", NO_PHONES),
                                       ("HelpEmailAddress", "Email", "Write Email", NO_MAILS)):
        for text in texts:
            office.set(leaf, text)
            viewer.wait_for_row(title, text)
            assert button not in viewer.buttons(), text


HANDLER = """[Desktop Entry]
Type=Application
Name=Browser
Exec=sh -c 'printf "%%s\\\\n" "$1" >> {log}' sh %u
MimeType=x-scheme-handler/https;x-scheme-handler/tel;x-scheme-handler/mailto;
"""


def test_links_are_opened_by_the_desktop(office, start, module_env):
    """As one argument, whatever it has in it."""
    applications = module_env.dir / "home/data/applications"
    applications.mkdir(parents=True, exist_ok=True)
    log = module_env.dir / "opened"
    (applications / "browser.desktop").write_text(HANDLER.format(log=log))
    (applications / "mimeapps.list").write_text("[Default Applications]\n" + "".join(
        f"x-scheme-handler/{scheme}=browser.desktop\n" for scheme in ("https", "tel", "mailto")))
    office.set_contacts(website="https://help.contoso.example/?a=$(id)&b=';x")
    viewer = start(XDG_CURRENT_DESKTOP="")
    viewer.wait_for_row("Phone", "+49 30 1234567")
    for button, uri in (("Open Website", "https://help.contoso.example/?a=$(id)&b=';x"),
                        ("Call", "tel:+49301234567"), ("Write Email", "mailto:help@contoso.example")):
        viewer.press(button)
        viewer.wait_for(lambda: log.exists() and uri in log.read_text().splitlines(),
                        f"{uri}; {viewer.output()}")


@pytest.mark.parametrize("name", ["A & B <x", "<b>bold", "e\u0301\u5b57\u05d0\u0627"])
def test_names_of_organisations(module_env, start, name):
    office = Office(module_env, name)
    viewer = start()
    viewer.wait_for_text(name)
    viewer.press("Disconnect\u2026")
    viewer.wait_for_text(f"Disconnect From {name}?")
    viewer.press("Cancel")
    viewer.wait_until_gone("This Will Be Removed")
    assert viewer.find("Sync Now", BUTTON)
    office.close()
