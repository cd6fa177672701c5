/* SPDX-License-Identifier: MIT */

#include <string.h>

#include "tree/dump.h"
#include "tree/schema.h"

static DmNodeId
find(const char *text)
{
    DmUri uri;

    g_assert_cmpint(dm_uri_parse(text, &uri), ==, DM_STATUS_OK);
    return dm_schema_find(&uri);
}

static void
test_find_every_row(void)
{
    for (guint id = 0; id < DM_NODE_N; id++) {
        g_autoptr(GString) uri = g_string_new(NULL);
        const DmNode *row = dm_schema_get((DmNodeId)id);

        dm_schema_append_loc_uri(uri, DM_SCOPE_DEVICE, (DmNodeId)id, "MS DM Server");
        g_assert_cmpint(find(uri->str), ==, id);
        g_assert_cmpint(dm_schema_find_path(row->path), ==, id);
        g_string_truncate(uri, 0);
        dm_schema_append_loc_uri(uri, DM_SCOPE_USER, (DmNodeId)id, "MS DM Server");
        g_assert_cmpint(find(uri->str), ==, row->roots == DM_ROOTS_BOTH ? id : DM_NODE_NONE);
    }
}

static void
test_scope_is_device_by_default(void)
{
    g_assert_cmpint(find("./Vendor/MSFT/DMClient"), ==, DM_NODE_ROOT);
    g_assert_cmpint(find("./Device/Vendor/MSFT/DMClient/HWDevID"), ==, DM_NODE_ROOT_HW_DEV_ID);
    g_assert_cmpint(find("./User/Vendor/MSFT/DMClient/HWDevID"), ==, DM_NODE_NONE);
}

static void
test_case_of_names(void)
{
    g_assert_cmpint(find("./device/VENDOR/msft/DMClient/Provider/x/Poll"), ==, DM_NODE_POLL);
    g_assert_cmpint(find("./Vendor/MSFT/dmclient"), ==, DM_NODE_NONE);
    g_assert_cmpint(find("./Vendor/MSFT/DMClient/provider"), ==, DM_NODE_NONE);
    g_assert_cmpint(find("./Vendor/MSFT/DMClient/Provider/x/poll"), ==, DM_NODE_NONE);
}

static void
test_find_nothing(void)
{
    static const char *const strange[] = {
        ".",
        "./Vendor",
        "./Vendor/MSFT",
        "./Vendor/MSFT/Policy",
        "./DevInfo/DevId",
        "./Vendor/MSFT/DMClient/Nothing",
        "./Vendor/MSFT/DMClient/Unenroll/Nothing",
        "./Vendor/MSFT/DMClient/Provider/x/Provider",
        "./Vendor/MSFT/DMClient/Provider/x/PollX",
        "./Vendor/MSFT/DMClient/Provider/x/Pol",
        "./Vendor/MSFT/DMClient/Provider/x/Poll/Push",
        "./Vendor/MSFT/DMClient/Provider/x/Poll/PollOnLogin/1",
    };

    for (guint i = 0; i < G_N_ELEMENTS(strange); i++)
        g_assert_cmpint(find(strange[i]), ==, DM_NODE_NONE);
    /* The dynamic name is any name, also the word that the table has for it. */
    g_assert_cmpint(find("./Vendor/MSFT/DMClient/Provider/{ProviderID}"), ==, DM_NODE_PROVIDER);
}

static void
test_child_by_size(void)
{
    static const char name[] = "PollOnLogin";

    g_assert_cmpint(dm_schema_find_child(DM_NODE_POLL, name, strlen(name)), ==,
                    DM_NODE_POLL_POLL_ON_LOGIN);
    g_assert_cmpint(dm_schema_find_child(DM_NODE_PROVIDER, name, strlen("Poll")), ==, DM_NODE_POLL);
    g_assert_cmpint(dm_schema_find_child(DM_NODE_PROVIDER, name, 0), ==, DM_NODE_NONE);
    g_assert_cmpint(dm_schema_find_child(DM_NODE_PROVIDERS, name, strlen(name)), ==,
                    DM_NODE_PROVIDER);
}

/* Names that share a place in the hash table with a node's are still not the node's. */
static void
test_no_other_name(void)
{
    for (guint id = DM_NODE_ROOT + 1; id < DM_NODE_N; id++) {
        const DmNode *row = dm_schema_get((DmNodeId)id);
        g_autofree char *name = g_strdup(row->name);
        gsize size = strlen(name);

        if (id == DM_NODE_PROVIDER)
            continue;
        for (gsize i = 0; i < size; i++) {
            for (char c = 'A'; c <= 'z'; c++) {
                name[i] = c;
                if (strcmp(name, row->name) != 0)
                    g_assert_cmpint(dm_schema_find_child(row->parent, name, size), ==,
                                    DM_NODE_NONE);
            }
            name[i] = row->name[i];
        }
    }
}

