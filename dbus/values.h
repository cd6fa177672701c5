/* SPDX-License-Identifier: MIT */
#pragma once

#include <dbus/dbus.h>
#include <glib.h>
#include <stdbool.h>

#include "common/value.h"

/* Values on the wire: variants of the signatures that properties have, and a{sv}. libdbus aborts
 * the process on invalid UTF-8 and bad object paths, so what is appended is checked first; running
 * out of memory ends the process, as it does in GLib. */

/* Appends a variant: a `value` of signature "s" (chr), "b" (bool) or "i" (int), or for "as" the
 * strings of `list`, NULL-ended (`value` unused). False, and nothing appended, when the value is of
 * another format, the number does not fit 32 bits, or text is not valid (V7). */
bool dm_values_append_variant(DBusMessageIter *iter, const char *signature, const DmValue *value,
                              const char *const *list);

/* The same as an entry `key` of an open a{sv}; `key` is ASCII. */
bool dm_values_append_entry(DBusMessageIter *dict, const char *key, const char *signature,
                            const DmValue *value, const char *const *list);

/* Appends a variant of one basic type: `value` points to what libdbus wants for it. Text that is
 * not valid, from outside or not, goes out as the empty string; an object path must be a valid one.
 */
void dm_values_append_basic(DBusMessageIter *iter, int type, const void *value);

/* Text as a plain argument, not a variant; what is not valid goes out as the empty string. */
void dm_values_append_text(DBusMessageIter *iter, const char *text);

/* Further plain arguments; an object path must be a valid one. */
void dm_values_append_path(DBusMessageIter *iter, const char *path);
void dm_values_append_number(DBusMessageIter *iter, guint32 number);

/* Containers that cannot fail: open one, and close it again. */
void dm_values_open(DBusMessageIter *iter, int type, const char *signature,
                    DBusMessageIter *ret_inner);
void dm_values_close(DBusMessageIter *iter, DBusMessageIter *inner);

/* Opens an entry of an a{sX} with its key, for a value that is appended to `*ret_entry`. */
void dm_values_open_entry(DBusMessageIter *dict, const char *key, DBusMessageIter *ret_entry);
