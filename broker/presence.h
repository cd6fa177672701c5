/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>
#include <stdbool.h>

/* The broker on the system bus: it owns DM_BUS_BROKER_NAME, so that it can be activated and seen,
 * and hears when the tree's host comes. Nothing else is done there, and without a bus nothing is
 * missing. */
typedef struct DmPresence DmPresence;

/* Connects to `address` (NULL: the system bus) without blocking. `on_host` is called on `context`
 * (NULL: the default) whenever the host's name gets an owner. */
DmPresence *dm_presence_new(const char *address, GMainContext *context,
                            void (*on_host)(gpointer data), gpointer data);

/* NULL is fine. */
void dm_presence_free(DmPresence *presence);

/* Whether the name is ours, and if not why: in words, NULL not known. Borrowed. */
bool dm_presence_is_there(const DmPresence *presence, const char **ret_reason);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(DmPresence, dm_presence_free)
