/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "common/clock.h"
#include "common/command.h"
#include "tree/schema.h"
#include "tree/store.h"

/* The tree: all providers of the device tree and of the users' trees, in memory; what is in memory
 * is what is on disk (M4). Not thread-safe: one owner, one main context. */
typedef struct DmTree DmTree;

/* One provider, in the device tree or in one user's tree. Borrowed from the tree, valid until the
 * next change. */
typedef struct DmProvider DmProvider;

/* A session that is over (tree/history.h). */
typedef struct DmHistoryEntry DmHistoryEntry;

typedef struct {
    const DmClock *clock;  /* NULL: the system's */
    const char *hw_dev_id; /* S6; NULL: the leaf is unset (404) */
    bool allow_http;       /* L1: addresses may be http, for loopback tests */
    const char *boot_id;   /* which boot the clock's boot_us counts from; NULL: not known */
    bool has_window;       /* P3: the maintenance window is chosen … */
    guint window_min;      /* … minutes after local midnight; else the machine's own */
} DmTreeOptions;

/* A tree over `store`, which it owns from now on and loads; NULL store: in memory only. NULL and
 * `error` if the store cannot be read. */
DmTree *dm_tree_new(DmStore *store, const DmTreeOptions *options, GError **error);
void dm_tree_free(DmTree *tree);

/* Takes what an administrator can change meanwhile of `options`: allow_http, has_window and
 * window_min. An address that is set stays. Where a session is due at another time now (P3),
 * listeners are told DM_CHANGE_SESSION. */
void dm_tree_set_options(DmTree *tree, const DmTreeOptions *options);

/* -- reading ------------------------------------------------------------------------------------
 */

/* All providers, sorted: device tree first, then users by uid, in each by id bytewise. Borrowed
 * array of `*ret_n`. */
DmProvider *const *dm_tree_get_providers(const DmTree *tree, gsize *ret_n);

/* The provider `id` (exact) of the device tree (`uid` ignored) or of `uid`'s tree; NULL if none. */
DmProvider *dm_tree_find_provider(const DmTree *tree, DmScope scope, guint32 uid, const char *id);

/* The same by A2: exact, else an ASCII case-insensitive match if it is unique. */
DmProvider *dm_tree_match_provider(const DmTree *tree, DmScope scope, guint32 uid, const char *id);

const char *dm_provider_get_id(const DmProvider *provider);
DmScope dm_provider_get_scope(const DmProvider *provider);
guint32 dm_provider_get_uid(const DmProvider *provider); /* user scope only */

/* Whether an interior node is present, or a leaf set. */
bool dm_provider_has(const DmProvider *provider, DmNodeId node);

/* The leaf's value, or its default while its parent is present; text borrowed. False if neither. */
bool dm_provider_get(const DmProvider *provider, DmNodeId node, DmValue *ret_value);

/* The same for a leaf of the root (DM_NODE_ROOT_…). */
bool dm_tree_get_root(const DmTree *tree, DmNodeId node, DmValue *ret_value);

/* -- changing -----------------------------------------------------------------------------------
 */

/* Runs a batch as one message: one durable commit (M1), Atomic and Sequence (M2, M3), exactly once
 * for `context->session` and `context->message`: a resend gets the reply that it got before and
 * runs nothing; BAD_REQUEST for each entry if a later message of the session has run already, or if
 * the resend has another number of entries. A batch that changes nothing writes nothing. Never
 * fails as a whole: whatever goes wrong is in the statuses. Free the reply with dm_reply_free().
 * Rules sections 1–3. */
DmReply *dm_tree_apply(DmTree *tree, const DmContext *context, const DmCommand *commands,
                       gsize n_commands);

typedef enum {
    DM_PROVISION_CHECK = 1 << 0, /* say what would come of it, change nothing */
} DmProvisionFlags;

/* Creates a provider with its settings and account data in one commit, all or nothing (W1–W3, V10).
 * `settings` are Replace and Add commands on nodes of `provider_id` (and
 * UpdateManagementServiceAddress); `account` as common/account.h, borrowed or NULL. The reply has
 * one result for each setting and one more, the last, for the whole: EXISTS if the provider exists,
 * BAD_REQUEST without an address, otherwise as the first bad setting (ROLLED_BACK those before it,
 * NOT_EXECUTED those after). Where the whole is OK, a setting that is not was ignored (W2, U3), and
 * its status says why: NOT_FOUND no such row, NOT_ALLOWED not to be provisioned. EnrollmentType is
 * "Device" unless a setting says otherwise (W3). */
DmReply *dm_tree_provision(DmTree *tree, const char *provider_id, GHashTable *account,
                           const DmCommand *settings, gsize n_settings, DmProvisionFlags flags);

/* -- telling others -----------------------------------------------------------------------------
 */

typedef enum {
    DM_CHANGE_VALUE,   /* a leaf reads differently, or is unset now */
    DM_CHANGE_ADDED,   /* an interior node is there, with its leaves; those below it are told too */
    DM_CHANGE_REMOVED, /* an interior node and all below it is gone */
    DM_CHANGE_SESSION, /* what tree/session.h tells of the provider */
    DM_CHANGE_PROGRESS, /* what tree/rules/first-sync.h tells of it */
} DmChangeKind;

typedef struct {
    DmChangeKind kind;
    DmScope scope;
    guint32 uid;                 /* user scope only */
    const char *provider;        /* id; NULL for a leaf of the root */
    DmNodeId node;               /* VALUE: a leaf. ADDED, REMOVED: an interior node, or PROVIDER */
    const DmHistoryEntry *ended; /* SESSION: the session that is over with this commit, borrowed for
                                    the call; NULL: none is */
} DmChange;

/* Called once after each commit that changed something, before dm_tree_apply() returns (G4): net
 * changes against the last commit, in the order of the table, providers in the order of
 * dm_tree_get_providers(). The tree may be read, not changed, meanwhile. */
typedef void (*DmTreeListener)(const DmChange *changes, gsize n_changes, gpointer data);
guint dm_tree_add_listener(DmTree *tree, DmTreeListener listener, gpointer data);
void dm_tree_remove_listener(DmTree *tree, guint id);

/* "ok"; "degraded" while there is no room on the disk: the last write was 420 (G6); "read-only"
 * after the disk failed (G5): everything is served, every write is 510. Const. */
const char *dm_tree_get_health(const DmTree *tree);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(DmTree, dm_tree_free)
