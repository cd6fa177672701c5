/* SPDX-License-Identifier: MIT */

#include "broker/channel.h"

#include "common/error.h"
#include "common/source.h"

#define CONNECT_TIMEOUT_MS 2000

struct DmChannel {
    char *path;
    GMainContext *context;
    bool attends;
    DmChannelHandlers handlers; /* with `attends` */
    gpointer data;

    DmTreeClient *client; /* NULL: lost */
    bool is_ready;        /* calls can be sent over it */
    bool is_fresh;        /* nobody has tried to connect yet */
    bool is_told;         /* on_lost has been called since on_attended was */
    GQueue calls;         /* Call, in the order in which they were made */
    bool *gone;           /* set when freed inside fail_calls() */
    GSource *retry;       /* NULL: no attempt is to be made */
    guint pause_ms;       /* before the next one */
    guint patience_ms;    /* of calls that wait for a connection */
    GSource *patience;    /* NULL: no call waits for a connection */
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
start_source(DmChannel *channel, GSource **source, guint wait_ms, GSourceFunc func)
{
    dm_source_drop(source);
    *source = g_timeout_source_new(wait_ms);
    g_source_set_callback(*source, func, channel, NULL);
    g_source_attach(*source, channel->context);
}

/* -- calls ---------------------------------------------------------------------------------------
 */

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

static void lose(DmChannel *channel, const GError *reason);

static void
on_answer(DBusMessage *answer, const GError *error, gpointer data)
{
    Call *call = data;

    if (g_error_matches(error, DM_ERROR, DM_ERROR_DISCONNECTED) && call->n_sent < 2)
        lose(call->channel, error);
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

/* -- connecting ----------------------------------------------------------------------------------
 */

static gboolean on_retry(gpointer data);

/* Calls have waited long enough. Nobody tries any longer, unless the channel attends. */
static gboolean
on_impatient(gpointer data)
{
    DmChannel *channel = data;
    g_autoptr(GError) error = NULL;

    g_set_error(&error, DM_ERROR, DM_ERROR_DISCONNECTED,
                "%s: the tree went away and did not come back", channel->path);
    dm_source_drop(&channel->patience);
    if (!channel->attends) {
        dm_source_drop(&channel->retry);
        g_clear_pointer(&channel->client, dm_tree_client_free);
    }
    (void)fail_calls(channel, 0, error);
    return G_SOURCE_REMOVE;
}

/* Tries again after the pause; nothing after it, for the handler may free the channel. */
static void
lose(DmChannel *channel, const GError *reason)
{
    bool is_news = channel->attends && !channel->is_told;

    g_clear_pointer(&channel->client, dm_tree_client_free);
    channel->is_ready = false;
    for (GList *each = channel->calls.head; each; each = each->next)
        ((Call *)each->data)->is_sent = false;
    if (!channel->attends && g_queue_is_empty(&channel->calls))
        return;
    start_source(channel, &channel->retry, channel->pause_ms, on_retry);
    if (channel->attends)
        channel->pause_ms = MIN(channel->pause_ms * 2, DM_CHANNEL_MAX_PAUSE_MS);
    if (!channel->patience && !g_queue_is_empty(&channel->calls))
        start_source(channel, &channel->patience, channel->patience_ms, on_impatient);
    channel->is_told = channel->is_told || is_news;
    if (is_news)
        channel->handlers.on_lost(reason, channel->data);
}

static void
on_client_lost(gpointer data)
{
    DmChannel *channel = data;
    g_autoptr(GError) reason = NULL;

    g_set_error(&reason, DM_ERROR, DM_ERROR_DISCONNECTED, "%s: the tree closed the connection",
                channel->path);
    lose(channel, reason);
}

static void
on_client_signal(DBusMessage *signal, gpointer data)
{
    DmChannel *channel = data;

    if (channel->attends)
        channel->handlers.on_signal(signal, channel->data);
}

/* Sends what waits; nothing after it. */
static void
become_ready(DmChannel *channel)
{
    g_autoptr(GError) error = NULL;

    channel->is_ready = true;
    channel->is_told = false;
    channel->pause_ms = DM_CHANNEL_PAUSE_MS;
    dm_source_drop(&channel->patience);
    g_set_error(&error, DM_ERROR, DM_ERROR_DISCONNECTED, "%s: the tree went away twice",
                channel->path);
    if (!fail_calls(channel, 2, error))
        return;
    for (GList *each = channel->calls.head; each; each = each->next)
        if (!((Call *)each->data)->is_sent)
            call_send(each->data);
    if (channel->attends)
        channel->handlers.on_attended(channel->data);
}

static void
on_attended(DBusMessage *answer, const GError *error, gpointer data)
{
    if (error)
        lose(data, error);
    else
        become_ready(data);
}

static void
on_hello(DBusMessage *answer, const GError *error, gpointer data)
{
    DmChannel *channel = data;
    g_autoptr(DBusMessage) call = NULL;

    if (error) {
        lose(channel, error);
        return;
    }
    if (!channel->attends) {
        become_ready(channel);
        return;
    }
    call = dm_tree_client_new_call("Attend");
    dm_tree_client_call_async(channel->client, call, on_attended, channel);
}

static gboolean
on_retry(gpointer data)
{
    DmChannel *channel = data;
    g_autoptr(GError) error = NULL;

    dm_source_drop(&channel->retry);
    channel->is_fresh = false;
    channel->client = dm_tree_client_connect(channel->path, &error);
    if (!channel->client) {
        lose(channel, error);
        return G_SOURCE_REMOVE;
    }
    dm_tree_client_attach(channel->client, channel->context, on_client_signal, on_client_lost,
                          channel);
    dm_tree_client_say_hello(channel->client, on_hello, channel);
    return G_SOURCE_REMOVE;
}

/* -- life ----------------------------------------------------------------------------------------
 */

static DmChannel *
new_channel(const char *socket_path, GMainContext *context)
{
    DmChannel *channel = g_new0(DmChannel, 1);

    channel->path = g_strdup(socket_path);
    channel->context = g_main_context_ref(context ? context : g_main_context_default());
    channel->pause_ms = DM_CHANNEL_PAUSE_MS;
    channel->patience_ms = DM_CHANNEL_PATIENCE_MS;
    return channel;
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
    channel = new_channel(socket_path, context);
    channel->client = client;
    channel->is_ready = true;
    dm_tree_client_attach(client, channel->context, on_client_signal, on_client_lost, channel);
    return channel;
}

DmChannel *
dm_channel_new_lazy(const char *socket_path, GMainContext *context, guint patience_ms)
{
    DmChannel *channel = new_channel(socket_path, context);

    channel->patience_ms = patience_ms;
    channel->is_fresh = true;
    return channel;
}

DmChannel *
dm_channel_new_attending(const char *socket_path, GMainContext *context,
                         const DmChannelHandlers *handlers, gpointer data)
{
    DmChannel *channel = new_channel(socket_path, context);

    channel->attends = true;
    channel->handlers = *handlers;
    channel->data = data;
    start_source(channel, &channel->retry, 0, on_retry);
    return channel;
}

void
dm_channel_hurry(DmChannel *channel)
{
    channel->pause_ms = DM_CHANNEL_PAUSE_MS;
    if (channel->retry)
        start_source(channel, &channel->retry, 0, on_retry);
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
    dm_source_drop(&channel->retry);
    dm_source_drop(&channel->patience);
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
    if (channel->is_ready) {
        call_send(call);
        return;
    }
    if (!channel->patience)
        start_source(channel, &channel->patience, channel->patience_ms, on_impatient);
    if (!channel->retry && !channel->client)
        start_source(channel, &channel->retry, channel->is_fresh ? 0 : DM_CHANNEL_PAUSE_MS,
                     on_retry);
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
