/* SPDX-License-Identifier: MIT */

#include "syncml/reader.h"

#include <string.h>

#include "common/error.h"
#include "syncml/reader-rules.h"
#include "syncml/xml.h"

/* libxml2 keeps one copy of each name: a pointer seen before is the same name again. */
typedef struct {
    const xmlChar *name;
    const DmTagInfo *info;
} KnownName;

typedef struct {
    DmXml xml;
    DmReadMode mode;
    DmMessage *message;

    /* One for the document, one for the element around a fragment. */
    guint8 states[DM_MESSAGE_MAX_DEPTH + 2];
    guint depth;
    void *places[PLACE_N];              /* header, innermost command, last item, its Meta */
    guint open[DM_BATCH_MAX_DEPTH + 1]; /* indices of the commands that are open */
    guint n_open;
    bool root_seen, syncml_seen, body_seen;

    KnownName known_names[128];
    CommandMeta meta;

    Kind kind;                   /* of the STATE_TEXT that is open */
    void *target;                /* where its text goes */
    char *text_start, *text_end; /* its text so far, in message->text */
    const char *block_end;
    gsize data_position; /* where Data's content begins in the source */
    bool data_has_markup;
} Reader;

/* Notes which command is the innermost, which moves when the array grows. */
static void
note_element(Reader *reader)
{
    if (reader->n_open > 0)
        reader->places[PLACE_ELEMENT] =
            &g_array_index(reader->message->elements, DmElement, reader->open[reader->n_open - 1]);
}

/* Appends to the text that is growing. Text goes straight to its place in the message's block,
 * which is as large as the source and so large enough: each string with its NUL is shorter than the
 * element it comes from. */
static void
append_text(Reader *reader, const char *text, gsize size)
{
    /* Cannot be; but memory is at stake. */
    if (size >= (gsize)(reader->block_end - reader->text_end)) {
        dm_xml_fail(&reader->xml, DM_ERROR_FAILED, "more text than bytes");
        return;
    }
    memcpy(reader->text_end, text, size);
    reader->text_end += size;
}

/* Ends the text that has grown since `reader->text_start`. */
static const char *
finish_text(Reader *reader)
{
    const char *text = reader->text_start;

    if (reader->text_end == text)
        return "";
    *reader->text_end++ = '\0';
    return text;
}

static State
refuse_structure(Reader *reader, const char *what)
{
    dm_xml_fail(&reader->xml, DM_ERROR_INVALID, "%s", what);
    return STATE_SKIP;
}

static State
begin_syncml(Reader *reader, const char *namespace)
{
    if (namespace != NULL && g_ascii_strcasecmp(namespace, "SYNCML:SYNCML1.2") != 0 &&
        g_ascii_strcasecmp(namespace, "SYNCML:SYNCML1.1") != 0)
        return refuse_structure(reader, "SyncML in a namespace other than SYNCML:SYNCML1.2");
    reader->syncml_seen = true;
    return STATE_SYNCML;
}

static State
begin_in_syncml(Reader *reader, DmTag tag)
{
    if (tag == DM_TAG_SYNC_HDR) {
        if (reader->message->header.present)
            return refuse_structure(reader, "a second SyncHdr");
        reader->message->header.present = true;
        return STATE_HEADER;
    }
    if (tag == DM_TAG_SYNC_BODY) {
        if (reader->body_seen)
            return refuse_structure(reader, "a second SyncBody");
        reader->body_seen = true;
        return STATE_BODY;
    }
    return STATE_SKIP;
}

