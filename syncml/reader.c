/* SPDX-License-Identifier: MIT */

#include "syncml/reader.h"

#include <string.h>

#include "common/error.h"
#include "syncml/tags.h"
#include "syncml/xml.h"

/* What the innermost open element is. */
typedef enum {
    STATE_SKIP,     /* an element that means nothing where it is, or markup in Data */
    STATE_TEXT,     /* an element whose text is wanted */
    STATE_DOCUMENT, /* nothing is open yet */
    STATE_FRAGMENT, /* the element around a fragment */
    STATE_SYNCML,
    STATE_HEADER,
    STATE_HEADER_TARGET,
    STATE_HEADER_SOURCE,
    STATE_HEADER_META,
    STATE_CRED,
    STATE_CRED_META,
    STATE_BODY,
    STATE_CONTAINER, /* Atomic, Sequence */
    STATE_COMMAND,   /* any other element below SyncBody, Atomic or Sequence */
    STATE_COMMAND_META,
    STATE_CHAL,
    STATE_CHAL_META,
    STATE_ITEM,
    STATE_ITEM_TARGET,
    STATE_ITEM_SOURCE,
    STATE_ITEM_META,
    STATE_N,
} State;

/* What becomes of an element, or of its text. */
typedef enum {
    KIND_NONE,
    KIND_TEXT, /* const char*, as it is */
    KIND_TRIM, /* const char*, white space around it dropped */
    KIND_ID,   /* const char*, as it is, at most DM_MESSAGE_MAX_ID */
    KIND_INT,  /* gint64; what is none is left out */
    KIND_REF,  /* one more const char* on a GPtrArray */
    KIND_DATA, /* of an item */
    KIND_FLAG, /* bool: it is there */
    KIND_ITEM, /* a new item */
} Kind;

/* What a child of a state begins, and where in the header, element, item or reader it goes. */
typedef struct {
    guint8 state;
    guint8 kind;
    guint16 offset;
} Rule;

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
    guint open[DM_BATCH_MAX_DEPTH + 1]; /* indices of the commands that are open */
    guint n_open;
    bool root_seen, syncml_seen, body_seen;

    KnownName known_names[128];
    const char *format, *type; /* Meta of the open command: for items without their own */

    Kind kind;                   /* of the STATE_TEXT that is open */
    void *target;                /* where its text goes */
    char *text_start, *text_end; /* its text so far, in message->text */
    const char *block_end;
    gsize data_position; /* where Data's content begins in the source */
    bool data_has_markup;
} Reader;

#define TEXT(kind, type, field) STATE_TEXT, KIND_##kind, offsetof(type, field)
#define FLAG(state, type, field) state, KIND_FLAG, offsetof(type, field)
#define PLAIN(state) state, KIND_NONE, 0

/* Everything that means something, and where; what is not here is passed over, or below SyncBody,
 * Atomic and Sequence is a command. MetInf is the DTD's wrapper, which hardly anyone sends. */
