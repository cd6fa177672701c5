/* SPDX-License-Identifier: MIT */
#include "plugin/objects.h"

#include "tests/unit/objects-fixture.h"

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
    gint64 end_us = g_get_monotonic_time() + DEADLINE_S * G_USEC_PER_SEC;
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

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define ADD(path, function)                                                                        \
    g_test_add("/objects-signals/" path, Fixture, NULL, setup, function, teardown)
    ADD("one-signal-an-object-and-message", test_coalesced);
    ADD("no-change-no-signal", test_silent);
    ADD("G4-signals-before-the-reply", test_before_reply);
    ADD("objects-come-and-go", test_objects_come_and_go);
    ADD("reconnect", test_reconnect);
    return g_test_run();
}
