/* SPDX-License-Identifier: MIT */

/* Which status answers a command that is wrong in several ways: the order of rules section 2, for
 * each node × verb × LocURI × session × state × Format × value. What is expected is written from
 * the rules and the test's own copy of the facts, stage by stage; nothing of it looks at the code.
 */

#include <glib/gstdio.h>

#include "tests/unit/node-values.h"
#include "tests/unit/tree-fixture.h"
#include "tree/store-private.h"

#define UID 1000

typedef enum { NO_PROVIDER, ORPHAN, ABSENT, PRESENT, FROZEN, N_STATES } State; /* FROZEN: F2 */
typedef enum { LOCAL_ROOT, OWN_SERVER, OTHER_SERVER, N_WHO } Who;
typedef enum { DEVICE, USER, NOBODY, N_WHERE } Where; /* NOBODY: ./User without a user */
typedef enum { URI_GOOD, URI_BAD, URI_LONG, URI_DEEP, URI_NO_ROW, N_URIS } Uri;
typedef enum { FORMAT_NONE, FORMAT_OWN, FORMAT_UNKNOWN, N_FORMATS } Format;

typedef struct {
    const Fact *fact;
    Where where;
    State state;
    Who who;
    const char *verb;
    Uri uri;
    Format format;
    Value value;
} Case;

static guint n_cases;

/* -- what the rules say: one function a stage, 200 lets it pass on ------------------------------
 */

static bool
is_verb(const Case *c, const char *verb)
{
    return strcmp(c->verb, verb) == 0;
}

static bool
is_write(const Case *c)
{
    return is_verb(c, "Add") || is_verb(c, "Replace") || is_verb(c, "Delete");
}

static bool
is_leaf_set(const Case *c)
{
    return c->state == PRESENT && (can_be_set(c->fact) || is_hw_dev_id(c->fact));
}

static bool
is_there(const Case *c)
{
    return is_interior(c->fact) ? c->state == PRESENT : is_leaf_set(c);
}

static guint
expect_session(const Case *c)
{
    bool names_provider = is_provider(c->fact) || is_below_provider(c->fact);

    if (c->where == NOBODY)
        return 405; /* A1 */
    if (names_provider && c->who == OTHER_SERVER)
        return is_verb(c, "Get") ? 404 : 425; /* V9: present or not */
    return 200;
}

static guint
expect_row(const Case *c)
{
    if (c->uri == URI_NO_ROW || (c->where == USER && !is_in_user_trees(c->fact)))
        return 404;
    if (c->state != NO_PROVIDER)
        return 200;
    /* V1: only Add of exactly that node, by local root, or by a server in the user's tree. */
    return is_provider(c->fact) && is_verb(c, "Add") && (c->who == LOCAL_ROOT || c->where == USER)
               ? 200
               : 404;
}

static guint
expect_node(const Case *c)
{
    if (c->state == ORPHAN && !is_verb(c, "Add"))
        return 404; /* the parent; Add makes it */
    if (is_verb(c, "Add"))
        return is_there(c) ? 418 : 200;
    if (is_verb(c, "Get"))
        return is_there(c) || (!is_interior(c->fact) && has_fallback(c->fact)) ? 200 : 404;
    if (is_verb(c, "Delete")) /* V3: a leaf of occurrence One goes back to its default */
        return is_there(c) || (!is_interior(c->fact) && strcmp(c->fact->occurrence, "One") == 0)
                   ? 200
                   : 404;
    return 200; /* Replace: its parent is enough; Exec */
}

/* The empty text, which chr takes (V2) where its grammar does. */
static guint
expect_empty(const Fact *fact)
{
    if (!is_format(fact, "chr") || is_certificate(fact))
        return 415;
    if (ends_with(fact, "/ManagementServiceAddress") || ends_with(fact, "UpgradeTo") ||
        is_update(fact) || is_version(fact) || ends_with(fact, "EnrollmentType"))
        return 400;
    return 200;
}

static guint
expect_value(const Case *c)
{
    const Fact *fact = c->fact;

    if (is_interior(fact))
        return 200;
    switch (c->value) {
    case VALUE_NONE:
        if (is_verb(c, "Replace"))
            return 412; /* V2 */
        if (is_format(fact, "chr"))
            return expect_empty(fact); /* V1 */
        return *fact->fallback == '\0' ? 412 : 200;
    case VALUE_EMPTY:
        return expect_empty(fact);
    case VALUE_LONG:
    case VALUE_LONG_BAD:
        return 413;
    case VALUE_BAD:
        return 415;
    case VALUE_RANGE:
        return 400;
    case VALUE_BROKEN:
        return is_certificate(fact) ? 415 : 400;
    case VALUE_SAMPLE:
    case VALUE_OTHER:
    case N_VALUES:
        break;
    }
    return 200;
}

