/* SPDX-License-Identifier: MIT */
#pragma once

#include <dbus/dbus.h>
#include <glib.h>
#include <stdbool.h>

#include "dbus/body.h"
#include "plugin/interface.h"

/* What methods have in common: reading their arguments, asking whether the caller may, replying now
 * or later. Nobody but the export includes it. */

/* An error reply. `detail` NULL: no reason to name it. What callers sent is quoted only if short.
 */
DBusMessage *dm_call_new_error(DBusMessage *call, const char *name, const char *sentence,
                               const char *detail);

/* The error reply that says what failed: ….Error.NotFound for DM_ERROR_NOT_FOUND and so on. */
DBusMessage *dm_call_new_failure(DBusMessage *call, const GError *error);

/* The reply with that body; an error where it is too large for one message. */
DBusMessage *dm_call_finish_reply(DBusMessage *call, DmBody *body, const char *signature);

/* The reply of a method that answers nothing. */
DBusMessage *dm_call_new_empty_reply(DBusMessage *call);

/* An option that a method knows; a list ends with a NULL name. */
typedef struct {
    const char *name;
    bool value; /* of the one type that there is so far, b */
} DmOption;

/* Reads the last argument of a call, a{sv}; false after an error reply: none that is not known, or
 * has another type, is passed over in silence. */
bool dm_call_read_options(DmCall *call, DmOption *options);

/* Reads `o a{sv}`: the path, borrowed; NULL after an error reply. */
const char *dm_call_read_path(DmCall *call, DmOption *options);

/* Whether the caller, who must be known, is authorised. Otherwise dm_call_get_result() says what
 * the method returns: that polkit must be asked, or that there is an error reply. */
bool dm_call_authorise(DmCall *call, DmAction action);
DmCallResult dm_call_get_result(const DmCall *call);

/* A call that is replied to later. Where the bus has gone away meanwhile its reply goes nowhere: on
 * the next bus its caller's name may be somebody else's. */
typedef struct DmLater DmLater;

DmLater *dm_later_new(const DmCall *call);
void dm_later_free(DmLater *later);

/* Reply; once. The descriptor stays the caller's. */
void dm_later_reply(DmLater *later, DmBody *body, const char *signature);
void dm_later_reply_fd(DmLater *later, int fd);
void dm_later_fail(DmLater *later, const GError *error);
