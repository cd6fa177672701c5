/* SPDX-License-Identifier: MIT */

/* Get with and without a query (A2–A4), on names that are hard to write. */

#include "tests/unit/node-facts.h"
#include "tests/unit/tree-fixture.h"

typedef struct {
    const char *name;    /* decoded */
    const char *escaped; /* as A4 and ?list= write it */
    const char *asked;   /* another way to write it */
} Name;

static const Name names[] = {
    {"MS DM Server", "MS%20DM%20Server", "MS DM Server"},
    {"a/b", "a%2Fb", "a%2fb"},
    {"Müller & Söhne", "M%C3%BCller%20&%20S%C3%B6hne", "Müller%20%26%20S%c3%b6hne"},
    {"50%", "50%25", "50%25"},
    {"what?", "what%3F", "what%3f"},
    {"<x>\"'", "%3Cx%3E%22'", "<x>%22'"},
    {"漢字", "%E6%BC%A2%E5%AD%97", "漢字"},
    {"~._-", "~._-", "%7E._%2D"},
    {"a..b", "a..b", "a%2E%2Eb"},
    {"#", "%23", "#"},
};

static char *
make_provider_uri(const char *segment, const char *rest)
{
    return g_strconcat(ROOT "/Provider/", segment, rest, NULL);
}

static void
assert_first_item(DmReply *reply, const char *loc_uri, DmFormat format, const char *data)
{
    const DmResultItem *item = dm_reply_get_items(reply, 0);

    g_assert_cmpuint(STATUS(reply, 0), ==, 200);
    g_assert_cmpstr(item->loc_uri, ==, loc_uri);
    g_assert_cmpint(item->format, ==, format);
    g_assert_cmpstr(item->data, ==, data);
}

static DmReply *
get(DmTree *tree, const char *uri)
{
    const DmCommand command = GET(uri);

    return fixture_apply(tree, NULL, -1, &command, 1);
}

static void
test_hard_names(void)
{
    for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
        const Name *name = &names[i];
        g_autoptr(DmTree) tree = fixture_tree(NULL, NULL);
        g_autofree char *asked = make_provider_uri(name->asked, "");
        g_autofree char *leaf = make_provider_uri(name->escaped, "/UPN");
        g_autofree char *asked_leaf = make_provider_uri(name->asked, "/UPN");
        g_autofree char *property = make_provider_uri(name->asked, "?prop=Name");
        g_autofree char *list = make_provider_uri(name->asked, "/Unenroll?list=Struct");
        g_autofree char *listed = make_provider_uri(name->asked, "/Unenroll");
        g_autoptr(DmReply) one = NULL;
        g_autoptr(DmReply) other = NULL;

        g_assert_cmpuint(RUN(tree, NULL, ADD(asked, NULL)), ==, 200);
        g_assert_nonnull(dm_tree_find_provider(tree, DM_SCOPE_DEVICE, 0, name->name));
        g_assert_cmpuint(RUN(tree, NULL, REPLACE(asked_leaf, "u")), ==, 200);
        ASSERT_READS(tree, leaf, "u");
        ASSERT_READS(tree, ROOT "/Provider", name->escaped);
        one = get(tree, property); /* the name itself, not its escapes; the LocURI as asked */
        assert_first_item(one, asked, DM_FORMAT_CHR, name->name);
        other = get(tree, list);
        assert_first_item(other, listed, DM_FORMAT_NULL, NULL);
        g_assert_cmpuint(RUN(tree, name->name, GET(leaf)), ==, 200);
    }
}

static void
test_long_name(void)
{
    g_autoptr(DmTree) tree = fixture_tree(NULL, NULL);
    g_autofree char *name = g_strnfill(255, 'n');
    g_autofree char *uri = make_provider_uri(name, "");
    g_autofree char *leaf = make_provider_uri(name, "/UPN");
    g_autofree char *umlauts = g_strdup("");
    g_autofree char *long_uri = NULL;

    g_assert_cmpuint(RUN(tree, NULL, ADD(uri, NULL)), ==, 200);
    g_assert_cmpuint(RUN(tree, NULL, ADD(leaf, "u")), ==, 200);
    ASSERT_READS(tree, leaf, "u");
    ASSERT_READS(tree, ROOT "/Provider", name);
    /* 255 bytes that need three each when escaped: 765, and still within a LocURI. */
    for (guint i = 0; i < 85; i++) {
        char *more = g_strconcat(umlauts, "%E6%BC%A2", NULL);

        g_free(umlauts);
        umlauts = more;
    }
    long_uri = make_provider_uri(umlauts, "");
    g_assert_cmpuint(RUN(tree, NULL, ADD(long_uri, NULL)), ==, 200);
    {
        g_autofree char *both = g_strconcat(name, "/", umlauts, NULL);
        g_autofree char *read = fixture_read(tree, NULL, -1, ROOT "/Provider");

        g_assert_cmpstr(read, ==, both);
    }
}

static void
test_list_escapes_names(void)
{
    g_autoptr(DmTree) tree = fixture_tree(NULL, "a/b", NULL);
    g_autoptr(DmReply) reply = get(tree, ROOT "/Provider?list=Struct");
    const DmResultItem *items = dm_reply_get_items(reply, 0);

    assert_first_item(reply, ROOT "/Provider", DM_FORMAT_NODE, NULL);
    g_assert_cmpstr(items[1].loc_uri, ==, ROOT "/Provider/a%2Fb");
    g_assert_cmpstr(items[2].loc_uri, ==, ROOT "/Provider/a%2Fb/FirstSyncStatus");
}

