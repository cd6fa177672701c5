/* SPDX-License-Identifier: MIT */
#include "desktop/model.h"

#include <unistd.h>

#include "dbus/names.h"
#include "desktop/cache.h"

#define PROPERTIES "org.freedesktop.DBus.Properties"
#define OBJECT_MANAGER "org.freedesktop.DBus.ObjectManager"

/* How long the service may take to start and to answer. */
#define ANSWER_MS 30000
/* Of how many interfaces at once what is not told to everyone is read one by one; of more,
 * everything is read. */
#define MAX_SINGLE_READS 16

struct _DmModel {
    GObject parent_instance;
    GDBusConnection *bus;
    GCancellable *cancellable; /* of everything that is under way */
    DmCache *cache;
    GHashTable *outdated; /* of Interface: to be read again */
    GPtrArray *providers; /* char*, NULL at the end */
    DmModelState state;
    char *message;
    bool is_loading;
    bool has_manager, has_below; /* of the two answers that are under way */
    guint watch;
    guint subscriptions[3];
    guint change; /* the source that tells of changes */
};

/* One interface of one object. */
typedef struct {
    DmModel *model; /* of a question under way; borrowed in a set */
    char *path;
    char *name;
} Interface;

enum { CHANGED, N_SIGNALS };

static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE(DmModel, dm_model, G_TYPE_OBJECT)

static Interface *
interface_new(DmModel *model, const char *path, const char *name)
{
    Interface *interface = g_new(Interface, 1);

    *interface = (Interface){model, g_strdup(path), g_strdup(name)};
    return interface;
}

static void
interface_free(gpointer data)
{
    Interface *interface = data;

    g_free(interface->path);
    g_free(interface->name);
    g_free(interface);
}

static guint
interface_hash(gconstpointer data)
{
    const Interface *interface = data;

    return g_str_hash(interface->path) * 31 + g_str_hash(interface->name);
}

static gboolean
interface_equal(gconstpointer a, gconstpointer b)
{
    const Interface *x = a, *y = b;

    return g_str_equal(x->path, y->path) && g_str_equal(x->name, y->name);
}

/* -- what is known ------------------------------------------------------------------------------
 */

static const char *
get_name(const DmModel *model, const char *path)
{
    return dm_model_get_string(model, path, DM_BUS_INTERFACE_PROVIDER, "ProviderID");
}

static int
compare_providers(gconstpointer a, gconstpointer b, gpointer data)
{
    const char *x = *(const char *const *)a, *y = *(const char *const *)b;
    int order = g_utf8_collate(get_name(data, x), get_name(data, y));

    return order != 0 ? order : g_strcmp0(x, y);
}

static void
list_providers(DmModel *model)
{
    GVariant *paths =
        dm_model_find(model, DM_BUS_ROOT, DM_BUS_INTERFACE_MANAGER, "Providers", "ao");
    GVariantIter iter;
    const char *path;

    g_ptr_array_set_size(model->providers, 0);
    if (paths != NULL) {
        g_variant_iter_init(&iter, paths);
        /* One that is listed but has not come yet, or has gone, is none. */
        while (g_variant_iter_next(&iter, "&o", &path))
            if (dm_model_has(model, path, DM_BUS_INTERFACE_PROVIDER))
                g_ptr_array_add(model->providers, g_strdup(path));
    }
    g_ptr_array_sort_with_data(model->providers, compare_providers, model);
    g_ptr_array_add(model->providers, NULL);
}

static gboolean
tell(gpointer data)
{
    DmModel *model = data;

    model->change = 0;
    list_providers(model);
    g_signal_emit(model, signals[CHANGED], 0);
    return G_SOURCE_REMOVE;
}

/* What comes at one go is told at one go. */
static void
tell_soon(DmModel *model)
{
    if (model->change == 0)
        model->change = g_idle_add_full(G_PRIORITY_DEFAULT, tell, model, NULL);
}

