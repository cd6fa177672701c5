/* SPDX-License-Identifier: MIT */
#pragma once

#include <dbus/dbus.h>
#include <glib.h>
#include <stdbool.h>

#include "dbus/names.h"

/* polkit, asked over the bus without blocking whether a caller may do something (security.md
 * section 2). Nothing is remembered here: that is the caller's. */

/* What came of a question. Only DM_VERDICT_YES lets anybody do anything. */
typedef enum {
    DM_VERDICT_NONE,      /* nobody could say: no, and not to be remembered */
    DM_VERDICT_NO,        /* no; also: the person asked did not answer, or the caller left */
    DM_VERDICT_CHALLENGE, /* no, but a person could say yes */
    DM_VERDICT_YES,
} DmVerdict;

/* The authority on one connection. */
typedef struct DmPolkit DmPolkit;

/* Learns without blocking who the authority on `connection` is. `on_changed` (NULL: none) is called
 * from the main context whenever verdicts given before may not hold any more: polkit said so, or
 * another process is the authority now. References the connection. */
DmPolkit *dm_polkit_new(DBusConnection *connection, void (*on_changed)(gpointer data),
                        gpointer data);

/* Drops all questions under way: their functions are not called, their data is freed, dialogs that
 * are open for them are closed. Not from within a DmPolkitFunc or on_changed. NULL is fine. */
void dm_polkit_free(DmPolkit *polkit);

/* Asks whether the unique name `sender`, which is of `uid`, is authorised for `action`; with
 * `interactive` a person is asked if it takes one. `func` is called once, from the main context,
 * never before this returns; then `data` is freed. The same question asked twice is sent once;
 * questions of different users are sent in turn. False, and `free_data` not called, if `sender` is
 * no unique name, too many questions wait or the connection is gone. */
typedef void (*DmPolkitFunc)(DmVerdict verdict, gpointer data);
bool dm_polkit_check(DmPolkit *polkit, const char *sender, guint32 uid, const char *action,
                     bool interactive, DmPolkitFunc func, gpointer data, GDestroyNotify free_data);

/* How long a question may take, from dm_polkit_check() on, that a machine decides, and how long a
 * person may take over a dialog. */
#define DM_POLKIT_ANSWER_MS 5000
#define DM_POLKIT_PERSON_MS 120000

/* Questions sent and not answered: all (the system bus lets a connection wait for 128 replies),
 * those that wait for a person, and those of one user's that do. Whoever finds no place for a
 * dialog is told that a person could say yes. */
#define DM_POLKIT_MAX_ASKED 64
#define DM_POLKIT_MAX_PERSONS 32
#define DM_POLKIT_MAX_PERSONS_OF_USER 4

/* Callers that may wait: for one question, of one user, of all. */
#define DM_POLKIT_MAX_WAITING_ONE 64
#define DM_POLKIT_MAX_WAITING_OF_USER 1024
#define DM_POLKIT_MAX_WAITING_ALL 4096

/* Other limits than those above, for tests. */
void dm_polkit_set_limits(DmPolkit *polkit, int answer_ms, int person_ms);

/* Questions sent and not answered now. */
guint dm_polkit_get_n_asked(const DmPolkit *polkit);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(DmPolkit, dm_polkit_free)
