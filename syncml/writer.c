/* SPDX-License-Identifier: MIT */

#include "syncml/writer.h"

#include <string.h>

#define ROOT_START "<SyncML xmlns=\"SYNCML:SYNCML1.2\">"
#define METINF "xmlns=\"syncml:metinf\""

struct DmWriter {
    char *bytes;
    gsize size, capacity;
    guint next_cmd_id;
    bool in_message; /* SyncML is open, not SyncBody alone */
    bool in_body;
};

DmWriter *
dm_writer_new(void)
{
    return g_new0(DmWriter, 1);
}

void
dm_writer_free(DmWriter *writer)
{
    if (writer == NULL)
        return;
    g_free(writer->bytes);
    g_free(writer);
}

gsize
dm_writer_get_size(const DmWriter *writer)
{
    return writer->size;
}

DmWriterMark
dm_writer_get_mark(const DmWriter *writer)
{
    return (DmWriterMark){writer->size, writer->next_cmd_id};
}

void
dm_writer_go_back(DmWriter *writer, DmWriterMark mark)
{
    g_assert(writer->in_body && mark.size <= writer->size);
    writer->size = mark.size;
    writer->next_cmd_id = mark.cmd_id;
}

/* -- bytes ------------------------------------------------------------------------------------ */

static char *
reserve(DmWriter *writer, gsize size)
{
    if (G_UNLIKELY(writer->capacity - writer->size < size)) {
        writer->capacity = MAX(writer->size + size, MAX(2 * writer->capacity, 4096));
        writer->bytes = g_realloc(writer->bytes, writer->capacity);
    }
    return writer->bytes + writer->size;
}

static inline void
append(DmWriter *writer, const char *text, gsize size)
{
    memcpy(reserve(writer, size), text, size);
    writer->size += size;
}

/* A literal, whose size the compiler knows. */
#define APPEND(writer, literal) append(writer, "" literal, sizeof(literal) - 1)

/* What XML would read as markup, and a carriage return that it would lose. */
static const guint8 special[256] = {['&'] = 1, ['<'] = 2, ['>'] = 3, ['\r'] = 4};
static const char *const escapes[] = {NULL, "&amp;", "&lt;", "&gt;", "&#13;"};

/* Text with that escaped. */
static void
append_text(DmWriter *writer, const char *text, gsize size)
{
    const char *end = text + size;

    while (text < end) {
        const char *run = text;

        while (text < end && special[(guchar)*text] == 0)
            text++;
        append(writer, run, (gsize)(text - run));
        if (text < end) {
            const char *escape = escapes[special[(guchar)*text++]];

            append(writer, escape, strlen(escape));
        }
    }
}

gsize
dm_writer_fit_text(const char *text, gsize size, gsize limit)
{
    gsize taken = 0, n = 0;

    while (n < size) {
        const char *escape = escapes[special[(guchar)text[n]]];
        gsize step =
            escape != NULL ? 1 : MIN((gsize)(g_utf8_next_char(text + n) - text) - n, size - n);

        taken += escape != NULL ? strlen(escape) : step;
        if (taken > limit)
            break;
        n += step;
    }
    return n;
}

static void
append_string(DmWriter *writer, const char *text)
{
    append_text(writer, text, strlen(text));
}

