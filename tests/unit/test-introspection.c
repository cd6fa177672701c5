/* SPDX-License-Identifier: MIT */
#include "plugin/introspection.h"

#include <string.h>

#include "common/command.h"
#include "dbus/names.h"

/* Reads the documents back with GMarkup, and holds them against the node table. */

typedef struct {
    GHashTable *properties; /* "interface.Name" → "type emits" */
    GHashTable *methods;    /* "interface.Name" → signatures "in→out" */
    GPtrArray *interfaces;
    GPtrArray *nodes;
    char *interface, *member;
} Document;

static const char *
find_attribute(const char **names, const char **values, const char *name)
{
    for (guint i = 0; names[i] != NULL; i++) {
        if (g_str_equal(names[i], name))
            return values[i];
    }
    return NULL;
}

static void
add_argument(Document *d, const char *type, const char *direction)
{
    const char *old = g_hash_table_lookup(d->methods, d->member);

    if (old == NULL)
        return;
    g_hash_table_insert(
        d->methods, g_strdup(d->member),
        g_strdup_printf("%s%s%s", old, g_strcmp0(direction, "out") == 0 ? ">" : "", type));
}

static void
on_start(GMarkupParseContext *context, const char *element, const char **names, const char **values,
         gpointer data, GError **error)
{
    Document *d = data;
    const char *name = find_attribute(names, values, "name");

    if (g_str_equal(element, "node") && name != NULL) {
        g_ptr_array_add(d->nodes, g_strdup(name));
    } else if (g_str_equal(element, "interface")) {
        g_free(d->interface);
        d->interface = g_strdup(name);
        g_ptr_array_add(d->interfaces, g_strdup(name));
    } else if (g_str_equal(element, "property")) {
        g_assert_cmpstr(find_attribute(names, values, "access"), ==, "read");
        g_free(d->member);
        d->member = g_strdup_printf("%s.%s", d->interface, name);
        g_assert_false(g_hash_table_contains(d->properties, d->member));
        g_hash_table_insert(d->properties, g_strdup(d->member),
                            g_strdup_printf("%s true", find_attribute(names, values, "type")));
    } else if (g_str_equal(element, "method") || g_str_equal(element, "signal")) {
        g_free(d->member);
        d->member = g_strdup_printf("%s.%s", d->interface, name);
        g_hash_table_insert(d->methods, g_strdup(d->member), g_strdup(""));
    } else if (g_str_equal(element, "arg")) {
        g_assert_nonnull(name);
        add_argument(d, find_attribute(names, values, "type"),
                     find_attribute(names, values, "direction"));
    } else if (g_str_equal(element, "annotation")) {
        const char *old = g_hash_table_lookup(d->properties, d->member);

        g_assert_cmpstr(name, ==, "org.freedesktop.DBus.Property.EmitsChangedSignal");
        g_hash_table_insert(d->properties, g_strdup(d->member),
                            g_strdup_printf("%.*s %s", (int)(strchr(old, ' ') - old), old,
                                            find_attribute(names, values, "value")));
    }
}

static void
document_clear(Document *d)
{
    g_hash_table_unref(d->properties);
    g_hash_table_unref(d->methods);
    g_ptr_array_unref(d->interfaces);
    g_ptr_array_unref(d->nodes);
    g_free(d->interface);
    g_free(d->member);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Document, document_clear)

typedef struct {
    DmTree *tree;
    DmNodeInterfaces *interfaces;
} Fixture;

static void
read_document(Fixture *f, const char *path, Document *ret_document)
{
    static const GMarkupParser parser = {.start_element = on_start};
    g_autoptr(GMarkupParseContext) context = NULL;
    g_autoptr(GError) error = NULL;
    g_autofree char *xml = NULL;
    DmObject object;

    g_assert_true(dm_object_find(f->tree, path, &object));
    xml = dm_introspection_build(f->interfaces, f->tree, &object);
    ret_document->properties = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    ret_document->methods = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    ret_document->interfaces = g_ptr_array_new_with_free_func(g_free);
    ret_document->nodes = g_ptr_array_new_with_free_func(g_free);
    context = g_markup_parse_context_new(&parser, G_MARKUP_TREAT_CDATA_AS_TEXT, ret_document, NULL);
    g_markup_parse_context_parse(context, xml, -1, &error);
    g_assert_no_error(error);
    g_markup_parse_context_end_parse(context, &error);
    g_assert_no_error(error);
}

