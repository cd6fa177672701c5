/* SPDX-License-Identifier: MIT */
#include "plugin/objects.h"

#include <string.h>

#include "common/error.h"
#include "dbus/connection.h"
#include "dbus/loop.h"
#include "dbus/names.h"
#include "tests/unit/message-text.h"
#include "tests/unit/private-bus.h"

/* A tree in memory on a private bus, and a client, all on the default context. */

#define TREE "./Device/Vendor/MSFT/DMClient/"
#define DBUS_ERROR "org.freedesktop.DBus.Error."
#define OUR_ERROR DM_BUS_INTERFACE ".Error."
#define PROVIDER_PATH DM_BUS_ROOT "/Provider/MS_20DM_20Server"

typedef struct {
    PrivateBus bus;
    DmTree *tree;
    DmObjects *objects;
    DmBus *service;
    DBusConnection *client;
    GPtrArray *signals; /* "path member arguments" */
    bool is_ready;
    GError *sync_error; /* what the hook fails with; NULL: it works */
    char *synced;
} Fixture;

/* -- the service --------------------------------------------------------------------------------
 */

static void
on_ready(DmBus *bus, DBusConnection *connection, gpointer data)
{
    Fixture *f = data;

    dm_objects_set_connection(f->objects, connection);
    f->is_ready = true;
}

static void
on_lost(DmBus *bus, const char *reason, gpointer data)
{
    Fixture *f = data;

    dm_objects_set_connection(f->objects, NULL);
    f->is_ready = false;
}

static char *
on_sync(const char *provider_id, const char *origin, gpointer data, GError **error)
{
    Fixture *f = data;

    if (f->sync_error != NULL) {
        *error = g_error_copy(f->sync_error);
        return NULL;
    }
    f->synced = g_strdup(provider_id);
    return g_strdup("session-1");
}

static bool
is_ready(gpointer data)
{
    return ((Fixture *)data)->is_ready;
}

static DmStatus
apply(Fixture *f, const DmCommand *commands, gsize n_commands, gint64 uid)
{
    const DmContext context = {.provider = uid >= 0 ? "MS DM Server" : NULL, .uid = uid};
    g_autoptr(DmReply) reply = dm_tree_apply(f->tree, &context, commands, n_commands);

    for (gsize i = 0; i < dm_reply_get_size(reply); i++) {
        if (!dm_status_is_good(dm_reply_get(reply, i)->status))
            return dm_reply_get(reply, i)->status;
    }
    return DM_STATUS_OK;
}

static DmCommand
command(DmVerb verb, const char *loc_uri, const char *data)
{
    return (DmCommand){.verb = verb,
                       .loc_uri = loc_uri,
                       .data = data,
                       .data_size = data != NULL ? strlen(data) : 0};
}

static void
apply_one(Fixture *f, DmVerb verb, const char *loc_uri, const char *data)
{
    const DmCommand one = command(verb, loc_uri, data);

    g_assert_cmpint(apply(f, &one, 1, -1), ==, DM_STATUS_OK);
}

/* -- the client ---------------------------------------------------------------------------------
 */

static DBusHandlerResult
on_signal(DBusConnection *connection, DBusMessage *message, void *data)
{
    Fixture *f = data;

    if (dbus_message_get_type(message) == DBUS_MESSAGE_TYPE_SIGNAL &&
        dbus_message_get_path(message) != NULL &&
        g_str_has_prefix(dbus_message_get_path(message), DM_BUS_ROOT)) {
        g_autofree char *text = message_to_text(message);

        g_ptr_array_add(f->signals, g_strdup_printf("%s %s %s", dbus_message_get_path(message),
                                                    dbus_message_get_member(message), text));
    }
    return DBUS_HANDLER_RESULT_NOT_YET_HANDLED;
}

static DBusConnection *
open_client(Fixture *f)
{
    DBusError error = DBUS_ERROR_INIT;
    DBusConnection *client = dbus_connection_open_private(f->bus.address, &error);

    g_assert_nonnull(client);
    g_assert_true(dbus_bus_register(client, &error));
    dbus_connection_set_exit_on_disconnect(client, FALSE);
    dbus_bus_add_match(client, "type='signal',path_namespace='" DM_BUS_ROOT "'", &error);
    g_assert_false(dbus_error_is_set(&error));
    return client;
}

