/* SPDX-License-Identifier: MIT */
#include "cli/snapshot.h"

#include <dbus/dbus.h>
#include <string.h>

#include "common/error.h"
#include "common/i18n.h"
#include "common/uri.h"
#include "dbus/names.h"

static void
provider_free(gpointer data)
{
    DmSnapshotProvider *provider = data;

    g_free(provider->id);
    g_free(provider->path);
    g_array_unref(provider->users);
    g_free(provider);
}

static void
user_clear(gpointer data)
{
    g_free(((DmSnapshotUser *)data)->path);
}

void
dm_snapshot_free(DmSnapshot *snapshot)
{
    if (snapshot == NULL)
        return;
    g_clear_pointer(&snapshot->objects, g_hash_table_unref);
    g_clear_pointer(&snapshot->providers, g_ptr_array_unref);
    g_free(snapshot->version);
    g_free(snapshot->health);
    g_free(snapshot);
}

/* -- what is there ------------------------------------------------------------------------------
 */

bool
dm_snapshot_has(const DmSnapshot *snapshot, const char *path, const char *interface)
{
    GVariant *interfaces = path == NULL ? NULL : g_hash_table_lookup(snapshot->objects, path);
    g_autoptr(GVariant) properties =
        interfaces == NULL ? NULL : g_variant_lookup_value(interfaces, interface, NULL);

    return properties != NULL;
}

GVariant *
dm_snapshot_get(const DmSnapshot *snapshot, const char *path, const char *interface,
                const char *property, const char *type)
{
    GVariant *interfaces = g_hash_table_lookup(snapshot->objects, path);
    g_autoptr(GVariant) properties =
        interfaces == NULL ? NULL : g_variant_lookup_value(interfaces, interface, NULL);

    if (properties == NULL)
        return NULL;
    return g_variant_lookup_value(properties, property, G_VARIANT_TYPE(type));
}

char *
dm_snapshot_get_string(const DmSnapshot *snapshot, const char *path, const char *interface,
                       const char *property)
{
    g_autoptr(GVariant) value = dm_snapshot_get(snapshot, path, interface, property, "s");

    if (value == NULL || *g_variant_get_string(value, NULL) == '\0')
        return NULL;
    return g_variant_dup_string(value, NULL);
}

gint64
dm_snapshot_get_time(const DmSnapshot *snapshot, const char *path, const char *interface,
                     const char *property)
{
    g_autoptr(GVariant) value = dm_snapshot_get(snapshot, path, interface, property, "t");
    guint64 time_us = value == NULL ? 0 : g_variant_get_uint64(value);

    return time_us > G_MAXINT64 ? G_MAXINT64 : (gint64)time_us;
}

char *
dm_snapshot_get_path(const DmSnapshotProvider *provider, DmNodeName interior)
{
    if (interior == DM_NAME_PROVIDER)
        return g_strdup(provider->path);
    return g_strconcat(provider->path, "/", dm_node_name(interior), NULL);
}

char *
dm_snapshot_get_leaf(const DmSnapshot *snapshot, const DmSnapshotProvider *provider,
                     DmNodeName interior, DmNodeName leaf)
{
    g_autofree char *path = dm_snapshot_get_path(provider, interior);
    g_autofree char *interface =
        interior == DM_NAME_PROVIDER
            ? g_strdup(DM_BUS_INTERFACE_PROVIDER)
            : g_strconcat(DM_BUS_INTERFACE ".", dm_node_name(interior), NULL);

    return dm_snapshot_get_string(snapshot, path, interface, dm_node_name(leaf));
}

static gint
compare_providers(gconstpointer a, gconstpointer b)
{
    return strcmp((*(DmSnapshotProvider *const *)a)->id, (*(DmSnapshotProvider *const *)b)->id);
}

static gint
compare_users(gconstpointer a, gconstpointer b)
{
    guint32 left = ((const DmSnapshotUser *)a)->uid;
    guint32 right = ((const DmSnapshotUser *)b)->uid;

    return (left > right) - (left < right);
}

