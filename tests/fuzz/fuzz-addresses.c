/* SPDX-License-Identifier: MIT */

/* Address lists as a server may send them (L1): what is accepted is what L1 allows, and reads the
 * same again. */

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "tree/rules/addresses.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_accepted(GStrv addresses)
{
    g_autoptr(GString) listed = g_string_new(NULL);
    g_auto(GStrv) again = NULL;
    guint n = g_strv_length(addresses);

    g_assert_cmpuint(n, >=, 1);
    g_assert_cmpuint(n, <=, DM_ADDRESSES_MAX);
    for (guint i = 0; i < n; i++) {
        g_autofree char *host = dm_address_get_host(addresses[i]);

        g_assert_true(g_ascii_strncasecmp(addresses[i], "https://", 8) == 0);
        g_assert_cmpuint(strlen(addresses[i]), <=, DM_ADDRESS_MAX_BYTES);
        g_assert_null(strpbrk(addresses[i], " \t\r\n<>#\"\\"));
        g_assert_nonnull(host);
        g_assert_cmpstr(host, !=, "");
        g_string_append_printf(listed, "<%s>", addresses[i]);
    }
    g_assert_cmpint(dm_addresses_parse(listed->str, false, &again), ==, DM_STATUS_OK);
    g_assert_true(g_strv_equal((const char *const *)addresses, (const char *const *)again));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autofree char *text = g_strndup((const char *)data, size);
    g_auto(GStrv) split = dm_addresses_split(text);
    g_auto(GStrv) strict = NULL;
    g_auto(GStrv) loose = NULL;

    g_free(dm_address_get_host(text));
    g_assert_cmpuint(g_strv_length(split), <=, DM_ADDRESSES_MAX);
    if (dm_addresses_parse(text, false, &strict) == DM_STATUS_OK) {
        check_accepted(strict);
        g_assert_true(g_strv_equal((const char *const *)strict, (const char *const *)split));
        /* What is right without http is right with it. */
        g_assert_cmpint(dm_addresses_parse(text, true, &loose), ==, DM_STATUS_OK);
    } else {
        (void)dm_addresses_parse(text, true, &loose);
    }
    return 0;
}