static void
start_service(Fixture *f)
{
    static const DmBusHandlers handlers = {on_ready, on_lost};

    f->service = dm_bus_new(f->bus.address, DM_BUS_NAME, NULL, &handlers, f);
    wait_until(is_ready, f);
}

static void
setup(Fixture *f, gconstpointer data)
{
    const DmTreeOptions options = {.hw_dev_id = "0123456789ABCDEF"};
    DmObjectsOptions objects = {.own_uid_is_root = true, .hooks = {on_sync}, .data = f};
    g_autoptr(GError) error = NULL;

    private_bus_init(&f->bus);
    private_bus_start(&f->bus);
    f->signals = g_ptr_array_new_with_free_func(g_free);
    f->tree = dm_tree_new(NULL, &options, &error);
    g_assert_no_error(error);
    apply_one(f, DM_VERB_ADD, TREE "Provider/MS%20DM%20Server", NULL);
    objects.tree = f->tree;
    f->objects = dm_objects_new(&objects);
    start_service(f);
    f->client = open_client(f);
    g_assert_true(dbus_connection_add_filter(f->client, on_signal, f, NULL));
    dm_loop_add_connection(f->client, NULL);
}

static void
teardown(Fixture *f, gconstpointer data)
{
    dbus_connection_remove_filter(f->client, on_signal, f);
    dm_loop_remove_connection(f->client);
    dbus_connection_close(f->client);
    dbus_connection_unref(f->client);
    dm_bus_free(f->service);
    dm_objects_free(f->objects);
    dm_tree_free(f->tree);
    g_ptr_array_unref(f->signals);
    g_clear_error(&f->sync_error);
    g_free(f->synced);
    private_bus_clear(&f->bus);
}

static bool
is_complete(gpointer pending)
{
    return dbus_pending_call_get_completed(pending);
}

/* The answer as text: arguments, or "!" and the error's name. Owns `call`. Free with g_free(). */
static char *
send_call(Fixture *f, DBusMessage *call)
{
    DBusPendingCall *pending;
    DBusMessage *reply;
    char *text;

    g_assert_true(dbus_connection_send_with_reply(f->client, call, &pending, 20000));
    dbus_message_unref(call);
    wait_until(is_complete, pending);
    reply = dbus_pending_call_steal_reply(pending);
    dbus_pending_call_unref(pending);
    if (dbus_message_get_type(reply) == DBUS_MESSAGE_TYPE_ERROR)
        text = g_strconcat("!", dbus_message_get_error_name(reply), NULL);
    else
        text = message_to_text(reply);
    dbus_message_unref(reply);
    return text;
}

static char *
get(Fixture *f, const char *path, const char *interface, const char *name)
{
    DBusMessage *call =
        dbus_message_new_method_call(DM_BUS_NAME, path, DBUS_INTERFACE_PROPERTIES, "Get");

    dbus_message_append_args(call, DBUS_TYPE_STRING, &interface, DBUS_TYPE_STRING, &name,
                             DBUS_TYPE_INVALID);
    return send_call(f, call);
}

static void
assert_get(Fixture *f, const char *path, const char *interface, const char *name,
           const char *expected)
{
    g_autofree char *text = get(f, path, interface, name);

    g_assert_cmpstr(text, ==, expected);
}

static char *
call_text(Fixture *f, const char *path, const char *interface, const char *member,
          const char *argument)
{
    DBusMessage *call = dbus_message_new_method_call(DM_BUS_NAME, path, interface, member);

    if (argument != NULL)
        dbus_message_append_args(call, DBUS_TYPE_STRING, &argument, DBUS_TYPE_INVALID);
    return send_call(f, call);
}

/* Waits until all that was sent has come: the answer to a call comes after it. */
static void
settle(Fixture *f)
{
    g_autofree char *text = get(f, DM_BUS_ROOT, DM_BUS_INTERFACE_MANAGER, "Version");

    g_assert_cmpstr(text, ==, "<'" DM_VERSION "'>");
}

