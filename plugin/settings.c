/* SPDX-License-Identifier: MIT */

#include "plugin/settings.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/error.h"

#define GROUP "tree"
#define MAX_BYTES 65536

static DmErrorCode
code_of(int cause)
{
    if (cause == ENOENT || cause == ENOTDIR)
        return DM_ERROR_NOT_FOUND;
    return cause == EACCES || cause == EPERM ? DM_ERROR_DENIED : DM_ERROR_FAILED;
}

/* The file's bytes: no more are read than a configuration can have, whatever the file is. */
static char *
read_file(const char *path, gsize *ret_size, GError **error)
{
    g_autofree char *bytes = g_malloc(MAX_BYTES + 1);
    FILE *file = fopen(path, "re");
    gsize size;
    int cause;

    if (file == NULL) {
        g_set_error(error, DM_ERROR, code_of(errno), "%s: cannot read the configuration: %s", path,
                    g_strerror(errno));
        return NULL;
    }
    errno = 0;
    size = fread(bytes, 1, MAX_BYTES + 1, file);
    cause = ferror(file) ? errno : 0;
    (void)fclose(file);
    if (cause != 0) {
        g_set_error(error, DM_ERROR, code_of(cause), "%s: cannot read the configuration: %s", path,
                    g_strerror(cause));
        return NULL;
    }
    if (size > MAX_BYTES) {
        g_set_error(error, DM_ERROR, DM_ERROR_TOO_LARGE, "%s: a configuration has at most %d bytes",
                    path, MAX_BYTES);
        return NULL;
    }
    *ret_size = size;
    return g_steal_pointer(&bytes);
}

/* -- keys: each is there -------------------------------------------------------------------------
 */

static bool
read_allow_http(GKeyFile *file, const char *path, const char *key, DmSettings *settings,
                GError **error)
{
    g_autoptr(GError) cause = NULL;
    bool value = g_key_file_get_boolean(file, GROUP, key, &cause);

    if (cause != NULL) {
        g_set_error(error, DM_ERROR, DM_ERROR_INVALID, "%s: [" GROUP "] %s must be true or false",
                    path, key);
        return false;
    }
    settings->allow_http = value;
    return true;
}

/* Two digits at `text` as a number below `end`; -1: something else. */
static int
read_two_digits(const char *text, int end)
{
    int number;

    if (!g_ascii_isdigit(text[0]) || !g_ascii_isdigit(text[1]))
        return -1;
    number = 10 * g_ascii_digit_value(text[0]) + g_ascii_digit_value(text[1]);
    return number < end ? number : -1;
}

static bool
read_maintenance_window(GKeyFile *file, const char *path, const char *key, DmSettings *settings,
                        GError **error)
{
    g_autofree char *text = g_key_file_get_string(file, GROUP, key, NULL);
    int hour = -1, minute = -1;

    if (text != NULL && strlen(text) == strlen("HH:MM") && text[2] == ':') {
        hour = read_two_digits(text, 24);
        minute = read_two_digits(text + 3, 60);
    }
    if (hour < 0 || minute < 0) {
        g_set_error(error, DM_ERROR, DM_ERROR_INVALID,
                    "%s: [" GROUP "] %s must be a time of day, such as 02:30", path, key);
        return false;
    }
    settings->has_window = true;
    settings->window_min = (guint)(60 * hour + minute);
    return true;
}

static const struct {
    const char *key;
    bool (*read)(GKeyFile *file, const char *path, const char *key, DmSettings *settings,
                 GError **error);
} keys[] = {
#define DM_CONFIG_TREE(id, key, value, fallback, doc) {key, read_##id},
#include "common/config-keys.def"
};

static bool
read_keys(GKeyFile *file, const char *path, DmSettings *settings, GError **error)
{
    for (gsize i = 0; i < G_N_ELEMENTS(keys); i++)
        if (g_key_file_has_key(file, GROUP, keys[i].key, NULL) &&
            !keys[i].read(file, path, keys[i].key, settings, error))
            return false;
    return true;
}

static bool
is_known(const char *key)
{
    for (gsize i = 0; i < G_N_ELEMENTS(keys); i++)
        if (strcmp(keys[i].key, key) == 0)
            return true;
    return false;
}

static void
warn_unknown(GKeyFile *file, const char *path, GPtrArray *warnings)
{
    g_auto(GStrv) found = g_key_file_get_keys(file, GROUP, NULL, NULL);

    for (gsize i = 0; found != NULL && found[i] != NULL; i++) {
        if (!is_known(found[i]))
            g_ptr_array_add(warnings,
                            g_strdup_printf("%s: [" GROUP "] %s is not known", path, found[i]));
    }
}

bool
dm_settings_load(const char *path, DmSettings *ret_settings, GError **error)
{
    g_auto(DmSettings) settings = {.warnings = g_ptr_array_new_with_free_func(g_free)};
    g_autoptr(GKeyFile) file = g_key_file_new();
    g_autoptr(GError) cause = NULL;
    g_autofree char *bytes = NULL;
    gsize size = 0;

    if (path != NULL) {
        bytes = read_file(path, &size, error);
        if (bytes == NULL)
            return false;
        if (!g_key_file_load_from_data(file, bytes, size, G_KEY_FILE_NONE, &cause)) {
            g_set_error(error, DM_ERROR, DM_ERROR_INVALID, "%s: %s", path, cause->message);
            return false;
        }
        if (!read_keys(file, path, &settings, error))
            return false;
        warn_unknown(file, path, settings.warnings);
    }
    *ret_settings = settings;
    settings.warnings = NULL;
    return true;
}

void
dm_settings_clear(DmSettings *settings)
{
    g_clear_pointer(&settings->warnings, g_ptr_array_unref);
}
