/* SPDX-License-Identifier: MIT */

/* Every node × every verb × absent, present and without a parent, for local root and for the
 * provider's server, in the device tree and in a user's. What is expected comes from the test's own
 * copy of the facts (tests/data/nodes.csv) and from the rules, not from the node table. */

#include "tests/unit/node-facts.h"
#include "tests/unit/tree-fixture.h"

#define UID 1000

typedef enum { ABSENT, PRESENT, ORPHAN } State;

/* -- what the rules say -------------------------------------------------------------------------
 */

/* A value that the row takes. */
static const char *
get_sample(const Fact *fact)
{
    if (ends_with(fact, "Address") || ends_with(fact, "AddressList") ||
        ends_with(fact, "UpgradeTo"))
        return ADDRESS;
    if (ends_with(fact, "SyncApplicationVersion"))
        return "1.0";
    if (ends_with(fact, "EnrollmentType"))
        return "Full";
    if (ends_with(fact, "/Cert0") || ends_with(fact, "/Cert1"))
        return CERTIFICATE_BASE64;
    if (strcmp(fact->format, "int") == 0)
        return "1";
    if (strcmp(fact->format, "bool") == 0)
        return "true";
    return "text";
}

static bool
is_set(const Fact *fact, State state)
{
    return state == PRESENT && (can_be_set(fact) || is_hw_dev_id(fact));
}

static guint
expect_add(const Fact *fact, State state)
{
    if (is_interior(fact))
        return state == PRESENT ? 418 : 200;
    return is_set(fact, state) ? 418 : 200; /* V1: with the parents that are missing */
}

static guint
expect_leaf(const Fact *fact, State state, const char *verb)
{
    if (state == ORPHAN)
        return 404;
    if (strcmp(verb, "Get") == 0)
        return is_set(fact, state) || has_fallback(fact) ? 200 : 404;
    if (strcmp(verb, "Replace") == 0)
        /* F3: the sample is true, and true stays as it is. */
        return state == PRESENT && ends_with(fact, "/IsSyncDone") ? 405 : 200;
    if (strcmp(verb, "Delete") == 0) /* V3 */
        return is_set(fact, state) || strcmp(fact->occurrence, "One") == 0 ? 200 : 404;
    return 200; /* Exec */
}

static guint
expect(const Fact *fact, State state, const char *verb, bool is_root, bool is_user)
{
    if (is_user && !is_in_user_trees(fact))
        return 404; /* A1 */
    if (is_provider(fact) && state != PRESENT) {
        if (strcmp(verb, "Add") != 0)
            return 404;
        return is_root || is_user ? 200 : 404; /* V1 */
    }
    if (!may(fact, verb, is_root))
        return 405;
    if (strcmp(verb, "Add") == 0)
        return expect_add(fact, state);
    if (!is_interior(fact))
        return expect_leaf(fact, state, verb);
    return state == PRESENT ? 200 : 404;
}

/* -- what happens -------------------------------------------------------------------------------
 */

static DmStatus
run(DmTree *tree, const char *server, const char *verb, const char *uri, const char *data)
{
    const DmCommand command = {.verb = dm_verb_from_name(verb),
                               .loc_uri = uri,
                               .data = data,
                               .data_size = fixture_size(data)};

    return fixture_run_user(tree, server, UID, command);
}

static void
must(DmTree *tree, const char *verb, const char *uri, const char *data)
{
    g_assert_cmpuint(run(tree, NULL, verb, uri, data), ==, 200);
}