static void
assert_signal(Fixture *f, guint index, const char *expected)
{
    g_assert_cmpuint(f->signals->len, >, index);
    g_assert_cmpstr(g_ptr_array_index(f->signals, index), ==, expected);
}

/* -- reading ------------------------------------------------------------------------------------
 */

static void
test_get(Fixture *f, gconstpointer data)
{
    apply_one(f, DM_VERB_REPLACE, TREE "Provider/MS%20DM%20Server/HelpPhoneNumber", "+49 1");
    apply_one(f, DM_VERB_REPLACE, TREE "Provider/MS%20DM%20Server/ManagementServiceAddress",
              "<https://a.example/x><https://b.example/>");
    assert_get(f, PROVIDER_PATH, DM_BUS_INTERFACE_PROVIDER, "HelpPhoneNumber", "<'+49 1'>");
    assert_get(f, PROVIDER_PATH, "", "HelpPhoneNumber", "<'+49 1'>");
    assert_get(f, PROVIDER_PATH, DM_BUS_INTERFACE_PROVIDER, "ProviderID", "<'MS DM Server'>");
    assert_get(f, PROVIDER_PATH, DM_BUS_INTERFACE_PROVIDER, "ManagementServiceAddress",
               "<['https://a.example/x','https://b.example/']>");
    assert_get(f, PROVIDER_PATH, DM_BUS_INTERFACE_SESSION, "State", "<'idle'>");
    assert_get(f, PROVIDER_PATH, "", "State", "<'idle'>");
    assert_get(f, PROVIDER_PATH "/FirstSyncStatus", DM_BUS_INTERFACE ".FirstSyncStatus",
               "TimeOutUntilSyncFailure", "<60>");
    assert_get(f, PROVIDER_PATH "/FirstSyncStatus", DM_BUS_INTERFACE ".FirstSyncStatus",
               "SkipUserStatusPage", "<true>");
    assert_get(f, DM_BUS_ROOT, DM_BUS_INTERFACE, "HWDevID", "<'0123456789ABCDEF'>");
    assert_get(f, DM_BUS_ROOT, DM_BUS_INTERFACE_MANAGER, "Managed", "<true>");
    assert_get(f, DM_BUS_ROOT, DM_BUS_INTERFACE_MANAGER, "Health", "<'ok'>");
    assert_get(f, DM_BUS_ROOT, DM_BUS_INTERFACE_MANAGER, "Providers", "<['" PROVIDER_PATH "']>");
}

/* F1: split on U+F000 only; blanks and quotation marks around items go, `;count` stays. */
static void
test_expected_list(Fixture *f, gconstpointer data)
{
    apply_one(f, DM_VERB_ADD,
              TREE "Provider/MS%20DM%20Server/FirstSyncStatus/ExpectedMSIAppPackages",
              "\"./A/B;4\"\xef\x80\x80 ./C ;x\xef\x80\x80");
    assert_get(f, PROVIDER_PATH "/FirstSyncStatus", DM_BUS_INTERFACE ".FirstSyncStatus",
               "ExpectedMSIAppPackages", "<['./A/B;4','./C ;x']>");
    assert_get(f, PROVIDER_PATH "/FirstSyncStatus", DM_BUS_INTERFACE ".FirstSyncStatus",
               "ExpectedPolicies", "<[]>");
    assert_get(f, PROVIDER_PATH "/FirstSyncStatus", DM_BUS_INTERFACE_PROGRESS, "Categories",
               "<[('Policies',0,0,0),('NetworkProfiles',0,0,0),('MSIAppPackages',2,0,0),"
               "('ModernAppPackages',0,0,0),('PFXCerts',0,0,0),('SCEPCerts',0,0,0)]>");
}

