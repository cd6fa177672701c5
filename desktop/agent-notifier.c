/* SPDX-License-Identifier: MIT */
#include "desktop/agent-notifier.h"

#include "common/i18n.h"

#define NAME "org.freedesktop.Notifications"
#define PATH "/org/freedesktop/Notifications"
#define VIEWER_ID "org.dmclient.Viewer"
#define ANSWER_MS 30000

/* What a click on the notification itself is called. */
#define OPEN "default"

enum { URGENCY_NORMAL = 1, URGENCY_CRITICAL = 2 };

typedef enum { NOT_ASKED, ASKING, READY } Service;

struct DmAgentNotifier {
    GDBusConnection *bus;
    const DmAgentNotifierFuncs *funcs;
    gpointer data;
    GDestroyNotify free_notice;
    GHashTable *entries; /* key → Entry */
    GCancellable *cancellable;
    guint watch;
    guint subscription;
    Service service;
    bool has_markup; /* what the service can */
    bool has_actions;
};

typedef struct {
    DmAgentNotifier *notifier;
    char *key;
    char *title;
    char *text;
    char *token; /* of the click that comes */
    bool is_urgent;
    gpointer notice;
    guint32 id;     /* 0: not there */
    bool is_wanted; /* to be sent */
    bool is_sending;
    bool is_withdrawn; /* while it was sent */
} Entry;

static void
entry_free(gpointer data)
{
    Entry *entry = data;

    entry->notifier->free_notice(entry->notice);
    g_free(entry->key);
    g_free(entry->title);
    g_free(entry->text);
    g_free(entry->token);
    g_free(entry);
}

static void
call(DmAgentNotifier *notifier, const char *method, GVariant *arguments, const char *reply,
     GAsyncReadyCallback callback, gpointer data)
{
    g_dbus_connection_call(notifier->bus, NAME, PATH, NAME, method, arguments,
                           reply != NULL ? G_VARIANT_TYPE(reply) : NULL, G_DBUS_CALL_FLAGS_NONE,
                           ANSWER_MS, notifier->cancellable, callback, data);
}

static void
close_notification(DmAgentNotifier *notifier, guint32 id)
{
    call(notifier, "CloseNotification", g_variant_new("(u)", id), NULL, NULL, NULL);
}

/* -- sending ------------------------------------------------------------------------------------
 */

static void send_entry(Entry *entry);

static void
on_sent(GObject *source, GAsyncResult *result, gpointer data)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GVariant) reply =
        g_dbus_connection_call_finish(G_DBUS_CONNECTION(source), result, &error);
    Entry *entry = data;

    if (g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
        return; /* the entry is gone */
    entry->is_sending = false;
    if (reply != NULL) {
        g_variant_get(reply, "(u)", &entry->id);
    } else {
        g_info("cannot show a notification: %s", error->message);
        entry->is_wanted = true;
    }
    if (entry->is_withdrawn) {
        if (entry->id != 0)
            close_notification(entry->notifier, entry->id);
        g_hash_table_remove(entry->notifier->entries, entry->key);
        return;
    }
    if (reply == NULL)
        return; /* tried again when there is something new, or another service */
    if (entry->is_wanted)
        send_entry(entry);
    else
        entry->notifier->funcs->on_shown(entry->notice, entry->notifier->data);
}

/* Markup is only understood where the service says so; elsewhere its escapes would be seen. */
static char *
get_body(const Entry *entry)
{
    return entry->notifier->has_markup ? g_markup_escape_text(entry->text, -1)
                                       : g_strdup(entry->text);
}

