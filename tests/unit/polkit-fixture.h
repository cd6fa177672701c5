/* SPDX-License-Identifier: MIT */
#pragma once

#include "dbus/connection.h"
#include "dbus/loop.h"
#include "plugin/polkit.h"
#include "tests/unit/private-bus.h"

/* An authority of the test's own on a private bus that lets everybody send everything, replies that
 * nobody waits for included; and what was asked of it and answered to us. */

#define FAKE_NAME "org.freedesktop.PolicyKit1"
#define FAKE_PATH "/org/freedesktop/PolicyKit1/Authority"
#define FAKE_INTERFACE "org.freedesktop.PolicyKit1.Authority"

#define FAKE_YES 1u
#define FAKE_CHALLENGE 2u

typedef struct {
    DBusMessage *message;
    DBusConnection *connection; /* that it came to; borrowed */
    const char *kind, *key, *sender, *action, *cancellation;
    guint32 flags;
    guint n_details;
} Check;

typedef struct {
    PrivateBus bus;
    DmBus *service;
    DBusConnection *connection;
    DmPolkit *polkit;

    DBusConnection *authority, *caller, *stranger;
    GPtrArray *checks;    /* Check, in the order in which they came */
    GPtrArray *cancelled; /* char*, ids */
    bool is_holding;      /* the test answers itself, with fake_answer() */
    guint to_machine, to_person;

    guint n_changed, n_answers, n_freed;
    DmVerdict verdict; /* the last one */
    guint n_verdicts[DM_VERDICT_YES + 1];
} Fixture;

static guint n_warnings;

/* Counts warnings of ours: each is said once (common/log.h). */
static inline GLogWriterOutput
count_warnings(GLogLevelFlags level, const GLogField *fields, gsize n_fields, gpointer data)
{
    if ((level & G_LOG_LEVEL_MASK) == G_LOG_LEVEL_WARNING)
        n_warnings++;
    return (level & G_LOG_LEVEL_MASK) == G_LOG_LEVEL_ERROR
               ? g_log_writer_default(level, fields, n_fields, data)
               : G_LOG_WRITER_HANDLED;
}

static inline void
free_check(gpointer data)
{
    Check *check = data;

    dbus_message_unref(check->message);
    g_free(check);
}

/* -- the authority ------------------------------------------------------------------------------
 */

/* Answers a check as polkit does. */
static inline void
fake_answer(const Check *check, guint what)
{
    dbus_bool_t is_authorized = (what & FAKE_YES) != 0;
    dbus_bool_t is_challenge = (what & FAKE_CHALLENGE) != 0;
    DBusMessage *reply = dbus_message_new_method_return(check->message);
    DBusMessageIter iter, result, details, entry;
    static const char *const key = "polkit.dismissed", *const value = "true";

    dbus_message_iter_init_append(reply, &iter);
    dbus_message_iter_open_container(&iter, DBUS_TYPE_STRUCT, NULL, &result);
    dbus_message_iter_append_basic(&result, DBUS_TYPE_BOOLEAN, &is_authorized);
    dbus_message_iter_append_basic(&result, DBUS_TYPE_BOOLEAN, &is_challenge);
    dbus_message_iter_open_container(&result, DBUS_TYPE_ARRAY, "{ss}", &details);
    dbus_message_iter_open_container(&details, DBUS_TYPE_DICT_ENTRY, NULL, &entry);
    dbus_message_iter_append_basic(&entry, DBUS_TYPE_STRING, &key);
    dbus_message_iter_append_basic(&entry, DBUS_TYPE_STRING, &value);
    dbus_message_iter_close_container(&details, &entry);
    dbus_message_iter_close_container(&result, &details);
    dbus_message_iter_close_container(&iter, &result);
    dbus_connection_send(check->connection, reply, NULL);
    dbus_message_unref(reply);
}

