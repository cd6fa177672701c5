/* SPDX-License-Identifier: MIT */
#include "desktop/state.h"

#include <glib/gstdio.h>

#define FOLDER "dmclient-viewer"

GKeyFile *
dm_state_read(const char *name)
{
    g_autofree char *path = g_build_filename(g_get_user_state_dir(), FOLDER, name, NULL);
    GKeyFile *file = g_key_file_new();

    (void)g_key_file_load_from_file(file, path, G_KEY_FILE_NONE, NULL);
    return file;
}

void
dm_state_write(GKeyFile *file, const char *name)
{
    g_autofree char *folder = g_build_filename(g_get_user_state_dir(), FOLDER, NULL);
    g_autofree char *path = g_build_filename(folder, name, NULL);
    g_autoptr(GError) error = NULL;

    g_mkdir_with_parents(folder, 0700);
    if (!g_key_file_save_to_file(file, path, &error))
        g_debug("cannot remember: %s", error->message);
}