static void
send_entry(Entry *entry)
{
    DmAgentNotifier *notifier = entry->notifier;
    g_autofree char *body = get_body(entry);
    GVariantBuilder actions;
    GVariantBuilder hints;

    entry->is_wanted = false;
    entry->is_sending = true;
    g_variant_builder_init(&actions, G_VARIANT_TYPE_STRING_ARRAY);
    if (notifier->has_actions) {
        g_variant_builder_add(&actions, "s", OPEN);
        /* Translators: opens the window that has more about a notification. */
        g_variant_builder_add(&actions, "s", _("Show"));
    }
    g_variant_builder_init(&hints, G_VARIANT_TYPE_VARDICT);
    g_variant_builder_add(&hints, "{sv}", "desktop-entry", g_variant_new_string(VIEWER_ID));
    g_variant_builder_add(&hints, "{sv}", "urgency",
                          g_variant_new_byte(entry->is_urgent ? URGENCY_CRITICAL : URGENCY_NORMAL));
    call(notifier, "Notify",
         g_variant_new("(susssasa{sv}i)", _("Device Management"), entry->id, VIEWER_ID,
                       entry->title, body, &actions, &hints, -1),
         "(u)", on_sent, entry);
}

static void
send_all(DmAgentNotifier *notifier)
{
    GHashTableIter iter;
    gpointer value;

    g_hash_table_iter_init(&iter, notifier->entries);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        Entry *entry = value;

        if (entry->is_wanted && !entry->is_sending)
            send_entry(entry);
    }
}

static void
on_capabilities(GObject *source, GAsyncResult *result, gpointer data)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GVariant) reply =
        g_dbus_connection_call_finish(G_DBUS_CONNECTION(source), result, &error);
    g_autofree const char **names = NULL;
    DmAgentNotifier *notifier = data;

    if (g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
        return; /* it may be gone */
    if (reply == NULL) {
        notifier->service = NOT_ASKED;
        return;
    }
    g_variant_get(reply, "(^a&s)", &names);
    notifier->has_markup = g_strv_contains(names, "body-markup");
    notifier->has_actions = g_strv_contains(names, "actions");
    notifier->service = READY;
    send_all(notifier);
}

/* Sends what waits; asks first what the service can, by which the bus starts it where it can. */
static void
pump(DmAgentNotifier *notifier)
{
    if (notifier->service == READY) {
        send_all(notifier);
    } else if (notifier->service == NOT_ASKED) {
        notifier->service = ASKING;
        call(notifier, "GetCapabilities", NULL, "(as)", on_capabilities, notifier);
    }
}

/* -- what the service tells ---------------------------------------------------------------------
 */

static gboolean
is_waiting(gpointer key, gpointer value, gpointer data)
{
    const Entry *entry = value;

    return entry->is_wanted;
}

static void
on_appeared(GDBusConnection *bus, const char *name, const char *owner, gpointer data)
{
    DmAgentNotifier *notifier = data;

    if (g_hash_table_find(notifier->entries, is_waiting, NULL) != NULL)
        pump(notifier);
}

static void
on_vanished(GDBusConnection *bus, const char *name, gpointer data)
{
    DmAgentNotifier *notifier = data;
    GHashTableIter iter;
    gpointer value;

    /* An answer that is to come may be that of one that the bus starts. */
    if (notifier->service == READY)
        notifier->service = NOT_ASKED;
    g_hash_table_iter_init(&iter, notifier->entries);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        Entry *entry = value;

        entry->id = 0;
        if (!entry->is_wanted && !entry->is_sending)
            g_hash_table_iter_remove(&iter);
    }
}

static Entry *
find_by_id(const DmAgentNotifier *notifier, guint32 id)
{
    GHashTableIter iter;
    gpointer value;

    g_hash_table_iter_init(&iter, notifier->entries);
    while (id != 0 && g_hash_table_iter_next(&iter, NULL, &value))
        if (((const Entry *)value)->id == id)
            return value;
    return NULL;
}

static void
on_closed(DmAgentNotifier *notifier, Entry *entry)
{
    entry->id = 0;
    if (!entry->is_wanted && !entry->is_sending)
        g_hash_table_remove(notifier->entries, entry->key);
}