static void
set_state(DmModel *model, DmModelState state, const char *message)
{
    model->state = state;
    g_free(model->message);
    model->message = g_strdup(message != NULL ? message : "");
    tell_soon(model);
}

/* What was read may be shown on, said to be old; without it there is only the reason. */
static void
lose(DmModel *model, DmModelState state, const char *message)
{
    model->is_loading = false;
    if (model->state == DM_MODEL_READY || model->state == DM_MODEL_STALE)
        state = DM_MODEL_STALE;
    set_state(model, state, message);
}

/* -- reading ------------------------------------------------------------------------------------
 */

static DmModelState
judge(const GError *error)
{
    static const struct {
        GDBusError code;
        DmModelState state;
    } known[] = {
        {G_DBUS_ERROR_ACCESS_DENIED, DM_MODEL_DENIED},
        {G_DBUS_ERROR_AUTH_FAILED, DM_MODEL_DENIED},
        {G_DBUS_ERROR_SERVICE_UNKNOWN, DM_MODEL_NO_SERVICE},
        {G_DBUS_ERROR_NAME_HAS_NO_OWNER, DM_MODEL_NO_SERVICE},
        {G_DBUS_ERROR_SPAWN_SERVICE_NOT_FOUND, DM_MODEL_NO_SERVICE},
        {G_DBUS_ERROR_SPAWN_CHILD_EXITED, DM_MODEL_NO_SERVICE},
        {G_DBUS_ERROR_SPAWN_EXEC_FAILED, DM_MODEL_NO_SERVICE},
        {G_DBUS_ERROR_DISCONNECTED, DM_MODEL_NO_BUS},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(known); i++)
        if (g_error_matches(error, G_DBUS_ERROR, (int)known[i].code))
            return known[i].state;
    return DM_MODEL_FAILED;
}

/* Each answer is taken when it comes: the signals between the two are of what it does not have. */
static void
take_answer(DmModel *model)
{
    if (!model->has_manager || !model->has_below)
        return;
    model->is_loading = false;
    set_state(model, DM_MODEL_READY, NULL);
}

/* The first argument of the answer of a call of load(); NULL, with the state set, if it failed. */
static GVariant *
finish_load(GObject *source, GAsyncResult *result, DmModel *model)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GVariant) reply =
        g_dbus_connection_call_finish(G_DBUS_CONNECTION(source), result, &error);
    DmModelState state;

    if (reply != NULL)
        return g_variant_get_child_value(reply, 0);
    if (g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
        return NULL; /* the model may be gone */
    state = judge(error);
    g_dbus_error_strip_remote_error(error);
    lose(model, state, error->message);
    return NULL;
}

static void
on_manager(GObject *source, GAsyncResult *result, gpointer data)
{
    g_autoptr(GVariant) answer = finish_load(source, result, data);
    DmModel *model = data;

    if (answer == NULL)
        return;
    dm_cache_put(model->cache, DM_BUS_ROOT, DM_BUS_INTERFACE_MANAGER, answer);
    model->has_manager = true;
    take_answer(model);
}

static void
on_below(GObject *source, GAsyncResult *result, gpointer data)
{
    g_autoptr(GVariant) answer = finish_load(source, result, data);
    DmModel *model = data;
    GVariantIter iter;
    const char *path;
    GVariant *interfaces;

    if (answer == NULL)
        return;
    dm_cache_keep(model->cache, DM_BUS_ROOT);
    g_hash_table_remove_all(model->outdated);
    g_variant_iter_init(&iter, answer);
    while (g_variant_iter_next(&iter, "{&o@a{sa{sv}}}", &path, &interfaces)) {
        dm_cache_put_object(model->cache, path, interfaces);
        g_variant_unref(interfaces);
    }
    model->has_below = true;
    take_answer(model);
}

