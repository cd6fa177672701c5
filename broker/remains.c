/* SPDX-License-Identifier: MIT */

#include "broker/remains.h"

#include <string.h>

#include "broker/keys.h"
#include "common/log.h"

struct DmRemains {
    DmChannel *channel;
    char *key_directory;
    GHashTable *ended; /* thumbprint → gint64 µs: when the enrolment ended */
    GHashTable *asked; /* those of them that the tree is being asked about; NULL: none */
};

DmRemains *
dm_remains_new(DmChannel *channel, const char *key_directory)
{
    DmRemains *remains = g_new0(DmRemains, 1);

    remains->channel = channel;
    remains->key_directory = g_strdup(key_directory);
    remains->ended = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    return remains;
}

void
dm_remains_free(DmRemains *remains)
{
    if (!remains)
        return;
    dm_channel_forget(remains->channel, remains);
    g_clear_pointer(&remains->asked, g_hash_table_unref);
    g_hash_table_unref(remains->ended);
    g_free(remains->key_directory);
    g_free(remains);
}

/* -- removing ------------------------------------------------------------------------------------
 */

static void
drop_used(DmRemains *remains, const GPtrArray *providers)
{
    for (guint i = 0; i < providers->len; i++) {
        const DmTreeProvider *provider = providers->pdata[i];

        for (gsize j = 0; provider->thumbprints[j]; j++)
            g_hash_table_remove(remains->asked, provider->thumbprints[j]);
    }
}

static void
remove_rest(DmRemains *remains)
{
    GHashTableIter iter;
    gpointer thumbprint, done_us;

    g_hash_table_iter_init(&iter, remains->asked);
    while (g_hash_table_iter_next(&iter, &thumbprint, &done_us)) {
        g_autoptr(GError) error = NULL;

        if (!dm_keys_remove(remains->key_directory, thumbprint, *(gint64 *)done_us, &error))
            dm_log_warning("the key of an enrolment that has ended could not be removed",
                           "DM_CAUSE", error->message);
    }
}

static void ask(DmRemains *remains);

static void
on_providers(DBusMessage *answer, const GError *error, gpointer data)
{
    DmRemains *remains = data;
    g_autoptr(GPtrArray) providers = NULL;
    DBusMessageIter iter;

    if (answer && dbus_message_iter_init(answer, &iter))
        providers = dm_wire_read_providers(&iter);
    /* Without an answer nothing is removed: dm_remains_look() finds them again. */
    if (providers) {
        drop_used(remains, providers);
        remove_rest(remains);
    } else {
        dm_log_warning("the tree does not say which certificates are in use: none is removed",
                       "DM_CAUSE", error ? error->message : "a malformed answer");
    }
    g_clear_pointer(&remains->asked, g_hash_table_unref);
    ask(remains);
}

/* Asks about what was noted up to now; what is noted meanwhile is for the next time. */
static void
ask(DmRemains *remains)
{
    g_autoptr(DBusMessage) call = NULL;

    if (remains->asked || g_hash_table_size(remains->ended) == 0)
        return;
    remains->asked = g_steal_pointer(&remains->ended);
    remains->ended = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    call = dm_tree_client_new_call("GetProviders");
    dm_channel_call(remains->channel, call, on_providers, remains);
}

/* -- noting --------------------------------------------------------------------------------------
 */

static void
note(DmRemains *remains, const char *thumbprint, gint64 done_us)
{
    gint64 *copy;

    if (*thumbprint == '\0')
        return;
    copy = g_new(gint64, 1);
    *copy = done_us;
    g_hash_table_replace(remains->ended, g_strdup(thumbprint), copy);
}

void
dm_remains_note(DmRemains *remains, const char *thumbprint, gint64 done_us)
{
    note(remains, thumbprint, done_us);
    ask(remains);
}

static void
next_basic(DBusMessageIter *iter, void *ret_value)
{
    dbus_message_iter_get_basic(iter, ret_value);
    dbus_message_iter_next(iter);
}

static void
on_unenrollments(DBusMessage *answer, const GError *error, gpointer data)
{
    DmRemains *remains = data;
    DBusMessageIter iter, array;

    if (!answer || !dbus_message_has_signature(answer, "a(sxxsss)"))
        return;
    dbus_message_iter_init(answer, &iter);
    dbus_message_iter_recurse(&iter, &array);
    while (dbus_message_iter_get_arg_type(&array) != DBUS_TYPE_INVALID) {
        const char *provider, *by, *reason, *thumbprint;
        dbus_int64_t requested_us, done_us;
        DBusMessageIter fields;

        dbus_message_iter_recurse(&array, &fields);
        next_basic(&fields, &provider);
        next_basic(&fields, &requested_us);
        next_basic(&fields, &done_us);
        next_basic(&fields, &by);
        next_basic(&fields, &reason);
        next_basic(&fields, &thumbprint);
        if (done_us > 0)
            note(remains, thumbprint, done_us);
        dbus_message_iter_next(&array);
    }
    ask(remains);
}

void
dm_remains_look(DmRemains *remains)
{
    g_autoptr(DBusMessage) call = dm_tree_client_new_call("GetUnenrollments");

    dm_channel_call(remains->channel, call, on_unenrollments, remains);
}