/* Takes a check apart; whatever is not as polkit's interface has it fails the test. */
static inline Check *
read_check(DBusConnection *connection, DBusMessage *message)
{
    Check *check = g_new0(Check, 1);
    DBusMessageIter iter, subject, details, entry, value;

    g_assert_cmpstr(dbus_message_get_signature(message), ==, "(sa{sv})sa{ss}us");
    g_assert_cmpstr(dbus_message_get_path(message), ==, FAKE_PATH);
    check->message = dbus_message_ref(message);
    check->connection = connection;
    dbus_message_iter_init(message, &iter);
    dbus_message_iter_recurse(&iter, &subject);
    dbus_message_iter_get_basic(&subject, &check->kind);
    dbus_message_iter_next(&subject);
    dbus_message_iter_recurse(&subject, &details);
    g_assert_cmpint(dbus_message_iter_get_element_count(&subject), ==, 1);
    dbus_message_iter_recurse(&details, &entry);
    dbus_message_iter_get_basic(&entry, &check->key);
    dbus_message_iter_next(&entry);
    dbus_message_iter_recurse(&entry, &value);
    g_assert_cmpint(dbus_message_iter_get_arg_type(&value), ==, DBUS_TYPE_STRING);
    dbus_message_iter_get_basic(&value, &check->sender);
    dbus_message_iter_next(&iter);
    dbus_message_iter_get_basic(&iter, &check->action);
    dbus_message_iter_next(&iter);
    check->n_details = (guint)dbus_message_iter_get_element_count(&iter);
    dbus_message_iter_next(&iter);
    dbus_message_iter_get_basic(&iter, &check->flags);
    dbus_message_iter_next(&iter);
    dbus_message_iter_get_basic(&iter, &check->cancellation);
    return check;
}

static inline DBusHandlerResult
fake_on_message(DBusConnection *connection, DBusMessage *message, void *data)
{
    Fixture *f = data;

    if (dbus_message_is_method_call(message, FAKE_INTERFACE, "CancelCheckAuthorization")) {
        const char *id;

        g_assert_true(
            dbus_message_get_args(message, NULL, DBUS_TYPE_STRING, &id, DBUS_TYPE_INVALID));
        g_assert_true(dbus_message_get_no_reply(message));
        g_ptr_array_add(f->cancelled, g_strdup(id));
        return DBUS_HANDLER_RESULT_HANDLED;
    }
    if (dbus_message_is_method_call(message, FAKE_INTERFACE, "CheckAuthorization")) {
        Check *check = read_check(connection, message);

        g_ptr_array_add(f->checks, check);
        if (!f->is_holding)
            fake_answer(check, check->flags == 0 ? f->to_machine : f->to_person);
        return DBUS_HANDLER_RESULT_HANDLED;
    }
    return DBUS_HANDLER_RESULT_NOT_YET_HANDLED;
}

/* Another connection to the bus. Free with close_peer(). */
static inline DBusConnection *
open_peer(Fixture *f)
{
    DBusError error = DBUS_ERROR_INIT;
    DBusConnection *peer = dbus_connection_open_private(f->bus.address, &error);

    g_assert_nonnull(peer);
    g_assert_true(dbus_bus_register(peer, &error));
    dbus_connection_set_exit_on_disconnect(peer, FALSE);
    return peer;
}

static inline void
close_peer(DBusConnection *peer)
{
    dbus_connection_close(peer);
    dbus_connection_unref(peer);
}

/* An authority that answers; it need not own the name yet. Free with close_authority(). */
static inline DBusConnection *
open_authority(Fixture *f)
{
    DBusConnection *authority = open_peer(f);

    dbus_connection_add_filter(authority, fake_on_message, f, NULL);
    dm_loop_add_connection(authority, NULL);
    return authority;
}

static inline void
close_authority(Fixture *f, DBusConnection *authority)
{
    dbus_connection_remove_filter(authority, fake_on_message, f);
    dm_loop_remove_connection(authority);
    close_peer(authority);
}

/* Takes the name, from another if need be; blocks, so the bus has seen all that was sent before. */
static inline void
own_name(DBusConnection *authority)
{
    DBusError error = DBUS_ERROR_INIT;

    g_assert_cmpint(dbus_bus_request_name(authority, FAKE_NAME,
                                          DBUS_NAME_FLAG_ALLOW_REPLACEMENT |
                                              DBUS_NAME_FLAG_REPLACE_EXISTING |
                                              DBUS_NAME_FLAG_DO_NOT_QUEUE,
                                          &error),
                    ==, DBUS_REQUEST_NAME_REPLY_PRIMARY_OWNER);
}

/* The bus has passed on what `peer` sent, when this returns. */
static inline void
settle(DBusConnection *peer)
{
    DBusError error = DBUS_ERROR_INIT;

    g_assert_true(dbus_bus_name_has_owner(peer, DBUS_SERVICE_DBUS, &error));
}

static inline void
send_changed(DBusConnection *peer)
{
    DBusMessage *signal = dbus_message_new_signal(FAKE_PATH, FAKE_INTERFACE, "Changed");

    dbus_connection_send(peer, signal, NULL);
    dbus_message_unref(signal);
}

/* -- us -----------------------------------------------------------------------------------------
 */

static inline void
fixture_on_ready(DmBus *bus, DBusConnection *connection, gpointer data)
{
    ((Fixture *)data)->connection = connection;
}