/* The providers of the device tree: the objects one below …/Provider. */
static GHashTable *
collect_providers(DmSnapshot *snapshot)
{
    g_autofree char *prefix =
        g_strconcat(DM_BUS_ROOT "/", dm_node_name(DM_NAME_PROVIDERS), "/", NULL);
    GHashTable *by_element = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    GHashTableIter iter;
    gpointer path;

    g_hash_table_iter_init(&iter, snapshot->objects);
    while (g_hash_table_iter_next(&iter, &path, NULL)) {
        if (!g_str_has_prefix(path, prefix) || strchr((char *)path + strlen(prefix), '/') != NULL)
            continue;
        DmSnapshotProvider *provider = g_new0(DmSnapshotProvider, 1);
        provider->path = g_strdup(path);
        const char *element = provider->path + strlen(prefix);
        provider->id = dm_path_unescape(element, strlen(element));
        if (provider->id == NULL)
            provider->id = g_strdup(element);
        provider->users = g_array_new(FALSE, TRUE, sizeof(DmSnapshotUser));
        g_array_set_clear_func(provider->users, user_clear);
        g_ptr_array_add(snapshot->providers, provider);
        g_hash_table_insert(by_element, g_strdup(element), provider);
    }
    return by_element;
}

/* Users' first syncs: …/User/<uid>/Provider/<element>/<first sync>. */
static void
collect_users(DmSnapshot *snapshot, GHashTable *by_element)
{
    GHashTableIter iter;
    gpointer path;

    g_hash_table_iter_init(&iter, snapshot->objects);
    while (g_hash_table_iter_next(&iter, &path, NULL)) {
        guint64 uid = 0;

        if (!g_str_has_prefix(path, DM_BUS_ROOT "/User/"))
            continue;
        g_auto(GStrv) parts = g_strsplit((char *)path + strlen(DM_BUS_ROOT "/User/"), "/", -1);
        if (g_strv_length(parts) != 4 || !g_str_equal(parts[1], dm_node_name(DM_NAME_PROVIDERS)) ||
            !g_str_equal(parts[3], dm_node_name(DM_NAME_FIRST_SYNC)) ||
            !g_ascii_string_to_unsigned(parts[0], 10, 0, G_MAXUINT32, &uid, NULL))
            continue;
        DmSnapshotProvider *provider = g_hash_table_lookup(by_element, parts[2]);
        DmSnapshotUser user = {.path = NULL, .uid = (guint32)uid};
        if (provider == NULL)
            continue;
        user.path = g_strdup(path);
        g_array_append_val(provider->users, user);
    }
}

static void
index_objects(DmSnapshot *snapshot, GVariant *objects)
{
    GVariantIter iter;
    char *path;
    GVariant *interfaces;

    g_variant_iter_init(&iter, objects);
    while (g_variant_iter_next(&iter, "{o@a{sa{sv}}}", &path, &interfaces))
        g_hash_table_replace(snapshot->objects, path, interfaces);

    g_autoptr(GHashTable) by_element = collect_providers(snapshot);
    collect_users(snapshot, by_element);
    g_ptr_array_sort(snapshot->providers, compare_providers);
    for (guint i = 0; i < snapshot->providers->len; i++)
        g_array_sort(((DmSnapshotProvider *)snapshot->providers->pdata[i])->users, compare_users);
}

static GVariant *
call_root(DmAsk *ask, const char *interface, const char *method, const char *argument,
          const char *type, GError **error)
{
    DBusMessage *message =
        dbus_message_new_method_call(DM_BUS_NAME, DM_BUS_ROOT, interface, method);

    if (argument != NULL)
        dbus_message_append_args(message, DBUS_TYPE_STRING, &argument, DBUS_TYPE_INVALID);
    return dm_ask_call(ask, message, type, DM_ASK_TIMEOUT_MS, false, error);
}

