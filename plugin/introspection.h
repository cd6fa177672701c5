/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>

#include "plugin/interface.h"

/* The introspection document of an object or of a level of the path: its interfaces, as the node
 * table and the const tables have them, and the names of the objects below it. Free with g_free().
 */
char *dm_introspection_build(const DmNodeInterfaces *interfaces, const DmTree *tree,
                             const DmObject *object);

/* The document of all interfaces of ours as objects of the device tree have them, with their docs
 * as annotations: what others may rely on (design section 5). Free with g_free(). */
char *dm_introspection_build_contract(const DmNodeInterfaces *interfaces);
