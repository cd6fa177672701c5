/* SPDX-License-Identifier: MIT */
#pragma once

#include <dbus/dbus.h>
#include <glib.h>
#include <stdbool.h>

#include "dbus/body.h"
#include "plugin/access.h"
#include "plugin/object.h"
#include "tree/rules/first-sync.h"
#include "tree/session.h"
#include "tree/tree.h"

/* What objects have: the interfaces of the node table, derived from it, and those beside it, which
 * are const tables. Serving, signals and introspection are all read from these two. */

/* -- interfaces beside the node table -----------------------------------------------------------
 */

/* What org.freedesktop.DBus.Property.EmitsChangedSignal says of a property. */
typedef enum { DM_EMITS_VALUE, DM_EMITS_INVALIDATES, DM_EMITS_CONST } DmEmits;

/* "true", "invalidates", "const". Const. */
const char *dm_emits_to_name(DmEmits emits);

/* What holds for a property of `read` on the object: its value goes out only where everybody may
 * see it, otherwise it is named (security.md section 2). */
DmEmits dm_emits_get(const DmObject *object, DmReadClass read, DmEmits emits);

typedef struct DmProperty DmProperty;
struct DmProperty {
    const char *name;
    const char *signature;
    DmReadClass read;
    DmEmits emits;
    gsize offset; /* into the interface's state, where `append` wants one */
    /* Appends the value, without the variant around it. */
    void (*append)(DmBody *body, const DmProperty *property, const void *state);
    const char *doc; /* what it means, a sentence or two, for docs/dbus.md */
};

typedef struct {
    const char *name; /* NULL ends a list */
    const char *signature;
    bool out;
} DmArgument;

/* A call under way. */
typedef struct {
    struct DmObjects *objects;
    DBusMessage *message;
    DmObject *object;
    const DmCaller *caller; /* NULL: not asked yet */
    DBusMessage *reply;     /* what the method makes */
    DmAction need;          /* with DM_CALL_ASK: the verdict that is needed; DM_ACTION_N: none, only
                               who it is */
    bool interactive;       /* with it: a person may be asked */
} DmCall;

typedef enum {
    DM_CALL_DONE,  /* the reply is there, an error too */
    DM_CALL_ASK,   /* more must be known of the caller: it is called again then, from the start */
    DM_CALL_LATER, /* the method kept the message, and will reply by itself */
} DmCallResult;

/* An error that a method answers with beside those of its arguments and authorisation. */
typedef struct {
    const char *name; /* NULL ends a list */
    const char *doc;  /* when, for docs/dbus.md */
} DmMethodError;

typedef struct {
    const char *name;
    const DmArgument *arguments; /* in, then out; NULL: none */
    DmCallResult (*call)(DmCall *call);
    const char *doc;             /* as of a property */
    DmAction action;             /* what the caller must be authorised for; DM_ACTION_N: nothing */
    bool is_heavy;               /* may take long: callers take turns (G8) */
    const DmMethodError *errors; /* NULL: none */
} DmMethod;

typedef struct {
    const char *name;
    const DmArgument *arguments;
    const char *doc;
} DmSignal;

/* Room for what any interface shows, filled by its `load`; text borrowed from the tree. */
typedef union {
    struct {
        const DmTree *tree;
        const char *version;
        const char *health;
        bool is_managed;
    } manager;
    DmSessionInfo session;
    DmFirstSyncProgress progress;
} DmState;

typedef struct {
    const char *name;
    bool (*is_on)(const DmObject *object); /* which objects have it; where it is one of ours, by
                                              scope and node alone */
    const DmMethod *methods;               /* each list ended by a NULL name; NULL: none */
    const DmSignal *signals;
    const DmProperty *properties;
    /* Reads what the properties show, all in one; NULL where there are none. */
    void (*load)(const DmTree *tree, const DmObject *object, DmState *state);
    void (*clear)(DmState *state); /* NULL: nothing to clear */
    /* An interface of ours rather than of the bus: listed among an object's own by ObjectManager.
     */
    bool is_own;
    const char *doc;
} DmInterface;

/* All of them, ended by NULL. */
extern const DmInterface *const dm_interfaces[];

extern const DmInterface dm_interface_introspectable;
extern const DmInterface dm_interface_peer;
extern const DmInterface dm_interface_properties;
extern const DmInterface dm_interface_object_manager;
extern const DmInterface dm_interface_manager;
extern const DmInterface dm_interface_session;
extern const DmInterface dm_interface_progress;

/* The interface `name` if `object` has it; otherwise NULL. */
const DmInterface *dm_interface_find(const DmObject *object, const char *name);

/* The method or property `name` of it; NULL if there is none. */
const DmMethod *dm_interface_find_method(const DmInterface *interface, const char *name);
const DmProperty *dm_interface_find_property(const DmInterface *interface, const char *name);

/* For `append` of a property: const char *, gint64 µs (none negative) and bool at its offset. */
void dm_property_append_text(DmBody *body, const DmProperty *property, const void *state);
void dm_property_append_time(DmBody *body, const DmProperty *property, const void *state);
void dm_property_append_bool(DmBody *body, const DmProperty *property, const void *state);

/* Whether `signature` is that of the arguments that go in. */
bool dm_method_takes(const DmMethod *method, const char *signature);

/* -- interfaces of the node table ---------------------------------------------------------------
 */

/* One for each interior row that is an object. */
typedef struct {
    DmNodeId node;
    char *name;          /* "org.dmclient.DMClient1.Poll" */
    char *key;           /* "ProviderID", which is the object's own name and no leaf; NULL: none */
    const char *key_doc; /* as of a property */
    guint reads;         /* the read classes of its properties, as bits */
    guint n_leaves;
    DmNodeId leaves[]; /* those that are properties, in the table's order */
} DmNodeInterface;

/* Derived once from the schema. */
typedef struct DmNodeInterfaces DmNodeInterfaces;

DmNodeInterfaces *dm_node_interfaces_new(void);
void dm_node_interfaces_free(DmNodeInterfaces *interfaces);

/* That of interior `node`; NULL if it is no object. Borrowed. */
const DmNodeInterface *dm_node_interfaces_find(const DmNodeInterfaces *interfaces, DmNodeId node);

/* The interface at `index`, in the table's order; NULL past the last: there are at most 32. */
const DmNodeInterface *dm_node_interfaces_get(const DmNodeInterfaces *interfaces, guint index);

/* Whether the object's tree has the leaf: users' trees have only some (A1). */
bool dm_node_interface_shows(const DmObject *object, DmNodeId leaf);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(DmNodeInterfaces, dm_node_interfaces_free)
