/* SPDX-License-Identifier: MIT */

#include "syncml/xml.h"

#include <libxml/parserInternals.h>
#include <string.h>

#include "common/error.h"

/* Keeps the first fatal error and ends the parsing. Undeclared prefixes and the like are not fatal:
 * real servers send them. */
static void
on_error(void *data, xmlErrorPtr error)
{
    DmXml *xml = data;
    g_autofree char *message = NULL;

    if (error->level != XML_ERR_FATAL || xml->error != NULL)
        return;
    message = g_utf8_make_valid(error->message == NULL ? "malformed XML" : error->message, -1);
    xml->error =
        g_error_new(DM_ERROR, DM_ERROR_INVALID, "line %d: %s", error->line, g_strstrip(message));
    /* What follows may be anything but what the scan saw. xmlStopParser() is for SAX handlers: it
     * frees the input that libxml2 is in the middle of. */
    xml->context->disableSAX = 1;
    xml->context->instate = XML_PARSER_EOF;
}

void
dm_xml_fail(DmXml *xml, int code, const char *format, ...)
{
    g_autofree char *message = NULL;
    va_list args;

    if (xml->error != NULL)
        return;
    va_start(args, format);
    message = g_strdup_vprintf(format, args);
    va_end(args);
    xml->error = g_error_new(DM_ERROR, code, "line %u: %s", dm_xml_get_line(xml), message);
    xmlStopParser(xml->context);
}

guint
dm_xml_get_line(const DmXml *xml)
{
    return xml->context->input == NULL ? 0 : (guint)xml->context->input->line;
}

gsize
dm_xml_get_position(const DmXml *xml)
{
    glong position = xmlByteConsumed(xml->context);

    return position < 0 ? 0 : (gsize)position;
}

/* Runs libxml2 over `xml->source`, whose first line is `line`. */
static void
run(DmXml *xml, guint line, const DmXmlHandler *handler)
{
    xmlSAXHandler sax = {
        .initialized = XML_SAX2_MAGIC,
        .startElementNs = handler->on_start,
        .endElementNs = handler->on_end,
        .characters = handler->on_text,
        .ignorableWhitespace = handler->on_text,
        .cdataBlock = handler->on_text,
        .serror = on_error,
    };

    xml->context = xmlCreateMemoryParserCtxt(xml->source, (int)xml->size);
    if (xml->context == NULL) {
        xml->error = g_error_new(DM_ERROR, DM_ERROR_INVALID, "line %u: no element", line);
        return;
    }
    /* NOENT: without it "&amp;" in an attribute is handed over as "&#38;". There is no DOCTYPE, so
     * there is no entity to expand. */
    xmlCtxtUseOptions(xml->context, XML_PARSE_NONET | XML_PARSE_NOENT);
    *xml->context->sax = sax;
    xml->context->userData = xml;
    xml->context->input->line = (int)line;
    (void)xmlParseDocument(xml->context);
    if (!xml->context->wellFormed && xml->error == NULL)
        xml->error = g_error_new(DM_ERROR, DM_ERROR_INVALID, "line %u: malformed XML", line);
    xmlFreeParserCtxt(g_steal_pointer(&xml->context));
}

bool
dm_xml_parse(DmXml *xml, const char *bytes, gsize size, const DmScanLimits *limits, bool wrap,
             const DmXmlHandler *handler, GError **error)
{
    g_autoptr(GString) wrapped = NULL;
    DmScanResult scanned;

    if (size == 0)
        bytes = ""; /* NULL is fine */
    if (!dm_scan(bytes, size, limits, &scanned, error))
        return false;
    xml->source = bytes + scanned.start;
    xml->size = size - scanned.start;
    xml->n_elements = scanned.n_elements;
    if (wrap) {
        wrapped = g_string_sized_new(xml->size + 2 * sizeof(DM_XML_WRAPPER) + 8);
        g_string_append(wrapped, "<" DM_XML_WRAPPER ">");
        g_string_append_len(wrapped, xml->source, (gssize)xml->size);
        g_string_append(wrapped, "</" DM_XML_WRAPPER ">");
        xml->source = wrapped->str;
        xml->size = wrapped->len;
    }
    run(xml, scanned.start_line, handler);
    xml->source = NULL;
    if (xml->error != NULL) {
        g_propagate_error(error, g_steal_pointer(&xml->error));
        return false;
    }
    return true;
}
