/* SPDX-License-Identifier: MIT */
#include "plugin/objects.h"

#include "tests/unit/objects-fixture.h"

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
        {DM_BUS_INTERFACE_MANAGER, "Unenroll", NULL, "!" DBUS_ERROR "InvalidArgs"},
        {DM_BUS_INTERFACE_MANAGER, "Enroll", NULL, "!" DBUS_ERROR "UnknownMethod"},
        {"a.b", "C", NULL, "!" DBUS_ERROR "UnknownInterface"},
        {NULL, "C", NULL, "!" DBUS_ERROR "UnknownMethod"},
        {NULL, "Ping", NULL, ""},
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

/* -- Manager ------------------------------------------------------------------------------------
 */

static char *
call_manager(Fixture *f, const char *method, const char *path, const char *option)
{
    DBusMessage *call =
        dbus_message_new_method_call(DM_BUS_NAME, DM_BUS_ROOT, DM_BUS_INTERFACE_MANAGER, method);
    DBusMessageIter iter, options, entry, variant;
    const dbus_bool_t value = TRUE;

    dbus_message_iter_init_append(call, &iter);
    if (path != NULL)
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
assert_manager(Fixture *f, const char *method, const char *path, const char *option,
               const char *expected)
{
    g_autofree char *text = call_manager(f, method, path, option);

    g_assert_cmpstr(text, ==, expected);
}

static void
test_arguments_of_the_manager(Fixture *f, gconstpointer data)
{
    static const char *const methods[] = {"Sync", "Unenroll", "RetryFirstSync"};

    for (gsize i = 0; i < G_N_ELEMENTS(methods); i++) {
        assert_manager(f, methods[i], PROVIDER_PATH "/FirstSyncStatus", NULL,
                       "!" OUR_ERROR "NotFound");
        assert_manager(f, methods[i], "/", NULL, "!" OUR_ERROR "NotFound");
        assert_manager(f, methods[i], PROVIDER_PATH, "eventually", "!" DBUS_ERROR "InvalidArgs");
        assert_manager(f, methods[i], NULL, NULL, "!" DBUS_ERROR "InvalidArgs");
    }
    assert_manager(f, "CollectLogs", NULL, "eventually", "!" DBUS_ERROR "InvalidArgs");
    assert_manager(f, "Reload", NULL, "eventually", "!" DBUS_ERROR "InvalidArgs");
    assert_manager(f, "Reload", PROVIDER_PATH, NULL, "!" DBUS_ERROR "InvalidArgs");
    g_assert_cmpuint(f->n_reloads, ==, 0);
}

/* Without a broker, and without anything that could start one. */
static void
test_sync_without_a_broker(Fixture *f, gconstpointer data)
{
    assert_manager(f, "Sync", PROVIDER_PATH, NULL, "!" OUR_ERROR "Unavailable");
    assert_manager(f, "Sync", PROVIDER_PATH, "wait", "!" OUR_ERROR "Unavailable");
}

static void
test_reload(Fixture *f, gconstpointer data)
{
    assert_manager(f, "Reload", NULL, NULL, "");
    g_assert_cmpuint(f->n_reloads, ==, 1);
}

/* A run that has not failed is none to try again. */
static void
test_retry_first_sync(Fixture *f, gconstpointer data)
{
    assert_manager(f, "RetryFirstSync", PROVIDER_PATH, NULL, "!" OUR_ERROR "BadRequest");
}

/* E4: no broker is there to tell the server, and the provider goes all the same. */
static void
test_unenroll(Fixture *f, gconstpointer data)
{
    assert_manager(f, "Unenroll", PROVIDER_PATH, NULL, "");
    assert_manager(f, "Unenroll", PROVIDER_PATH, NULL, "!" OUR_ERROR "NotFound");
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
    ADD("A1-user-tree", test_user_tree);
    ADD("arguments-of-the-manager", test_arguments_of_the_manager);
    ADD("sync-without-a-broker", test_sync_without_a_broker);
    ADD("reload", test_reload);
    ADD("retry-first-sync", test_retry_first_sync);
    ADD("E4-unenroll", test_unenroll);
    return g_test_run();
}