static void
test_path_is_exact(void)
{
    g_assert_cmpint(dm_schema_find_path(""), ==, DM_NODE_ROOT);
    g_assert_cmpint(dm_schema_find_path("Provider/"), ==, DM_NODE_NONE);
    g_assert_cmpint(dm_schema_find_path("Provider//Poll"), ==, DM_NODE_NONE);
    g_assert_cmpint(dm_schema_find_path("Provider/x/Poll"), ==, DM_NODE_NONE);
    g_assert_cmpint(dm_schema_find_path("Provider/{ProviderID"), ==, DM_NODE_NONE);
    g_assert_cmpint(dm_schema_find_path("/Provider"), ==, DM_NODE_NONE);
}

static void
test_slots(void)
{
    g_autofree bool *is_taken = g_new0(bool, dm_schema_get_n_slots());
    guint n = 0;

    for (guint id = 0; id < DM_NODE_N; id++) {
        const DmNode *row = dm_schema_get((DmNodeId)id);
        bool has_slot =
            dm_schema_is_below((DmNodeId)id, DM_NODE_PROVIDER) && !dm_node_is_interior(row);

        g_assert_cmpint(row->slot >= 0, ==, has_slot);
        if (!has_slot)
            continue;
        g_assert_cmpint(row->slot, <, (int)dm_schema_get_n_slots());
        g_assert_false(is_taken[row->slot]);
        is_taken[row->slot] = true;
        n++;
    }
    g_assert_cmpuint(n, ==, dm_schema_get_n_slots());
}

/* What is below a row are exactly those between it and its end. */
static void
test_subtrees(void)
{
    for (guint id = 0; id < DM_NODE_N; id++) {
        for (guint other = 0; other < DM_NODE_N; other++) {
            DmNodeId up = (DmNodeId)other;

            while (up != DM_NODE_NONE && up != (DmNodeId)id)
                up = dm_schema_get(up)->parent;
            g_assert_cmpint(dm_schema_is_below((DmNodeId)other, (DmNodeId)id), ==,
                            up == (DmNodeId)id);
            g_assert_cmpint(other >= id && other < dm_schema_get_end((DmNodeId)id), ==,
                            up == (DmNodeId)id);
        }
    }
    g_assert_false(dm_schema_is_below(DM_NODE_NONE, DM_NODE_ROOT));
}

static void
test_defaults(void)
{
    DmValue value;

    g_assert_true(dm_schema_get_default(DM_NODE_POLL_INTERVAL_FOR_FIRST_SET_OF_RETRIES, &value));
    g_assert_cmpint(value.format, ==, DM_FORMAT_INT);
    g_assert_cmpint(value.u.integer, ==, 15);
    g_assert_true(dm_schema_get_default(DM_NODE_FIRST_SYNC_SKIP_USER_STATUS_PAGE, &value));
    g_assert_cmpint(value.format, ==, DM_FORMAT_BOOL);
    g_assert_true(value.u.boolean);
    g_assert_true(dm_schema_get_default(DM_NODE_FIRST_SYNC_IS_SYNC_DONE, &value));
    g_assert_false(value.u.boolean);
    g_assert_true(dm_schema_get_default(DM_NODE_SYNC_APPLICATION_VERSION, &value));
    g_assert_cmpstr(value.u.chr, ==, "1.0");
    g_assert_true(dm_schema_get_default(DM_NODE_FIRST_SYNC_CUSTOM_ERROR_TEXT, &value));
    g_assert_cmpstr(value.u.chr, ==, "");
    g_assert_false(dm_schema_get_default(DM_NODE_PUSH_PFN, &value));
    g_assert_false(dm_schema_get_default(DM_NODE_POLL, &value));
}

static void
test_loc_uri_is_escaped(void)
{
    g_autoptr(GString) uri = g_string_new(NULL);

    dm_schema_append_loc_uri(uri, DM_SCOPE_USER, DM_NODE_FIRST_SYNC, "a/b c%");
    g_assert_cmpstr(uri->str, ==,
                    "./User/Vendor/MSFT/DMClient/Provider/a%2Fb%20c%25/FirstSyncStatus");
}

