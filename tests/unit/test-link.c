/* SPDX-License-Identifier: MIT */
#include "desktop/link.h"

/* Security.md section 3: what is opened, where it leads, and what stays text. */

typedef struct {
    const char *text;
    const char *uri; /* NULL: text */
    const char *host;
    bool is_secure;
} Case;

static void
check(const Case *c, DmLink *(*judge)(const char *text))
{
    g_autoptr(DmLink) link = judge(c->text);

    g_test_message("%s", c->text);
    g_assert_cmpstr(link != NULL ? link->uri : NULL, ==, c->uri);
    if (link == NULL)
        return;
    g_assert_cmpstr(link->host, ==, c->host);
    g_assert_cmpint(link->is_secure, ==, c->is_secure);
}

static void
test_web(void)
{
    static const Case cases[] = {
        {"https://a.example/", "https://a.example/", "a.example", true},
        {"https://a.example:8443/x?y=%20#z", "https://a.example:8443/x?y=%20#z", "a.example", true},
        {"http://a.example", "http://a.example", "a.example", false},
        {"HTTPS://A.example/", "https://A.example/", "a.example", true},
        {"https://[2001:db8::1]/", "https://[2001:db8::1]/", "2001:db8::1", true},
        {"https://b\u00fccher.example/", "https://xn--bcher-kva.example/", "xn--bcher-kva.example",
         true},
        {.text = ""},
        {.text = "a.example"},
        {.text = "https:"},
        {.text = "https://"},
        {.text = "https:///a"},
        {.text = "https://.example/"},
        {.text = "https://user@a.example/"},
        {.text = "https://user:secret@a.example/"},
        {.text = "https://@a.example/"},
        {.text = "https://a.example\\@b.example/"},
        {.text = "https://a example/"},
        {.text = " https://a.example/"},
        {.text = "https://a.example/\n"},
        {.text = "https://a.example/<b>"},
        {.text = "https://a%00.example/"},
        {.text = "javascript:alert(1)"},
        {.text = "file:///etc/passwd"},
        {.text = "ftp://a.example/"},
        {.text = "data:text/html,x"},
    };
    g_autofree char *endless = g_strnfill(3000, 'a');
    g_autofree char *address = g_strconcat("https://a.example/", endless, NULL);

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++)
        check(&cases[i], dm_link_from_web);
    g_assert_null(dm_link_from_web(address));
}

static void
test_phone(void)
{
    static const Case cases[] = {
        {"+49 (30) 12.34-56", "tel:+4930123456", "", true},
        {"110", "tel:110", "", true},
        {"00+49", "tel:0049", "", true},
        {.text = ""},
        {.text = "+"},
        {.text = "( )"},
        {.text = "5"},
        {.text = "110;ext=1"},
        {.text = "*#06#"},
        {.text = "tel:110"},
        {.text = "Helpdesk 110"},
        {.text = "\u0661\u0662\u0663"},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++)
        check(&cases[i], dm_link_from_phone);
}

static void
test_mail(void)
{
    static const Case cases[] = {
        {"help@a.example", "mailto:help@a.example", "a.example", true},
        {"it+help.desk@a-b.example", "mailto:it%2Bhelp.desk@a-b.example", "a-b.example", true},
        {.text = ""},
        {.text = "help"},
        {.text = "@a.example"},
        {.text = "help@"},
        {.text = "a@b@c.example"},
        {.text = "a@b.example?bcc=c@d.example"},
        {.text = "a@b.example,c@d.example"},
        {.text = "a%0abcc@b.example"},
        {.text = "Help <help@a.example>"},
        {.text = "a b@c.example"},
        {.text = "a@[::1]"},
        {.text = "a@::1"},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++)
        check(&cases[i], dm_link_from_mail);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/link/web", test_web);
    g_test_add_func("/link/phone", test_phone);
    g_test_add_func("/link/mail", test_mail);
    return g_test_run();
}
