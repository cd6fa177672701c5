/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

/* What a command on the tree ended with: the status codes of OMA DM (protocol.md section 2). A
 * refused command is data, never a GError. */
typedef enum {
#define DM_STATUS(code, id, name, text) DM_STATUS_##id = code,
#include "common/status.def"
#undef DM_STATUS
} DmStatus;

/* Whether `status` says that the command was carried out or accepted (2xx but 214, 215, 216). */
bool dm_status_is_good(DmStatus status);

/* Whether `code` is one of the table. */
bool dm_status_is_known(unsigned code);

/* The last part of the D-Bus error, such as "NotFound". Const; NULL for a code not in the table. */
const char *dm_status_to_name(DmStatus status);

/* The words for people, such as "not found". Const; NULL for a code not in the table. */
const char *dm_status_to_text(DmStatus status);

/* The D-Bus error name, "org.dmclient.DMClient1.Error.NotFound" (design section 5). Const; NULL for
 * a code not in the table. */
const char *dm_status_to_dbus_error(DmStatus status);

/* The status behind a D-Bus error name into `*ret_status`; false, and nothing written, when it is
 * none of ours. */
bool dm_status_from_dbus_error(const char *name, DmStatus *ret_status);
