/* SPDX-License-Identifier: MIT */

/* The same service as it would be written with GDBus: skeletons by gdbus-codegen from the service's
 * own introspection, an object manager, and the values of the real service's GetManagedObjects,
 * whose reply is in FILE. Also has Emit(count, text), which changes the telephone number of that
 * many providers. What is unset there has an empty value here.
 * Usage: gdbus-service NAME FILE */

#include <gio/gio.h>
#include <stdlib.h>

#include "dbus/names.h"
#include "gdbus-skeletons.h"
#include "tests/bench/bench.h"

typedef struct {
    GDBusConnection *connection;
    GDBusObjectManagerServer *manager;
    GPtrArray *providers; /* GdProvider, in the order of the reply */
} Service;

/* -- objects ------------------------------------------------------------------------------------
 */

static GDBusInterfaceSkeleton *
new_skeleton(const char *interface)
{
    static const struct {
        const char *name;
        GType (*get_type)(void);
    } skeletons[] = {
        {DM_BUS_INTERFACE ".Provider", gd_provider_skeleton_get_type},
        {DM_BUS_INTERFACE ".Session", gd_session_skeleton_get_type},
        {DM_BUS_INTERFACE ".Poll", gd_poll_skeleton_get_type},
        {DM_BUS_INTERFACE ".Push", gd_push_skeleton_get_type},
        {DM_BUS_INTERFACE ".CustomEnrollmentCompletePage",
         gd_custom_enrollment_complete_page_skeleton_get_type},
        {DM_BUS_INTERFACE ".FirstSyncStatus", gd_first_sync_status_skeleton_get_type},
        {DM_BUS_INTERFACE ".Progress", gd_progress_skeleton_get_type},
        {DM_BUS_INTERFACE ".EnhancedAppLayerSecurity",
         gd_enhanced_app_layer_security_skeleton_get_type},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(skeletons); i++)
        if (g_str_equal(skeletons[i].name, interface))
            return g_object_new(skeletons[i].get_type(), NULL);
    g_error("%s has no skeleton here", interface);
}

/* As a client's Set would, were it allowed: the skeleton knows which of its GObject properties it
 * is. */
static void
set_property(GDBusInterfaceSkeleton *skeleton, const char *name, GVariant *value)
{
    const GDBusInterfaceVTable *vtable = g_dbus_interface_skeleton_get_vtable(skeleton);
    const char *interface = g_dbus_interface_skeleton_get_info(skeleton)->name;
    g_autoptr(GError) error = NULL;

    if (!vtable->set_property(NULL, NULL, "/", interface, name, value, &error, skeleton))
        g_error("%s.%s: %s", interface, name, error->message);
}

static void
export_object(Service *service, const char *path, GVariant *interfaces)
{
    g_autoptr(GDBusObjectSkeleton) object = g_dbus_object_skeleton_new(path);
    const char *interface;
    GVariant *properties;
    GVariantIter iter;

    g_variant_iter_init(&iter, interfaces);
    while (g_variant_iter_loop(&iter, "{&s@a{sv}}", &interface, &properties)) {
        g_autoptr(GDBusInterfaceSkeleton) skeleton = new_skeleton(interface);
        const char *name;
        GVariant *value;
        GVariantIter values;

        g_variant_iter_init(&values, properties);
        while (g_variant_iter_loop(&values, "{&sv}", &name, &value))
            set_property(skeleton, name, value);
        if (GD_IS_PROVIDER(skeleton))
            g_ptr_array_add(service->providers, g_object_ref(skeleton));
        g_dbus_object_skeleton_add_interface(object, skeleton);
    }
    g_dbus_object_manager_server_export(service->manager, object);
}

/* Apart, so that the message is gone when memory is measured. */
static void
fill(Service *service, const char *file)
{
    g_autofree char *bytes = NULL;
    gsize size;
    g_autoptr(GError) error = NULL;
    g_autoptr(GDBusMessage) message = NULL;
    g_autoptr(GVariant) objects = NULL;
    const char *path;
    GVariant *interfaces;
    GVariantIter iter;

    if (g_file_get_contents(file, &bytes, &size, &error))
        message = g_dbus_message_new_from_blob((guchar *)bytes, size, G_DBUS_CAPABILITY_FLAGS_NONE,
                                               &error);
    if (message == NULL)
        g_error("%s", error->message);
    objects = g_variant_get_child_value(g_dbus_message_get_body(message), 0);
    g_variant_iter_init(&iter, objects);
    while (g_variant_iter_loop(&iter, "{&o@a{sa{sv}}}", &path, &interfaces))
        export_object(service, path, interfaces);
}

/* -- Emit ---------------------------------------------------------------------------------------
 */

static void
on_emit(GDBusConnection *connection, const char *sender, const char *path, const char *interface,
        const char *method, GVariant *arguments, GDBusMethodInvocation *invocation, gpointer data)
{
    const Service *service = data;
    const char *text;
    guint32 count;

    g_variant_get(arguments, "(u&s)", &count, &text);
    for (guint32 i = 0; i < count && i < service->providers->len; i++)
        gd_provider_set_help_phone_number(g_ptr_array_index(service->providers, i), text);
    g_dbus_method_invocation_return_value(invocation, NULL);
}

static void
register_emit(Service *service)
{
    static const GDBusInterfaceVTable vtable = {.method_call = on_emit};
    g_autoptr(GError) error = NULL;
    g_autoptr(GDBusNodeInfo) node = g_dbus_node_info_new_for_xml(
        "<node><interface name='" DM_BENCH_INTERFACE "'><method name='" DM_BENCH_EMIT "'>"
        "<arg type='u' direction='in'/><arg type='s' direction='in'/></method></interface></node>",
        &error);

    if (node == NULL ||
        g_dbus_connection_register_object(service->connection, DM_BENCH_PATH, node->interfaces[0],
                                          &vtable, service, NULL, &error) == 0)
        g_error("%s", error->message);
}

int
main(int argc, char **argv)
{
    Service service = {.providers = g_ptr_array_new_with_free_func(g_object_unref)};
    g_autoptr(GMainLoop) loop = g_main_loop_new(NULL, FALSE);
    g_autoptr(GError) error = NULL;

    if (argc != 3)
        return 64;
    service.connection = g_bus_get_sync(G_BUS_TYPE_SYSTEM, NULL, &error);
    if (service.connection == NULL)
        g_error("%s", error->message);
    service.manager = g_dbus_object_manager_server_new(DM_BUS_ROOT);
    fill(&service, argv[2]);
    g_dbus_object_manager_server_set_connection(service.manager, service.connection);
    register_emit(&service);
    (void)g_bus_own_name_on_connection(service.connection, argv[1], G_BUS_NAME_OWNER_FLAGS_NONE,
                                       NULL, NULL, NULL, NULL);
    g_main_loop_run(loop);
    return EXIT_SUCCESS;
}
