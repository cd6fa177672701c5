/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>
#include <stdbool.h>

/* Looks at a payload before a JSON library reads it. json-glib takes more than JSON (comments,
 * single quotes, hexadecimal numbers), makes -1 of a large number, cuts text at an escaped NUL,
 * takes half a surrogate pair for a character, and reads nested arrays until the stack is used up.
 */

/* How deep arrays and objects may stand in each other; the model needs three. */
#define DM_MMI_SCAN_MAX_DEPTH 8

/* Whether `size` bytes of `text` are one JSON value (RFC 8259) in UTF-8 without NUL, escaped or
 * not, its numbers integers of at most 18 digits, within DM_MMI_SCAN_MAX_DEPTH. Where they are,
 * `*ret_n_members` says how many members its objects have in all. Otherwise `*ret_problem` says in
 * words (const) what is wrong, and `*ret_offset` at which byte. */
bool dm_mmi_scan(const char *text, gsize size, gsize *ret_n_members, const char **ret_problem,
                 gsize *ret_offset);
