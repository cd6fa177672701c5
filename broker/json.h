/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>
#include <stdbool.h>

/* JSON for what the broker says of itself. Layers above have a library for it; for these few lines
 * this is enough. Each function but dm_json_open() and dm_json_close() writes a member, or with a
 * NULL key an element, with the comma before it where one is needed. */

/* Opens an object ('{') or array ('['); dm_json_close() takes '}' or ']'. */
void dm_json_open(GString *json, const char *key, char bracket);
void dm_json_close(GString *json, char bracket);

/* Text that is not valid UTF-8 is made so; NULL is null. */
void dm_json_add_text(GString *json, const char *key, const char *text);
void dm_json_add_number(GString *json, const char *key, guint64 number);