static const Rule rules[STATE_N][DM_TAG_N] =
    {
        [STATE_HEADER] =
            {
                [DM_TAG_VER_DTD] = {TEXT(TRIM, DmHeader, ver_dtd)},
                [DM_TAG_VER_PROTO] = {TEXT(TRIM, DmHeader, ver_proto)},
                [DM_TAG_SESSION_ID] = {TEXT(ID, DmHeader, session_id)},
                [DM_TAG_MSG_ID] = {TEXT(ID, DmHeader, msg_id)},
                [DM_TAG_TARGET] = {PLAIN(STATE_HEADER_TARGET)},
                [DM_TAG_SOURCE] = {PLAIN(STATE_HEADER_SOURCE)},
                [DM_TAG_RESP_URI] = {TEXT(TRIM, DmHeader, resp_uri)},
                [DM_TAG_NO_RESP] = {FLAG(STATE_SKIP, DmHeader, no_resp)},
                [DM_TAG_CRED] = {FLAG(STATE_CRED, DmHeader, cred.present)},
                [DM_TAG_META] = {PLAIN(STATE_HEADER_META)},
            },
        [STATE_HEADER_TARGET] =
            {
                [DM_TAG_LOC_URI] = {TEXT(TRIM, DmHeader, target_uri)},
                [DM_TAG_LOC_NAME] = {TEXT(TRIM, DmHeader, target_name)},
            },
        [STATE_HEADER_SOURCE] =
            {
                [DM_TAG_LOC_URI] = {TEXT(TRIM, DmHeader, source_uri)},
                [DM_TAG_LOC_NAME] = {TEXT(TRIM, DmHeader, source_name)},
            },
        [STATE_HEADER_META] =
            {
                [DM_TAG_MET_INF] = {PLAIN(STATE_HEADER_META)},
                [DM_TAG_MAX_MSG_SIZE] = {TEXT(INT, DmHeader, max_msg_size)},
                [DM_TAG_MAX_OBJ_SIZE] = {TEXT(INT, DmHeader, max_obj_size)},
            },
        [STATE_CRED] =
            {
                [DM_TAG_META] = {PLAIN(STATE_CRED_META)},
                [DM_TAG_DATA] = {TEXT(TRIM, DmHeader, cred.data)},
            },
        [STATE_CRED_META] =
            {
                [DM_TAG_MET_INF] = {PLAIN(STATE_CRED_META)},
                [DM_TAG_FORMAT] = {TEXT(TRIM, DmHeader, cred.format)},
                [DM_TAG_TYPE] = {TEXT(TRIM, DmHeader, cred.type)},
            },
        [STATE_CONTAINER] =
            {
                [DM_TAG_CMD_ID] = {TEXT(ID, DmElement, cmd_id)},
                [DM_TAG_NO_RESP] = {FLAG(STATE_SKIP, DmElement, no_resp)},
            },
        [STATE_COMMAND] =
            {
                [DM_TAG_CMD_ID] = {TEXT(ID, DmElement, cmd_id)},
                [DM_TAG_NO_RESP] = {FLAG(STATE_SKIP, DmElement, no_resp)},
                [DM_TAG_MSG_REF] = {TEXT(ID, DmElement, msg_ref)},
                [DM_TAG_CMD_REF] = {TEXT(ID, DmElement, cmd_ref)},
                [DM_TAG_CMD] = {TEXT(TRIM, DmElement, cmd)},
                [DM_TAG_TARGET_REF] = {TEXT(REF, DmElement, target_refs)},
                [DM_TAG_SOURCE_REF] = {TEXT(REF, DmElement, source_refs)},
                [DM_TAG_CHAL] = {FLAG(STATE_CHAL, DmElement, chal.present)},
                [DM_TAG_DATA] = {TEXT(TRIM, DmElement, data)},
                [DM_TAG_CORRELATOR] = {TEXT(TEXT, DmElement, correlator)},
                [DM_TAG_META] = {PLAIN(STATE_COMMAND_META)},
                [DM_TAG_ITEM] = {STATE_ITEM, KIND_ITEM, 0},
            },
        [STATE_COMMAND_META] =
            {
                [DM_TAG_MET_INF] = {PLAIN(STATE_COMMAND_META)},
                [DM_TAG_FORMAT] = {TEXT(TRIM, Reader, format)},
                [DM_TAG_TYPE] = {TEXT(TRIM, Reader, type)},
            },
        [STATE_CHAL] = {[DM_TAG_META] = {PLAIN(STATE_CHAL_META)}},
        [STATE_CHAL_META] =
            {
                [DM_TAG_MET_INF] = {PLAIN(STATE_CHAL_META)},
                [DM_TAG_FORMAT] = {TEXT(TRIM, DmElement, chal.format)},
                [DM_TAG_TYPE] = {TEXT(TRIM, DmElement, chal.type)},
                [DM_TAG_NEXT_NONCE] = {TEXT(TRIM, DmElement, chal.next_nonce)},
            },
        [STATE_ITEM] =
            {
                [DM_TAG_TARGET] = {PLAIN(STATE_ITEM_TARGET)},
                [DM_TAG_SOURCE] = {PLAIN(STATE_ITEM_SOURCE)},
                [DM_TAG_META] = {PLAIN(STATE_ITEM_META)},
                [DM_TAG_DATA] = {TEXT(DATA, DmItem, data)},
                [DM_TAG_MORE_DATA] = {FLAG(STATE_SKIP, DmItem, more_data)},
            },
        [STATE_ITEM_TARGET] =
            {
                [DM_TAG_LOC_URI] = {TEXT(TRIM, DmItem, target_uri)},
                [DM_TAG_LOC_NAME] = {TEXT(TRIM, DmItem, target_name)},
            },
        [STATE_ITEM_SOURCE] =
            {
                [DM_TAG_LOC_URI] = {TEXT(TRIM, DmItem, source_uri)},
                [DM_TAG_LOC_NAME] = {TEXT(TRIM, DmItem, source_name)},
            },
        [STATE_ITEM_META] =
            {
                [DM_TAG_MET_INF] = {PLAIN(STATE_ITEM_META)},
                [DM_TAG_FORMAT] = {TEXT(TRIM, DmItem, format)},
                [DM_TAG_TYPE] = {TEXT(TRIM, DmItem, type)},
                [DM_TAG_MARK] = {TEXT(TRIM, DmItem, mark)},
                [DM_TAG_SIZE] = {TEXT(INT, DmItem, size)},
            },
};