static State
begin_command(Reader *reader, const DmTagInfo *info, const char *name)
{
    DmElement element = {
        .name = info->name,
        .verb = info->verb,
        .problem = DM_STATUS_OK,
        .first_item = reader->message->items->len,
    };
    bool is_container = info->verb == DM_VERB_ATOMIC || info->verb == DM_VERB_SEQUENCE;

    if (info->tag == DM_TAG_FINAL && reader->n_open == 0) {
        reader->message->final = true;
        return STATE_SKIP;
    }
    if (is_container && reader->n_open == DM_BATCH_MAX_DEPTH) {
        dm_xml_fail(&reader->xml, DM_ERROR_TOO_LARGE, "Atomic and Sequence more than %d deep",
                    DM_BATCH_MAX_DEPTH);
        return STATE_SKIP;
    }
    if (info->tag == DM_TAG_NONE) {
        /* What libxml2 could not take apart could not be written again either. */
        if (strchr(name, ':') != NULL)
            return refuse_structure(reader, "an element whose name is no prefix:name");
        reader->text_start = reader->text_end;
        append_text(reader, name, strlen(name));
        element.name = finish_text(reader);
    }
    reader->open[reader->n_open++] = reader->message->elements->len;
    reader->meta = (CommandMeta){NULL, NULL, -1};
    g_array_append_val(reader->message->elements, element);
    note_element(reader);
    return is_container ? STATE_CONTAINER : STATE_COMMAND;
}

/* A fragment is one SyncML, one SyncBody, or commands. */
static State
begin_in_fragment(Reader *reader, const DmTagInfo *info, const char *name, const char *namespace)
{
    bool is_first = !reader->root_seen;

    reader->root_seen = true;
    if (reader->syncml_seen || reader->body_seen)
        return refuse_structure(reader, "an element beside SyncML or SyncBody");
    if (info->tag == DM_TAG_SYNCML || info->tag == DM_TAG_SYNC_BODY) {
        if (!is_first)
            return refuse_structure(reader, "SyncML or SyncBody beside another element");
        return info->tag == DM_TAG_SYNCML ? begin_syncml(reader, namespace)
                                          : begin_in_syncml(reader, info->tag);
    }
    if (is_first && info->verb == DM_VERB_NONE && info->tag != DM_TAG_FINAL)
        return refuse_structure(reader, "neither SyncML, nor a SyncBody, nor a command");
    return begin_command(reader, info, name);
}

static State
begin_item(Reader *reader, State state)
{
    DmElement *element = reader->places[PLACE_ELEMENT];
    GArray *items = reader->message->items;
    DmItem item = {.size = -1};

    element->n_items++;
    g_array_append_val(items, item);
    reader->places[PLACE_ITEM] = &g_array_index(items, DmItem, items->len - 1);
    return state;
}

/* A child that has a rule. */
static State
begin_by_rule(Reader *reader, const Rule *rule, void *place)
{
    void *target = (char *)place + rule->offset;

    switch ((Kind)rule->kind) {
    case KIND_NONE:
        return rule->state;
    case KIND_FLAG:
        *(bool *)target = true;
        return rule->state;
    case KIND_ITEM:
        return begin_item(reader, rule->state);
    case KIND_DATA:
        reader->data_position = dm_xml_get_position(&reader->xml) + 1;
        reader->data_has_markup = false;
        break;
    case KIND_TEXT:
    case KIND_TRIM:
    case KIND_ID:
    case KIND_INT:
    case KIND_REF:
        break;
    }
    reader->kind = rule->kind;
    reader->target = target;
    reader->text_start = reader->text_end;
    return rule->state;
}

/* A child that has none. */
static State
begin_other(Reader *reader, State parent, const DmTagInfo *info, const char *name,
            const char *namespace)
{
    if (parent == STATE_BODY)
        return begin_command(reader, info, name);
    if (parent == STATE_CONTAINER && info->tag != DM_TAG_META && info->tag != DM_TAG_CRED)
        return begin_command(reader, info, name);
    if (parent == STATE_SYNCML)
        return begin_in_syncml(reader, info->tag);
    if (parent == STATE_FRAGMENT)
        return begin_in_fragment(reader, info, name, namespace);
    if (parent != STATE_DOCUMENT)
        return STATE_SKIP;
    if (reader->mode == DM_READ_FRAGMENT)
        return STATE_FRAGMENT;
    if (info->tag != DM_TAG_SYNCML)
        return refuse_structure(reader, "the document is no SyncML");
    return begin_syncml(reader, namespace);
}

