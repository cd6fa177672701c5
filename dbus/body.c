/* SPDX-License-Identifier: MIT */
#include "dbus/body.h"

#include <string.h>

#include "common/text.h"
#include "common/value.h"

/* Most bytes that the format allows in one array; a message may have twice that. */
#define MAX_ARRAY (64u << 20)

/* Left free in front of a body, so that a header of common length can be put there without moving
 * all that follows; a multiple of 8. */
#define HEADER_ROOM 1024

/* A body, or the header in front of one. */
struct DmBody {
    guint8 *bytes;
    gsize size, room;
};

/* -- bytes --------------------------------------------------------------------------------------
 */

/* Makes room for `size` bytes after padding to `alignment`, and pads: with zeros, counted from the
 * beginning of the message; what follows a header begins at a multiple of 8. */
static guint8 *
grow(DmBody *body, gsize alignment, gsize size)
{
    gsize padding = -body->size & (alignment - 1);
    guint8 *end;

    if (body->room - body->size < padding + size) {
        body->room = MAX(body->room * 2, body->size + padding + size);
        body->bytes = g_realloc(body->bytes, body->room);
    }
    end = body->bytes + body->size;
    for (gsize i = 0; i < padding; i++)
        *end++ = 0;
    body->size += padding + size;
    return end;
}

/* -- values -------------------------------------------------------------------------------------
 */

DmBody *
dm_body_new(void)
{
    DmBody *body = g_new0(DmBody, 1);

    (void)grow(body, 1, HEADER_ROOM);
    return body;
}

void
dm_body_free(DmBody *body)
{
    if (body == NULL)
        return;
    g_free(body->bytes);
    g_free(body);
}

void
dm_body_append_text(DmBody *body, const char *text)
{
    g_autofree char *cleaned = NULL;

    if (!dm_text_is_valid(text, strlen(text)))
        text = "";
    cleaned = dm_text_clean(text, DM_TEXT_ONE_LINE);
    dm_body_append_valid(body, cleaned != NULL ? cleaned : text);
}

void
dm_body_append_valid(DmBody *body, const char *text)
{
    const gsize size = strlen(text);
    const guint32 length = (guint32)size;
    guint8 *place = grow(body, sizeof(length), sizeof(length) + size + 1);

    memcpy(place, &length, sizeof(length));
    memcpy(place + sizeof(length), text, size + 1);
}

void
dm_body_append_bool(DmBody *body, bool value)
{
    dm_body_append_uint32(body, value);
}

void
dm_body_append_int32(DmBody *body, gint32 value)
{
    dm_body_append_uint32(body, (guint32)value);
}

void
dm_body_append_uint32(DmBody *body, guint32 value)
{
    memcpy(grow(body, sizeof(value), sizeof(value)), &value, sizeof(value));
}

void
dm_body_append_uint64(DmBody *body, guint64 value)
{
    memcpy(grow(body, sizeof(value), sizeof(value)), &value, sizeof(value));
}

static void
append_byte(DmBody *body, guint8 byte)
{
    *grow(body, 1, 1) = byte;
}

void
dm_body_begin_struct(DmBody *body)
{
    (void)grow(body, 8, 0);
}

void
dm_body_begin_variant(DmBody *body, const char *signature)
{
    const gsize size = strlen(signature);
    guint8 *place = grow(body, 1, 1 + size + 1);

    *place = (guint8)size;
    memcpy(place + 1, signature, size + 1);
}

DmBodyArray
dm_body_begin_array(DmBody *body, bool is_wide)
{
    DmBodyArray array;

    dm_body_append_uint32(body, 0);
    array.length_at = body->size - sizeof(guint32);
    if (is_wide)
        (void)grow(body, 8, 0);
    array.start = body->size; /* the padding before it does not count */
    return array;
}

void
dm_body_end_array(DmBody *body, DmBodyArray array)
{
    /* An array too large is found by whoever makes the message; the length must only not wrap. */
    guint32 length = (guint32)MIN(body->size - array.start, MAX_ARRAY + 1);

    memcpy(body->bytes + array.length_at, &length, sizeof(length));
}

/* -- messages -----------------------------------------------------------------------------------
 */

