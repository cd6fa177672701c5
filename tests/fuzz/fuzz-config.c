/* SPDX-License-Identifier: MIT */

#include <stdint.h>
#include <string.h>

#include "broker/address.h"
#include "broker/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A configuration that is taken holds its caps, and has nothing that could end a header's line; the
 * same bytes as an address make a URL whose host is still the address's. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(DmConfig) config = dm_config_parse((const char *)data, size, "fuzz", &error);
    g_autofree char *text = g_strndup((const char *)data, size);

    g_assert_true((config == NULL) == (error != NULL));
    if (config) {
        g_assert_null(strpbrk(config->user_agent, "\r\n"));
        g_assert_true(!config->ca_file || config->ca_file[0] == '/');
        g_assert_cmpuint(config->connect_timeout_s - 1, <, 120);
        g_assert_cmpuint(config->request_timeout_s - 1, <, 600);
        g_assert_cmpuint(config->session_timeout_s - 1, <, 3600);
        g_assert_cmpuint(config->max_messages - 2, <, 999);
        g_assert_cmpuint(config->minimum_security_mode, <=, 3);
        g_assert_true(!config->crl_file || config->crl_file[0] == '/');
    }
    if (dm_address_check(text, true, NULL)) {
        g_autofree char *url = dm_address_make_url(text, "Machine", "Linux");
        g_autofree char *before = dm_address_describe(text);
        g_autofree char *after = dm_address_describe(url);

        g_assert_cmpstr(before, ==, after);
        g_assert_true(dm_address_check(url, true, NULL));
    }
    return 0;
}
