/* SPDX-License-Identifier: MIT */

#include "broker/origin.h"

#include <string.h>

#include "dbus/tree-call.h"

/* Numbers of the header UserAgentOrigin (protocol.md section 4). */
static const struct {
    const char *word;
    const char *number;
} origins[] = {
    {"user", "1"},      {"schedule", "2"}, {"push", "3"}, {"login", "4"},
    {"enrolment", "5"}, {"csp", "6"},      {"api", "7"},  {DM_TREE_ORIGIN_UNENROLL, "6"},
};

const char *
dm_origin_to_number(const char *word)
{
    for (gsize i = 0; i < G_N_ELEMENTS(origins); i++)
        if (strcmp(origins[i].word, word) == 0)
            return origins[i].number;
    return NULL;
}
