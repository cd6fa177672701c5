/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "common/status.h"

#define DM_ADDRESSES_MAX 16
#define DM_ADDRESS_MAX_BYTES 2048

/* Parses the text of ManagementServiceAddress or ManagementServerAddressList: one bare URL, or one
 * or more `<URL>`; white space dropped, duplicates too, first kept (L1). OK and the list,
 * NULL-ended, at least one, for g_strfreev(); otherwise BAD_REQUEST and nothing written. */
DmStatus dm_addresses_parse(const char *text, bool allow_http, GStrv *ret_addresses);

/* The same list for reading what is stored, without judging it: never fails, may be empty. */
GStrv dm_addresses_split(const char *text);

/* The host of a URL that dm_addresses_parse took; NULL if there is none. Free with g_free(). */
char *dm_address_get_host(const char *url);
