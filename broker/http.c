/* SPDX-License-Identifier: MIT */

#include "broker/http.h"

#include <curl/curl.h>
#include <string.h>

#include "broker/address.h"
#include "common/error.h"
#include "common/log.h"

#define MAX_DATE 64
#define MAX_SKEW_S 300 /* that is not worth a warning */
#define MAX_SECONDS (365 * 86400)

bool
dm_http_is_answer(unsigned status)
{
    return status != 408 && status != 429 && status < 500;
}

bool
dm_http_is_type(const char *content_type, const char *type)
{
    gsize size = strlen(type);

    return content_type && g_ascii_strncasecmp(content_type, type, size) == 0 &&
           strchr("; \t", content_type[size]);
}

gint64
dm_http_parse_date(const char *text)
{
    time_t seconds;

    /* curl reads much more than HTTP dates: bare numbers, for one. */
    if (!text || strlen(text) > MAX_DATE || !g_ascii_isalpha(*text) || !strchr(text, ':'))
        return -1;
    seconds = curl_getdate(text, NULL);
    return seconds >= 0 ? (gint64)seconds : -1;
}

gint64
dm_http_parse_retry_after(const char *text, gint64 now_s)
{
    gint64 date_s;
    gsize n_digits;

    if (!text)
        return -1;
    n_digits = strspn(text, "0123456789");
    if (n_digits > 0 && text[n_digits] == '\0')
        return (gint64)MIN(g_ascii_strtoull(text, NULL, 10), MAX_SECONDS) * 1000;
    date_s = dm_http_parse_date(text);
    return date_s < 0 ? -1 : CLAMP(date_s - now_s, 0, MAX_SECONDS) * 1000;
}

/* Certificates and schedules suffer where clocks differ. */
bool
dm_http_measure_skew(const DmTransportAnswer *answer, const char *provider, gint64 *ret_skew_s)
{
    gint64 skew_s = answer->date_s - g_get_real_time() / G_USEC_PER_SEC;
    g_autofree char *text = g_strdup_printf("%" G_GINT64_FORMAT " s", skew_s);

    if (answer->date_s < 0)
        return false;
    if (ABS(skew_s) > MAX_SKEW_S)
        dm_log_warning("the server's clock is another than this device's: check it", "DM_PROVIDER",
                       provider, "DM_AHEAD", text);
    *ret_skew_s = skew_s;
    return true;
}

/* Text after "HTTP status N". */
static char *
explain(const DmTransportAnswer *answer)
{
    if (answer->refusal)
        return g_strdup_printf(": %s", answer->refusal);
    if (answer->status == 401 && answer->wants_bearer)
        return g_strdup(": the server asks for a token (Bearer), and this device has only its "
                        "certificate: ask the server's administrator whether it is enrolled there");
    if (answer->status == 401 || answer->status == 403)
        return g_strdup(": the server does not accept this device: is its certificate enrolled "
                        "there?");
    if (answer->status == 404)
        return g_strdup(": nothing at this address: check the provider's server address");
    if (answer->status == 407)
        return g_strdup(": a proxy in front of the server wants credentials: check [broker] proxy");
    if (dm_http_is_answer(answer->status))
        return g_strdup("");
    if (answer->retry_after_ms > 0)
        return g_strdup_printf(": the server asks to be left alone for %" G_GINT64_FORMAT " s",
                               (answer->retry_after_ms + 999) / 1000);
    return g_strdup(": try again later");
}

GError *
dm_http_new_error(const DmTransportAnswer *answer)
{
    g_autofree char *host = dm_address_describe(answer->url);
    g_autofree char *text = explain(answer);

    return g_error_new(DM_ERROR, DM_ERROR_HTTP, "%s: HTTP status %u%s", host, answer->status, text);
}