static const DmTagInfo *
find_tag(Reader *reader, const xmlChar *name)
{
    gsize slot = GPOINTER_TO_SIZE(name) / 2 % G_N_ELEMENTS(reader->known_names);
    KnownName *known = &reader->known_names[slot];

    if (known->name != name)
        *known = (KnownName){name, dm_tag_find((const char *)name)};
    return known->info;
}

static State
begin_element(Reader *reader, const xmlChar *name, const xmlChar *namespace)
{
    const State parent = reader->states[reader->depth];
    const DmTagInfo *info;
    const Rule *rule;

    if (parent == STATE_SKIP)
        return STATE_SKIP;
    if (parent == STATE_TEXT) {
        reader->data_has_markup = true;
        return STATE_SKIP;
    }
    info = find_tag(reader, name);
    rule = &dm_reader_rules[parent][info->tag];
    if (rule->state == STATE_SKIP && rule->kind == KIND_NONE)
        return begin_other(reader, parent, info, (const char *)name, (const char *)namespace);
    return begin_by_rule(reader, rule, reader->places[dm_reader_places[parent]]);
}

static void
on_start(void *data, const xmlChar *name, const xmlChar *prefix, const xmlChar *namespace,
         int n_namespaces, const xmlChar **namespaces, int n_attributes, int n_defaulted,
         const xmlChar **attributes)
{
    Reader *reader = data;
    State state;

    if (reader->depth + 1 == G_N_ELEMENTS(reader->states)) {
        dm_xml_fail(&reader->xml, DM_ERROR_TOO_LARGE, "elements too deep");
        return;
    }
    state = begin_element(reader, name, namespace);
    reader->states[++reader->depth] = (guint8)state;
}

static void
on_text(void *data, const xmlChar *text, int size)
{
    Reader *reader = data;

    if (reader->states[reader->depth] == STATE_TEXT)
        append_text(reader, (const char *)text, (gsize)size);
}

static bool
is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static void
trim_text(Reader *reader)
{
    while (reader->text_end > reader->text_start && is_space(reader->text_end[-1]))
        reader->text_end--;
    while (reader->text_start < reader->text_end && is_space(*reader->text_start))
        reader->text_start++;
}

/* Markup inside Data is text: the bytes between the tags take the place of what libxml2 made of
 * them. */
static void
take_markup(Reader *reader)
{
    gsize end = dm_xml_get_position(&reader->xml);
    const char *source = reader->xml.source;
    const char *close = NULL;

    if (end <= reader->xml.size && reader->data_position <= end)
        close = memrchr(source + reader->data_position, '<', end - reader->data_position);
    if (close == NULL) { /* cannot be either */
        dm_xml_fail(&reader->xml, DM_ERROR_FAILED, "the end of Data is not where it was");
        return;
    }
    reader->text_end = reader->text_start;
    append_text(reader, source + reader->data_position,
                (gsize)(close - source) - reader->data_position);
}

static void
end_item_data(Reader *reader)
{
    DmItem *item = reader->places[PLACE_ITEM];

    if (reader->data_has_markup)
        take_markup(reader);
    item->data_size = (gsize)(reader->text_end - reader->text_start);
    item->data = finish_text(reader);
}

static void
end_text(Reader *reader)
{
    const char *text;
    gint64 number;

    if (reader->kind == KIND_DATA) {
        end_item_data(reader);
        return;
    }
    if (reader->kind != KIND_TEXT && reader->kind != KIND_ID)
        trim_text(reader);
    if (reader->kind == KIND_ID && reader->text_end - reader->text_start > DM_MESSAGE_MAX_ID)
        dm_xml_fail(&reader->xml, DM_ERROR_TOO_LARGE, "an identifier of more than %d bytes",
                    DM_MESSAGE_MAX_ID);
    text = finish_text(reader);
    if (reader->kind == KIND_REF) {
        GPtrArray **refs = reader->target;

        if (*refs == NULL)
            *refs = g_ptr_array_new();
        g_ptr_array_add(*refs, (gpointer)(guintptr)text);
    } else if (reader->kind == KIND_INT) {
        if (g_ascii_string_to_signed(text, 10, 0, G_MAXINT64, &number, NULL))
            *(gint64 *)reader->target = number;
    } else {
        *(const char **)reader->target = text;
    }
}

