/* SPDX-License-Identifier: MIT */

/* The life of a provisioning document; what fills it is in syncml/provisioning.c. */

#include "common/account.h"
#include "syncml/provisioning.h"

static void
free_certificate(gpointer data)
{
    DmProvisioningCertificate *certificate = data;

    g_free(certificate->thumbprint);
    g_free(certificate->store);
    g_free(certificate->owner);
    g_clear_pointer(&certificate->der, g_bytes_unref);
    g_free(certificate);
}

DmProvisioning *
dm_provisioning_new(void)
{
    DmProvisioning *document = g_new0(DmProvisioning, 1);

    document->account = dm_account_new();
    document->addresses = g_array_new(FALSE, FALSE, sizeof(DmProvisioningAddress));
    document->settings = g_array_new(FALSE, TRUE, sizeof(DmProvisioningSetting));
    document->certificates = g_ptr_array_new_with_free_func(free_certificate);
    document->warnings = g_ptr_array_new_with_free_func(g_free);
    document->text = g_string_chunk_new(4096);
    return document;
}

void
dm_provisioning_free(DmProvisioning *provisioning)
{
    if (provisioning == NULL)
        return;
    g_free(provisioning->provider_id);
    g_hash_table_unref(provisioning->account);
    g_array_unref(provisioning->addresses);
    g_array_unref(provisioning->settings);
    g_ptr_array_unref(provisioning->certificates);
    g_ptr_array_unref(provisioning->warnings);
    g_string_chunk_free(provisioning->text);
    g_free(provisioning);
}