/* A field of the header: its code and a variant with text in it; NULL text: no such field. */
static void
append_field(DmBody *header, guint8 code, const char *type, const char *text)
{
    if (text == NULL)
        return;
    dm_body_begin_struct(header);
    append_byte(header, code);
    dm_body_begin_variant(header, type);
    if (*type == DBUS_TYPE_SIGNATURE)
        dm_body_begin_variant(header, text); /* the same bytes */
    else
        dm_body_append_valid(header, text);
}

static DmBodyArray
begin_header(DmBody *header, int type, const DmBody *body)
{
    append_byte(header, G_BYTE_ORDER == G_LITTLE_ENDIAN ? DBUS_LITTLE_ENDIAN : DBUS_BIG_ENDIAN);
    append_byte(header, (guint8)type);
    append_byte(header, DBUS_HEADER_FLAG_NO_REPLY_EXPECTED);
    append_byte(header, DBUS_MAJOR_PROTOCOL_VERSION);
    dm_body_append_uint32(header, (guint32)(body->size - HEADER_ROOM));
    /* The serial: not 0 while it is checked; see join(). */
    dm_body_append_uint32(header, 1);
    return dm_body_begin_array(header, true);
}

/* Puts the header in front of the body, and makes libdbus's message of both, which checks them from
 * end to end. */
static DBusMessage *
join(DmBody *header, DmBodyArray fields, DmBody *body)
{
    DBusMessage *message;
    const guint8 *bytes;
    gsize size;

    dm_body_end_array(header, fields);
    (void)grow(header, 8, 0);
    if (header->size <= HEADER_ROOM) {
        bytes = body->bytes + HEADER_ROOM - header->size;
        size = body->size - HEADER_ROOM + header->size;
        memcpy(body->bytes + HEADER_ROOM - header->size, header->bytes, header->size);
    } else {
        memcpy(grow(header, 1, body->size - HEADER_ROOM), body->bytes + HEADER_ROOM,
               body->size - HEADER_ROOM);
        bytes = header->bytes;
        size = header->size;
    }
    body->size = HEADER_ROOM;
    if (size > DBUS_MAXIMUM_MESSAGE_LENGTH)
        return NULL;
    message = dbus_message_demarshal((const char *)bytes, (int)size, NULL);
    /* The connection that sends it gives it a number of its own. */
    if (message != NULL)
        dbus_message_set_serial(message, 0);
    return message;
}

DBusMessage *
dm_body_to_reply(DmBody *body, DBusMessage *call, const char *signature)
{
    g_autoptr(DmBody) header = g_new0(DmBody, 1);
    DmBodyArray fields = begin_header(header, DBUS_MESSAGE_TYPE_METHOD_RETURN, body);

    dm_body_begin_struct(header);
    append_byte(header, DBUS_HEADER_FIELD_REPLY_SERIAL);
    dm_body_begin_variant(header, DBUS_TYPE_UINT32_AS_STRING);
    dm_body_append_uint32(header, dbus_message_get_serial(call));
    append_field(header, DBUS_HEADER_FIELD_DESTINATION, DBUS_TYPE_STRING_AS_STRING,
                 dbus_message_get_sender(call));
    append_field(header, DBUS_HEADER_FIELD_SIGNATURE, DBUS_TYPE_SIGNATURE_AS_STRING, signature);
    return join(header, fields, body);
}

DBusMessage *
dm_body_to_signal(DmBody *body, const char *path, const char *interface, const char *member,
                  const char *signature)
{
    g_autoptr(DmBody) header = g_new0(DmBody, 1);
    DmBodyArray fields = begin_header(header, DBUS_MESSAGE_TYPE_SIGNAL, body);

    append_field(header, DBUS_HEADER_FIELD_PATH, DBUS_TYPE_OBJECT_PATH_AS_STRING, path);
    append_field(header, DBUS_HEADER_FIELD_INTERFACE, DBUS_TYPE_STRING_AS_STRING, interface);
    append_field(header, DBUS_HEADER_FIELD_MEMBER, DBUS_TYPE_STRING_AS_STRING, member);
    append_field(header, DBUS_HEADER_FIELD_SIGNATURE, DBUS_TYPE_SIGNATURE_AS_STRING, signature);
    return join(header, fields, body);
}