/* The topics' rules on a value that is good as such. */
static guint
expect_topic(const Case *c)
{
    const Fact *fact = c->fact;
    bool is_other = c->value == VALUE_OTHER;

    if (ends_with(fact, "/ServerHasFinishedProvisioning"))
        return c->state == PRESENT && is_other ? 405 : 200; /* F2 */
    if (ends_with(fact, "/IsSyncDone"))
        return c->state == PRESENT ? 405 : 200; /* F3 */
    if (ends_with(fact, "/WasDeviceSuccessfullyProvisioned"))
        return c->state == PRESENT && is_other ? 405 : 200; /* F4 */
    if (is_list(fact))
        return c->state == FROZEN ? 405 : 200; /* F2 */
    if (is_version(fact))
        return c->state == PRESENT && (is_other || is_verb(c, "Delete")) ? 405 : 200; /* S1 */
    if (ends_with(fact, "/SecurityMode"))
        return is_other && !is_verb(c, "Delete") ? 406 : 200; /* S4: there is no certificate */
    return 200;
}

/* E1: Data of the old node names the session's own provider, or is empty. */
static guint
expect_exec(const Case *c)
{
    if (strcmp(c->fact->path, "Unenroll") != 0)
        return 200;
    if (c->value == VALUE_NONE)
        return c->who == LOCAL_ROOT ? 404 : 200;
    return c->who == OTHER_SERVER ? 404 : 200;
}

static guint
expect(const Case *c)
{
    static const char *const ours[] = {"Add", "Get", "Replace", "Delete", "Exec", NULL};
    bool brings_value = is_verb(c, "Add") || is_verb(c, "Replace");
    guint status;

    if (!g_strv_contains(ours, c->verb))
        return 501;
    if (c->uri == URI_BAD)
        return 400;
    if (c->uri == URI_LONG || c->uri == URI_DEEP)
        return 414;
    if ((status = expect_session(c)) != 200 || (status = expect_row(c)) != 200)
        return status;
    if (!may(c->fact, c->verb, c->who == LOCAL_ROOT))
        return 405;
    if ((status = expect_node(c)) != 200)
        return status;
    if (c->format == FORMAT_UNKNOWN && (brings_value || is_verb(c, "Exec")))
        return 415;
    if (brings_value && (status = expect_value(c)) != 200)
        return status;
    if (is_verb(c, "Exec"))
        return expect_exec(c);
    return is_write(c) ? expect_topic(c) : 200;
}

/* -- the tree as the case has it --------------------------------------------------------------- */

static void
must(DmTree *tree, const char *verb, const char *uri, const char *data)
{
    const DmCommand command = {.verb = dm_verb_from_name(verb),
                               .loc_uri = uri,
                               .data = data,
                               .data_size = fixture_size(data)};

    g_assert_cmpuint(fixture_run_user(tree, NULL, UID, command), ==, 200);
}

static bool
exists(DmTree *tree, const char *uri)
{
    return fixture_run_user(tree, NULL, UID, (DmCommand)GET(uri)) == DM_STATUS_OK;
}

static void
prepare_row(DmTree *tree, const Row *row, State state, bool is_user)
{
    g_autofree char *uri = make_uri(row->fact, is_user);
    g_autofree char *parent = g_path_get_dirname(uri);

    if (can_be_orphan(row->fact) && exists(tree, parent) != (state != ORPHAN))
        must(tree, state == ORPHAN ? "Delete" : "Add", parent, NULL);
    if (is_interior(row->fact) && exists(tree, uri) != (state == PRESENT))
        must(tree, state == PRESENT ? "Add" : "Delete", uri, NULL);
    if (!is_interior(row->fact) && state == PRESENT && can_be_set(row->fact))
        must(tree, "Replace", uri, row->data[VALUE_SAMPLE]);
    if (state == FROZEN) {
        g_autofree char *latch = g_strconcat(parent, "/ServerHasFinishedProvisioning", NULL);

        must(tree, "Replace", latch, "true");
    }
}

