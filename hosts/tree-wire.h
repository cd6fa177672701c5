/* SPDX-License-Identifier: MIT */
#pragma once

#include <dbus/dbus.h>
#include <stddef.h>
#include <stdint.h>

#include "hosts/tree-client.h"

/* The messages of dbus/tree-call.h that modules in foreign processes need, made and read without
 * GLib. Each returns 0 or an errno value: EINVAL text that is not valid UTF-8 or holds a NUL (the
 * message would end the process in libdbus), or spans that are not valid; EMSGSIZE; EPROTO a
 * message that is not of the form; ENOMEM. What is returned through a pointer is untouched then. */

/* What must hold of a batch before it is sent. */
int dm_tree_wire_check(const DmCommand *commands, size_t n_commands);

/* Calls, for dbus_message_unref(). */
int dm_tree_wire_new_hello(DBusMessage **ret_call);
int dm_tree_wire_new_apply(const char *session, uint64_t message, int64_t uid,
                           const DmCommand *commands, size_t n_commands, DBusMessage **ret_call);
int dm_tree_wire_new_report(const char *provider, int64_t uid, const char *loc_uri, DmStatus status,
                            const char *reason, DBusMessage **ret_call);

/* The reply to a batch of `n_commands`; takes a reference of the message. */
int dm_tree_wire_read_reply(DBusMessage *answer, size_t n_commands, DmHostReply *ret_reply);
