/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>
#include <stdbool.h>

/* What a server wrote, judged before it becomes something to click on (security.md section 3). */

/* A link that passed. */
typedef struct {
    char *uri;
    char *host;     /* as in the address, names of other scripts in their ASCII form; "" if none */
    bool is_secure; /* what goes there cannot be read on the way */
} DmLink;

void dm_link_free(DmLink *link);

/* A web page: https or http, with a host, no user name, and no characters that an address has only
 * to deceive. NULL if it is not one; then it is text. Free with dm_link_free(). */
DmLink *dm_link_from_web(const char *text);

/* A phone number: digits and "+ ().-" only. */
DmLink *dm_link_from_phone(const char *text);

/* One mail address, nothing behind it. */
DmLink *dm_link_from_mail(const char *text);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(DmLink, dm_link_free)