static void
test_errors(Fixture *f, gconstpointer data)
{
    g_autofree char *text = NULL;

    assert_get(f, PROVIDER_PATH, DM_BUS_INTERFACE_PROVIDER, "HelpWebsite",
               "!" OUR_ERROR "NotFound");
    assert_get(f, DM_BUS_ROOT, DM_BUS_INTERFACE, "UpdateManagementServiceAddress",
               "!" OUR_ERROR "NotFound");
    assert_get(f, PROVIDER_PATH, DM_BUS_INTERFACE_PROVIDER, "Poll",
               "!" DBUS_ERROR "UnknownProperty");
    assert_get(f, PROVIDER_PATH, DM_BUS_INTERFACE_PROVIDER, "Unenroll",
               "!" DBUS_ERROR "UnknownProperty");
    assert_get(f, PROVIDER_PATH, DM_BUS_INTERFACE_PROVIDER, "State",
               "!" DBUS_ERROR "UnknownProperty");
    assert_get(f, PROVIDER_PATH, "", "Title", "!" DBUS_ERROR "UnknownProperty");
    assert_get(f, PROVIDER_PATH, "", "", "!" DBUS_ERROR "UnknownProperty");
    assert_get(f, DM_BUS_ROOT, DM_BUS_INTERFACE, "Provider", "!" DBUS_ERROR "UnknownProperty");
    assert_get(f, PROVIDER_PATH, DM_BUS_INTERFACE ".Poll", "PFN",
               "!" DBUS_ERROR "UnknownInterface");
    assert_get(f, PROVIDER_PATH, DM_BUS_INTERFACE_MANAGER, "Version",
               "!" DBUS_ERROR "UnknownInterface");
    assert_get(f, DM_BUS_ROOT, "not an interface\xc2\xa0", "x", "!" DBUS_ERROR "UnknownInterface");
    assert_get(f, PROVIDER_PATH "/Poll", DM_BUS_INTERFACE ".Poll", "PollOnLogin",
               "!" DBUS_ERROR "UnknownObject");
    /* A level of the path is there, but has no properties. */
    assert_get(f, DM_BUS_ROOT "/Provider", DM_BUS_INTERFACE, "HWDevID",
               "!" DBUS_ERROR "UnknownInterface");
    text = call_text(f, PROVIDER_PATH, DM_BUS_INTERFACE_PROVIDER, "Sync", NULL);
    g_assert_cmpstr(text, ==, "!" DBUS_ERROR "UnknownMethod");
}

static void
test_bad_calls(Fixture *f, gconstpointer data)
{
    static const struct {
        const char *interface, *member, *argument, *expected;
    } cases[] = {
        {DBUS_INTERFACE_PROPERTIES, "Get", "x", "!" DBUS_ERROR "InvalidArgs"},
        {DBUS_INTERFACE_PROPERTIES, "Set", "x", "!" DBUS_ERROR "InvalidArgs"},
        {DBUS_INTERFACE_PROPERTIES, "GetAll", NULL, "!" DBUS_ERROR "InvalidArgs"},
        {DBUS_INTERFACE_PROPERTIES, "Delete", NULL, "!" DBUS_ERROR "UnknownMethod"},
        {DBUS_INTERFACE_INTROSPECTABLE, "Introspect", "x", "!" DBUS_ERROR "InvalidArgs"},
        {"org.freedesktop.DBus.ObjectManager", "GetManagedObjects", "x",
         "!" DBUS_ERROR "InvalidArgs"},
        {DM_BUS_INTERFACE_MANAGER, "Sync", "x", "!" DBUS_ERROR "InvalidArgs"},
        {DM_BUS_INTERFACE_MANAGER, "Unenroll", NULL, "!" DBUS_ERROR "UnknownMethod"},
        {"a.b", "C", NULL, "!" DBUS_ERROR "UnknownInterface"},
        {NULL, "C", NULL, "!" DBUS_ERROR "UnknownMethod"},
        {NULL, "Ping", NULL, "!" DBUS_ERROR "UnknownMethod"},
        {DBUS_INTERFACE_PEER, "Ping", NULL, ""},
        {DBUS_INTERFACE_PROPERTIES, "GetAll", "a.b", "!" DBUS_ERROR "UnknownInterface"},
    };

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *text =
            call_text(f, DM_BUS_ROOT, cases[i].interface, cases[i].member, cases[i].argument);

        g_assert_cmpstr(text, ==, cases[i].expected);
    }
}

