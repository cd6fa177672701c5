/* SPDX-License-Identifier: MIT */
#pragma once

/* The Management Modules Interface, version of OSConfig's public header: what a module exports.
 * Payloads are UTF-8 JSON; those that come out are malloc'd, and end with a NUL that their size
 * does not count. 0 is success, otherwise an errno value, the payload NULL, its size 0. */

#define DM_MMI_EXPORT __attribute__((visibility("default")))

DM_MMI_EXPORT int MmiGetInfo(const char *client, char **payload, int *payload_bytes);
DM_MMI_EXPORT void *MmiOpen(const char *client, const unsigned int max_payload_bytes);
DM_MMI_EXPORT void MmiClose(void *session);
DM_MMI_EXPORT int MmiSet(void *session, const char *component, const char *object,
                         const char *payload, const int payload_bytes);
DM_MMI_EXPORT int MmiGet(void *session, const char *component, const char *object, char **payload,
                         int *payload_bytes);
DM_MMI_EXPORT void MmiFree(char *payload);
