/* SPDX-License-Identifier: MIT */
#pragma once

/* What the header UserAgentOrigin says for what caused a session (protocol.md section 4); NULL for
 * a word that says no cause. */
const char *dm_origin_to_number(const char *word);
