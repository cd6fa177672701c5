/* SPDX-License-Identifier: MIT */

/* The store when SQLite fails at any point: each of its allocations fails in turn, alone and with
 * all after it. Whatever fails says so, and the file is as before or as after, never between (G1).
 */

#include "tests/unit/failing-sqlite.h"
#include "tests/unit/store-fixture.h"

/* -- what is done ------------------------------------------------------------------------------ */

static bool
write_nodes(DmStore *store, GError **error)
{
    const DmValue upn = {.format = DM_FORMAT_CHR, .u.chr = (char[]){"new@b"}};
    const DmStoreHistory history = {
        .id = "s", .origin = "api", .address = "", .commands = "", .result = "ok", .reason = ""};
    g_autoptr(GBytes) reply = g_bytes_new_static("reply", 5);
    gint64 key;

    return dm_store_add_provider(store, DM_SCOPE_DEVICE, 0, "Two", &key, error) &&
           dm_store_put_node(store, key, DM_NODE_UPN, &upn, error) &&
           dm_store_put_node(store, key, DM_NODE_POLL, NULL, error) &&
           dm_store_delete_node(store, key, DM_NODE_POLL, error) &&
           dm_store_put_text(store, key, DM_STORE_ACCOUNT, "NAME", "Two", error) &&
           dm_store_put_text(store, key, DM_STORE_OUTCOME, "./a", "200", error) &&
           dm_store_put_text(store, key, DM_STORE_OUTCOME, "./a", NULL, error) &&
           dm_store_put_text(store, key, DM_STORE_OUTCOME, NULL, NULL, error) &&
           dm_store_put_history(store, key, &history, error) &&
           dm_store_delete_provider(store, key + 1, error) && /* nobody's */
           dm_store_put_reply(store, "s", 2, reply, error);
}

static bool
on_history(const DmStoreHistory *row, gpointer data)
{
    g_assert_cmpstr(row->id, ==, "s");
    return true;
}

/* One whole life of a store; false where something failed. */
static bool
live(const char *directory, GError **error)
{
    g_autoptr(GString) content = g_string_new(NULL);
    g_autoptr(DmStore) store = dm_store_open(directory, error);
    g_autoptr(GBytes) reply = NULL;
    guint64 message = 0;

    if (store == NULL || !dm_store_load(store, &reader, content, error) ||
        !dm_store_load_history(store, 2, on_history, NULL, error))
        return false;
    reply = dm_store_find_reply(store, "s", &message); /* NULL also where it fails */
    if (!dm_store_begin(store, error))
        return false;
    if (!write_nodes(store, error)) {
        dm_store_rollback(store);
        return false;
    }
    return dm_store_commit(store, error);
}

static void
assert_content_is(Fixture *fixture, const char *before, const char *after, bool is_after)
{
    g_autoptr(DmStore) store = open_store(fixture);
    g_autoptr(GString) content = g_string_new(NULL);
    g_autoptr(GError) error = NULL;

    g_assert_true(dm_store_load(store, &reader, content, &error));
    g_assert_no_error(error);
    if (is_after || strcmp(content->str, before) != 0)
        g_assert_cmpstr(content->str, ==, after);
}

/* Lives with allocation `n` failing; whether it was reached. */
static bool
live_with_failure(Fixture *fixture, gint64 n, const char *before, const char *after)
{
    g_autoptr(GError) error = NULL;
    bool good;

    has_failed = false;
    n_left = n;
    good = live(fixture->dir, &error);
    n_left = -1;
    if (good) {
        g_assert_no_error(error);
    } else {
        g_assert_true(has_failed);
        g_assert_error(error, DM_ERROR, DM_ERROR_STORAGE);
    }
    assert_content_is(fixture, before, after, good);
    return has_failed;
}

typedef struct {
    const char *name;
    void (*make)(Fixture *fixture);
    const char *before, *after;
} Start;

static void
make_nothing(Fixture *fixture)
{
}

static void
make_old(Fixture *fixture)
{
    sql(fixture, first_layout);
}

static const Start starts[] = {
    {"new", make_nothing, "", "1 provider device 0 Two\n1 UPN new@b\n1 text 0 NAME=Two\n"},
    {"existing", make_one, "1 provider device 0 One\n1 UPN a@b\n",
     "1 provider device 0 One\n2 provider device 0 Two\n1 UPN a@b\n2 UPN new@b\n"
     "2 text 0 NAME=Two\n"},
    {"version-1", make_old,
     "9 provider device 0 Old\n9 UPN old@example\n9 Poll -\n9 text 0 APPSRV/AAUTHNAME=user\n"
     "9 text 0 NAME=Old server\n",
     "9 provider device 0 Old\n10 provider device 0 Two\n9 UPN old@example\n9 Poll -\n"
     "10 UPN new@b\n9 text 0 APPSRV/AAUTHNAME=user\n9 text 0 NAME=Old server\n10 text 0 "
     "NAME=Two\n"},
};

static void
test_start(gconstpointer data)
{
    const Start *start = data;

    for (guint after = 0; after < 2; after++) {
        bool reached = true;

        and_all_after = after == 1;
        for (gint64 n = 0; reached; n += 1 + n / 32) {
            Fixture fixture;

            set_up(&fixture, NULL);
            start->make(&fixture);
            reached = live_with_failure(&fixture, n, start->before, start->after);
            tear_down(&fixture, NULL);
        }
    }
}

int
main(int argc, char **argv)
{
    install();
    g_test_init(&argc, &argv, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(starts); i++) {
        g_autofree char *name = g_strdup_printf("/store/G1-sqlite-fails/%s", starts[i].name);

        g_test_add_data_func(name, &starts[i], test_start);
    }
    return g_test_run();
}
