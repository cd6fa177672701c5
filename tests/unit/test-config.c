/* SPDX-License-Identifier: MIT */

#include "broker/config.h"

#include <glib.h>
#include <string.h>

#include "common/error.h"

#define ONE "sha256/MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI="
#define TWO "sha256/YWJjZGVmZ2hpamFiY2RlZmdoaWphYmNkZWZnaGlqYWI="

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
    g_assert_cmpuint(config->stall_timeout_s, ==, 30);
    g_assert_cmpuint(config->session_timeout_s, ==, 600);
    g_assert_cmpuint(config->max_messages, ==, 64);
    g_assert_null(config->tls_crl_file);
    g_assert_cmpint(config->revocation, ==, DM_REVOCATION_OFF);
    g_assert_null(config->pins);
    g_assert_null(config->proxy);
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
                                       "keep-alive-interval=600\n"
                                       "stall-timeout=600\ntls-crl-file=/etc/l.pem\n"
                                       "revocation=require\npins=" ONE ";" TWO "\n"
                                       "proxy=http://[::1]:3128\n"
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
    g_assert_cmpuint(config->keep_alive_interval_s, ==, 600);
    g_assert_cmpuint(config->stall_timeout_s, ==, 600);
    g_assert_cmpstr(config->tls_crl_file, ==, "/etc/l.pem");
    g_assert_cmpint(config->revocation, ==, DM_REVOCATION_REQUIRE);
    g_assert_cmpuint(g_bytes_get_size(config->pins), ==, 64);
    g_assert_cmpstr(config->proxy, ==, "http://[::1]:3128");
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
    /* With the one that was meant, if one is near. */
    g_assert_nonnull(strstr(config->warnings->pdata[0], "is ca-file meant?"));
    g_assert_nonnull(strstr(config->warnings->pdata[1], "is max-messages meant?"));
}

