/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>
#include <stdbool.h>

/* One linear look at an XML document before libxml2 gets it (private to syncml/): protocol.md
 * section 6 refuses here what libxml2 would take, or take too long over. Where this and libxml2
 * divide the bytes differently the document is malformed, and dm_xml_parse() ends libxml2 at its
 * first error. */

#define DM_SCAN_MAX_DEPTH 32

typedef struct {
    gsize max_bytes;
    gsize max_tag_bytes; /* from "<" to ">"; at most 65,535 */
    guint max_attributes;
    guint max_depth; /* at most DM_SCAN_MAX_DEPTH */
    guint max_elements;
} DmScanLimits;

typedef struct {
    gsize start;      /* where the document begins after byte order mark and XML declaration */
    guint start_line; /* the line of that, from 1 */
    guint n_elements;
} DmScanResult;

/* Checks `size` bytes: valid UTF-8 without NUL; no encoding declared but utf-8, or utf-16 over
 * UTF-8 bytes (the bytes win); no DOCTYPE, no processing instruction, no entity but the five of XML
 * and references to characters that XML 1.0 allows; no end of an element that did not begin; the
 * limits. False and DM_ERROR INVALID or TOO_LARGE, the message naming the line. */
bool dm_scan(const char *bytes, gsize size, const DmScanLimits *limits, DmScanResult *ret_result,
             GError **error);

/* The line, from 1, of `position` in `bytes`. */
guint dm_scan_get_line(const char *bytes, gsize position);
