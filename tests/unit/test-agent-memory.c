/* SPDX-License-Identifier: MIT */
/* What the session agent remembers from one login to the next. */

#include <glib/gstdio.h>

#include "desktop/agent-memory.h"

#define CONTOSO "/org/dmclient/DMClient1/Provider/Contoso"
#define FABRIKAM "/org/dmclient/DMClient1/Provider/Fabrikam"

static const DmAgentRecord some = {3, 4, 5, 6, G_MAXINT64 - 1, 1, 7};

static char *
get_path(void)
{
    return g_build_filename(g_get_user_state_dir(), "dmclient-viewer", "told", NULL);
}

/* As at the first login. */
static void
begin(void)
{
    g_autofree char *path = get_path();

    (void)g_unlink(path);
}

static void
put_file(const char *text)
{
    g_autofree char *path = get_path();
    g_autofree char *folder = g_path_get_dirname(path);
    g_autoptr(GError) error = NULL;

    g_assert_cmpint(g_mkdir_with_parents(folder, 0700), ==, 0);
    g_file_set_contents(path, text, -1, &error);
    g_assert_no_error(error);
}

static void
assert_remembered(const DmAgentMemory *memory, const char *provider, const DmAgentRecord *record)
{
    DmAgentRecord found = dm_agent_memory_get(memory, provider);

    g_assert_cmpmem(&found, sizeof found, record, sizeof *record);
}

static void
test_from_one_login_to_the_next(void)
{
    const DmAgentRecord nothing = {0};
    g_autoptr(DmAgentMemory) first = dm_agent_memory_open();
    g_autoptr(DmAgentMemory) second = NULL;

    dm_agent_memory_set(first, CONTOSO, &some);
    assert_remembered(first, CONTOSO, &some);
    second = dm_agent_memory_open();
    assert_remembered(second, CONTOSO, &some);
    assert_remembered(second, FABRIKAM, &nothing);
}

static void
test_forget(void)
{
    const DmAgentRecord nothing = {0};
    const char *const left[] = {FABRIKAM, NULL};
    g_autoptr(DmAgentMemory) first = dm_agent_memory_open();
    g_autoptr(DmAgentMemory) second = NULL;
    g_auto(GStrv) gone = NULL;
    g_auto(GStrv) again = NULL;

    dm_agent_memory_set(first, CONTOSO, &some);
    dm_agent_memory_set(first, FABRIKAM, &some);
    gone = dm_agent_memory_forget_others(first, left);
    g_assert_cmpuint(g_strv_length(gone), ==, 1);
    g_assert_cmpstr(gone[0], ==, CONTOSO);
    again = dm_agent_memory_forget_others(first, left);
    g_assert_cmpuint(g_strv_length(again), ==, 0);
    second = dm_agent_memory_open();
    assert_remembered(second, CONTOSO, &nothing);
    assert_remembered(second, FABRIKAM, &some);
}

/* What has not changed is not written. */
static void
test_writes_nothing_for_nothing(void)
{
    g_autofree char *path = get_path();
    g_autoptr(DmAgentMemory) memory = dm_agent_memory_open();

    dm_agent_memory_set(memory, CONTOSO, &some);
    g_assert_cmpint(g_unlink(path), ==, 0);
    dm_agent_memory_set(memory, CONTOSO, &some);
    g_assert_false(g_file_test(path, G_FILE_TEST_EXISTS));
}

static void
test_damaged_file_is_none(void)
{
    static const char *const texts[] = {"",
                                        "\x01\x02",
                                        "[" CONTOSO "]\nfailures=many\n",
                                        "[" CONTOSO "]\nfailures=-3\n",
                                        "[" CONTOSO "]\nfailures=99999999999999999999999\n",
                                        "failures=3\n"};
    const DmAgentRecord nothing = {0};

    for (gsize i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_autoptr(DmAgentMemory) memory = NULL;

        put_file(texts[i]);
        memory = dm_agent_memory_open();
        assert_remembered(memory, CONTOSO, &nothing);
        dm_agent_memory_set(memory, CONTOSO, &some);
        assert_remembered(memory, CONTOSO, &some);
    }
}

static void
set_up(gpointer fixture, gconstpointer data)
{
    begin();
}

static void
run(gpointer fixture, gconstpointer data)
{
    ((void (*)(void))data)();
}

static void
add(const char *name, void (*test)(void))
{
    g_test_add_vtable(name, 0, (gconstpointer)test, set_up, run, NULL);
}

int
main(int argc, char **argv)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *home = g_dir_make_tmp("dm-agent-memory-XXXXXX", &error);
    g_autofree char *folder = g_build_filename(home, "dmclient-viewer", NULL);
    int code;

    g_assert_no_error(error);
    g_setenv("XDG_STATE_HOME", home, TRUE);
    g_test_init(&argc, &argv, NULL);
    add("/agent-memory/from-one-login-to-the-next", test_from_one_login_to_the_next);
    add("/agent-memory/forget", test_forget);
    add("/agent-memory/writes-nothing-for-nothing", test_writes_nothing_for_nothing);
    add("/agent-memory/damaged-file-is-none", test_damaged_file_is_none);
    code = g_test_run();
    begin();
    (void)g_rmdir(folder);
    (void)g_rmdir(home);
    return code;
}