static void
test_far_from_any_key(void)
{
    g_autofree char *longest = g_strnfill(200, 'x');
    g_autofree char *text = g_strdup_printf("[broker]\nsomething=1\n%s=1\n", longest);
    g_autoptr(GError) error = NULL;
    g_autoptr(DmConfig) config = parse(text, &error);

    g_assert_no_error(error);
    g_assert_cmpuint(config->warnings->len, ==, 2);
    for (guint i = 0; i < 2; i++)
        g_assert_null(strstr(config->warnings->pdata[i], "meant"));
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
        {"[broker]\nkeep-alive-interval=0\n", "keep-alive-interval"},
        {"[broker]\nca-file=ca.pem\n", "absolute"},
        {"[broker]\nca-file=\n", "ca-file"},
        {"[broker]\nuser-agent=a\\nX-Header: b\n", "user-agent"},
        {"[broker]\nuser-agent=\xc3\xa4\n", "user-agent"},
        {"[broker]\nrequire-signing=maybe\n", "require-signing"},
        {"[broker]\nminimum-security-mode=4\n", "0 to 3"},
        {"[broker]\ncrl-file=crls.pem\n", "crl-file"},
        {"[broker]\nstall-timeout=0\n", "1 to 600"},
        {"[broker]\ntls-crl-file=l.pem\n", "absolute"},
        {"[broker]\nrevocation=yes\n", "off, if-stapled or require"},
        {"[broker]\npins=" ONE "\n", "two different pins"},
        {"[broker]\npins=" ONE ";" ONE "\n", "two different pins"},
        {"[broker]\npins=" ONE ";other\n", "base64"},
        {"[broker]\nproxy=127.0.0.1:3128\n", "http://HOST:PORT"},
        {"[broker]\nproxy=https://h:1\n", "http://HOST:PORT"},
        {"[broker]\nproxy=http://h\n", "http://HOST:PORT"},
        {"[broker]\nproxy=http://u:p@h:1\n", "without user"},
        {"[broker]\nproxy=http://h:1/path\n", "http://HOST:PORT"},
        {"[broker]\nproxy=http://h:1?q\n", "http://HOST:PORT"},
        {"[broker]\nrequire-signing=perhaps\n", "true or false"},
        {"[tree]\nallow-http=perhaps\n", "allow-http"},
        {"[broker]\ndemand-server-credentials=perhaps\n", "demand-server-credentials"},
        {"[broker]\nnetwork-wait=3601\n", "0 to 3600"},
        {"[broker]\npush-service=:1.2\n", "org.example.Push"},
        {"[broker]\npush-service=no name\n", "org.example.Push"},
        {"[routes]\n./DevDetail/Ext=/run/x\n", "outside DMClient"},
        {"[routes]\n./Vendor/MSFT/DMClient=/run/x\n", "outside DMClient"},
        {"[routes]\n./Vendor/msft/DMClient/Provider=/run/x\n", "outside DMClient"},
        {"[routes]\n./Vendor/X?list=Struct=/run/x\n", "LocURI"},
        {"[routes]\n./Vendor/X=x\n", "absolute path"},
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

/* Which socket serves a LocURI; "-": none. */
static const char *
find_socket(const DmConfig *config, const char *loc_uri)
{
    g_autofree DmUri *uri = g_new(DmUri, 1);
    int number;

    g_assert_cmpint(dm_uri_parse(loc_uri, uri), ==, DM_STATUS_OK);
    number = dm_route_table_find(config->routes, uri);
    return number < 0 ? "-" : dm_route_table_get_socket(config->routes, (guint)number);
}

static void
test_routes(void)
{
    static const struct {
        const char *loc_uri;
        const char *socket;
    } cases[] = {
        {"./Vendor/MSFT/Policy", "/run/p"},
        {"./Device/Vendor/MSFT/Policy/Config/X", "/run/p"},
        {"./device/vendor/msft/Policy", "/run/p"},
        {"./Vendor/MSFT/policy", "-"},
        {"./Vendor/MSFT/PolicyX", "-"},
        {"./Vendor/MSFT", "-"},
        {"./User/Vendor/MSFT/Policy", "/run/u"},
        {"./Vendor/MSFT/Policy/Result/X", "/run/r"},
        {"./Vendor/MSFT/Policy/Results", "/run/p"},
        {"./Other/X%20Y/Z", "/run/p"},
        {"./other/X%20Y/Z", "-"},
    };
    g_autoptr(GError) error = NULL;
    g_autoptr(DmConfig) config = parse("[broker]\npush-service=org.example.Push\nnetwork-wait=0\n"
                                       "[routes]\n./Vendor/MSFT/Policy=/run/p\n"
                                       "./User/Vendor/MSFT/Policy = /run/u\n"
                                       "./Device/Vendor/MSFT/Policy/Result=/run/r\n"
                                       "./Other/X%20Y=/run/p\n",
                                       &error);

    g_assert_no_error(error);
    g_assert_cmpstr(config->push_service, ==, "org.example.Push");
    g_assert_cmpuint(config->network_wait_s, ==, 0);
    g_assert_cmpuint(dm_route_table_count(config->routes), ==, 3);
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++)
        g_assert_cmpstr(find_socket(config, cases[i].loc_uri), ==, cases[i].socket);
}

static void
test_too_many_routes(void)
{
    g_autoptr(GString) text = g_string_new("[routes]\n");
    g_autoptr(GError) error = NULL;

    for (guint i = 0; i <= DM_ROUTE_TABLE_MAX; i++)
        g_string_append_printf(text, "./Vendor/X%u=/run/x\n", i);
    g_assert_null(parse(text->str, &error));
    g_assert_error(error, DM_ERROR, DM_ERROR_INVALID);
    g_assert_nonnull(strstr(error->message, "at most 32"));
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
    g_test_add_func("/config/unknown-keys-like-none", test_far_from_any_key);
    g_test_add_func("/config/refused-by-file-key-and-range", test_refused);
    g_test_add_func("/config/protocol-7-routes", test_routes);
    g_test_add_func("/config/protocol-7-too-many-routes", test_too_many_routes);
    g_test_add_func("/config/cap", test_too_large);
    return g_test_run();
}