/* One name, one path: other spellings, other depths and what is not there. */
static void
test_paths(Fixture *f, gconstpointer data)
{
    static const char *const paths[] = {
        DM_BUS_ROOT "/x",
        DM_BUS_ROOT "/provider",
        DM_BUS_ROOT "/Provider/MS",
        DM_BUS_ROOT "/Provider/_",
        DM_BUS_ROOT "/Provider/_4dS_20DM_20Server", /* M needs no escape */
        DM_BUS_ROOT "/Provider/MS_2",
        DM_BUS_ROOT "/Provider/MS_zz",
        DM_BUS_ROOT "/Provider/MS_20DM_20Server_",
        DM_BUS_ROOT "/Provider/_ff",
        DM_BUS_ROOT "/Provider/_00",
        PROVIDER_PATH "/HelpPhoneNumber",
        PROVIDER_PATH "/Unenroll",
        PROVIDER_PATH "/Push",
        PROVIDER_PATH "/FirstSyncStatus/IsSyncDone",
        PROVIDER_PATH "/FirstSyncStatus/a/b/c/d",
        DM_BUS_ROOT "/User",
        DM_BUS_ROOT "/User/1000",
        DM_BUS_ROOT "/User/1000/Provider/MS_20DM_20Server",
    };

    for (guint i = 0; i < G_N_ELEMENTS(paths); i++) {
        g_autofree char *text =
            call_text(f, paths[i], DBUS_INTERFACE_INTROSPECTABLE, "Introspect", NULL);

        g_assert_cmpstr(text, ==, "!" DBUS_ERROR "UnknownObject");
    }
}

static void
test_set(Fixture *f, gconstpointer data)
{
    static const struct {
        const char *name, *expected;
    } cases[] = {
        {"HelpPhoneNumber", "!" DBUS_ERROR "AccessDenied"},
        {"EntDMID", "!" DBUS_ERROR "AccessDenied"},
        {"ProviderID", "!" DBUS_ERROR "AccessDenied"},
        {"Nothing", "!" DBUS_ERROR "UnknownProperty"},
    };
    const char *interface = DM_BUS_INTERFACE_PROVIDER;

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        DBusMessage *call = dbus_message_new_method_call(DM_BUS_NAME, PROVIDER_PATH,
                                                         DBUS_INTERFACE_PROPERTIES, "Set");
        g_autofree char *text = NULL;
        DBusMessageIter iter, variant;

        dbus_message_append_args(call, DBUS_TYPE_STRING, &interface, DBUS_TYPE_STRING,
                                 &cases[i].name, DBUS_TYPE_INVALID);
        dbus_message_iter_init_append(call, &iter);
        dbus_message_iter_open_container(&iter, DBUS_TYPE_VARIANT, "s", &variant);
        dbus_message_iter_append_basic(&variant, DBUS_TYPE_STRING, &interface);
        dbus_message_iter_close_container(&iter, &variant);
        text = send_call(f, call);
        g_assert_cmpstr(text, ==, cases[i].expected);
    }
    settle(f);
    g_assert_cmpuint(f->signals->len, ==, 0);
}

/* -- changes ------------------------------------------------------------------------------------
 */

/* One message with eight writes: one signal for each object, values of public leaves in it, the
 * others only named; what was written and reads as before is not there. */
