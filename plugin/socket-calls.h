/* SPDX-License-Identifier: MIT */
#pragma once

#include <dbus/dbus.h>
#include <stdbool.h>

#include "common/status.h"
#include "tree/tree.h"

/* The calls of the tree socket that concern the tree: everything but Hello. */

/* Carries out `call`, a method call of DM_TREE_INTERFACE, and returns the answer or error to send,
 * for dbus_message_unref(). What the call changed is on disk then (G2) and the tree's listeners
 * have been told (G4). `attends`: the caller runs sessions, and says itself when the one that ends
 * an enrolment is over (E2). */
DBusMessage *dm_socket_calls_answer(DmTree *tree, DBusMessage *call, bool attends);

/* The error answer for `status`, with a sentence for people. */
DBusMessage *dm_socket_calls_refuse(DBusMessage *call, DmStatus status, const char *sentence);
