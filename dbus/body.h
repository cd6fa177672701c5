/* SPDX-License-Identifier: MIT */
#pragma once

#include <dbus/dbus.h>
#include <glib.h>
#include <stdbool.h>

/* The arguments of a message, written in the wire's own format (D-Bus specification, "Marshaling")
 * and handed to libdbus whole. libdbus's own way of appending checks a signature and allocates at
 * every container: for the thousands of variants of a GetManagedObjects that is four times the work
 * of everything else. Here it checks once, all of it, and refuses what it does not like where its
 * appending would end the process.
 *
 * Whoever appends must keep to the signature that the message is made with. */
typedef struct DmBody DmBody;

DmBody *dm_body_new(void);
void dm_body_free(DmBody *body);

/* A string of one line as people may see it (dm_text_clean()); what is no valid text (V7) goes out
 * as the empty one. */
void dm_body_append_text(DmBody *body, const char *text);

/* A string or object path that is known to be valid, as it is. */
void dm_body_append_valid(DmBody *body, const char *text);

void dm_body_append_bool(DmBody *body, bool value);
void dm_body_append_int32(DmBody *body, gint32 value);
void dm_body_append_uint32(DmBody *body, guint32 value);
void dm_body_append_uint64(DmBody *body, guint64 value);

/* Begins a struct or an entry of a dictionary; its fields follow. */
void dm_body_begin_struct(DmBody *body);

/* Begins a variant; the one value of that signature follows. */
void dm_body_begin_variant(DmBody *body, const char *signature);

/* Begins an array: elements follow until it is ended. Structs, dictionary entries and 64 bit
 * numbers are wide. */
typedef struct {
    gsize length_at, start;
} DmBodyArray;

DmBodyArray dm_body_begin_array(DmBody *body, bool is_wide);
void dm_body_end_array(DmBody *body, DmBodyArray array);

/* The message with these arguments, which have `signature`; the body is empty then. NULL if it is
 * larger than the bus allows, or is not of that signature. Unref with dbus_message_unref(). */
DBusMessage *dm_body_to_reply(DmBody *body, DBusMessage *call, const char *signature);
DBusMessage *dm_body_to_signal(DmBody *body, const char *path, const char *interface,
                               const char *member, const char *signature);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(DmBody, dm_body_free)