static void
test_coalesced(Fixture *f, gconstpointer data)
{
    const char *page = TREE "Provider/MS%20DM%20Server/CustomEnrollmentCompletePage/Title";
    const DmCommand commands[] = {
        command(DM_VERB_REPLACE, TREE "Provider/MS%20DM%20Server/HelpPhoneNumber", "1"),
        command(DM_VERB_REPLACE, TREE "Provider/MS%20DM%20Server/HelpWebsite", "https://h.example"),
        command(DM_VERB_REPLACE, page, "Old"),
        command(DM_VERB_REPLACE, TREE "Provider/MS%20DM%20Server/UPN", "a@b.example"),
        command(DM_VERB_REPLACE, TREE "Provider/MS%20DM%20Server/HelpPhoneNumber", "2"),
        command(DM_VERB_REPLACE, page, "New"),
        command(DM_VERB_DELETE, TREE "Provider/MS%20DM%20Server/HelpEmailAddress", NULL),
        command(DM_VERB_REPLACE, TREE "Provider/MS%20DM%20Server/RequireMessageSigning", "false"),
    };

    apply_one(f, DM_VERB_ADD, page, "Before");
    apply_one(f, DM_VERB_REPLACE, TREE "Provider/MS%20DM%20Server/HelpEmailAddress", "a@b.example");
    settle(f);
    g_ptr_array_set_size(f->signals, 0);
    g_assert_cmpint(apply(f, commands, G_N_ELEMENTS(commands), -1), ==, DM_STATUS_OK);
    settle(f);
    g_assert_cmpuint(f->signals->len, ==, 2);
    assert_signal(f, 0,
                  PROVIDER_PATH " PropertiesChanged '" DM_BUS_INTERFACE_PROVIDER
                                "' {'HelpPhoneNumber':<'2'>,'HelpWebsite':<'https://h.example'>} "
                                "['UPN','HelpEmailAddress']");
    assert_signal(f, 1,
                  PROVIDER_PATH "/CustomEnrollmentCompletePage PropertiesChanged '" DM_BUS_INTERFACE
                                ".CustomEnrollmentCompletePage' {'Title':<'New'>} []");
}

/* A message that fails or changes nothing says nothing. */
static void
test_silent(Fixture *f, gconstpointer data)
{
    const DmCommand atomic[] = {
        {.verb = DM_VERB_ATOMIC, .span = 2},
        command(DM_VERB_REPLACE, TREE "Provider/MS%20DM%20Server/HelpPhoneNumber", "9"),
        command(DM_VERB_REPLACE, TREE "Provider/MS%20DM%20Server/RequireMessageSigning", "maybe"),
    };

    g_assert_cmpint(apply(f, atomic, G_N_ELEMENTS(atomic), -1), !=, DM_STATUS_OK);
    apply_one(f, DM_VERB_GET, TREE "Provider/MS%20DM%20Server/HWDevID", NULL);
    settle(f);
    g_assert_cmpuint(f->signals->len, ==, 0);
}

/* G4: when apply() returns the signals are out, without the main context having run. */
static void
test_before_reply(Fixture *f, gconstpointer data)
{
    DBusConnection *watcher = open_client(f);
    gint64 end_us = g_get_monotonic_time() + DEADLINE_US;
    bool seen = false;

    apply_one(f, DM_VERB_REPLACE, TREE "Provider/MS%20DM%20Server/HelpPhoneNumber", "3");
    while (!seen && g_get_monotonic_time() < end_us) {
        DBusMessage *message = dbus_connection_pop_message(watcher);

        if (message == NULL) {
            dbus_connection_read_write(watcher, 1000);
            continue;
        }
        seen = dbus_message_is_signal(message, DBUS_INTERFACE_PROPERTIES, "PropertiesChanged");
        dbus_message_unref(message);
    }
    g_assert_true(seen);
    dbus_connection_close(watcher);
    dbus_connection_unref(watcher);
}

