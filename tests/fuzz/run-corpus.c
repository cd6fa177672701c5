/* SPDX-License-Identifier: MIT */

/* Feeds every file of a corpus folder to a fuzz target, so that what the fuzzer once found stays
 * tested: one TAP line a file; a finding is a crash. */

#include <glib.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int
by_name(gconstpointer a, gconstpointer b)
{
    return g_strcmp0(*(char *const *)a, *(char *const *)b);
}

static GPtrArray *
list_files(const char *folder)
{
    GPtrArray *files = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
    const char *name;

    while (dir != NULL && (name = g_dir_read_name(dir)) != NULL)
        g_ptr_array_add(files, g_build_filename(folder, name, NULL));
    g_ptr_array_sort(files, by_name);
    return files;
}

int
main(int argc, char **argv)
{
    g_autoptr(GPtrArray) files = NULL;

    if (argc != 2) {
        g_printerr("usage: %s FOLDER\n", argv[0]);
        return 64;
    }
    files = list_files(argv[1]);
    if (files->len == 0) {
        g_printerr("%s: no corpus in %s\n", argv[0], argv[1]);
        return EXIT_FAILURE;
    }
    g_print("1..%u\n", files->len);
    for (guint i = 0; i < files->len; i++) {
        const char *path = g_ptr_array_index(files, i);
        g_autofree char *bytes = NULL;
        g_autofree char *name = g_path_get_basename(path);
        g_autoptr(GError) error = NULL;
        gsize size = 0;

        if (!g_file_get_contents(path, &bytes, &size, &error)) {
            g_print("not ok %u %s # %s\n", i + 1, name, error->message);
            return EXIT_FAILURE;
        }
        (void)LLVMFuzzerTestOneInput((const uint8_t *)bytes, size);
        g_print("ok %u %s\n", i + 1, name);
    }
    return EXIT_SUCCESS;
}