static inline void
fixture_on_lost(DmBus *bus, const char *reason, gpointer data)
{
    Fixture *f = data;

    /* What the service does then. */
    f->connection = NULL;
    g_clear_pointer(&f->polkit, dm_polkit_free);
}

static inline void
on_changed(gpointer data)
{
    ((Fixture *)data)->n_changed++;
}

static inline void
on_verdict(DmVerdict verdict, gpointer data)
{
    Fixture *f = data;

    g_assert_cmpuint(f->n_freed, <=, f->n_answers);
    f->verdict = verdict;
    f->n_verdicts[verdict]++;
    f->n_answers++;
}

static inline void
on_free(gpointer data)
{
    ((Fixture *)data)->n_freed++;
}

static inline bool
check_of(Fixture *f, const char *sender, guint32 uid, bool interactive)
{
    return dm_polkit_check(f->polkit, sender, uid, DM_BUS_INTERFACE ".read-identity", interactive,
                           on_verdict, f, on_free);
}

/* Asks for a caller that is on the bus, and waits for the verdict. */
static inline DmVerdict
ask(Fixture *f, bool interactive)
{
    guint n = f->n_answers;

    g_assert_true(check_of(f, dbus_bus_get_unique_name(f->caller), 1000, interactive));
    g_assert_cmpuint(f->n_answers, ==, n);
    WAIT_UNTIL(f->n_answers == n + 1);
    return f->verdict;
}

static inline const Check *
wait_for_check(Fixture *f, guint index)
{
    WAIT_UNTIL(f->checks->len > index);
    return f->checks->pdata[index];
}

/* Of setup(): polkit is there, or is started when it is called (by the test, though), or neither.
 */
#define THERE "there"
#define ACTIVATABLE "activatable"

/* A bus that lets anybody answer in another's place; with `is_activatable` it waits for the
 * authority, when it has a message for one. */
static inline void
write_config(Fixture *f, bool is_activatable)
{
    g_autofree char *config = g_build_filename(f->bus.dir, "bus.conf", NULL);
    g_autofree char *service = g_build_filename(f->bus.dir, "polkit.service", NULL);
    g_autofree char *directory = g_strdup_printf("<servicedir>%s</servicedir>", f->bus.dir);
    g_autofree char *text = NULL;
    g_autoptr(GString) more = NULL;

    g_assert_true(g_file_get_contents(config, &text, NULL, NULL));
    more = g_string_new(text);
    g_string_replace(more, "<allow own='*'/>",
                     "<allow own='*'/><allow send_requested_reply='false'/>"
                     "<allow receive_requested_reply='false'/>",
                     1);
    if (is_activatable) {
        g_string_replace(more, "</busconfig>", directory, 1);
        g_string_append(more, "</busconfig>");
        g_assert_true(g_file_set_contents(
            service, "[D-BUS Service]\nName=" FAKE_NAME "\nExec=/bin/true\n", -1, NULL));
    }
    g_assert_true(g_file_set_contents(config, more->str, -1, NULL));
}

/* The bus, the callers and us. */
static inline void
setup(Fixture *f, gconstpointer authority)
{
    static const DmBusHandlers handlers = {fixture_on_ready, fixture_on_lost};

    n_warnings = 0;
    private_bus_init(&f->bus);
    write_config(f, g_strcmp0(authority, ACTIVATABLE) == 0);
    private_bus_start(&f->bus);
    f->checks = g_ptr_array_new_with_free_func(free_check);
    f->cancelled = g_ptr_array_new_with_free_func(g_free);
    f->authority = open_authority(f);
    f->caller = open_peer(f);
    f->stranger = open_peer(f);
    if (g_strcmp0(authority, THERE) == 0)
        own_name(f->authority);
    f->service = dm_bus_new(f->bus.address, NULL, NULL, &handlers, f);
    WAIT_UNTIL(f->connection != NULL);
    f->polkit = dm_polkit_new(f->connection, on_changed, f);
}

static inline void
teardown(Fixture *f, gconstpointer data)
{
    g_autofree char *service = NULL;

    dm_polkit_free(f->polkit);
    dm_bus_free(f->service);
    close_authority(f, f->authority);
    if (f->caller != NULL)
        close_peer(f->caller);
    close_peer(f->stranger);
    g_ptr_array_unref(f->checks);
    g_ptr_array_unref(f->cancelled);
    private_bus_stop(&f->bus);
    service = g_build_filename(f->bus.dir, "polkit.service", NULL);
    g_unlink(service);
    private_bus_clear(&f->bus);
}

#define ADD(path, authority, function)                                                             \
    g_test_add("/polkit/" path, Fixture, authority, setup, function, teardown)
