/* SPDX-License-Identifier: MIT */

#include "tree/rules/identity.h"

#include <glib/gstdio.h>
#include <string.h>

#include "common/error.h"

#define MACHINE_ID "0123456789abcdef0123456789abcdef"

/* Worked out once with Python's hmac and hashlib: a device must not become a new one to its servers
 * by a change of this code. */
static void
test_known_answer(void)
{
    g_autofree char *one = dm_identity_hw_dev_id(MACHINE_ID);
    g_autofree char *other = dm_identity_hw_dev_id("b642d3f1c1d64b3c9f5f0c6b8e1a2f34");
    g_autofree char *upper = dm_identity_hw_dev_id("0123456789ABCDEF0123456789ABCDEF");

    g_assert_cmpstr(one, ==, "5A8A0BF4C4FCEB109CE926C392EC5E9DCD631793FF7895D1C75C7A9550721014");
    g_assert_cmpstr(other, ==, "CAFA65C650373B15E1C7242C6AA67BFF466F8503347D0874007BD05927ED69A8");
    g_assert_cmpstr(upper, ==, one);
}

static void
test_never_the_machine_id(void)
{
    g_autofree char *identifier = dm_identity_hw_dev_id(MACHINE_ID);
    g_autofree char *lower = g_ascii_strdown(identifier, -1);

    g_assert_cmpuint(strlen(identifier), ==, 64);
    g_assert_null(strstr(lower, MACHINE_ID));
}

static void
test_no_machine_id(void)
{
    static const char *const wrong[] = {
        "",
        "uninitialized",
        "0123456789abcdef0123456789abcde",
        MACHINE_ID "0",
        "0123456789abcdef0123456789abcdeg",
        "00000000000000000000000000000000",
        " 123456789abcdef0123456789abcdef",
    };

    for (gsize i = 0; i < G_N_ELEMENTS(wrong); i++)
        g_assert_null(dm_identity_hw_dev_id(wrong[i]));
}

static void
test_file(void)
{
    g_autofree char *dir = g_dir_make_tmp("identity-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(dir, "machine-id", NULL);
    g_autofree char *expected = dm_identity_hw_dev_id(MACHINE_ID);
    g_autofree char *read = NULL;
    g_autoptr(GError) error = NULL;

    g_assert_null(dm_identity_read_hw_dev_id(path, &error));
    g_assert_error(error, DM_ERROR, DM_ERROR_NOT_FOUND);
    g_assert_nonnull(strstr(error->message, path));
    g_clear_error(&error);

    g_assert_true(g_file_set_contents(path, MACHINE_ID "\n", -1, NULL));
    read = dm_identity_read_hw_dev_id(path, &error);
    g_assert_no_error(error);
    g_assert_cmpstr(read, ==, expected);

    g_assert_true(g_file_set_contents(path, MACHINE_ID "0\n", -1, NULL));
    g_assert_null(dm_identity_read_hw_dev_id(path, &error));
    g_assert_error(error, DM_ERROR, DM_ERROR_INVALID);
    g_assert_nonnull(strstr(error->message, path));
    g_remove(path);
    g_rmdir(dir);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/identity/S6-known-answer", test_known_answer);
    g_test_add_func("/identity/S6-never-the-machine-id", test_never_the_machine_id);
    g_test_add_func("/identity/S6-nothing-made-up", test_no_machine_id);
    g_test_add_func("/identity/S6-from-a-file", test_file);
    return g_test_run();
}
