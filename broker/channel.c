/* SPDX-License-Identifier: MIT */

#include "broker/channel.h"

#include "common/error.h"

#define CONNECT_TIMEOUT_MS 2000
#define RETRY_MS 100

struct DmChannel {
    char *path;
    GMainContext *context;
    DmTreeClient *client; /* NULL: lost */
    GQueue calls;         /* Call, in the order in which they were made */
    bool *gone;           /* set when freed inside fail_calls() */
    GSource *retry;       /* NULL: connected, or nothing to say */
    gint64 deadline_us;   /* of reconnecting; monotonic, local to this process */
};

typedef struct {
    DmChannel *channel;
    DBusMessage *message;
    DmTreeReplyFunc func; /* NULL: forgotten */
    gpointer data;
    guint n_sent;
    bool is_sent; /* over the connection that there is now */
} Call;

static void
call_free(Call *call)
{
    dbus_message_unref(call->message);
    g_free(call);
}

/* Takes the call off and tells who made it, who may free the channel: nothing after it. */
static void
call_finish(Call *call, DBusMessage *answer, const GError *error)
{
    DmTreeReplyFunc func = call->func;
    gpointer data = call->data;

    g_queue_remove(&call->channel->calls, call);
    call_free(call);
    if (func)
        func(answer, error, data);
}

static void start_reconnecting(DmChannel *channel);

static void
on_answer(DBusMessage *answer, const GError *error, gpointer data)
{
    Call *call = data;

    if (g_error_matches(error, DM_ERROR, DM_ERROR_DISCONNECTED) && call->n_sent < 2)
        start_reconnecting(call->channel);
    else
        call_finish(call, answer, error);
}

static void
call_send(Call *call)
{
    /* A message that was sent bears the serial of its first connection: send a copy. */
    DBusMessage *message = dbus_message_copy(call->message);

    call->n_sent++;
    call->is_sent = true;
    dm_tree_client_call_async(call->channel->client, message, on_answer, call);
    dbus_message_unref(message);
}

static void
on_lost(gpointer data)
{
    DmChannel *channel = data;

    if (!g_queue_is_empty(&channel->calls))
        start_reconnecting(channel);
    else
        g_clear_pointer(&channel->client, dm_tree_client_free);
}

/* Ends the calls that were sent `n_sent` times or more. False if a function freed the channel. */
static bool
fail_calls(DmChannel *channel, guint n_sent, const GError *error)
{
    guint n_calls = channel->calls.length; /* without those that functions make meanwhile */
    bool gone = false;

    channel->gone = &gone;
    for (guint i = 0; i < n_calls && !gone; i++) {
        Call *call = g_queue_pop_head(&channel->calls);

        if (call->n_sent < n_sent)
            g_queue_push_tail(&channel->calls, call);
        else
            call_finish(call, NULL, error);
    }
    if (!gone)
        channel->gone = NULL;
    return !gone;
}

static void
stop_retrying(DmChannel *channel)
{
    if (!channel->retry)
        return;
    g_source_destroy(channel->retry);
    g_clear_pointer(&channel->retry, g_source_unref);
}

static gboolean
on_retry(gpointer data)
{
    DmChannel *channel = data;
    g_autoptr(GError) error = NULL;

    channel->client = dm_tree_client_new(channel->path, CONNECT_TIMEOUT_MS, &error);
    if (!channel->client && g_get_monotonic_time() < channel->deadline_us)
        return G_SOURCE_CONTINUE;
    stop_retrying(channel);
    if (!channel->client) {
        error->code = DM_ERROR_DISCONNECTED;
        g_prefix_error(&error, "the tree went away and did not come back: ");
        fail_calls(channel, 0, error);
        return G_SOURCE_REMOVE;
    }
    dm_tree_client_attach(channel->client, channel->context, NULL, on_lost, channel);
    g_set_error(&error, DM_ERROR, DM_ERROR_DISCONNECTED, "%s: the tree went away twice",
                channel->path);
    if (!fail_calls(channel, 2, error))
        return G_SOURCE_REMOVE;
    for (GList *each = channel->calls.head; each; each = each->next)
        if (!((Call *)each->data)->is_sent)
            call_send(each->data);
    return G_SOURCE_REMOVE;
}

static void
start_reconnecting(DmChannel *channel)
{
    g_clear_pointer(&channel->client, dm_tree_client_free);
    for (GList *each = channel->calls.head; each; each = each->next)
        ((Call *)each->data)->is_sent = false;
    if (channel->retry)
        return;
    channel->deadline_us =
        g_get_monotonic_time() + DM_CHANNEL_RECONNECT_MS * G_GINT64_CONSTANT(1000);
    channel->retry = g_timeout_source_new(RETRY_MS);
    g_source_set_callback(channel->retry, on_retry, channel, NULL);
    g_source_attach(channel->retry, channel->context);
}

DmChannel *
dm_channel_new(const char *socket_path, GMainContext *context, GError **error)
{
    g_autoptr(GError) cause = NULL;
    DmTreeClient *client = dm_tree_client_new(socket_path, CONNECT_TIMEOUT_MS, &cause);
    DmChannel *channel;

    if (!client) {
        if (cause->code == DM_ERROR_NOT_FOUND)
            cause->code = DM_ERROR_DISCONNECTED;
        g_propagate_error(error, g_steal_pointer(&cause));
        return NULL;
    }
    channel = g_new0(DmChannel, 1);
    channel->path = g_strdup(socket_path);
    channel->context = g_main_context_ref(context ? context : g_main_context_default());
    channel->client = client;
    dm_tree_client_attach(client, channel->context, NULL, on_lost, channel);
    return channel;
}

void
dm_channel_free(DmChannel *channel)
{
    Call *call;

    if (!channel)
        return;
    if (channel->gone)
        *channel->gone = true;
    dm_tree_client_free(channel->client);
    stop_retrying(channel);
    while ((call = g_queue_pop_head(&channel->calls)))
        call_free(call);
    g_free(channel->path);
    g_main_context_unref(channel->context);
    g_free(channel);
}

void
dm_channel_call(DmChannel *channel, DBusMessage *message, DmTreeReplyFunc func, gpointer data)
{
    Call *call = g_new0(Call, 1);

    call->channel = channel;
    call->message = dbus_message_ref(message);
    call->func = func;
    call->data = data;
    g_queue_push_tail(&channel->calls, call);
    if (channel->client)
        call_send(call);
    else
        start_reconnecting(channel);
}

void
dm_channel_forget(DmChannel *channel, gpointer data)
{
    for (GList *each = channel->calls.head; each; each = each->next) {
        Call *call = each->data;

        if (call->data == data)
            call->func = NULL;
    }
}
