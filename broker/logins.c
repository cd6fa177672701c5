/* SPDX-License-Identifier: MIT */

#include "broker/logins.h"

#include "common/error.h"
#include "common/log.h"

struct DmLogins {
    DmChannel *channel;
    void (*on_wanted)(const DmTreeSyncRequest *request, gpointer data);
    gpointer data;
    GQueue waiting; /* Login, as they came; the first is being told while `is_telling` */
    bool is_telling;
};

typedef struct {
    guint32 uid;
    bool is_new;
} Login;

static void
request_sessions(DmLogins *logins, guint32 uid, const char *const *providers)
{
    for (gsize i = 0; providers[i]; i++) {
        const DmTreeSyncRequest request = {
            .provider = providers[i], .session = "", .origin = DM_TREE_ORIGIN_LOGIN, .uid = uid};

        logins->on_wanted(&request, logins->data);
    }
}

static void
on_noted(DBusMessage *answer, const GError *error, gpointer data)
{
    DmLogins *logins = data;
    g_autofree Login *login = NULL;
    g_auto(GStrv) providers = NULL;

    logins->is_telling = false;
    if (g_error_matches(error, DM_ERROR, DM_ERROR_DISCONNECTED))
        return; /* dm_logins_tell() comes */
    login = g_queue_pop_head(&logins->waiting);
    providers = answer ? dm_tree_call_read_login(answer) : NULL;
    if (providers)
        request_sessions(logins, login->uid, (const char *const *)providers);
    else
        dm_log_warning("the tree does not say whether a login wants a session", "DM_CAUSE",
                       error ? error->message : "a malformed answer");
    dm_logins_tell(logins);
}

void
dm_logins_tell(DmLogins *logins)
{
    const Login *login = g_queue_peek_head(&logins->waiting);
    g_autoptr(DBusMessage) call = NULL;

    if (!login || logins->is_telling)
        return;
    logins->is_telling = true;
    call = dm_tree_call_new_note_login(login->uid, login->is_new);
    dm_channel_call(logins->channel, call, on_noted, logins);
}

void
dm_logins_note(DmLogins *logins, guint32 uid, bool is_new)
{
    Login *login;

    if (logins->waiting.length == DM_LOGINS_MAX) {
        dm_log_warning("too many logins wait for the tree: one is not told");
        return;
    }
    login = g_new(Login, 1);
    *login = (Login){uid, is_new};
    g_queue_push_tail(&logins->waiting, login);
    dm_logins_tell(logins);
}

DmLogins *
dm_logins_new(DmChannel *channel,
              void (*on_wanted)(const DmTreeSyncRequest *request, gpointer data), gpointer data)
{
    DmLogins *logins = g_new0(DmLogins, 1);

    logins->channel = channel;
    logins->on_wanted = on_wanted;
    logins->data = data;
    return logins;
}

void
dm_logins_free(DmLogins *logins)
{
    if (!logins)
        return;
    dm_channel_forget(logins->channel, logins);
    g_queue_clear_full(&logins->waiting, g_free);
    g_free(logins);
}