/* What ?list= names can be asked for by exactly that LocURI, and reads as it said. */
static void
test_list_can_be_followed(void)
{
    g_autoptr(DmTree) tree = fixture_tree(NULL, "a/b", "x y", NULL);
    g_autoptr(DmReply) list = get(tree, ROOT "?list=StructData");
    const DmResultItem *items = dm_reply_get_items(list, 0);

    g_assert_cmpuint(dm_reply_get(list, 0)->n_items, >, 30);
    for (guint i = 0; i < dm_reply_get(list, 0)->n_items; i++) {
        g_autoptr(DmReply) reply = get(tree, items[i].loc_uri);

        g_assert_cmpuint(STATUS(reply, 0), ==, 200);
        g_assert_cmpint(dm_reply_get_items(reply, 0)->format, ==, items[i].format);
        if (items[i].data != NULL)
            g_assert_cmpstr(dm_reply_get_items(reply, 0)->data, ==, items[i].data);
        else
            g_assert_cmpint(items[i].format, ==, DM_FORMAT_NODE);
    }
}

/* A3: every property and list but five is 406, on whatever is asked; before it is looked for. */
static void
test_other_queries(void)
{
    static const char *const queries[] = {
        "?",          "?list",       "?list=",          "?list=TNDS",     "?list=struct",
        "?prop=",     "?prop=ACL",   "?prop=Size",      "?prop=VerNo",    "?prop=TStamp",
        "?prop=name", "?prop=Title", "?prop=RTProps",   "?list=Struct?",  "?list=Struct&",
        "? ",         "?/",          "?list=StructDat", "?prop=Name%20x", "?list=Struct+Name",
    };
    static const char *const nodes[] = {
        "", "/Provider", "/Provider/A", "/Provider/A/UPN", "/Provider/A/Unenroll", "/Nothing"};
    g_autoptr(DmTree) tree = fixture_tree(NULL, "A", NULL);

    for (gsize i = 0; i < G_N_ELEMENTS(queries); i++) {
        for (gsize j = 0; j < G_N_ELEMENTS(nodes); j++) {
            g_autofree char *uri = g_strconcat(ROOT, nodes[j], queries[i], NULL);

            g_assert_cmpuint(RUN(tree, "A", GET(uri)), ==, 406);
        }
    }
}

/* Each row of the facts answers its Format and Name where it is present. */
static void
test_properties_of_each_row(void)
{
    const DmTreeOptions options = {.hw_dev_id = "HW"};
    g_autoptr(DmTree) tree = fixture_tree(&options, "A", NULL);
    g_autoptr(GPtrArray) facts = read_facts();
    guint n_read = 0;

    for (guint i = 0; i < facts->len; i++) {
        const Fact *fact = facts->pdata[i];
        g_autofree char *uri = make_uri(fact, false);
        g_autofree char *format = g_strconcat(uri, "?prop=Format", NULL);
        g_autofree char *name = g_strconcat(uri, "?prop=Name", NULL);
        g_autofree char *type = g_strconcat(uri, "?prop=Type", NULL);
        g_autofree char *base = g_path_get_basename(uri);
        guint status = RUN(tree, "A", GET(uri));

        g_assert_cmpuint(RUN(tree, "A", GET(format)), ==, status);
        g_assert_cmpuint(RUN(tree, "A", GET(name)), ==, status);
        if (status != 200)
            continue;
        ASSERT_READS(tree, format, fact->format);
        ASSERT_READS(tree, name, base);
        ASSERT_READS(tree, type, is_interior(fact) ? "" : "text/plain");
        n_read++;
    }
    g_assert_cmpuint(n_read, >, 25);
}

/* A1, V9: neither a list nor a property shows what a plain Get would not. */
static void
test_nothing_of_others(void)
{
    static const char *const queries[] = {"", "?list=Struct", "?list=StructData", "?prop=Name",
                                          "?prop=Format"};
    g_autoptr(DmTree) tree = fixture_tree(NULL, "A", "B", NULL);

    g_assert_cmpuint(RUN_USER(tree, "A", 7, ADD(USER_A, NULL)), ==, 200);
    for (gsize i = 0; i < G_N_ELEMENTS(queries); i++) {
        g_autofree char *other = g_strconcat(ROOT "/Provider/B", queries[i], NULL);
        g_autofree char *poll = g_strconcat(USER_A "/Poll", queries[i], NULL);

        g_assert_cmpuint(RUN(tree, "A", GET(other)), ==, 404);
        g_assert_cmpuint(RUN(tree, "B", GET(other)), ==, 200);
        g_assert_cmpuint(RUN_USER(tree, "A", 7, GET(USER_A)), ==, 200);
        g_assert_cmpuint(RUN_USER(tree, "A", 7, GET(poll)), ==, 404);
        g_assert_cmpuint(RUN_USER(tree, "A", 8, GET(USER_A)), ==, 404);
    }
    ASSERT_USER_READS(tree, 7, "./User/Vendor/MSFT/DMClient", "Provider");
    ASSERT_USER_READS(tree, 7, USER_A, "");
    ASSERT_USER_READS(tree, 8, "./User/Vendor/MSFT/DMClient/Provider", "");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/query/A2-A4-hard-names", test_hard_names);
    g_test_add_func("/query/A2-A4-255-bytes", test_long_name);
    g_test_add_func("/query/A3-list-escapes-names", test_list_escapes_names);
    g_test_add_func("/query/A3-list-can-be-followed", test_list_can_be_followed);
    g_test_add_func("/query/A3-other-queries-are-406", test_other_queries);
    g_test_add_func("/query/A3-properties-of-each-row", test_properties_of_each_row);
    g_test_add_func("/query/V9-nothing-of-others", test_nothing_of_others);
    return g_test_run();
}
