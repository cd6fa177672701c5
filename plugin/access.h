/* SPDX-License-Identifier: MIT */
#pragma once

#include <dbus/dbus.h>
#include <glib.h>
#include <stdbool.h>

#include "common/uri.h"
#include "tree/schema.h"

/* Who a caller is, and what it may read (security.md section 2). The uid behind a unique name is
 * asked of the bus without blocking and remembered: the bus never gives a unique name twice. */

typedef struct {
    bool is_known; /* false: the bus could not say; refused whatever is not open to all */
    bool is_root;  /* uid 0, or the service's own where that counts as root (V9) */
    guint32 uid;
} DmCaller;

/* Somebody of whom nothing is known: what goes to everyone is judged by it. */
extern const DmCaller dm_caller_anybody;

/* Whether `caller` may read values of `read` in the device tree, or in the tree of user `uid`. */
bool dm_caller_may_read(const DmCaller *caller, DmScope scope, guint32 uid, DmReadClass read);

/* The callers on one connection. Made anew for each connection, so that nothing is remembered over
 * a restart of the bus. */
typedef struct DmAccess DmAccess;

/* `own_uid_is_root`: outside the system instance. References the connection. */
DmAccess *dm_access_new(DBusConnection *connection, bool own_uid_is_root);

/* Drops all questions under way: their functions are not called, their data is freed. */
void dm_access_free(DmAccess *access);

/* What is remembered of the unique name `sender` into `*ret_caller`; false if it must be asked. */
bool dm_access_find(DmAccess *access, const char *sender, DmCaller *ret_caller);

/* Asks the bus about `sender`, which dm_access_find() did not know; `func` is called once, from the
 * main context, with what the answer was. Questions about one name are asked once. False, and
 * `free_data` not called, if too many wait already. */
typedef void (*DmAccessFunc)(const DmCaller *caller, gpointer data);
bool dm_access_ask(DmAccess *access, const char *sender, DmAccessFunc func, gpointer data,
                   GDestroyNotify free_data);

/* Names remembered at most, and calls that may wait for an answer: of one name, of all. */
#define DM_ACCESS_MAX_NAMES 512
#define DM_ACCESS_MAX_WAITING_ONE 64
#define DM_ACCESS_MAX_WAITING_ALL 4096

/* Names remembered now. */
guint dm_access_get_size(const DmAccess *access);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(DmAccess, dm_access_free)