static void
load(DmModel *model)
{
    if (model->is_loading)
        return;
    model->is_loading = true;
    model->has_manager = model->has_below = false;
    /* GetManagedObjects has what is below the root. */
    g_dbus_connection_call(model->bus, DM_BUS_NAME, DM_BUS_ROOT, PROPERTIES, "GetAll",
                           g_variant_new("(s)", DM_BUS_INTERFACE_MANAGER),
                           G_VARIANT_TYPE("(a{sv})"), G_DBUS_CALL_FLAGS_NONE, ANSWER_MS,
                           model->cancellable, on_manager, model);
    g_dbus_connection_call(model->bus, DM_BUS_NAME, DM_BUS_ROOT, OBJECT_MANAGER,
                           "GetManagedObjects", NULL, G_VARIANT_TYPE("(a{oa{sa{sv}}})"),
                           G_DBUS_CALL_FLAGS_NONE, ANSWER_MS, model->cancellable, on_below, model);
}

static void
on_read_again(GObject *source, GAsyncResult *result, gpointer data)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GVariant) reply =
        g_dbus_connection_call_finish(G_DBUS_CONNECTION(source), result, &error);
    Interface *interface = data;

    /* An object that has gone is told by its signal. */
    if (reply != NULL && dm_model_has(interface->model, interface->path, interface->name)) {
        g_autoptr(GVariant) properties = g_variant_get_child_value(reply, 0);

        dm_cache_put(interface->model->cache, interface->path, interface->name, properties);
        tell_soon(interface->model);
    }
    interface_free(interface);
}

static gboolean
read_outdated(gpointer data)
{
    DmModel *model = data;
    GHashTableIter iter;
    gpointer key;

    if (model->bus == NULL || g_hash_table_size(model->outdated) > MAX_SINGLE_READS) {
        dm_model_reload(model);
    } else {
        g_hash_table_iter_init(&iter, model->outdated);
        while (g_hash_table_iter_next(&iter, &key, NULL)) {
            const Interface *outdated = key;

            g_dbus_connection_call(model->bus, DM_BUS_NAME, outdated->path, PROPERTIES, "GetAll",
                                   g_variant_new("(s)", outdated->name), G_VARIANT_TYPE("(a{sv})"),
                                   G_DBUS_CALL_FLAGS_NONE, ANSWER_MS, model->cancellable,
                                   on_read_again,
                                   interface_new(model, outdated->path, outdated->name));
        }
    }
    g_hash_table_remove_all(model->outdated);
    return G_SOURCE_REMOVE;
}

/* Signals go to everyone and have only what everyone may read: the rest is asked for. */
static void
read_again(DmModel *model, const char *path, const char *interface)
{
    if (g_hash_table_size(model->outdated) == 0)
        g_idle_add_full(G_PRIORITY_DEFAULT, read_outdated, g_object_ref(model), g_object_unref);
    g_hash_table_add(model->outdated, interface_new(model, path, interface));
}

/* -- signals ------------------------------------------------------------------------------------
 */

static void
on_properties_changed(GDBusConnection *bus, const char *sender, const char *path,
                      const char *interface_name, const char *signal, GVariant *parameters,
                      gpointer data)
{
    g_autoptr(GVariant) changed = NULL;
    g_autofree const char **invalidated = NULL;
    DmModel *model = data;
    const char *interface;

    if (!g_variant_is_of_type(parameters, G_VARIANT_TYPE("(sa{sv}as)")))
        return;
    g_variant_get(parameters, "(&s@a{sv}^a&s)", &interface, &changed, &invalidated);
    if (!dm_cache_change(model->cache, path, interface, changed))
        return;
    if (invalidated[0] != NULL)
        read_again(model, path, interface);
    tell_soon(model);
}

static void
on_interfaces_added(GDBusConnection *bus, const char *sender, const char *root,
                    const char *interface_name, const char *signal, GVariant *parameters,
                    gpointer data)
{
    g_autoptr(GVariant) interfaces = NULL;
    DmModel *model = data;
    GVariantIter iter;
    const char *path;
    const char *interface;

    if (!g_variant_is_of_type(parameters, G_VARIANT_TYPE("(oa{sa{sv}})")))
        return;
    g_variant_get(parameters, "(&o@a{sa{sv}})", &path, &interfaces);
    dm_cache_put_object(model->cache, path, interfaces);
    g_variant_iter_init(&iter, interfaces);
    while (g_variant_iter_next(&iter, "{&s@a{sv}}", &interface, NULL))
        read_again(model, path, interface);
    tell_soon(model);
}