static void
prepare(DmTree *tree, const Row *row, State state, Where where)
{
    must(tree, "Add", ROOT "/Provider/B", NULL);
    if (state == NO_PROVIDER)
        return;
    must(tree, "Add", PROVIDER_A, NULL);
    if (where == USER)
        must(tree, "Add", USER_A, NULL);
    if (is_update(row->fact))
        must(tree, "Add", PROVIDER_A "/ManagementServiceAddress", ADDRESS);
    if (where == DEVICE || is_in_user_trees(row->fact))
        prepare_row(tree, row, state, where == USER);
}

static DmTree *
new_tree(const Row *row, State state, Where where)
{
    const DmTreeOptions options = {.hw_dev_id =
                                       is_hw_dev_id(row->fact) && state != PRESENT ? NULL : "HW"};
    DmTree *tree = fixture_tree(&options, NULL);

    prepare(tree, row, state, where);
    return tree;
}

/* Whether the row can be found so. */
static bool
can_be(const Fact *fact, State state, Where where)
{
    bool below = is_below_provider(fact);

    if (where == NOBODY)
        return state == PRESENT;
    if (where == USER && !is_in_user_trees(fact))
        return state == PRESENT;
    if (state == NO_PROVIDER)
        return below || is_provider(fact);
    if (state == ORPHAN)
        return can_be_orphan(fact);
    if (state == FROZEN)
        return is_list(fact);
    if (state == PRESENT)
        return true;
    return is_interior(fact) ? below && may(fact, "Delete", true) : !is_format(fact, "null");
}

/* -- running ----------------------------------------------------------------------------------- */

static char *
make_case_uri(const Fact *fact, Where where, Uri uri)
{
    g_autofree char *good = make_uri(fact, where != DEVICE);
    g_autofree char *filler = NULL;

    switch (uri) {
    case URI_BAD:
        return g_strconcat(good, "/", NULL);
    case URI_LONG:
        filler = g_strnfill(1025, 'x');
        return g_strconcat(good, "/", filler, NULL);
    case URI_DEEP:
        return g_strconcat(good, "/1/2/3/4/5/6/7/8/9/10/11/12/13/14", NULL);
    case URI_NO_ROW:
        if (ends_with(fact, "Provider"))
            return g_strconcat(good, "s", NULL); /* below it anything is a name */
        return g_strconcat(good, "/Nothing", NULL);
    case URI_GOOD:
    case N_URIS:
        break;
    }
    return g_steal_pointer(&good);
}

static guint
run_case(DmTree *tree, const Case *c, const char *uri, const char *data)
{
    static const char *const servers[] = {NULL, "A", "B"};
    const char *formats[] = {NULL, c->fact->format, "what"};
    const DmCommand command = {.verb = dm_verb_from_name(c->verb),
                               .loc_uri = uri,
                               .format = formats[c->format],
                               .data = data,
                               .data_size = fixture_size(data)};

    n_cases++;
    return fixture_run_user(tree, servers[c->who], c->where == NOBODY ? -1 : UID, command);
}

static void
assert_case(const Case *c, const char *uri, guint status)
{
    if (status != expect(c))
        g_error("%s of %s, state %d, by %d, format %d, value %d is %u, not %u", c->verb, uri,
                (int)c->state, (int)c->who, (int)c->format, (int)c->value, status, expect(c));
}

/* Whether the value and Format make a case of their own with this verb. */
static bool
is_worth(const Case *c, const Row *row)
{
    bool is_plain = c->value <= VALUE_SAMPLE;

    if (c->value != VALUE_NONE && row->data[c->value] == NULL)
        return false;
    if (is_verb(c, "Add") || is_verb(c, "Replace"))
        return c->uri == URI_GOOD || (is_plain && c->format != FORMAT_OWN);
    if (is_verb(c, "Exec"))
        return is_plain;
    return c->value == VALUE_NONE && c->format == FORMAT_NONE;
}

typedef void (*Run)(const Case *c, const Row *row, const char *uri, gpointer data);

/* Every verb, Format and value on one LocURI. */
static void
for_each_command(Case *c, const Row *row, Run run, gpointer data)
{
    static const char *const verbs[] = {"Add",  "Get",    "Replace", "Delete", "Exec",
                                        "Copy", "Search", "Map",     "Put",    "Sync"};
    g_autofree char *uri = make_case_uri(row->fact, c->where, c->uri);

    for (guint i = 0; i < G_N_ELEMENTS(verbs); i++) {
        c->verb = verbs[i];
        for (c->format = 0; c->format < N_FORMATS; c->format++)
            for (c->value = 0; c->value < N_VALUES; c->value++)
                if (is_worth(c, row))
                    run(c, row, uri, data);
    }
}

