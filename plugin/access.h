/* SPDX-License-Identifier: MIT */
#pragma once

#include <dbus/dbus.h>
#include <glib.h>
#include <stdbool.h>

#include "common/uri.h"
#include "plugin/polkit.h"
#include "tree/schema.h"

/* Who a caller is, what it may read and what it may do (security.md section 2). The uid behind a
 * unique name is asked of the bus without blocking, what that uid is authorised for of polkit; both
 * are remembered: the bus never gives a unique name twice. */

/* What polkit is asked about. */
typedef enum {
    DM_ACTION_READ_IDENTITY,
    DM_ACTION_READ_DETAILS,
    DM_ACTION_SYNC,
    DM_ACTION_RETRY_FIRST_SYNC,
    DM_ACTION_COLLECT_LOGS,
    DM_ACTION_DISCONNECT,
    DM_ACTION_RELOAD,
    DM_ACTION_N,
} DmAction;

/* "org.dmclient.DMClient1.read-identity" and so on, as in the actions file. Const. */
const char *dm_action_to_id(DmAction action);

/* Whether it stands for reading alone. */
bool dm_action_is_read(DmAction action);

typedef struct {
    bool is_known; /* false: the bus could not say; refused whatever is not open to all */
    bool is_root;  /* uid 0, or the service's own where that counts as root (V9) */
    guint32 uid;
    DmVerdict verdicts[DM_ACTION_N]; /* DM_VERDICT_NONE: not known */
} DmCaller;

/* Somebody of whom nothing is known: what goes to everyone is judged by it. */
extern const DmCaller dm_caller_anybody;

/* Whether `caller` may do what `action` stands for: root may, others by polkit's verdict. */
bool dm_caller_may(const DmCaller *caller, DmAction action);

/* The action that stands for reading values of `read`; DM_ACTION_N: none does. */
DmAction dm_action_of_read(DmReadClass read);

/* Whether `caller` may read values of `read` in the device tree, or in the tree of user `uid`. */
bool dm_caller_may_read(const DmCaller *caller, DmScope scope, guint32 uid, DmReadClass read);

/* Whether polkit's verdict would decide that, and is not known. */
bool dm_caller_must_ask(const DmCaller *caller, DmScope scope, guint32 uid, DmReadClass read);

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

/* Asks polkit whether `sender`, of `uid`, is authorised for `action`; with `interactive` a person
 * may be asked for a password. A verdict on reading that was given without a person is remembered,
 * until something changes at polkit; others never are. Otherwise as dm_access_ask(). */
typedef void (*DmVerdictFunc)(DmVerdict verdict, gpointer data);
bool dm_access_authorise(DmAccess *access, const char *sender, guint32 uid, DmAction action,
                         bool interactive, DmVerdictFunc func, gpointer data,
                         GDestroyNotify free_data);

/* Names remembered at most, and calls that may wait for an answer: of one name, of all. */
#define DM_ACCESS_MAX_NAMES 512
#define DM_ACCESS_MAX_WAITING_ONE 256
#define DM_ACCESS_MAX_WAITING_ALL 32768

/* Names remembered now. */
guint dm_access_get_size(const DmAccess *access);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(DmAccess, dm_access_free)