static void
on_interfaces_removed(GDBusConnection *bus, const char *sender, const char *root,
                      const char *interface_name, const char *signal, GVariant *parameters,
                      gpointer data)
{
    g_autofree const char **names = NULL;
    DmModel *model = data;
    const char *path;

    if (!g_variant_is_of_type(parameters, G_VARIANT_TYPE("(oas)")))
        return;
    g_variant_get(parameters, "(&o^a&s)", &path, &names);
    dm_cache_remove(model->cache, path, names);
    tell_soon(model);
}

static void
on_name_appeared(GDBusConnection *bus, const char *name, const char *owner, gpointer data)
{
    load(data);
}

static void
on_name_vanished(GDBusConnection *bus, const char *name, gpointer data)
{
    DmModel *model = data;

    /* A call that is under way may start it yet. */
    if (bus != NULL && !model->is_loading && model->state == DM_MODEL_READY)
        lose(model, DM_MODEL_NO_SERVICE, NULL);
}

static void
on_closed(GDBusConnection *bus, gboolean by_peer, GError *error, gpointer data)
{
    lose(data, DM_MODEL_NO_BUS, error != NULL ? error->message : NULL);
}

/* -- connecting ---------------------------------------------------------------------------------
 */

static void
disconnect_bus(DmModel *model)
{
    g_cancellable_cancel(model->cancellable);
    g_clear_object(&model->cancellable);
    model->is_loading = false;
    if (model->bus == NULL)
        return;
    if (model->watch != 0)
        g_bus_unwatch_name(model->watch);
    model->watch = 0;
    for (gsize i = 0; i < G_N_ELEMENTS(model->subscriptions); i++)
        g_dbus_connection_signal_unsubscribe(model->bus, model->subscriptions[i]);
    g_signal_handlers_disconnect_by_data(model->bus, model);
    g_clear_object(&model->bus);
}

static void
on_connected(GObject *source, GAsyncResult *result, gpointer data)
{
    g_autoptr(GError) error = NULL;
    GDBusConnection *bus = g_bus_get_finish(result, &error);
    DmModel *model = data;

    if (g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CANCELLED)) {
        g_clear_object(&bus);
        return; /* the model may be gone */
    }
    if (bus == NULL) {
        lose(model, DM_MODEL_NO_BUS, error->message);
        return;
    }
    model->bus = bus;
    /* A bus that ends is something to show, not to die of. */
    g_dbus_connection_set_exit_on_close(bus, FALSE);
    g_signal_connect(bus, "closed", G_CALLBACK(on_closed), model);
    model->subscriptions[0] = g_dbus_connection_signal_subscribe(
        bus, DM_BUS_NAME, PROPERTIES, "PropertiesChanged", NULL, NULL, G_DBUS_SIGNAL_FLAGS_NONE,
        on_properties_changed, model, NULL);
    model->subscriptions[1] = g_dbus_connection_signal_subscribe(
        bus, DM_BUS_NAME, OBJECT_MANAGER, "InterfacesAdded", DM_BUS_ROOT, NULL,
        G_DBUS_SIGNAL_FLAGS_NONE, on_interfaces_added, model, NULL);
    model->subscriptions[2] = g_dbus_connection_signal_subscribe(
        bus, DM_BUS_NAME, OBJECT_MANAGER, "InterfacesRemoved", DM_BUS_ROOT, NULL,
        G_DBUS_SIGNAL_FLAGS_NONE, on_interfaces_removed, model, NULL);
    load(model);
    model->watch = g_bus_watch_name_on_connection(bus, DM_BUS_NAME, G_BUS_NAME_WATCHER_FLAGS_NONE,
                                                  on_name_appeared, on_name_vanished, model, NULL);
}