/* Runs the case, and makes the tree anew where something may have changed. */
static void
run_and_check(const Case *c, const Row *row, const char *uri, gpointer data)
{
    DmTree **tree = data;
    guint status = run_case(*tree, c, uri, row->data[c->value]);

    assert_case(c, uri, status);
    if (status == 200 && !is_verb(c, "Get")) {
        dm_tree_free(*tree);
        *tree = new_tree(row, c->state, c->where);
    }
}

static void
test_row(gconstpointer data)
{
    const Row *row = data;
    Case c = {.fact = row->fact};

    for (c.where = 0; c.where < N_WHERE; c.where++) {
        for (c.state = 0; c.state < N_STATES; c.state++) {
            g_autoptr(DmTree) tree = NULL;

            if (!can_be(row->fact, c.state, c.where))
                continue;
            tree = new_tree(row, c.state, c.where);
            for (c.who = 0; c.who < N_WHO; c.who++)
                for (c.uri = 0; c.uri < N_URIS; c.uri++)
                    if (c.where != NOBODY || c.who != OTHER_SERVER) /* two of one stage */
                        for_each_command(&c, row, run_and_check, &tree);
        }
    }
}

/* -- the last stage: storage --------------------------------------------------------------------
 */

/* A disk that failed changes nothing about what is refused before it; good writes are 510 (M4, G5).
 */
static void
run_without_disk(const Case *c, const Row *row, const char *uri, gpointer data)
{
    guint status = run_case(data, c, uri, row->data[c->value]);

    if (is_write(c) && expect(c) == 200)
        g_assert_cmpuint(status, ==, 510);
    else
        assert_case(c, uri, status);
}

static void
remove_directory(const char *path)
{
    g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
    const char *name;

    while ((name = g_dir_read_name(dir)) != NULL) {
        g_autofree char *file = g_build_filename(path, name, NULL);

        g_assert_cmpint(g_remove(file), ==, 0);
    }
    g_assert_cmpint(g_remove(path), ==, 0);
}

static void
check_without_disk(const char *directory, const Row *row, State state)
{
    g_autoptr(GError) error = NULL;
    DmStore *store = dm_store_open(directory, &error);
    DmTree *tree = store == NULL ? NULL : dm_tree_new(store, NULL, &error);
    Case c = {.fact = row->fact, .where = DEVICE, .state = state};

    g_assert_no_error(error);
    prepare(tree, row, state, DEVICE);
    dm_store_set_read_only(store, "the test says so");
    for (c.who = 0; c.who < N_WHO; c.who++)
        for_each_command(&c, row, run_without_disk, tree);
    dm_tree_free(tree);
}

static void
test_storage(gconstpointer data)
{
    static const State states[] = {ABSENT, PRESENT};
    const Row *row = data;

    for (guint i = 0; i < G_N_ELEMENTS(states); i++) {
        g_autofree char *directory = g_dir_make_tmp("precedence-XXXXXX", NULL);

        if (can_be(row->fact, states[i], DEVICE))
            check_without_disk(directory, row, states[i]);
        remove_directory(directory);
    }
}

static void
test_enough(void)
{
    if (n_cases == 0) { /* run by itself */
        g_test_skip("no case was run");
        return;
    }
    g_test_message("%u cases", n_cases);
    g_assert_cmpuint(n_cases, >=, 2000);
}

int
main(int argc, char **argv)
{
    static const char *const with_storage[] = {"/UPN", "/Poll", "/SyncApplicationVersion",
                                               "/IsSyncDone", "/BlockInStatusPage"};
    g_autoptr(GPtrArray) facts = read_facts();
    g_autofree Row *rows = g_new0(Row, facts->len);
    int result;

    g_test_init(&argc, &argv, NULL);
    for (guint i = 0; i < facts->len; i++) {
        const Fact *fact = facts->pdata[i];
        g_autofree char *name =
            g_strdup_printf("/precedence/DMClient%s%s", *fact->path == '\0' ? "" : "/", fact->path);

        fill_row(&rows[i], fact);
        g_test_add_data_func(name, &rows[i], test_row);
        for (guint j = 0; j < G_N_ELEMENTS(with_storage); j++) {
            g_autofree char *storage = g_strdup_printf("/precedence/M4/%s", fact->path);

            if (ends_with(fact, with_storage[j]))
                g_test_add_data_func(storage, &rows[i], test_storage);
        }
    }
    g_test_add_func("/precedence/count/at-least-2000-cases", test_enough);
    result = g_test_run();
    for (guint i = 0; i < facts->len; i++)
        clear_row(&rows[i]);
    return result;
}
