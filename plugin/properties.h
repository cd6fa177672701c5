/* SPDX-License-Identifier: MIT */
#pragma once

#include <dbus/dbus.h>
#include <stdbool.h>

#include "plugin/interface.h"

/* Properties of an object, of either sort of interface, on their way into a message. */

/* What Get names. */
typedef struct {
    DmNodeId leaf;              /* of the node table; DM_NODE_NONE: one of the others */
    const DmNodeInterface *key; /* the object's own name; NULL: another */
    const DmInterface *interface;
    const DmProperty *property;
} DmPropertyRef;

typedef enum {
    DM_PROPERTY_FOUND,
    DM_PROPERTY_NO_INTERFACE,
    DM_PROPERTY_NO_PROPERTY,
} DmPropertyLookup;

/* Finds `name` of interface `interface` ("": whichever has it) on a real object. */
DmPropertyLookup dm_properties_find(const DmNodeInterfaces *interfaces, const DmObject *object,
                                    const char *interface, const char *name,
                                    DmPropertyRef *ret_ref);

/* Who may read it. */
DmReadClass dm_properties_get_read(const DmPropertyRef *ref);

/* The answer to a Get of it, without asking who reads; NULL if it is unset. */
DBusMessage *dm_properties_answer(DBusMessage *call, const DmTree *tree, const DmObject *object,
                                  const DmPropertyRef *ref);

/* Appends entries of an a{sv}: all that `caller` may read and that is set. */
void dm_properties_append_node(DmBody *body, const DmTree *tree, const DmObject *object,
                               const DmNodeInterface *interface, const DmCaller *caller);
void dm_properties_append_beside(DmBody *body, const DmTree *tree, const DmObject *object,
                                 const DmInterface *interface, const DmCaller *caller);

/* Appends an entry for one leaf; false, and nothing appended, if it is unset. */
bool dm_properties_append_leaf(DmBody *body, const DmTree *tree, const DmObject *object,
                               DmNodeId leaf);

/* Appends the object's interfaces with those properties: an a{sa{sv}}. */
void dm_properties_append_object(DmBody *body, const DmNodeInterfaces *interfaces,
                                 const DmTree *tree, const DmObject *object,
                                 const DmCaller *caller);