void
dm_model_start(DmModel *model)
{
    if (model->bus != NULL && !g_dbus_connection_is_closed(model->bus)) {
        load(model);
        return;
    }
    disconnect_bus(model);
    model->cancellable = g_cancellable_new();
    g_bus_get(G_BUS_TYPE_SYSTEM, model->cancellable, on_connected, model);
}

void
dm_model_reload(DmModel *model)
{
    if (model->bus != NULL)
        load(model);
}

/* -- asking -------------------------------------------------------------------------------------
 */

DmModelState
dm_model_get_state(const DmModel *model)
{
    return model->state;
}

const char *
dm_model_get_message(const DmModel *model)
{
    return model->message;
}

GDBusConnection *
dm_model_get_bus(const DmModel *model)
{
    return model->bus;
}

const char *const *
dm_model_get_providers(const DmModel *model)
{
    return (const char *const *)model->providers->pdata;
}

const char *
dm_model_find_user_part(const DmModel *model, const char *provider)
{
    g_autofree char *prefix = g_strdup_printf(DM_BUS_ROOT "/" DM_BUS_USER "/%u/", (guint)geteuid());

    return dm_cache_find_path(model->cache, prefix, DM_BUS_INTERFACE_PROVIDER, "ProviderID",
                              get_name(model, provider));
}

bool
dm_model_has(const DmModel *model, const char *path, const char *interface)
{
    return dm_cache_has(model->cache, path, interface);
}

GVariant *
dm_model_find(const DmModel *model, const char *path, const char *interface, const char *property,
              const char *type)
{
    GVariant *value = dm_cache_find(model->cache, path, interface, property);

    if (value == NULL || !g_variant_is_of_type(value, G_VARIANT_TYPE(type)))
        return NULL;
    return value;
}

const char *
dm_model_get_string(const DmModel *model, const char *path, const char *interface,
                    const char *property)
{
    GVariant *value = dm_model_find(model, path, interface, property, "s");

    return value != NULL ? g_variant_get_string(value, NULL) : "";
}

gint64
dm_model_get_time(const DmModel *model, const char *path, const char *interface,
                  const char *property)
{
    GVariant *value = dm_model_find(model, path, interface, property, "t");
    guint64 time_us = value != NULL ? g_variant_get_uint64(value) : 0;

    return (gint64)MIN(time_us, G_MAXINT64);
}

/* -- the object ---------------------------------------------------------------------------------
 */

DmModel *
dm_model_new(void)
{
    return g_object_new(DM_TYPE_MODEL, NULL);
}

static void
dm_model_init(DmModel *model)
{
    model->cache = dm_cache_new();
    model->outdated = g_hash_table_new_full(interface_hash, interface_equal, interface_free, NULL);
    model->providers = g_ptr_array_new_with_free_func(g_free);
    g_ptr_array_add(model->providers, NULL);
    model->message = g_strdup("");
}

static void
dm_model_dispose(GObject *object)
{
    DmModel *model = DM_MODEL(object);

    disconnect_bus(model);
    g_clear_handle_id(&model->change, g_source_remove);
    G_OBJECT_CLASS(dm_model_parent_class)->dispose(object);
}

static void
dm_model_finalize(GObject *object)
{
    DmModel *model = DM_MODEL(object);

    dm_cache_free(model->cache);
    g_hash_table_unref(model->outdated);
    g_ptr_array_unref(model->providers);
    g_free(model->message);
    G_OBJECT_CLASS(dm_model_parent_class)->finalize(object);
}

static void
dm_model_class_init(DmModelClass *class)
{
    G_OBJECT_CLASS(class)->dispose = dm_model_dispose;
    G_OBJECT_CLASS(class)->finalize = dm_model_finalize;
    signals[CHANGED] = g_signal_new("changed", DM_TYPE_MODEL, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                                    NULL, G_TYPE_NONE, 0);
}
