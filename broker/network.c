/* SPDX-License-Identifier: MIT */

#include "broker/network.h"

#include "broker/bus-service.h"
#include "broker/default-route.h"
#include "common/source.h"

#define NAME "org.freedesktop.NetworkManager"
#define PATH "/org/freedesktop/NetworkManager"

/* Of NMState and NMConnectivityState what makes a difference here. */
#define STATE_CONNECTING 40u
#define STATE_CONNECTED_SITE 60u
#define CONNECTIVITY_PORTAL 2u

struct DmNetwork {
    GMainContext *context;
    guint max_wait_s;
    DmBusService *manager;
    dbus_uint32_t state, connectivity; /* as the manager says; 0 not known */
    GList *waits;                      /* DmNetworkWait */
    DmDefaultRoute *routes;            /* while somebody waits; NULL also if it cannot be */
    GSource *look;                     /* tells those who wait, if it is up; NULL: none is due */
};

struct DmNetworkWait {
    DmNetwork *network;
    void (*func)(gpointer data);
    gpointer data;
};

void
dm_network_set_max_wait_s(DmNetwork *network, guint max_wait_s)
{
    network->max_wait_s = max_wait_s;
}

guint
dm_network_get_max_wait_s(const DmNetwork *network)
{
    return network->max_wait_s;
}

bool
dm_network_is_up(const DmNetwork *network)
{
    if (network->state >= STATE_CONNECTED_SITE)
        return network->connectivity != CONNECTIVITY_PORTAL;
    if (network->state == STATE_CONNECTING)
        return false;
    /* Not connected, as the manager sees it: it may not manage what is. */
    return dm_default_route_is_there();
}

/* -- who waits -----------------------------------------------------------------------------------
 */

static gboolean
on_look(gpointer data)
{
    DmNetwork *network = data;
    GList *waits;

    g_clear_pointer(&network->look, g_source_unref);
    if (!dm_network_is_up(network))
        return G_SOURCE_REMOVE;
    /* Each is told once; who is told may free any of them. */
    waits = g_list_copy(network->waits);
    for (GList *each = waits; each; each = each->next) {
        DmNetworkWait *wait = each->data;

        if (g_list_find(network->waits, wait) && wait->func) {
            void (*func)(gpointer data) = wait->func;

            wait->func = NULL;
            func(wait->data);
        }
    }
    g_list_free(waits);
    return G_SOURCE_REMOVE;
}

/* Has those who wait told, from the loop. */
static void
look(DmNetwork *network)
{
    if (network->look || !network->waits)
        return;
    network->look = g_idle_source_new();
    g_source_set_callback(network->look, on_look, network, NULL);
    g_source_attach(network->look, network->context);
}

static void
on_routes(gpointer data)
{
    look(data);
}

DmNetworkWait *
dm_network_wait_new(DmNetwork *network, void (*func)(gpointer data), gpointer data)
{
    DmNetworkWait *wait = g_new0(DmNetworkWait, 1);

    wait->network = network;
    wait->func = func;
    wait->data = data;
    network->waits = g_list_append(network->waits, wait);
    if (!network->routes)
        network->routes = dm_default_route_watch(network->context, on_routes, network);
    /* It may have come before anybody listened. */
    look(network);
    return wait;
}

void
dm_network_wait_free(DmNetworkWait *wait)
{
    DmNetwork *network;

    if (!wait)
        return;
    network = wait->network;
    network->waits = g_list_remove(network->waits, wait);
    if (!network->waits)
        g_clear_pointer(&network->routes, dm_default_route_free);
    g_free(wait);
}

/* -- NetworkManager ------------------------------------------------------------------------------
 */

/* What an answer to GetAll or PropertiesChanged tells. */
static void
take(DmNetwork *network, DBusMessage *message)
{
    DBusMessageIter value;

    if (dm_bus_service_find_property(message, "State", DBUS_TYPE_UINT32, &value))
        dbus_message_iter_get_basic(&value, &network->state);
    if (dm_bus_service_find_property(message, "Connectivity", DBUS_TYPE_UINT32, &value))
        dbus_message_iter_get_basic(&value, &network->connectivity);
    look(network);
}

static void
on_properties(DBusMessage *answer, gpointer data)
{
    take(data, answer);
}

static void
on_there(gpointer data)
{
    DmNetwork *network = data;
    DBusMessage *call = dm_bus_service_new_get_all(PATH, NAME);

    dm_bus_service_call(network->manager, call, on_properties, network);
    dbus_message_unref(call);
}

static void
on_gone(gpointer data)
{
    DmNetwork *network = data;

    network->state = network->connectivity = 0;
    look(network);
}

static void
on_signal(DBusMessage *signal, gpointer data)
{
    if (dbus_message_is_signal(signal, DBUS_INTERFACE_PROPERTIES, "PropertiesChanged") &&
        dbus_message_has_path(signal, PATH))
        take(data, signal);
}

void
dm_network_set_connection(DmNetwork *network, DBusConnection *connection)
{
    dm_bus_service_set_connection(network->manager, connection);
}

/* -- life ----------------------------------------------------------------------------------------
 */

DmNetwork *
dm_network_new(GMainContext *context)
{
    static const DmBusServiceOptions options = {
        .name = NAME,
        .match = "path='" PATH "',interface='" DBUS_INTERFACE_PROPERTIES "',arg0='" NAME "'"};
    static const DmBusServiceHandlers handlers = {on_there, on_gone, on_signal};
    DmNetwork *network = g_new0(DmNetwork, 1);

    network->context = g_main_context_ref(context ? context : g_main_context_default());
    network->manager = dm_bus_service_new(&options, &handlers, network);
    return network;
}

void
dm_network_free(DmNetwork *network)
{
    if (!network)
        return;
    g_warn_if_fail(!network->waits);
    dm_bus_service_free(network->manager);
    dm_source_drop(&network->look);
    dm_default_route_free(network->routes);
    g_main_context_unref(network->context);
    g_free(network);
}
