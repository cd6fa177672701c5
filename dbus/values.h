/* SPDX-License-Identifier: MIT */
#pragma once

#include <dbus/dbus.h>
#include <glib.h>
#include <stdbool.h>

#include "common/value.h"
#include "dbus/body.h"

/* Values of the tree on the wire, as the signature of their property wants them: a `value` for "s"
 * (chr), "b" (bool) or "i" (int), the strings of `list`, NULL-ended, for "as" (`value` unused).
 * Each false, and nothing appended, when the value is of another format, the number does not fit
 * 32 bits, or text is not valid (V7): libdbus would end the process. */

/* Appends a variant to a message of libdbus's: for one value this is the faster way. */
bool dm_values_append_variant(DBusMessageIter *iter, const char *signature, const DmValue *value,
                              const char *const *list);

/* Appends an entry `key` of an a{sv} to a body. */
bool dm_values_append_entry(DmBody *body, const char *key, const char *signature,
                            const DmValue *value, const char *const *list);