/* Brings the node into `state`. */
static void
prepare(DmTree *tree, const Fact *fact, State state, const char *uri, bool is_user)
{
    g_autofree char *parent = g_path_get_dirname(uri);
    bool is_shown = !is_user || is_in_user_trees(fact);

    if (!is_provider(fact) || state == PRESENT) {
        must(tree, "Add", ROOT "/Provider/A", NULL);
        if (is_user)
            must(tree, "Add", USER_A, NULL);
    }
    if (!is_shown)
        return;
    if (strcmp(fact->path, "UpdateManagementServiceAddress") == 0)
        must(tree, "Add", PROVIDER_A "/ManagementServiceAddress", ADDRESS);
    if (state == ORPHAN && run(tree, NULL, "Get", parent, NULL) == DM_STATUS_OK)
        must(tree, "Delete", parent, NULL);
    if (state != ORPHAN && can_be_orphan(fact) && run(tree, NULL, "Get", parent, NULL) != 200)
        must(tree, "Add", parent, NULL);
    if (state == ABSENT && is_interior(fact) && run(tree, NULL, "Get", uri, NULL) == DM_STATUS_OK)
        must(tree, "Delete", uri, NULL);
    if (state == PRESENT && is_interior(fact) && run(tree, NULL, "Get", uri, NULL) != 200)
        must(tree, "Add", uri, NULL);
    if (state == PRESENT && !is_interior(fact) && can_be_set(fact))
        must(tree, "Replace", uri, get_sample(fact));
}

static void
check(const Fact *fact, State state, const char *verb, bool is_root, bool is_user)
{
    static const char *const states[] = {"absent", "present", "without a parent"};
    gint64 now_us = YEAR_2030_US;
    const DmClock clock = fixture_clock(&now_us);
    const DmTreeOptions options = {
        .clock = &clock, .hw_dev_id = is_hw_dev_id(fact) && state != PRESENT ? NULL : "HW"};
    g_autoptr(DmTree) tree = fixture_tree(&options, NULL);
    g_autofree char *uri = make_uri(fact, is_user);
    bool is_root_unenroll = strcmp(fact->path, "Unenroll") == 0;
    const char *data = is_interior(fact) ? NULL : get_sample(fact);
    guint status;

    prepare(tree, fact, state, uri, is_user);
    if (is_root_unenroll && strcmp(verb, "Exec") == 0)
        data = is_root ? "A" : NULL; /* E1 */
    status = run(tree, is_root ? NULL : "A", verb, uri, data);
    if (status != expect(fact, state, verb, is_root, is_user))
        g_error("%s of %s, %s, by %s, is %u, expected %u", verb, uri, states[state],
                is_root ? "local root" : "its server", status,
                expect(fact, state, verb, is_root, is_user));
}

/* Nodes that are always there, or cannot be taken away, have no state of absence. */
static bool
can_be(const Fact *fact, State state)
{
    if (state == ORPHAN)
        return can_be_orphan(fact);
    if (state == PRESENT)
        return true;
    if (is_interior(fact))
        return is_provider(fact) || (is_below_provider(fact) && may(fact, "Delete", true));
    return strcmp(fact->format, "null") != 0;
}

static void
test_row(gconstpointer data)
{
    static const char *const verbs[] = {"Add", "Get", "Replace", "Delete", "Exec"};
    const Fact *fact = data;

    for (guint i = 0; i < G_N_ELEMENTS(verbs); i++) {
        for (State state = ABSENT; state <= ORPHAN; state++) {
            for (guint who = 0; can_be(fact, state) && who < 4; who++)
                check(fact, state, verbs[i], who & 1, who & 2);
        }
    }
}

static void
test_count(void)
{
    g_autoptr(GPtrArray) facts = read_facts();

    g_assert_cmpuint(facts->len, ==, 70);
}

int
main(int argc, char **argv)
{
    g_autoptr(GPtrArray) facts = NULL;

    g_test_init(&argc, &argv, NULL);
    facts = read_facts();
    g_test_add_func("/conformance/70-nodes", test_count);
    for (guint i = 0; i < facts->len; i++) {
        const Fact *fact = g_ptr_array_index(facts, i);
        g_autofree char *name = g_strdup_printf("/conformance/DMClient%s%s",
                                                *fact->path == '\0' ? "" : "/", fact->path);

        g_test_add_data_func(name, fact, test_row);
    }
    return g_test_run();
}
