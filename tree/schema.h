/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "common/command.h"
#include "common/uri.h"
#include "common/value.h"

/* The node table in memory: const, derived from tree/nodes.def. */

typedef enum {
#define DM_NODE(id, ...) DM_NODE_##id,
#include "tree/nodes.def"
#undef DM_NODE
    DM_NODE_N,
    DM_NODE_NONE = DM_NODE_N,
} DmNodeId;

typedef enum {
    DM_OP_ADD = 1 << 0,
    DM_OP_GET = 1 << 1,
    DM_OP_REPLACE = 1 << 2,
    DM_OP_DELETE = 1 << 3,
    DM_OP_EXEC = 1 << 4,
} DmOps;

typedef enum { DM_OCCURRENCE_ONE, DM_OCCURRENCE_ZERO_OR_ONE } DmOccurrence;
typedef enum { DM_NODE_PERMANENT, DM_NODE_DYNAMIC } DmNodeScope;
typedef enum { DM_ROOTS_DEVICE, DM_ROOTS_BOTH } DmRoots;

/* Who may read a node on the bus (security.md section 2). */
typedef enum {
    DM_READ_PUBLIC,
    DM_READ_IDENTITY,
    DM_READ_DETAILS,
    DM_READ_ROOT,
    DM_READ_NONE, /* not on the bus */
} DmReadClass;

/* Which topic's rules a row keeps beside the generic checks; tree/rules/rule.h has what they do. */
typedef enum {
    DM_RULE_NONE,
    DM_RULE_ADDRESS,         /* L1 */
    DM_RULE_ADDRESS_LIST,    /* L1, empty unsets */
    DM_RULE_ADDRESS_UPDATE,  /* L6 */
    DM_RULE_VERSION,         /* S1 */
    DM_RULE_ENROLLMENT_TYPE, /* Device or Full */
    DM_RULE_HTTPS_URL,       /* L7 */
    DM_RULE_POLL,            /* P2 */
    DM_RULE_EXPECTED_LIST,   /* F1, F2 */
    DM_RULE_FINISHED,        /* F2 */
    DM_RULE_SYNC_DONE,       /* F3 */
    DM_RULE_PROVISIONED,     /* F4 */
    DM_RULE_CERTIFICATE,     /* S4 */
    DM_RULE_LINES,           /* text of several lines, which people see as such */
    DM_RULE_N,
} DmRuleId;

/* One row of the table. */
typedef struct {
    const char *name; /* last segment; "{ProviderID}" for the one dynamic name, "" the root */
    const char *path; /* all segments, "Provider/{ProviderID}/Poll"; "" for the root */
    DmNodeId parent;  /* DM_NODE_NONE for the root */
    DmFormat format;  /* CHR, INT, BOOL, NODE or NULL */
    DmOps ops;        /* a server session's verbs */
    DmOccurrence occurrence;
    DmNodeScope scope;
    const char *default_text; /* NULL: none */
    gint64 minimum, maximum;  /* INT */
    gsize cap;                /* CHR, bytes */
    const char *allowed;      /* in words; NULL: nothing beyond the format */
    DmRoots roots;
    DmReadClass read;
    const char *dbus;  /* property type; "" an object; NULL not on the bus */
    const char *added; /* the version of Windows that brought it */
    DmRuleId rule;
    const char *doc; /* one line */
    gint slot;       /* leaves below a provider: index of the value; otherwise -1 */
} DmNode;

/* Row `id`, which is not NONE. Const. */
const DmNode *dm_schema_get(DmNodeId id);

/* Number of leaves below a provider: slots 0 to this - 1. */
guint dm_schema_get_n_slots(void);

static inline bool
dm_node_is_interior(const DmNode *node)
{
    return node->format == DM_FORMAT_NODE;
}

/* The child of `parent` called by `size` bytes of `name` (exact); the dynamic child if `parent` is
 * the Provider node; NONE if there is none. One hash of the name, one comparison. */
DmNodeId dm_schema_find_child(DmNodeId parent, const char *name, gsize size);

/* The row that `uri` names, DM_NODE_NONE if there is none (A1, A2: Vendor and MSFT in any case).
 * The segment that names a provider is `uri->segments[DM_SCHEMA_PROVIDER_SEGMENT]` for rows at or
 * below DM_NODE_PROVIDER. A user-scope LocURI finds only rows whose roots are BOTH. */
DmNodeId dm_schema_find(const DmUri *uri);
#define DM_SCHEMA_PROVIDER_SEGMENT 4

/* The row whose path (`path` of DmNode) is `path`, for files; NONE if there is none. */
DmNodeId dm_schema_find_path(const char *path);

/* The row after the last one below `id`: rows stand in the order of a walk through the tree, so
 * what is below `id` is `id` + 1 to this - 1. DM_NODE_N after the last row. */
DmNodeId dm_schema_get_end(DmNodeId id);

/* Whether `node` is `ancestor` or below it. */
bool dm_schema_is_below(DmNodeId node, DmNodeId ancestor);

/* The default of a leaf into `*ret_value` (text borrowed from the table); false if it has none. */
bool dm_schema_get_default(DmNodeId id, DmValue *ret_value);

/* Appends the canonical LocURI of a row: "./Device/Vendor/MSFT/DMClient/…" or "./User/…", with
 * `provider` escaped in the place of the dynamic name (NULL where the row has none). */
void dm_schema_append_loc_uri(GString *loc_uri, DmScope scope, DmNodeId id, const char *provider);
