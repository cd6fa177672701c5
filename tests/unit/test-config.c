/* SPDX-License-Identifier: MIT */

#include "broker/config.h"

#include <glib.h>
#include <string.h>

#include "common/error.h"

static DmConfig *
parse(const char *text, GError **error)
{
    return dm_config_parse(text, strlen(text), "test.conf", error);
}

static void
assert_defaults(const DmConfig *config)
{
    g_assert_null(config->ca_file);
    g_assert_true(g_str_has_prefix(config->user_agent, "MSFT OMA DM Client/1.2.0.1 dmclient/"));
    g_assert_cmpuint(config->connect_timeout_s, ==, 15);
    g_assert_cmpuint(config->request_timeout_s, ==, 120);
    g_assert_cmpuint(config->session_timeout_s, ==, 600);
    g_assert_cmpuint(config->max_messages, ==, 64);
    g_assert_false(config->allow_http);
    g_assert_cmpuint(config->warnings->len, ==, 0);
}

static void
test_defaults(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(DmConfig) config = dm_config_new();
    g_autoptr(DmConfig) empty = parse("", &error);
    g_autoptr(DmConfig) absent = dm_config_load("/nonexistent/dmclient.conf", false, &error);

    g_assert_no_error(error);
    assert_defaults(config);
    assert_defaults(empty);
    assert_defaults(absent);
    g_assert_null(dm_config_load("/nonexistent/dmclient.conf", true, &error));
    g_assert_error(error, DM_ERROR, DM_ERROR_NOT_FOUND);
    g_assert_nonnull(strstr(error->message, "/nonexistent/dmclient.conf"));
}

static void
test_values(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(DmConfig) config = parse("# of the broker\n"
                                       "[broker]\nca-file=/etc/ca.pem\nuser-agent=Other/1 x\n"
                                       "connect-timeout=1\nrequest-timeout = 600\n"
                                       "session-timeout=3600\nmax-messages=2\n"
                                       "require-signing=true\nminimum-security-mode=3\n"
                                       "crl-file=/etc/crls.pem\n"
                                       "[tree]\nallow-http=true\n",
                                       &error);

    g_assert_no_error(error);
    g_assert_cmpstr(config->ca_file, ==, "/etc/ca.pem");
    g_assert_cmpstr(config->user_agent, ==, "Other/1 x");
    g_assert_cmpuint(config->connect_timeout_s, ==, 1);
    g_assert_cmpuint(config->request_timeout_s, ==, 600);
    g_assert_cmpuint(config->session_timeout_s, ==, 3600);
    g_assert_cmpuint(config->max_messages, ==, 2);
    g_assert_true(config->require_signing);
    g_assert_cmpuint(config->minimum_security_mode, ==, 3);
    g_assert_cmpstr(config->crl_file, ==, "/etc/crls.pem");
    g_assert_true(config->allow_http);
    g_assert_cmpuint(config->warnings->len, ==, 0);
}

static void
test_unknown(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(DmConfig) config =
        parse("[broker]\nca_file=/x\nmax-message=1\n[tree]\nanything=1\n", &error);

    g_assert_no_error(error);
    g_assert_cmpuint(config->warnings->len, ==, 2);
    g_assert_nonnull(strstr(config->warnings->pdata[0], "ca_file"));
    g_assert_nonnull(strstr(config->warnings->pdata[0], "test.conf"));
    g_assert_nonnull(strstr(config->warnings->pdata[1], "max-message"));
}

static void
test_refused(void)
{
    static const struct {
        const char *text;
        const char *named;
    } cases[] = {
        {"[broker]\nconnect-timeout=0\n", "connect-timeout"},
        {"[broker]\nconnect-timeout=121\n", "1 to 120"},
        {"[broker]\nconnect-timeout=-1\n", "connect-timeout"},
        {"[broker]\nconnect-timeout=\n", "connect-timeout"},
        {"[broker]\nrequest-timeout=1s\n", "request-timeout"},
        {"[broker]\nsession-timeout=99999999999999999999\n", "session-timeout"},
        {"[broker]\nmax-messages=1\n", "max-messages"},
        {"[broker]\nca-file=ca.pem\n", "absolute"},
        {"[broker]\nca-file=\n", "ca-file"},
        {"[broker]\nuser-agent=a\\nX-Header: b\n", "user-agent"},
        {"[broker]\nuser-agent=\xc3\xa4\n", "user-agent"},
        {"[broker]\nrequire-signing=maybe\n", "require-signing"},
        {"[broker]\nminimum-security-mode=4\n", "0 to 3"},
        {"[broker]\ncrl-file=crls.pem\n", "crl-file"},
        {"[tree]\nallow-http=perhaps\n", "allow-http"},
        {"[broker]\ndemand-server-credentials=perhaps\n", "demand-server-credentials"},
        {"no group\n", "test.conf"},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;

        g_test_message("%s", cases[i].text);
        g_assert_null(parse(cases[i].text, &error));
        g_assert_error(error, DM_ERROR, DM_ERROR_INVALID);
        g_assert_nonnull(strstr(error->message, cases[i].named));
        g_assert_nonnull(strstr(error->message, "test.conf"));
    }
}

static void
test_too_large(void)
{
    g_autofree char *text = g_strnfill(DM_CONFIG_MAX_BYTES + 1, '#');
    g_autoptr(GError) error = NULL;

    g_assert_null(parse(text, &error));
    g_assert_error(error, DM_ERROR, DM_ERROR_TOO_LARGE);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/config/protocol-4-defaults", test_defaults);
    g_test_add_func("/config/values", test_values);
    g_test_add_func("/config/unknown-keys-are-named", test_unknown);
    g_test_add_func("/config/refused-by-file-key-and-range", test_refused);
    g_test_add_func("/config/cap", test_too_large);
    return g_test_run();
}
