/* SPDX-License-Identifier: MIT */
#pragma once

#include <gio/gio.h>
#include <stdbool.h>

/* Notifications by the desktop's service for them (org.freedesktop.Notifications on the session
 * bus), at most one a key. While there is no such service they wait; what it had shown when it went
 * away is not shown again. Asks nothing of it before there is something to show. */
typedef struct DmAgentNotifier DmAgentNotifier;

typedef struct {
    /* It is shown. `notice` is what dm_agent_notifier_show() was given, borrowed. */
    void (*on_shown)(gpointer notice, gpointer data);
    /* The user has clicked on it. `token`: lets a window come to the front; NULL: none. */
    void (*on_opened)(gpointer notice, const char *token, gpointer data);
} DmAgentNotifierFuncs;

/* `bus` and `data` are borrowed for its life, `funcs` is const. Free with
 * dm_agent_notifier_free(), which withdraws nothing. */
DmAgentNotifier *dm_agent_notifier_new(GDBusConnection *bus, const DmAgentNotifierFuncs *funcs,
                                       gpointer data, GDestroyNotify free_notice);
void dm_agent_notifier_free(DmAgentNotifier *notifier);

/* Shows plain text, in place of what the key has. Takes `notice`. Until it is shown the same text
 * again changes nothing. */
void dm_agent_notifier_show(DmAgentNotifier *notifier, const char *key, const char *title,
                            const char *text, bool is_urgent, gpointer notice);

/* Takes it away, if it is there. */
void dm_agent_notifier_withdraw(DmAgentNotifier *notifier, const char *key);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(DmAgentNotifier, dm_agent_notifier_free)