static void
on_signal(GDBusConnection *bus, const char *sender, const char *path, const char *interface_name,
          const char *signal, GVariant *arguments, gpointer data)
{
    bool has_text = g_variant_is_of_type(arguments, G_VARIANT_TYPE("(us)"));
    DmAgentNotifier *notifier = data;
    const char *text = "";
    Entry *entry;
    guint32 id;

    if (!has_text && !g_variant_is_of_type(arguments, G_VARIANT_TYPE("(uu)")))
        return;
    g_variant_get_child(arguments, 0, "u", &id);
    if (has_text)
        g_variant_get_child(arguments, 1, "&s", &text);
    entry = find_by_id(notifier, id);
    if (entry == NULL)
        return; /* another program's */
    if (g_str_equal(signal, "NotificationClosed")) {
        on_closed(notifier, entry);
    } else if (g_str_equal(signal, "ActivationToken")) {
        g_free(entry->token);
        entry->token = g_strdup(text);
    } else if (g_str_equal(signal, "ActionInvoked") && g_str_equal(text, OPEN)) {
        g_autofree char *token = g_steal_pointer(&entry->token);

        notifier->funcs->on_opened(entry->notice, token, notifier->data);
    }
}

/* -- in and out ---------------------------------------------------------------------------------
 */

void
dm_agent_notifier_show(DmAgentNotifier *notifier, const char *key, const char *title,
                       const char *text, bool is_urgent, gpointer notice)
{
    Entry *entry = g_hash_table_lookup(notifier->entries, key);
    bool is_same = entry != NULL && (entry->is_wanted || entry->is_sending) &&
                   g_str_equal(entry->title, title) && g_str_equal(entry->text, text);

    if (entry == NULL) {
        entry = g_new0(Entry, 1);
        entry->notifier = notifier;
        entry->key = g_strdup(key);
        g_hash_table_insert(notifier->entries, entry->key, entry);
    } else {
        notifier->free_notice(entry->notice);
    }
    entry->notice = notice;
    entry->is_withdrawn = false;
    if (!is_same) {
        g_free(entry->title);
        g_free(entry->text);
        entry->title = g_strdup(title);
        entry->text = g_strdup(text);
        entry->is_urgent = is_urgent;
        entry->is_wanted = true;
    }
    pump(notifier);
}

void
dm_agent_notifier_withdraw(DmAgentNotifier *notifier, const char *key)
{
    Entry *entry = g_hash_table_lookup(notifier->entries, key);

    if (entry == NULL)
        return;
    entry->is_wanted = false;
    if (entry->is_sending) {
        entry->is_withdrawn = true;
        return;
    }
    if (entry->id != 0)
        close_notification(notifier, entry->id);
    g_hash_table_remove(notifier->entries, key);
}

DmAgentNotifier *
dm_agent_notifier_new(GDBusConnection *bus, const DmAgentNotifierFuncs *funcs, gpointer data,
                      GDestroyNotify free_notice)
{
    DmAgentNotifier *notifier = g_new0(DmAgentNotifier, 1);

    notifier->bus = bus;
    notifier->funcs = funcs;
    notifier->data = data;
    notifier->free_notice = free_notice;
    notifier->entries = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, entry_free);
    notifier->cancellable = g_cancellable_new();
    notifier->subscription = g_dbus_connection_signal_subscribe(
        bus, NAME, NAME, NULL, PATH, NULL, G_DBUS_SIGNAL_FLAGS_NONE, on_signal, notifier, NULL);
    notifier->watch = g_bus_watch_name_on_connection(bus, NAME, G_BUS_NAME_WATCHER_FLAGS_NONE,
                                                     on_appeared, on_vanished, notifier, NULL);
    return notifier;
}

void
dm_agent_notifier_free(DmAgentNotifier *notifier)
{
    if (notifier == NULL)
        return;
    g_cancellable_cancel(notifier->cancellable);
    g_object_unref(notifier->cancellable);
    g_bus_unwatch_name(notifier->watch);
    g_dbus_connection_signal_unsubscribe(notifier->bus, notifier->subscription);
    g_hash_table_unref(notifier->entries);
    g_free(notifier);
}
