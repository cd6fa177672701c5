/* SPDX-License-Identifier: MIT */

#include "broker/redirect.h"

#include <curl/curl.h>

#include "broker/address.h"

#define MAX_LOCATION 2048 /* as an address may have (L1) */

typedef CURLU Url;
typedef char CurlText;

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Url, curl_url_cleanup)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(CurlText, curl_free)

bool
dm_redirect_is_one(unsigned status)
{
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

/* `location`, which may be relative, as the absolute URL that curl would go to; NULL: not a URL. By
 * curl's own parser: whoever checks must read it as the one who connects. */
static char *
resolve(const char *url, const char *location)
{
    g_autoptr(Url) parsed = curl_url();
    g_autoptr(CurlText) text = NULL;

    g_assert(parsed);
    if (curl_url_set(parsed, CURLUPART_URL, url, 0) != CURLUE_OK ||
        curl_url_set(parsed, CURLUPART_URL, location, 0) != CURLUE_OK)
        return NULL;
    (void)curl_url_set(parsed, CURLUPART_FRAGMENT, NULL, 0);
    if (curl_url_get(parsed, CURLUPART_URL, &text, 0) != CURLUE_OK)
        return NULL;
    return g_strdup(text);
}

char *
dm_redirect_follow(unsigned status, const char *url, const char *location,
                   const char *const *listed, guint n_followed, char **ret_reason)
{
    g_autofree char *target = NULL;
    g_autofree char *host = NULL;

    if (location && strlen(location) <= MAX_LOCATION)
        target = resolve(url, location);
    if (!target) {
        *ret_reason = g_strdup("a redirect without a Location that is a URL: the server is at "
                               "fault, its administrator should correct it");
        return NULL;
    }
    host = dm_address_describe(target);
    if (status != 307 && status != 308)
        *ret_reason = g_strdup_printf(
            "redirects to %s, and only 307 and 308 are followed, which keep the message: correct "
            "the provider's server address, or the server",
            host);
    else if (!dm_address_is_https(target))
        *ret_reason = g_strdup_printf("redirects to %s without https, which is not followed: "
                                      "correct the server",
                                      host);
    else if (!listed || !dm_address_is_listed(target, listed))
        *ret_reason =
            g_strdup_printf("redirects to %s, which is not on the provider's list and is not "
                            "followed: correct the server, or have the host listed",
                            host);
    else if (n_followed >= DM_REDIRECT_MAX)
        *ret_reason = g_strdup_printf("redirects to %s, the fourth in a row, which is not "
                                      "followed: the server's redirects lead in a circle, or "
                                      "too far",
                                      host);
    else
        return g_steal_pointer(&target);
    return NULL;
}
