/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>

#include "desktop/agent-rules.h"

/* What the session agent has told this user already, by provider (a path): a key file below
 * XDG_STATE_HOME, beside the viewer's own, so that the next login repeats nothing. Without it, or
 * with one that cannot be read or written, everything is as at the first time. */
typedef struct DmAgentMemory DmAgentMemory;

/* Never fails. Free with dm_agent_memory_free(). */
DmAgentMemory *dm_agent_memory_open(void);
void dm_agent_memory_free(DmAgentMemory *memory);

/* What is remembered of a provider; all 0 if nothing. */
DmAgentRecord dm_agent_memory_get(const DmAgentMemory *memory, const char *provider);

/* Remembers it; writes nothing if nothing has changed. */
void dm_agent_memory_set(DmAgentMemory *memory, const char *provider, const DmAgentRecord *record);

/* Forgets who is not among these, NULL at the end. Returns whom, to be freed with g_strfreev(). */
GStrv dm_agent_memory_forget_others(DmAgentMemory *memory, const char *const *providers);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(DmAgentMemory, dm_agent_memory_free)