static void
test_objects_come_and_go(Fixture *f, gconstpointer data)
{
    apply_one(f, DM_VERB_ADD, TREE "Provider/MS%20DM%20Server/Push/PFN", "x");
    settle(f);
    assert_signal(f, 0,
                  DM_BUS_ROOT " InterfacesAdded '" PROVIDER_PATH "/Push' {'" DM_BUS_INTERFACE
                              ".Push':{}}");
    g_ptr_array_set_size(f->signals, 0);
    apply_one(f, DM_VERB_DELETE, TREE "Provider/MS%20DM%20Server", NULL);
    settle(f);
    g_assert_cmpuint(f->signals->len, ==, 5);
    assert_signal(f, 0,
                  DM_BUS_ROOT " InterfacesRemoved '" PROVIDER_PATH "' ['" DM_BUS_INTERFACE_PROVIDER
                              "','" DM_BUS_INTERFACE_SESSION "']");
    assert_signal(f, 1,
                  DM_BUS_ROOT " InterfacesRemoved '" PROVIDER_PATH "/Push' ['" DM_BUS_INTERFACE
                              ".Push']");
    assert_signal(f, 2,
                  DM_BUS_ROOT " InterfacesRemoved '" PROVIDER_PATH
                              "/FirstSyncStatus' ['" DM_BUS_INTERFACE
                              ".FirstSyncStatus','" DM_BUS_INTERFACE_PROGRESS "']");
    assert_signal(f, 3,
                  DM_BUS_ROOT " InterfacesRemoved '" PROVIDER_PATH
                              "/EnhancedAppLayerSecurity' ['" DM_BUS_INTERFACE
                              ".EnhancedAppLayerSecurity']");
    assert_signal(f, 4,
                  DM_BUS_ROOT " PropertiesChanged '" DM_BUS_INTERFACE_MANAGER
                              "' {'Version':<'" DM_VERSION
                              "'>,'Managed':<false>,'Health':<'ok'>,'Providers':<[]>} []");
    assert_get(f, PROVIDER_PATH, DM_BUS_INTERFACE_PROVIDER, "ProviderID",
               "!" DBUS_ERROR "UnknownObject");
}

/* Changes that come while there is no connection are not told later, but what is there is known. */
static void
test_reconnect(Fixture *f, gconstpointer data)
{
    dm_objects_set_connection(f->objects, NULL);
    apply_one(f, DM_VERB_ADD, TREE "Provider/MS%20DM%20Server/Push/PFN", "x");
    dm_objects_set_connection(f->objects, dm_bus_get_connection(f->service));
    settle(f);
    g_assert_cmpuint(f->signals->len, ==, 0);
    apply_one(f, DM_VERB_DELETE, TREE "Provider/MS%20DM%20Server/Push", NULL);
    settle(f);
    g_assert_cmpuint(f->signals->len, ==, 1);
    assert_signal(f, 0,
                  DM_BUS_ROOT " InterfacesRemoved '" PROVIDER_PATH "/Push' ['" DM_BUS_INTERFACE
                              ".Push']");
}

/* A user's tree shows only what it has, and tells nobody else what is in it. */
static void
test_user_tree(Fixture *f, gconstpointer data)
{
    const char *path = DM_BUS_ROOT "/User/4000000000/Provider/MS_20DM_20Server";
    g_autofree char *child = g_strconcat(path, "/FirstSyncStatus", NULL);
    g_autofree char *added = NULL, *all = NULL;
    const DmCommand commands[] = {
        command(DM_VERB_ADD, "./User/Vendor/MSFT/DMClient/Provider/MS%20DM%20Server", NULL),
        command(DM_VERB_ADD,
                "./User/Vendor/MSFT/DMClient/Provider/MS%20DM%20Server/FirstSyncStatus", NULL),
    };

    g_assert_cmpint(apply(f, commands, 2, 4000000000), ==, DM_STATUS_OK);
    settle(f);
    added = g_strdup_printf(
        DM_BUS_ROOT " InterfacesAdded '%s' {'" DM_BUS_INTERFACE_PROVIDER "':{}}", path);
    g_assert_cmpuint(f->signals->len, ==, 2);
    assert_signal(f, 0, added);
    assert_get(f, path, DM_BUS_INTERFACE_PROVIDER, "ProviderID", "<'MS DM Server'>");
    assert_get(f, path, DM_BUS_INTERFACE_PROVIDER, "HelpPhoneNumber",
               "!" DBUS_ERROR "UnknownProperty");
    assert_get(f, path, DM_BUS_INTERFACE_SESSION, "State", "!" DBUS_ERROR "UnknownInterface");
    assert_get(f, child, DM_BUS_INTERFACE ".FirstSyncStatus", "IsSyncDone", "<false>");
    assert_get(f, child, DM_BUS_INTERFACE ".FirstSyncStatus", "SkipUserStatusPage",
               "!" DBUS_ERROR "UnknownProperty");
    all = call_text(f, path, DBUS_INTERFACE_PROPERTIES, "GetAll", DM_BUS_INTERFACE_PROVIDER);
    g_assert_cmpstr(all, ==, "{'ProviderID':<'MS DM Server'>}");
    assert_get(f, DM_BUS_ROOT "/User/04000000000", "", "x", "!" DBUS_ERROR "UnknownObject");
    assert_get(f, DM_BUS_ROOT "/User/4000000001", "", "x", "!" DBUS_ERROR "UnknownObject");
    assert_get(f, DM_BUS_ROOT "/User/4294967295", "", "x", "!" DBUS_ERROR "UnknownObject");
    assert_get(f, DM_BUS_ROOT "/User/8294967296", "", "x", "!" DBUS_ERROR "UnknownObject");
}

