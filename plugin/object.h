/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "tree/tree.h"

/* Object paths of the tree (design section 5): the root, Provider/<X>, its interior nodes, the same
 * below User/<uid>, and the levels in between, which carry nothing but the objects below them. */

/* Where a path leads. Borrows from the tree: valid until its next change. */
typedef struct {
    DmScope scope;
    guint32 uid;          /* user scope only */
    DmNodeId node;        /* an interior row; DM_NODE_NONE: the level above all users' trees */
    DmProvider *provider; /* at or below PROVIDER; otherwise NULL */
} DmObject;

/* Finds what is at `path`, a valid D-Bus object path; false, and nothing written, if there is no
 * such object now. A path has one spelling only. */
bool dm_object_find(const DmTree *tree, const char *path, DmObject *ret_object);

/* Whether it is an object with interfaces of its own rather than a level of the path. */
bool dm_object_is_real(const DmObject *object);

/* Appends the object's path. */
void dm_object_append_path(GString *path, const DmObject *object);

/* Whether interior `node` exists below (or is) the object's provider in its tree. */
bool dm_object_has_node(const DmObject *object, DmNodeId node);

/* Calls `func` with the path element of each child of the object, each once, in a stable order. */
typedef void (*DmObjectChildFunc)(const char *element, gpointer data);
void dm_object_foreach_child(const DmTree *tree, const DmObject *object, DmObjectChildFunc func,
                             gpointer data);
