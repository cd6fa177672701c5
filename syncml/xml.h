/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>
#include <libxml/parser.h>
#include <stdbool.h>

#include "syncml/scan.h"

/* libxml2's SAX2 with the precautions of protocol.md section 6 (private to syncml/): dm_scan()
 * first, no network, no entity to expand, errors kept and not printed, no global state of libxml2
 * changed. */

/* A document being parsed. Made part (the first) of what a handler keeps; a handler's `ctx` is a
 * pointer to it. */
typedef struct {
    xmlParserCtxtPtr context;
    const char *source; /* the bytes that libxml2 was given */
    gsize size;
    guint n_elements; /* start tags in it */
    GError *error;
} DmXml;

/* Called as libxml2 does. */
typedef struct {
    startElementNsSAX2Func on_start;
    endElementNsSAX2Func on_end;
    charactersSAXFunc on_text; /* CDATA too; NULL: not wanted */
} DmXmlHandler;

/* Name of the element that dm_xml_parse() puts around the bytes with `wrap`. */
#define DM_XML_WRAPPER "fragment"

/* Parses `size` bytes, calling `handler` with `xml`. With `wrap` there may be several elements one
 * after another: an element of ours stands around them. False and DM_ERROR INVALID or TOO_LARGE,
 * the message naming the line; what the handler was called with before that is not to be used. */
bool dm_xml_parse(DmXml *xml, const char *bytes, gsize size, const DmScanLimits *limits, bool wrap,
                  const DmXmlHandler *handler, GError **error);

/* Ends the parsing from within a handler; the line is put in front. The first call counts. */
void dm_xml_fail(DmXml *xml, int code, const char *format, ...) G_GNUC_PRINTF(3, 4);

/* The line that the parser is at. */
guint dm_xml_get_line(const DmXml *xml);

/* Where in `source` the parser is: within a start handler the ">" or "/>" of the tag, within an end
 * handler after the end tag. */
gsize dm_xml_get_position(const DmXml *xml);
