/* SPDX-License-Identifier: MIT */
#pragma once

/* The session agent: no window, only notifications of what desktop/agent-rules.h says is worth one.
 * One a session; another one ends at once. Runs until the session does. Returns the exit code. */
int dm_agent_run(void);