static char *
join(GPtrArray *words)
{
    g_autoptr(GString) text = g_string_new(NULL);

    for (guint i = 0; i < words->len; i++)
        g_string_append_printf(text, "%s%s", i > 0 ? " " : "",
                               (const char *)g_ptr_array_index(words, i));
    return g_strdup(text->str);
}

static void
apply(Fixture *f, const char *loc_uri, const char *data, gint64 uid)
{
    const DmContext context = {.provider = uid >= 0 ? "X" : NULL, .uid = uid};
    const DmCommand command = {.verb = DM_VERB_ADD,
                               .loc_uri = loc_uri,
                               .data = data,
                               .data_size = data ? strlen(data) : 0};
    g_autoptr(DmReply) reply = dm_tree_apply(f->tree, &context, &command, 1);

    g_assert_cmpint(dm_reply_get(reply, 0)->status, ==, DM_STATUS_OK);
}

static void
setup(Fixture *f, gconstpointer data)
{
    g_autoptr(GError) error = NULL;

    f->tree = dm_tree_new(NULL, NULL, &error);
    g_assert_no_error(error);
    f->interfaces = dm_node_interfaces_new();
    apply(f, "./Vendor/MSFT/DMClient/Provider/X", NULL, -1);
    apply(f, "./Vendor/MSFT/DMClient/Provider/X/Poll", NULL, -1);
    apply(f, "./Vendor/MSFT/DMClient/Provider/X/Push", NULL, -1);
    apply(f, "./Vendor/MSFT/DMClient/Provider/X/CustomEnrollmentCompletePage", NULL, -1);
    apply(f, "./User/Vendor/MSFT/DMClient/Provider/X", NULL, 4000000000);
    apply(f, "./User/Vendor/MSFT/DMClient/Provider/X/FirstSyncStatus", NULL, 4000000000);
}

static void
teardown(Fixture *f, gconstpointer data)
{
    dm_node_interfaces_free(f->interfaces);
    dm_tree_free(f->tree);
}

/* -- cases --------------------------------------------------------------------------------------
 */

static void
test_levels(Fixture *f, gconstpointer data)
{
    static const struct {
        const char *path, *nodes;
        bool real;
    } cases[] = {
        {"", "Provider User", true},
        {"/Provider", "X", false},
        {"/Provider/X",
         "Poll Push CustomEnrollmentCompletePage FirstSyncStatus EnhancedAppLayerSecurity", true},
        {"/Provider/X/Poll", "", true},
        {"/User", "4000000000", false},
        {"/User/4000000000", "Provider", false},
        {"/User/4000000000/Provider", "X", false},
        {"/User/4000000000/Provider/X", "FirstSyncStatus", true},
        {"/User/4000000000/Provider/X/FirstSyncStatus", "", true},
    };

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *path = g_strconcat(DM_BUS_ROOT, cases[i].path, NULL);
        g_autofree char *nodes = NULL, *interfaces = NULL;
        g_auto(Document) d = {0};

        read_document(f, path, &d);
        nodes = join(d.nodes);
        interfaces = join(d.interfaces);
        g_assert_cmpstr(nodes, ==, cases[i].nodes);
        if (cases[i].real)
            g_assert_true(g_str_has_prefix(interfaces, "org.freedesktop.DBus.Properties "
                                                       "org.freedesktop.DBus.Introspectable "
                                                       "org.freedesktop.DBus.Peer "));
        else
            g_assert_cmpstr(interfaces, ==,
                            "org.freedesktop.DBus.Introspectable org.freedesktop.DBus.Peer");
    }
}

/* Every row with a type on the bus is a property of its parent's interface, of that type; those
 * that are not public are only named when they change. No other leaf is there. */
