/* SPDX-License-Identifier: MIT */

#include "common/command.h"

#include <string.h>

static const char *const verb_names[] = {
    [DM_VERB_NONE] = "",           [DM_VERB_ADD] = "Add",           [DM_VERB_GET] = "Get",
    [DM_VERB_REPLACE] = "Replace", [DM_VERB_DELETE] = "Delete",     [DM_VERB_EXEC] = "Exec",
    [DM_VERB_ATOMIC] = "Atomic",   [DM_VERB_SEQUENCE] = "Sequence", [DM_VERB_COPY] = "Copy",
    [DM_VERB_SEARCH] = "Search",   [DM_VERB_MAP] = "Map",           [DM_VERB_PUT] = "Put",
    [DM_VERB_SYNC] = "Sync",       [DM_VERB_ALERT] = "Alert",       [DM_VERB_STATUS] = "Status",
    [DM_VERB_RESULTS] = "Results",
};

const char *
dm_verb_to_name(DmVerb verb)
{
    return verb_names[verb];
}

DmVerb
dm_verb_from_name(const char *name)
{
    for (guint i = DM_VERB_ADD; i < G_N_ELEMENTS(verb_names); i++)
        if (strcmp(verb_names[i], name) == 0)
            return (DmVerb)i;
    return DM_VERB_NONE;
}

bool
dm_batch_is_valid(const DmCommand *commands, gsize n_commands)
{
    gsize ends[DM_BATCH_MAX_DEPTH]; /* where each open container ends */
    guint depth = 0;

    if (n_commands > DM_BATCH_MAX)
        return false;
    for (gsize i = 0; i < n_commands; i++) {
        gsize limit;

        while (depth > 0 && ends[depth - 1] == i)
            depth--;
        if (commands[i].span == 0)
            continue;
        limit = depth == 0 ? n_commands : ends[depth - 1];
        if (commands[i].verb != DM_VERB_ATOMIC && commands[i].verb != DM_VERB_SEQUENCE)
            return false;
        if (commands[i].span >= limit - i || depth == DM_BATCH_MAX_DEPTH)
            return false;
        ends[depth++] = i + 1 + commands[i].span;
    }
    return true;
}
