/* SPDX-License-Identifier: MIT */

/* Provisioning documents: what is parsed is text that a tree and a bus can take. */

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "common/account.h"
#include "common/value.h"
#include "syncml/provisioning.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_text(const char *text)
{
    g_assert_true(text == NULL || dm_text_is_valid(text, strlen(text)));
}

static void
check_document(const DmProvisioning *document)
{
    GHashTableIter iter;
    gpointer key, value;

    g_assert_nonnull(document->provider_id);
    check_text(document->provider_id);
    g_hash_table_iter_init(&iter, document->account);
    while (g_hash_table_iter_next(&iter, &key, &value)) {
        check_text(value);
        g_assert_cmpuint(strlen(value), <=, DM_ACCOUNT_MAX_VALUE);
    }
    for (guint i = 0; i < document->settings->len; i++) {
        const DmProvisioningSetting *setting =
            &g_array_index(document->settings, DmProvisioningSetting, i);

        g_assert_true(g_str_has_prefix(setting->command.loc_uri, "./Device/Vendor/MSFT/"));
        check_text(setting->command.loc_uri);
        check_text(setting->command.data);
        g_assert_cmpuint(setting->line, >, 0);
    }
    for (guint i = 0; i < document->warnings->len; i++)
        check_text(document->warnings->pdata[i]);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(DmProvisioning) document = dm_provisioning_parse((const char *)data, size, &error);

    g_assert_true((document == NULL) == (error != NULL));
    if (document != NULL)
        check_document(document);
    return 0;
}