static void
test_rows(Fixture *f, gconstpointer data)
{
    static const char *const paths[] = {
        "",
        "/Provider/X",
        "/Provider/X/Poll",
        "/Provider/X/Push",
        "/Provider/X/CustomEnrollmentCompletePage",
        "/Provider/X/FirstSyncStatus",
        "/Provider/X/EnhancedAppLayerSecurity",
    };
    guint n_rows = 0, n_properties = 0;

    for (guint i = 0; i < G_N_ELEMENTS(paths); i++) {
        g_autofree char *path = g_strconcat(DM_BUS_ROOT, paths[i], NULL);
        g_auto(Document) d = {0};
        const DmNodeInterface *interface;
        DmObject object;

        read_document(f, path, &d);
        g_assert_true(dm_object_find(f->tree, path, &object));
        interface = dm_node_interfaces_find(f->interfaces, object.node);
        for (DmNodeId id = 0; id < DM_NODE_N; id++) {
            const DmNode *row = dm_schema_get(id);
            g_autofree char *key = g_strdup_printf("%s.%s", interface->name, row->name);
            g_autofree char *expected = NULL;

            if (row->parent != object.node || row->dbus == NULL || *row->dbus == '\0')
                continue;
            expected = g_strdup_printf("%s %s", row->dbus,
                                       row->read == DM_READ_PUBLIC ? "true" : "invalidates");
            g_assert_cmpstr(g_hash_table_lookup(d.properties, key), ==, expected);
            n_rows++;
        }
        n_properties += g_hash_table_size(d.properties);
    }
    /* 70 rows: 8 of them interior, 2 not on the bus. */
    g_assert_cmpuint(n_rows, ==, 60);
    /* Beside them: the provider's name, 4 of Manager, 10 of Session, 4 of Progress. */
    g_assert_cmpuint(n_properties, ==, n_rows + 1 + 4 + 10 + 4);
}

static void
test_services(Fixture *f, gconstpointer data)
{
    static const struct {
        const char *path, *property, *expected;
    } cases[] = {
        {"", DM_BUS_INTERFACE_MANAGER ".Version", "s const"},
        {"", DM_BUS_INTERFACE_MANAGER ".Managed", "b true"},
        {"", DM_BUS_INTERFACE_MANAGER ".Health", "s true"},
        {"", DM_BUS_INTERFACE_MANAGER ".Providers", "ao true"},
        {"/Provider/X", DM_BUS_INTERFACE_PROVIDER ".ProviderID", "s const"},
        {"/Provider/X", DM_BUS_INTERFACE_SESSION ".State", "s true"},
        {"/Provider/X", DM_BUS_INTERFACE_SESSION ".LastAttempt", "t true"},
        {"/Provider/X", DM_BUS_INTERFACE_SESSION ".LastSuccess", "t true"},
        {"/Provider/X", DM_BUS_INTERFACE_SESSION ".NextScheduled", "t true"},
        {"/Provider/X", DM_BUS_INTERFACE_SESSION ".LastError", "s true"},
        {"/Provider/X", DM_BUS_INTERFACE_SESSION ".LastErrorMessage", "s true"},
        {"/Provider/X", DM_BUS_INTERFACE_SESSION ".Origin", "s true"},
        {"/Provider/X", DM_BUS_INTERFACE_SESSION ".CertificateExpires", "t true"},
        {"/Provider/X", DM_BUS_INTERFACE_SESSION ".ServerHost", "s true"},
        {"/Provider/X", DM_BUS_INTERFACE_SESSION ".UnenrollDeadline", "t true"},
        {"/Provider/X/FirstSyncStatus", DM_BUS_INTERFACE_PROGRESS ".Phase", "s true"},
        {"/Provider/X/FirstSyncStatus", DM_BUS_INTERFACE_PROGRESS ".Categories", "a(suuu) true"},
        {"/Provider/X/FirstSyncStatus", DM_BUS_INTERFACE_PROGRESS ".Deadline", "t true"},
        {"/Provider/X/FirstSyncStatus", DM_BUS_INTERFACE_PROGRESS ".FailedItems", "as invalidates"},
        {"/User/4000000000/Provider/X/FirstSyncStatus", DM_BUS_INTERFACE_PROGRESS ".Phase",
         "s invalidates"},
        {"/User/4000000000/Provider/X", DM_BUS_INTERFACE_SESSION ".State", NULL},
        {"/User/4000000000/Provider/X", DM_BUS_INTERFACE_PROVIDER ".HelpPhoneNumber", NULL},
        {"/User/4000000000/Provider/X/FirstSyncStatus",
         DM_BUS_INTERFACE ".FirstSyncStatus.IsSyncDone", "b invalidates"},
        {"/User/4000000000/Provider/X/FirstSyncStatus",
         DM_BUS_INTERFACE ".FirstSyncStatus.SkipUserStatusPage", NULL},
    };

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *path = g_strconcat(DM_BUS_ROOT, cases[i].path, NULL);
        g_auto(Document) d = {0};

        read_document(f, path, &d);
        g_assert_cmpstr(g_hash_table_lookup(d.properties, cases[i].property), ==,
                        cases[i].expected);
    }
}

