/* SPDX-License-Identifier: MIT */
#pragma once

#include <dbus/dbus.h>

#include "plugin/polkit.h"

/* The messages between us and polkit's authority, as its interface has them. */

#define DM_POLKIT_NAME "org.freedesktop.PolicyKit1"
#define DM_POLKIT_PATH "/org/freedesktop/PolicyKit1/Authority"
#define DM_POLKIT_INTERFACE "org.freedesktop.PolicyKit1.Authority"

/* The call that asks whether the unique name `sender` may do `action`. A person is asked if need be
 * where `cancellation`, an id of this connection's choice, is not NULL. Unref the result. */
DBusMessage *dm_polkit_wire_new_check(const char *sender, const char *action,
                                      const char *cancellation);

/* The call to the authority `owner` that ends the question with the id `cancellation`; it is not
 * answered, and starts nobody. Unref the result. */
DBusMessage *dm_polkit_wire_new_cancel(const char *owner, const char *cancellation);

/* What `answer` says; DM_VERDICT_NONE if it is an error or malformed. */
DmVerdict dm_polkit_wire_read_verdict(DBusMessage *answer);

/* Why `answer` decides nothing, for people. Free with g_free(). */
char *dm_polkit_wire_make_fault(DBusMessage *answer);
