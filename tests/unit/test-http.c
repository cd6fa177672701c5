/* SPDX-License-Identifier: MIT */

#include "broker/http.h"

#include <string.h>

#include "common/error.h"

#define NOW_S G_GINT64_CONSTANT(784111777) /* Sun, 06 Nov 1994 08:49:37 GMT */

static void
test_answers(void)
{
    for (unsigned status = 100; status < 600; status++)
        g_assert_cmpint(dm_http_is_answer(status), ==,
                        status < 500 && status != 408 && status != 429);
}

static void
test_dates(void)
{
    static const struct {
        const char *text;
        gint64 date_s;
    } cases[] = {
        {"Sun, 06 Nov 1994 08:49:37 GMT", NOW_S},
        {"Sunday, 06-Nov-94 08:49:37 GMT", NOW_S},
        {"Sun Nov  6 08:49:37 1994", NOW_S},
        {"Thu, 01 Jan 1970 00:00:00 GMT", 0},
        {NULL, -1},
        {"", -1},
        {"now", -1},
        {"784111777", -1},
        {"19941106", -1},
        {"Sun, 06 Nov 1994 99:49:37 GMT", -1},
        {"Sun, 99 Nov 1994 08:49:37 GMT", -1},
        {"Sun, 06 Nov 1994 08:49:37 GMT Sun, 06 Nov 1994 08:49:37 GMT and more", -1},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_test_message("%s", cases[i].text ? cases[i].text : "(none)");
        g_assert_cmpint(dm_http_parse_date(cases[i].text), ==, cases[i].date_s);
    }
}

static void
test_retry_after(void)
{
    static const struct {
        const char *text;
        gint64 wait_ms;
    } cases[] = {
        {"0", 0},
        {"120", 120000},
        {"007", 7000},
        {"99999999999999999999999", 365 * 86400 * G_GINT64_CONSTANT(1000)},
        {"Sun, 06 Nov 1994 08:50:37 GMT", 60000},
        {"Sun, 06 Nov 1994 08:49:37 GMT", 0},
        {"Sun, 06 Nov 1994 08:00:00 GMT", 0},
        {"Fri, 06 Nov 2094 08:49:37 GMT", 365 * 86400 * G_GINT64_CONSTANT(1000)},
        {NULL, -1},
        {"", -1},
        {"-5", -1},
        {"+5", -1},
        {" 5", -1},
        {"5s", -1},
        {"1.5", -1},
        {"soon", -1},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_test_message("%s", cases[i].text ? cases[i].text : "(none)");
        g_assert_cmpint(dm_http_parse_retry_after(cases[i].text, NOW_S), ==, cases[i].wait_ms);
    }
}

static void
test_errors(void)
{
    static const struct {
        DmTransportAnswer answer;
        const char *part;
    } cases[] = {
        {{.status = 401, .wants_bearer = true}, "Bearer"},
        {{.status = 401}, "certificate enrolled"},
        {{.status = 403}, "certificate enrolled"},
        {{.status = 404}, "check the provider's server address"},
        {{.status = 407}, "[broker] proxy"},
        {{.status = 400}, "HTTP status 400"},
        {{.status = 302, .refusal = "leads nowhere"}, "HTTP status 302: leads nowhere"},
        {{.status = 503, .retry_after_ms = 1500}, "left alone for 2 s"},
        {{.status = 429, .retry_after_ms = -1}, "try again later"},
        {{.status = 500}, "try again later"},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        DmTransportAnswer answer = cases[i].answer;
        g_autofree char *status = g_strdup_printf("HTTP status %u", answer.status);
        g_autoptr(GError) error = NULL;

        answer.url = "https://mdm.example.test/dm";
        error = dm_http_new_error(&answer);
        g_test_message("%s", error->message);
        g_assert_error(error, DM_ERROR, DM_ERROR_HTTP);
        g_assert_true(g_str_has_prefix(error->message, "mdm.example.test:443: "));
        g_assert_nonnull(strstr(error->message, status));
        g_assert_nonnull(strstr(error->message, cases[i].part));
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/http/L3-what-is-an-answer", test_answers);
    g_test_add_func("/http/dates-of-RFC-9110", test_dates);
    g_test_add_func("/http/L4-Retry-After", test_retry_after);
    g_test_add_func("/http/protocol-4-errors-say-what-to-do", test_errors);
    return g_test_run();
}
