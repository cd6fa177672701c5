/* SPDX-License-Identifier: MIT */

#include <sys/stat.h>

#include "tests/unit/socket-fixture.h"

/* What it says when `path` cannot be served. */
static char *
expect_refusal(const char *path, DmErrorCode code)
{
    g_autoptr(DmTree) tree = make_tree();
    const DmSocketOptions options = {.path = path, .allow_own_uid = true, .product = "test"};
    g_autoptr(GError) error = NULL;

    g_assert_null(dm_socket_new(tree, &options, &error));
    g_assert_error(error, DM_ERROR, (int)code);
    g_assert_nonnull(strstr(error->message, path));
    return g_strdup(error->message);
}

static void
test_live(void)
{
    g_auto(Fixture) fixture = {0};
    g_autofree char *message = NULL;
    g_autofree char *pid = g_strdup_printf("(pid %d)", (int)getpid());
    Client *client;

    fixture_init(&fixture);
    message = expect_refusal(fixture.path, DM_ERROR_BUSY);
    g_assert_nonnull(strstr(message, pid)); /* names who has it */
    client = client_new(fixture.path);      /* and who has it goes on */
    client_free(client);
}

static void
test_stale(void)
{
    g_auto(Fixture) fixture = {0};
    g_autofree char *aside = NULL;
    Client *client;

    fixture_init(&fixture);
    /* As after a kill: the path is there, nobody listens. */
    aside = g_strconcat(fixture.path, ".stale", NULL);
    g_assert_cmpint(g_rename(fixture.path, aside), ==, 0);
    fixture_close(&fixture);
    g_assert_cmpint(g_rename(aside, fixture.path), ==, 0);
    fixture_open(&fixture);
    client = client_new(fixture.path);
    client_free(client);
}

static void
test_not_a_socket(void)
{
    g_autofree char *dir = g_dir_make_tmp("socket-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(dir, "tree", NULL);
    g_autofree char *message = NULL;
    g_autofree char *content = NULL;

    g_assert_true(g_file_set_contents(path, "precious", -1, NULL));
    message = expect_refusal(path, DM_ERROR_DENIED);
    g_assert_nonnull(strstr(message, "not a socket"));
    g_assert_true(g_file_get_contents(path, &content, NULL, NULL));
    g_assert_cmpstr(content, ==, "precious");
    g_unlink(path);
    g_rmdir(dir);
}

/* A link is not followed: what it leads to belongs to somebody else. */
static void
test_link(void)
{
    g_auto(Fixture) fixture = {0};
    g_autofree char *link = NULL;
    g_autofree char *message = NULL;

    fixture_init(&fixture);
    link = g_strconcat(fixture.path, ".link", NULL);
    g_assert_cmpint(symlink(fixture.path, link), ==, 0);
    message = expect_refusal(link, DM_ERROR_DENIED);
    g_assert_nonnull(strstr(message, "not a socket"));
    g_unlink(link);
}

static void
test_too_long(void)
{
    g_autofree char *name = g_strnfill(108, 'x');
    g_autofree char *path = g_strconcat("/tmp/", name, NULL);
    g_autofree char *message = expect_refusal(path, DM_ERROR_INVALID);

    g_assert_nonnull(strstr(message, "107"));
}

static void
test_no_directory(void)
{
    g_autofree char *message = expect_refusal("/nonexistent/dir/tree", DM_ERROR_FAILED);

    g_assert_nonnull(strstr(message, "No such file"));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/path/a-live-socket-is-refused-and-its-owner-named", test_live);
    g_test_add_func("/path/a-stale-socket-is-replaced", test_stale);
    g_test_add_func("/path/a-file-is-left-alone", test_not_a_socket);
    g_test_add_func("/path/a-link-is-not-followed", test_link);
    g_test_add_func("/path/too-long", test_too_long);
    g_test_add_func("/path/no-directory", test_no_directory);
    return g_test_run();
}