/* The table says what the test's own copy of the facts says, byte for byte. */
static void
test_facts(void)
{
    g_autofree char *path = g_build_filename(g_getenv("DM_TEST_DATA"), "nodes.csv", NULL);
    g_autofree char *expected = NULL;
    g_autoptr(GString) facts = g_string_new(NULL);
    g_autoptr(GError) error = NULL;
    g_auto(GStrv) lines = NULL;
    g_auto(GStrv) printed = NULL;

    g_file_get_contents(path, &expected, NULL, &error);
    g_assert_no_error(error);
    dm_dump_facts(facts);
    lines = g_strsplit(expected, "\n", -1);
    printed = g_strsplit(facts->str, "\n", -1);
    for (gsize i = 0; lines[i] != NULL && printed[i] != NULL; i++)
        g_assert_cmpstr(printed[i], ==, lines[i]);
    g_assert_cmpstr(facts->str, ==, expected);
}

typedef struct {
    guint depth;
    guint nodes;
    guint without_name;
    bool in_name;
    bool has_text;
} Ddf;

static void
on_start(GMarkupParseContext *context, const char *name, const char **names, const char **values,
         gpointer data, GError **error)
{
    Ddf *ddf = data;

    ddf->depth++;
    ddf->nodes += strcmp(name, "Node") == 0;
    ddf->in_name = strcmp(name, "NodeName") == 0;
    ddf->has_text = false;
}

static void
on_end(GMarkupParseContext *context, const char *name, gpointer data, GError **error)
{
    Ddf *ddf = data;

    ddf->depth--;
    ddf->without_name += ddf->in_name && !ddf->has_text;
    ddf->in_name = false;
}

static void
on_text(GMarkupParseContext *context, const char *text, gsize size, gpointer data, GError **error)
{
    Ddf *ddf = data;

    ddf->has_text |= size > 0;
}

static void
test_ddf(void)
{
    static const GMarkupParser parser = {
        .start_element = on_start, .end_element = on_end, .text = on_text};
    Ddf ddf = {0};
    g_autoptr(GMarkupParseContext) context = g_markup_parse_context_new(&parser, 0, &ddf, NULL);
    g_autoptr(GString) out = g_string_new(NULL);
    g_autoptr(GError) error = NULL;
    guint expected = 0;

    dm_dump_ddf(out);
    g_markup_parse_context_parse(context, out->str, (gssize)out->len, &error);
    g_assert_no_error(error);
    g_markup_parse_context_end_parse(context, &error);
    g_assert_no_error(error);
    for (guint id = 0; id < DM_NODE_N; id++)
        expected += dm_schema_get((DmNodeId)id)->roots == DM_ROOTS_BOTH ? 2 : 1;
    g_assert_cmpuint(ddf.nodes, ==, expected);
    g_assert_cmpuint(ddf.without_name, ==, 2); /* the dynamic name, in both trees */
    g_assert_nonnull(strstr(out->str, "<Path>./User/Vendor/MSFT</Path>"));
    /* In the DTD's order: the default right after the verbs. */
    g_assert_nonnull(strstr(out->str, "</AccessType>\n              "
                                      "<DefaultValue>15</DefaultValue>\n"));
}

static void
test_markdown(void)
{
    g_autoptr(GString) out = g_string_new(NULL);
    guint sections = 0;

    dm_dump_markdown(out);
    for (const char *p = out->str; (p = strstr(p, "\n## `")) != NULL; p++)
        sections++;
    g_assert_cmpuint(sections, ==, DM_NODE_N);
    /* What would be markup is escaped. */
    g_assert_nonnull(strstr(out->str, "URL or \\<URL1\\>\\<URL2\\>..."));
    g_assert_nonnull(strstr(out->str, "true\\|false"));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/schema/find-every-row", test_find_every_row);
    g_test_add_func("/schema/A1-device-by-default", test_scope_is_device_by_default);
    g_test_add_func("/schema/A2-case-of-names", test_case_of_names);
    g_test_add_func("/schema/find-nothing", test_find_nothing);
    g_test_add_func("/schema/child-by-size", test_child_by_size);
    g_test_add_func("/schema/no-other-name", test_no_other_name);
    g_test_add_func("/schema/path-is-exact", test_path_is_exact);
    g_test_add_func("/schema/slots", test_slots);
    g_test_add_func("/schema/subtrees", test_subtrees);
    g_test_add_func("/schema/defaults", test_defaults);
    g_test_add_func("/schema/loc-uri-is-escaped", test_loc_uri_is_escaped);
    g_test_add_func("/schema/facts", test_facts);
    g_test_add_func("/schema/ddf", test_ddf);
    g_test_add_func("/schema/markdown", test_markdown);
    return g_test_run();
}