/* -- Sync ---------------------------------------------------------------------------------------
 */

static char *
call_sync(Fixture *f, const char *path, const char *option)
{
    DBusMessage *call =
        dbus_message_new_method_call(DM_BUS_NAME, DM_BUS_ROOT, DM_BUS_INTERFACE_MANAGER, "Sync");
    DBusMessageIter iter, options, entry, variant;
    const dbus_bool_t value = TRUE;

    dbus_message_iter_init_append(call, &iter);
    dbus_message_iter_append_basic(&iter, DBUS_TYPE_OBJECT_PATH, &path);
    dbus_message_iter_open_container(&iter, DBUS_TYPE_ARRAY, "{sv}", &options);
    if (option != NULL) {
        dbus_message_iter_open_container(&options, DBUS_TYPE_DICT_ENTRY, NULL, &entry);
        dbus_message_iter_append_basic(&entry, DBUS_TYPE_STRING, &option);
        dbus_message_iter_open_container(&entry, DBUS_TYPE_VARIANT, "b", &variant);
        dbus_message_iter_append_basic(&variant, DBUS_TYPE_BOOLEAN, &value);
        dbus_message_iter_close_container(&entry, &variant);
        dbus_message_iter_close_container(&options, &entry);
    }
    dbus_message_iter_close_container(&iter, &options);
    return send_call(f, call);
}

static void
test_sync(Fixture *f, gconstpointer data)
{
    g_autofree char *good = call_sync(f, PROVIDER_PATH, NULL);
    g_autofree char *other = call_sync(f, PROVIDER_PATH "/FirstSyncStatus", NULL);
    g_autofree char *nobody = call_sync(f, "/", NULL);
    g_autofree char *option = call_sync(f, PROVIDER_PATH, "eventually");
    g_autofree char *no_broker = NULL;

    g_assert_cmpstr(good, ==, "'session-1'");
    g_assert_cmpstr(f->synced, ==, "MS DM Server");
    g_assert_cmpstr(other, ==, "!" OUR_ERROR "NotFound");
    g_assert_cmpstr(nobody, ==, "!" OUR_ERROR "NotFound");
    g_assert_cmpstr(option, ==, "!" DBUS_ERROR "InvalidArgs");
    f->sync_error = g_error_new_literal(DM_ERROR, DM_ERROR_DISCONNECTED, "no broker");
    no_broker = call_sync(f, PROVIDER_PATH, NULL);
    g_assert_cmpstr(no_broker, ==, "!" OUR_ERROR "Unavailable");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define ADD(path, function) g_test_add("/objects/" path, Fixture, NULL, setup, function, teardown)
    ADD("get", test_get);
    ADD("F1-expected-lists-are-arrays", test_expected_list);
    ADD("errors-by-name", test_errors);
    ADD("malformed-calls", test_bad_calls);
    ADD("one-name-one-path", test_paths);
    ADD("set-is-refused", test_set);
    ADD("one-signal-an-object-and-message", test_coalesced);
    ADD("no-change-no-signal", test_silent);
    ADD("G4-signals-before-the-reply", test_before_reply);
    ADD("objects-come-and-go", test_objects_come_and_go);
    ADD("reconnect", test_reconnect);
    ADD("A1-user-tree", test_user_tree);
    ADD("sync", test_sync);
    return g_test_run();
}