static void
end_item(Reader *reader)
{
    const DmItem *item = reader->places[PLACE_ITEM];
    DmElement *element = reader->places[PLACE_ELEMENT];

    if (item->data_size > DM_MESSAGE_MAX_DATA && !item->more_data)
        element->problem = DM_STATUS_TOO_LARGE;
}

static void
end_command(Reader *reader)
{
    DmElement *element = reader->places[PLACE_ELEMENT];
    DmItem *items = &g_array_index(reader->message->items, DmItem, element->first_item);

    element->span = reader->message->elements->len - 1 - reader->open[reader->n_open - 1];
    if (element->cmd_id != NULL && *element->cmd_id == '\0')
        element->cmd_id = NULL;
    if (element->data != NULL && strlen(element->data) > DM_MESSAGE_MAX_DATA)
        element->problem = DM_STATUS_TOO_LARGE;
    for (guint i = 0; i < element->n_items; i++) {
        if (items[i].format == NULL)
            items[i].format = reader->meta.format;
        if (items[i].type == NULL)
            items[i].type = reader->meta.type;
        if (items[i].size < 0)
            items[i].size = reader->meta.size;
    }
    reader->n_open--;
    note_element(reader);
}

static void
on_end(void *data, const xmlChar *name, const xmlChar *prefix, const xmlChar *namespace)
{
    Reader *reader = data;
    State state = reader->states[reader->depth--];

    if (state == STATE_TEXT)
        end_text(reader);
    else if (state == STATE_ITEM)
        end_item(reader);
    else if (state == STATE_COMMAND || state == STATE_CONTAINER)
        end_command(reader);
}

/* What only the whole document shows. */
static bool
check_whole(const Reader *reader, GError **error)
{
    const char *missing = NULL;

    if (reader->syncml_seen && !reader->message->header.present)
        missing = "SyncHdr";
    else if (reader->syncml_seen && !reader->body_seen)
        missing = "SyncBody";
    else if (reader->mode == DM_READ_FRAGMENT && !reader->root_seen)
        missing = "command";
    if (missing != NULL)
        g_set_error(error, DM_ERROR, DM_ERROR_INVALID, "there is no %s", missing);
    return missing == NULL;
}

DmMessage *
dm_reader_parse(const char *bytes, gsize size, DmReadMode mode, GError **error)
{
    static const DmScanLimits limits = {
        .max_bytes = DM_MESSAGE_MAX_BYTES,
        .max_tag_bytes = DM_MESSAGE_MAX_TAG_BYTES,
        .max_attributes = DM_MESSAGE_MAX_ATTRIBUTES,
        .max_depth = DM_MESSAGE_MAX_DEPTH,
        .max_elements = DM_MESSAGE_MAX_ELEMENTS,
    };
    static const DmXmlHandler handler = {on_start, on_end, on_text};
    g_autoptr(DmMessage) message = dm_message_new(MIN(size, limits.max_bytes) + 1);
    Reader reader = {
        .mode = mode,
        .message = message,
        .states = {STATE_DOCUMENT},
        .places = {[PLACE_HEADER] = &message->header},
        .text_end = message->text,
        .block_end = message->text + MIN(size, limits.max_bytes) + 1,
    };

    reader.places[PLACE_COMMAND_META] = &reader.meta;
    if (!dm_xml_parse(&reader.xml, bytes, size, &limits, mode == DM_READ_FRAGMENT, &handler, error))
        return NULL;
    if (!check_whole(&reader, error))
        return NULL;
    return g_steal_pointer(&message);
}
