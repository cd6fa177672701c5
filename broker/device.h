/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "common/command.h"
#include "common/uri.h"

/* The trees DevInfo and DevDetail (protocol.md section 7): read from the running system when asked,
 * never written, never made up: what the system does not tell is 404. */
typedef struct DmDevice DmDevice;

/* A device whose system's files are below `root` (NULL or "": the running system; tests give their
 * own); `dev_id` as fixed at enrolment. Both are copied. */
DmDevice *dm_device_new(const char *root, const char *dev_id);
void dm_device_free(DmDevice *device);

/* The leaf at `path`, such as "DevInfo/Man"; NULL if there is none or the system does not tell.
 * Free with g_free(). */
char *dm_device_get(const DmDevice *device, const char *path);

/* Whether the LocURI's first segment is one of the two trees. */
bool dm_device_has(const DmUri *uri);

/* Runs one verb on a LocURI of the two trees and appends its result, with items for a Get, to
 * `reply`: 404 for what is not there, 405 for every verb but Get, rules A3 and A4 for queries and
 * interior nodes. */
void dm_device_apply(const DmDevice *device, DmVerb verb, const DmUri *uri, DmReply *reply);

/* Who is logged in, as the alert LoginStatus of a session without a user says it (protocol.md
 * section 1): "others" while a person is, "none" otherwise. "user" is what a session with one says.
 * Const. */
const char *dm_device_get_login_status(const DmDevice *device);

/* The system's name for the server's query (protocol.md section 4), such as "Linux". Const. */
const char *dm_device_get_platform(void);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(DmDevice, dm_device_free)