static bool
read_bus(DmSnapshot *snapshot, DmAsk *ask, GError **error)
{
    g_autoptr(GVariant) manager = call_root(ask, DBUS_INTERFACE_PROPERTIES, "GetAll",
                                            DM_BUS_INTERFACE_MANAGER, "a{sv}", error);
    gboolean managed = FALSE;

    if (manager == NULL)
        return false;
    g_autoptr(GVariant) objects = call_root(ask, "org.freedesktop.DBus.ObjectManager",
                                            "GetManagedObjects", NULL, "a{oa{sa{sv}}}", error);
    if (objects == NULL)
        return false;
    g_variant_lookup(manager, "Version", "s", &snapshot->version);
    g_variant_lookup(manager, "Health", "s", &snapshot->health);
    if (g_variant_lookup(manager, "Managed", "b", &managed))
        snapshot->managed = managed;
    index_objects(snapshot, objects);
    return true;
}

DmSnapshot *
dm_snapshot_new(DmAsk *ask, GError **error)
{
    g_autoptr(DmSnapshot) snapshot = g_new0(DmSnapshot, 1);

    snapshot->objects =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_variant_unref);
    snapshot->providers = g_ptr_array_new_with_free_func(provider_free);
    return read_bus(snapshot, ask, error) ? g_steal_pointer(&snapshot) : NULL;
}

/* -- for the commands ---------------------------------------------------------------------------
 */

DmSnapshot *
dm_snapshot_open(DmPrinter *printer, DmAsk **ret_ask, DmExit *ret_exit)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(DmAsk) ask = dm_ask_new(&error);
    DmSnapshot *snapshot = ask == NULL ? NULL : dm_snapshot_new(ask, &error);

    if (snapshot == NULL)
        *ret_exit = dm_printer_fail(printer, dm_ask_exit(error), "%s", error->message);
    else if (ret_ask != NULL)
        *ret_ask = g_steal_pointer(&ask);
    return snapshot;
}

/* The ids, for a sentence. */
static char *
list_providers(const DmSnapshot *snapshot)
{
    g_autoptr(GString) list = g_string_new(NULL);

    for (guint i = 0; i < snapshot->providers->len; i++)
        g_string_append_printf(list, "%s'%s'", i == 0 ? "" : ", ",
                               ((DmSnapshotProvider *)snapshot->providers->pdata[i])->id);
    return g_string_free(g_steal_pointer(&list), FALSE);
}

static void
keep_provider(DmSnapshot *snapshot, const char *id)
{
    for (guint i = snapshot->providers->len; i > 0; i--)
        if (strcmp(((DmSnapshotProvider *)snapshot->providers->pdata[i - 1])->id, id) != 0)
            g_ptr_array_remove_index(snapshot->providers, i - 1);
}

DmExit
dm_snapshot_select(DmSnapshot *snapshot, const DmArguments *arguments, DmPrinter *printer)
{
    const char *wanted = arguments->values[DM_OPTION_PROVIDER];

    if (snapshot->providers->len == 0)
        return dm_printer_fail(printer, DM_EXIT_NOT_ENROLLED,
                               _("This device is not enrolled: no organisation manages it. "
                                 "'dmclientctl provision FILE' enrols it."));
    if (wanted == NULL)
        return DM_EXIT_OK;

    g_autofree char *known = list_providers(snapshot);
    keep_provider(snapshot, wanted);
    if (snapshot->providers->len == 0)
        return dm_printer_fail(printer, DM_EXIT_NOT_FOUND,
                               _("no provider is called '%s'; there is %s"), wanted, known);
    return DM_EXIT_OK;
}

const DmSnapshotProvider *
dm_snapshot_select_one(DmSnapshot *snapshot, const DmArguments *arguments, DmPrinter *printer,
                       DmExit *ret_exit)
{
    *ret_exit = dm_snapshot_select(snapshot, arguments, printer);
    if (*ret_exit != DM_EXIT_OK)
        return NULL;
    if (snapshot->providers->len > 1) {
        g_autofree char *known = list_providers(snapshot);

        *ret_exit = dm_printer_fail(printer, DM_EXIT_USAGE,
                                    _("several providers manage this device; say which by "
                                      "--provider: %s"),
                                    known);
        return NULL;
    }
    return snapshot->providers->pdata[0];
}