typedef struct {
    const char *method, *expected;
} Method;

/* What an object has, of methods and signals, and nothing more. */
static void
assert_methods(Fixture *f, const char *path, const Method *cases, gsize n_cases)
{
    g_auto(Document) d = {0};

    read_document(f, path, &d);
    for (guint i = 0; i < n_cases; i++)
        g_assert_cmpstr(g_hash_table_lookup(d.methods, cases[i].method), ==, cases[i].expected);
    g_assert_cmpuint(g_hash_table_size(d.methods), ==, n_cases);
}

#define STANDARD                                                                                   \
    {"org.freedesktop.DBus.Properties.Get", "ss>v"},                                               \
        {"org.freedesktop.DBus.Properties.GetAll", "s>a{sv}"},                                     \
        {"org.freedesktop.DBus.Properties.Set", "ssv"},                                            \
        {"org.freedesktop.DBus.Properties.PropertiesChanged", "sa{sv}as"},                         \
        {"org.freedesktop.DBus.Introspectable.Introspect", ">s"},                                  \
        {"org.freedesktop.DBus.Peer.Ping", ""},                                                    \
    {                                                                                              \
        "org.freedesktop.DBus.Peer.GetMachineId", ">s"                                             \
    }

static void
test_methods(Fixture *f, gconstpointer data)
{
    static const Method root[] = {
        STANDARD,
        {DM_BUS_INTERFACE_MANAGER ".Sync", "oa{sv}>s"},
        {DM_BUS_INTERFACE_MANAGER ".Unenroll", "oa{sv}"},
        {DM_BUS_INTERFACE_MANAGER ".RetryFirstSync", "oa{sv}"},
        {DM_BUS_INTERFACE_MANAGER ".CollectLogs", "a{sv}>h"},
        {DM_BUS_INTERFACE_MANAGER ".Reload", "a{sv}"},
        {"org.freedesktop.DBus.ObjectManager.GetManagedObjects", ">a{oa{sa{sv}}}"},
        {"org.freedesktop.DBus.ObjectManager.InterfacesAdded", "oa{sa{sv}}"},
        {"org.freedesktop.DBus.ObjectManager.InterfacesRemoved", "oas"},
    };
    static const Method provider[] = {
        STANDARD,
        {DM_BUS_INTERFACE_SESSION ".GetHistory", "ua{sv}>aa{sv}"},
        {DM_BUS_INTERFACE_SESSION ".Finished", "a{sv}"},
    };

    assert_methods(f, DM_BUS_ROOT, root, G_N_ELEMENTS(root));
    assert_methods(f, DM_BUS_ROOT "/Provider/X", provider, G_N_ELEMENTS(provider));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define ADD(path, function)                                                                        \
    g_test_add("/introspection/" path, Fixture, NULL, setup, function, teardown)
    ADD("every-level", test_levels);
    ADD("every-row-of-the-node-table", test_rows);
    ADD("interfaces-beside-the-table", test_services);
    ADD("methods-and-signals", test_methods);
    return g_test_run();
}
