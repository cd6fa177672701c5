/* SPDX-License-Identifier: MIT */
#include "desktop/memory.h"

#include "desktop/state.h"

#define FILE_NAME "state"
#define SHOWN "shown"
#define WINDOW "window"
#define MIN_SIZE 200
#define MAX_SIZE 16384

struct DmMemory {
    GKeyFile *file;
};

DmMemory *
dm_memory_open(void)
{
    DmMemory *memory = g_new(DmMemory, 1);

    memory->file = dm_state_read(FILE_NAME);
    return memory;
}

void
dm_memory_free(DmMemory *memory)
{
    if (memory == NULL)
        return;
    g_key_file_unref(memory->file);
    g_free(memory);
}

bool
dm_memory_get_shown(const DmMemory *memory, const char *provider)
{
    return g_key_file_get_boolean(memory->file, SHOWN, provider, NULL);
}

void
dm_memory_set_shown(DmMemory *memory, const char *provider, bool is_shown)
{
    if (dm_memory_get_shown(memory, provider) == is_shown)
        return;
    if (is_shown)
        g_key_file_set_boolean(memory->file, SHOWN, provider, TRUE);
    else
        g_key_file_remove_key(memory->file, SHOWN, provider, NULL);
    dm_state_write(memory->file, FILE_NAME);
}

void
dm_memory_get_window(const DmMemory *memory, int *width, int *height, bool *is_maximized)
{
    int w = g_key_file_get_integer(memory->file, WINDOW, "width", NULL);
    int h = g_key_file_get_integer(memory->file, WINDOW, "height", NULL);

    if (w >= MIN_SIZE && w <= MAX_SIZE && h >= MIN_SIZE && h <= MAX_SIZE) {
        *width = w;
        *height = h;
    }
    *is_maximized = g_key_file_get_boolean(memory->file, WINDOW, "maximized", NULL);
}

void
dm_memory_set_window(DmMemory *memory, int width, int height, bool is_maximized)
{
    g_key_file_set_integer(memory->file, WINDOW, "width", width);
    g_key_file_set_integer(memory->file, WINDOW, "height", height);
    g_key_file_set_boolean(memory->file, WINDOW, "maximized", is_maximized);
    dm_state_write(memory->file, FILE_NAME);
}
