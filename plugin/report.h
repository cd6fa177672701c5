/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>

#include "plugin/archive.h"
#include "tree/tree.h"

/* What an administrator or a help desk gets to see of the tree (CollectLogs): nothing in it is a
 * secret. Of values that are not for everybody there is a keyed digest, whose key is forgotten with
 * the archive: equal values can be told to be equal, and nothing else can. */

/* Adds what the plug-in knows: README.txt, status.txt, tree.txt and, for each provider,
 * history/NAME.txt. */
void dm_report_add(DmArchive *archive, DmTree *tree);