static DmElement *
get_element(Reader *reader)
{
    return &g_array_index(reader->message->elements, DmElement, reader->open[reader->n_open - 1]);
}

static DmItem *
get_item(Reader *reader)
{
    return &g_array_index(reader->message->items, DmItem, reader->message->items->len - 1);
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
    reader->format = NULL;
    reader->type = NULL;
    g_array_append_val(reader->message->elements, element);
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

/* A child that has a rule. */
static State
begin_by_rule(Reader *reader, const Rule *rule, void *parent)
{
    void *target = (char *)parent + rule->offset;
    DmItem item = {.size = -1};

    switch ((Kind)rule->kind) {
    case KIND_NONE:
        break;
    case KIND_FLAG:
        *(bool *)target = true;
        break;
    case KIND_ITEM:
        get_element(reader)->n_items++;
        g_array_append_val(reader->message->items, item);
        break;
    case KIND_DATA:
        reader->data_position = dm_xml_get_position(&reader->xml) + 1;
        reader->data_has_markup = false;
        G_GNUC_FALLTHROUGH;
    case KIND_TEXT:
    case KIND_TRIM:
    case KIND_ID:
    case KIND_INT:
    case KIND_REF:
        reader->kind = rule->kind;
        reader->target = target;
        reader->text_start = reader->text_end;
        break;
    }
    return rule->state;
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
begin_element(Reader *reader, const xmlChar *xml_name, const char *namespace)
{
    const char *name = (const char *)xml_name;
    const State parent = reader->states[reader->depth];
    const DmTagInfo *info;
    const Rule *rule;

    if (parent == STATE_SKIP)
        return STATE_SKIP;
    if (parent == STATE_TEXT) {
        reader->data_has_markup = true;
        return STATE_SKIP;
    }
    info = find_tag(reader, xml_name);
    rule = &rules[parent][info->tag];
    if (parent >= STATE_ITEM)
        return begin_by_rule(reader, rule, get_item(reader));
    if (parent == STATE_COMMAND_META)
        return begin_by_rule(reader, rule, reader);
    if (parent == STATE_CONTAINER && rule->kind == KIND_NONE && info->tag != DM_TAG_META &&
        info->tag != DM_TAG_CRED)
        return begin_command(reader, info, name);
    if (parent > STATE_BODY)
        return begin_by_rule(reader, rule, get_element(reader));
    if (parent == STATE_BODY)
        return begin_command(reader, info, name);
    if (parent >= STATE_HEADER)
        return begin_by_rule(reader, rule, &reader->message->header);
    if (parent == STATE_SYNCML)
        return begin_in_syncml(reader, info->tag);
    if (parent == STATE_FRAGMENT)
        return begin_in_fragment(reader, info, name, namespace);
    if (reader->mode == DM_READ_FRAGMENT)
        return STATE_FRAGMENT;
    if (info->tag != DM_TAG_SYNCML)
        return refuse_structure(reader, "the document is no SyncML");
    return begin_syncml(reader, namespace);
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
    state = begin_element(reader, name, (const char *)namespace);
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
    const char *close;

    g_assert(end <= reader->xml.size && reader->data_position <= end);
    close = memrchr(source + reader->data_position, '<', end - reader->data_position);
    g_assert(close != NULL);
    reader->text_end = reader->text_start;
    append_text(reader, source + reader->data_position,
                (gsize)(close - source) - reader->data_position);
}

static void
end_item_data(Reader *reader)
{
    DmItem *item = get_item(reader);

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
    const DmItem *item = get_item(reader);

    if (item->data_size > DM_MESSAGE_MAX_DATA && !item->more_data)
        get_element(reader)->problem = DM_STATUS_TOO_LARGE;
}

static void
end_command(Reader *reader)
{
    DmElement *element = get_element(reader);
    DmItem *items = &g_array_index(reader->message->items, DmItem, element->first_item);

    element->span = reader->message->elements->len - 1 - reader->open[reader->n_open - 1];
    if (element->cmd_id != NULL && *element->cmd_id == '\0')
        element->cmd_id = NULL;
    if (element->data != NULL && strlen(element->data) > DM_MESSAGE_MAX_DATA)
        element->problem = DM_STATUS_TOO_LARGE;
    for (guint i = 0; i < element->n_items; i++) {
        if (items[i].format == NULL)
            items[i].format = reader->format;
        if (items[i].type == NULL)
            items[i].type = reader->type;
    }
    reader->n_open--;
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
        .text_end = message->text,
        .block_end = message->text + MIN(size, limits.max_bytes) + 1,
    };

    if (!dm_xml_parse(&reader.xml, bytes, size, &limits, mode == DM_READ_FRAGMENT, &handler, error))
        return NULL;
    if (!check_whole(&reader, error))
        return NULL;
    return g_steal_pointer(&message);
}