static void
append_number(DmWriter *writer, guint64 number)
{
    char digits[20];
    gsize at = sizeof(digits);

    do {
        digits[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number != 0);
    append(writer, digits + at, sizeof(digits) - at);
}

/* <Name>text</Name>, if there is a text. */
#define APPEND_ELEMENT(writer, name, text)                                                         \
    do {                                                                                           \
        const char *element_text = (text);                                                         \
                                                                                                   \
        if (element_text != NULL) {                                                                \
            APPEND(writer, "<" name ">");                                                          \
            append_string(writer, element_text);                                                   \
            APPEND(writer, "</" name ">");                                                         \
        }                                                                                          \
    } while (0)

#define APPEND_NUMBER(writer, name, number)                                                        \
    do {                                                                                           \
        APPEND(writer, "<" name ">");                                                              \
        append_number(writer, number);                                                             \
        APPEND(writer, "</" name ">");                                                             \
    } while (0)

/* The same for a child of Meta, which is of another namespace. */
#define APPEND_METINF(writer, name, text)                                                          \
    do {                                                                                           \
        const char *element_text = (text);                                                         \
                                                                                                   \
        if (element_text != NULL) {                                                                \
            APPEND(writer, "<" name " " METINF ">");                                               \
            append_string(writer, element_text);                                                   \
            APPEND(writer, "</" name ">");                                                         \
        }                                                                                          \
    } while (0)

#define APPEND_METINF_NUMBER(writer, name, number)                                                 \
    do {                                                                                           \
        gint64 element_number = (number);                                                          \
                                                                                                   \
        if (element_number >= 0) {                                                                 \
            APPEND(writer, "<" name " " METINF ">");                                               \
            append_number(writer, (guint64)element_number);                                        \
            APPEND(writer, "</" name ">");                                                         \
        }                                                                                          \
    } while (0)

/* -- parts, in the order of the DTDs ---------------------------------------------------------- */

#define APPEND_PLACE(writer, name, uri, loc_name)                                                  \
    do {                                                                                           \
        if ((uri) != NULL || (loc_name) != NULL) {                                                 \
            APPEND(writer, "<" name ">");                                                          \
            APPEND_ELEMENT(writer, "LocURI", uri);                                                 \
            APPEND_ELEMENT(writer, "LocName", loc_name);                                           \
            APPEND(writer, "</" name ">");                                                         \
        }                                                                                          \
    } while (0)

static void
append_item(DmWriter *writer, const DmItem *item)
{
    APPEND(writer, "<Item>");
    APPEND_PLACE(writer, "Target", item->target_uri, item->target_name);
    APPEND_PLACE(writer, "Source", item->source_uri, item->source_name);
    if (item->format != NULL || item->type != NULL || item->mark != NULL || item->size >= 0) {
        APPEND(writer, "<Meta>");
        APPEND_METINF(writer, "Format", item->format);
        APPEND_METINF(writer, "Type", item->type);
        APPEND_METINF(writer, "Mark", item->mark);
        APPEND_METINF_NUMBER(writer, "Size", item->size);
        APPEND(writer, "</Meta>");
    }
    if (item->data != NULL) {
        APPEND(writer, "<Data>");
        append_text(writer, item->data, item->data_size);
        APPEND(writer, "</Data>");
    }
    if (item->more_data)
        APPEND(writer, "<MoreData/>");
    APPEND(writer, "</Item>");
}

static void
append_auth_meta(DmWriter *writer, const DmAuthElement *auth)
{
    if (auth->format == NULL && auth->type == NULL && auth->next_nonce == NULL)
        return;
    APPEND(writer, "<Meta>");
    APPEND_METINF(writer, "Format", auth->format);
    APPEND_METINF(writer, "Type", auth->type);
    APPEND_METINF(writer, "NextNonce", auth->next_nonce);
    APPEND(writer, "</Meta>");
}

static void
append_chal(DmWriter *writer, const DmAuthElement *chal)
{
    if (chal == NULL || !chal->present)
        return;
    APPEND(writer, "<Chal>");
    append_auth_meta(writer, chal);
    APPEND(writer, "</Chal>");
}

static void
append_header(DmWriter *writer, const DmHeader *header)
{
    APPEND(writer, "<SyncHdr>");
    APPEND_ELEMENT(writer, "VerDTD", header->ver_dtd);
    APPEND_ELEMENT(writer, "VerProto", header->ver_proto);
    APPEND_ELEMENT(writer, "SessionID", header->session_id);
    APPEND_ELEMENT(writer, "MsgID", header->msg_id);
    APPEND_PLACE(writer, "Target", header->target_uri, header->target_name);
    APPEND_PLACE(writer, "Source", header->source_uri, header->source_name);
    APPEND_ELEMENT(writer, "RespURI", header->resp_uri);
    if (header->no_resp)
        APPEND(writer, "<NoResp/>");
    if (header->cred.present) {
        APPEND(writer, "<Cred>");
        append_auth_meta(writer, &header->cred);
        APPEND_ELEMENT(writer, "Data", header->cred.data);
        APPEND(writer, "</Cred>");
    }
    if (header->max_msg_size >= 0 || header->max_obj_size >= 0) {
        APPEND(writer, "<Meta>");
        APPEND_METINF_NUMBER(writer, "MaxMsgSize", header->max_msg_size);
        APPEND_METINF_NUMBER(writer, "MaxObjSize", header->max_obj_size);
        APPEND(writer, "</Meta>");
    }
    APPEND(writer, "</SyncHdr>");
}

/* -- messages --------------------------------------------------------------------------------- */

void
dm_writer_begin(DmWriter *writer, const DmHeader *header, guint first_cmd_id)
{
    g_assert(writer->size == 0);
    APPEND(writer, ROOT_START);
    append_header(writer, header);
    dm_writer_begin_body(writer, first_cmd_id);
    writer->in_message = true;
}

void
dm_writer_begin_body(DmWriter *writer, guint first_cmd_id)
{
    g_assert(!writer->in_body);
    APPEND(writer, "<SyncBody>");
    writer->in_body = true;
    writer->in_message = false;
    writer->next_cmd_id = first_cmd_id;
}

GBytes *
dm_writer_end(DmWriter *writer, bool final)
{
    GBytes *bytes;

    g_assert(writer->in_body);
    if (final)
        APPEND(writer, "<Final/>");
    APPEND(writer, "</SyncBody>");
    if (writer->in_message)
        APPEND(writer, "</SyncML>");
    bytes = g_bytes_new_take(g_steal_pointer(&writer->bytes), writer->size);
    *writer = (DmWriter){0};
    return bytes;
}

void
dm_writer_status(DmWriter *writer, const char *msg_ref, const char *cmd_ref, const char *cmd,
                 const char *const *target_refs, gsize n_target_refs, const DmAuthElement *chal,
                 unsigned code)
{
    APPEND(writer, "<Status>");
    APPEND_NUMBER(writer, "CmdID", writer->next_cmd_id++);
    APPEND_ELEMENT(writer, "MsgRef", msg_ref);
    APPEND_ELEMENT(writer, "CmdRef", cmd_ref);
    APPEND_ELEMENT(writer, "Cmd", cmd);
    for (gsize i = 0; i < n_target_refs; i++)
        APPEND_ELEMENT(writer, "TargetRef", target_refs[i]);
    append_chal(writer, chal);
    APPEND_NUMBER(writer, "Data", code);
    APPEND(writer, "</Status>");
}

static void
append_result_item(DmWriter *writer, const DmResultItem *result)
{
    DmItem item = {
        .source_uri = result->loc_uri,
        .format = result->format == DM_FORMAT_CHR ? NULL : dm_format_to_name(result->format),
        .size = -1,
        .data = result->data,
        .data_size = result->data_size,
    };

    append_item(writer, &item);
}

void
dm_writer_results(DmWriter *writer, const char *msg_ref, const char *cmd_ref,
                  const DmResultItem *items, gsize n_items)
{
    dm_writer_begin_results(writer, msg_ref, cmd_ref);
    dm_writer_add_results(writer, items, n_items);
    dm_writer_end_results(writer);
}

void
dm_writer_begin_results(DmWriter *writer, const char *msg_ref, const char *cmd_ref)
{
    APPEND(writer, "<Results>");
    APPEND_NUMBER(writer, "CmdID", writer->next_cmd_id++);
    APPEND_ELEMENT(writer, "MsgRef", msg_ref);
    APPEND_ELEMENT(writer, "CmdRef", cmd_ref);
}

void
dm_writer_add_results(DmWriter *writer, const DmResultItem *items, gsize n_items)
{
    for (gsize i = 0; i < n_items; i++)
        append_result_item(writer, &items[i]);
}

void
dm_writer_add_results_chunk(DmWriter *writer, const DmResultItem *result, gsize offset, gsize size,
                            gint64 total, bool has_more)
{
    DmItem item = {
        .source_uri = result->loc_uri,
        .format = result->format == DM_FORMAT_CHR ? NULL : dm_format_to_name(result->format),
        .size = total,
        .more_data = has_more,
        .data = result->data + offset,
        .data_size = size,
    };

    append_item(writer, &item);
}

void
dm_writer_end_results(DmWriter *writer)
{
    APPEND(writer, "</Results>");
}

void
dm_writer_alert(DmWriter *writer, unsigned code, const DmItem *item)
{
    APPEND(writer, "<Alert>");
    APPEND_NUMBER(writer, "CmdID", writer->next_cmd_id++);
    APPEND_NUMBER(writer, "Data", code);
    if (item != NULL)
        append_item(writer, item);
    APPEND(writer, "</Alert>");
}

void
dm_writer_replace(DmWriter *writer, const DmItem *items, gsize n_items)
{
    APPEND(writer, "<Replace>");
    APPEND_NUMBER(writer, "CmdID", writer->next_cmd_id++);
    for (gsize i = 0; i < n_items; i++)
        append_item(writer, &items[i]);
    APPEND(writer, "</Replace>");
}

/* -- what was read ---------------------------------------------------------------------------- */

#define APPEND_REFS(writer, name, refs)                                                            \
    do {                                                                                           \
        for (guint ref = 0; (refs) != NULL && ref < (refs)->len; ref++)                            \
            APPEND_ELEMENT(writer, name, g_ptr_array_index(refs, ref));                            \
    } while (0)

/* The start tag and all of the element but what is inside an Atomic or Sequence. */
static void
append_element_start(DmWriter *writer, const DmMessage *message, const DmElement *element)
{
    APPEND(writer, "<");
    append(writer, element->name, strlen(element->name));
    APPEND(writer, ">");
    APPEND_ELEMENT(writer, "CmdID", element->cmd_id);
    APPEND_ELEMENT(writer, "MsgRef", element->msg_ref);
    APPEND_ELEMENT(writer, "CmdRef", element->cmd_ref);
    APPEND_ELEMENT(writer, "Cmd", element->cmd);
    if (element->no_resp)
        APPEND(writer, "<NoResp/>");
    APPEND_REFS(writer, "TargetRef", element->target_refs);
    APPEND_REFS(writer, "SourceRef", element->source_refs);
    append_chal(writer, &element->chal);
    APPEND_ELEMENT(writer, "Data", element->data);
    APPEND_ELEMENT(writer, "Correlator", element->correlator);
    for (guint i = 0; i < element->n_items; i++)
        append_item(writer, dm_message_get_item(message, element, i));
}

static void
append_element_end(DmWriter *writer, const DmElement *element)
{
    APPEND(writer, "</");
    append(writer, element->name, strlen(element->name));
    APPEND(writer, ">");
}

void
dm_writer_element(DmWriter *writer, const DmMessage *message, gsize index)
{
    const DmElement *open[DM_BATCH_MAX_DEPTH];
    gsize ends[DM_BATCH_MAX_DEPTH];
    const gsize end = index + 1 + dm_message_get(message, index)->span;
    guint n_open = 0;

    for (gsize i = index; i < end; i++) {
        const DmElement *element = dm_message_get(message, i);

        append_element_start(writer, message, element);
        if (element->span > 0) {
            g_assert(n_open < DM_BATCH_MAX_DEPTH);
            open[n_open] = element;
            ends[n_open++] = i + 1 + element->span;
        } else {
            append_element_end(writer, element);
        }
        while (n_open > 0 && ends[n_open - 1] == i + 1)
            append_element_end(writer, open[--n_open]);
    }
}

GBytes *
dm_writer_write_message(const DmMessage *message)
{
    g_autoptr(DmWriter) writer = dm_writer_new();
    gsize n = dm_message_get_size(message);

    if (message->header.present)
        dm_writer_begin(writer, &message->header, 1);
    else
        dm_writer_begin_body(writer, 1);
    for (gsize i = 0; i < n; i += 1 + dm_message_get(message, i)->span)
        dm_writer_element(writer, message, i);
    return dm_writer_end(writer, message->final);
}
