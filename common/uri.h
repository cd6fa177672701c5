/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "common/status.h"

#define DM_URI_MAX_BYTES 1024
#define DM_URI_MAX_SEGMENTS 16

/* Which tree a LocURI names: the device's, or the one of the session's user (A1). */
typedef enum {
    DM_SCOPE_DEVICE,
    DM_SCOPE_USER,
} DmScope;

/* What may follow `?` (A3). */
typedef enum {
    DM_QUERY_NONE,
    DM_QUERY_LIST_STRUCT,
    DM_QUERY_LIST_STRUCT_DATA,
    DM_QUERY_PROP_FORMAT,
    DM_QUERY_PROP_NAME,
    DM_QUERY_PROP_TYPE,
    DM_QUERY_OTHER, /* known to nobody here: 406 */
} DmQuery;

/* A parsed LocURI. Points into itself: pass by pointer, never copy. */
typedef struct {
    DmScope scope;
    DmQuery query;
    guint n_segments;                          /* after the leading "." and the scope */
    const char *segments[DM_URI_MAX_SEGMENTS]; /* decoded, NUL-terminated, valid UTF-8 */
    gsize sizes[DM_URI_MAX_SEGMENTS];          /* bytes, without the NUL */
    char text[DM_URI_MAX_BYTES + 1];           /* holds the segments */
} DmUri;

/* Parses a LocURI as rules A1–A3 say; white space around it is trimmed. The scope defaults to the
 * device. OK, BAD_REQUEST or URI_TOO_LONG; `*ret_uri` is undefined unless OK. */
DmStatus dm_uri_parse(const char *text, DmUri *ret_uri);

/* Whether segment `index` exists and is `name` in any ASCII case (A2: Vendor, MSFT). */
bool dm_uri_segment_is(const DmUri *uri, guint index, const char *name);

/* Appends `segment` with every byte percent-encoded that a LocURI segment may not hold as such:
 * what interior Get returns (A4) and what builds a LocURI. */
void dm_uri_append_escaped(GString *uri, const char *segment);

/* Appends the element of a D-Bus object path for `segment`: bytes outside [A-Za-z0-9] as `_xx`,
 * lower-case hex; the empty segment is `_` (design section 5). */
void dm_path_append_escaped(GString *path, const char *segment);

/* Decodes `size` bytes of an object path element into `buffer` of `room` bytes, with a NUL. False
 * if dm_path_append_escaped would not have written exactly this, if it decodes to invalid UTF-8, or
 * if it does not fit; the buffer is undefined then. */
bool dm_path_decode(const char *element, gsize size, char *buffer, gsize room);

/* The same into memory of its own; NULL for false. Free with g_free(). */
char *dm_path_unescape(const char *element, gsize size);
