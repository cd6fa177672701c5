/* SPDX-License-Identifier: MIT */
#pragma once

#include "desktop/agent-rules.h"
#include "desktop/model.h"

/* What a notification says, in the user's language: plain text, in which the name of the
 * organisation is the only thing that a server wrote. */

/* In a few words. Const. */
const char *dm_agent_words_title(const DmAgentFacts *facts, DmAgentTopic topic);

/* What has happened, and what the user can do. Free with g_free(). */
char *dm_agent_words_text(const DmModel *model, const char *provider, const DmAgentFacts *facts,
                          DmAgentTopic topic, gint64 now_us);
