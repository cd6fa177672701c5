/* SPDX-License-Identifier: MIT */
#include "cli/import.h"

#include <stdbool.h>
#include <string.h>

#include "common/error.h"
#include "common/i18n.h"

#define BROKER "dmclient-broker"
#define THUMBPRINT_DIGITS 64

char *
dm_import_find_broker(void)
{
    g_autofree char *self = g_file_read_link("/proc/self/exe", NULL);
    g_autofree char *folder = self == NULL ? NULL : g_path_get_dirname(self);
    g_autofree char *beside = folder == NULL ? NULL : g_build_filename(folder, BROKER, NULL);

    if (beside != NULL && g_file_test(beside, G_FILE_TEST_IS_EXECUTABLE))
        return g_steal_pointer(&beside);
    return g_find_program_in_path(BROKER);
}

static bool
is_thumbprint(const char *text)
{
    return strlen(text) == THUMBPRINT_DIGITS &&
           strspn(text, "0123456789abcdef") == THUMBPRINT_DIGITS;
}

char *
dm_import_certificate(const char *certificate, const char *key, GError **error)
{
    g_autofree char *broker = dm_import_find_broker();
    g_autoptr(GStrvBuilder) arguments = g_strv_builder_new();
    g_auto(GStrv) argv = NULL;
    g_autofree char *out = NULL;
    g_autofree char *complaint = NULL;
    g_autoptr(GError) failure = NULL;
    int wait_status = 0;

    if (broker == NULL) {
        g_set_error(error, DM_ERROR, DM_ERROR_NOT_FOUND,
                    _("there is no %s beside dmclientctl or on PATH to keep the key"), BROKER);
        return NULL;
    }
    g_strv_builder_add_many(arguments, broker, "--import-certificate", certificate, "--key", key,
                            NULL);
    argv = g_strv_builder_end(arguments);
    if (!g_spawn_sync(NULL, argv, NULL, G_SPAWN_DEFAULT, NULL, NULL, &out, &complaint, &wait_status,
                      &failure)) {
        g_set_error(error, DM_ERROR, DM_ERROR_FAILED, "%s: %s", broker, failure->message);
        return NULL;
    }
    g_strchomp(out);
    g_strchomp(complaint);
    if (!g_spawn_check_wait_status(wait_status, &failure)) {
        g_set_error(error, DM_ERROR, DM_ERROR_FAILED, _("%s with key %s was not taken: %s"),
                    certificate, key, *complaint != '\0' ? complaint : failure->message);
        return NULL;
    }
    if (!is_thumbprint(out)) {
        g_set_error(error, DM_ERROR, DM_ERROR_FAILED,
                    _("%s answered no thumbprint; is it of the same version as dmclientctl?"),
                    broker);
        return NULL;
    }
    return g_steal_pointer(&out);
}
