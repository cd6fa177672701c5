/* SPDX-License-Identifier: MIT */
#include "dbus/body.h"

#include <string.h>

#include "tests/unit/message-text.h"

/* What is written must be what libdbus, which knows nothing of it, reads back and holds to be
 * well-formed. */

static char *
to_text(DmBody *body, const char *signature)
{
    DBusMessage *message = dm_body_to_signal(body, "/t", "t.t", "T", signature);
    char *text;

    g_assert_nonnull(message);
    g_assert_cmpstr(dbus_message_get_signature(message), ==, signature);
    text = message_to_text(message);
    dbus_message_unref(message);
    return text;
}

static void
test_all_types(void)
{
    g_autoptr(DmBody) body = dm_body_new();
    g_autofree char *text = NULL;
    DmBodyArray outer, inner;

    dm_body_append_text(body, "Grüße");
    dm_body_append_uint64(body, G_MAXUINT64);
    dm_body_append_bool(body, true);
    dm_body_append_bool(body, false);
    dm_body_append_int32(body, G_MININT32);
    dm_body_append_uint32(body, G_MAXUINT32);
    dm_body_append_valid(body, "/a/b");
    outer = dm_body_begin_array(body, true);
    dm_body_begin_struct(body);
    dm_body_append_text(body, "k");
    dm_body_begin_variant(body, "a(suuu)");
    inner = dm_body_begin_array(body, true);
    dm_body_begin_struct(body);
    dm_body_append_text(body, "x");
    dm_body_append_uint32(body, 1);
    dm_body_append_uint32(body, 2);
    dm_body_append_uint32(body, 3);
    dm_body_end_array(body, inner);
    dm_body_end_array(body, outer);
    text = to_text(body, "stbbiuoa{sv}");
    g_assert_cmpstr(text, ==,
                    "'Grüße' 18446744073709551615 true false -2147483648 4294967295 '/a/b' "
                    "{'k':<[('x',1,2,3)]>}");
}

/* Every distance to the next multiple of 8: padding is there, and zero. */
static void
test_padding(void)
{
    for (gsize size = 0; size < 17; size++) {
        g_autoptr(DmBody) body = dm_body_new();
        g_autofree char *fill = g_strnfill(size, 'x');
        g_autofree char *text = NULL, *expected = NULL;
        DmBodyArray array;

        dm_body_append_text(body, fill);
        dm_body_append_uint64(body, 7);
        dm_body_append_text(body, fill);
        array = dm_body_begin_array(body, true);
        dm_body_begin_struct(body);
        dm_body_append_text(body, fill);
        dm_body_begin_variant(body, "t");
        dm_body_append_uint64(body, size);
        dm_body_end_array(body, array);
        dm_body_begin_variant(body, "s");
        dm_body_append_text(body, fill);
        text = to_text(body, "stsa{sv}v");
        expected = g_strdup_printf("'%s' 7 '%s' {'%s':<%" G_GSIZE_FORMAT ">} <'%s'>", fill, fill,
                                   fill, size, fill);
        g_assert_cmpstr(text, ==, expected);
    }
}

/* The padding in front of the first element is there even if there is none, and does not count. */
static void
test_empty_arrays(void)
{
    g_autoptr(DmBody) body = dm_body_new();
    g_autofree char *text = NULL;

    dm_body_append_uint32(body, 1);
    dm_body_append_uint32(body, 2);
    dm_body_end_array(body, dm_body_begin_array(body, true));
    dm_body_end_array(body, dm_body_begin_array(body, false));
    dm_body_append_uint32(body, 3);
    text = to_text(body, "uua{sv}asu");
    g_assert_cmpstr(text, ==, "1 2 {} [] 3");
}

static void
test_reply(void)
{
    g_autoptr(DmBody) body = dm_body_new();
    DBusMessage *call = dbus_message_new_method_call("a.b", "/a", "a.b", "C");
    DBusMessage *reply;
    g_autofree char *text = NULL;

    dbus_message_set_serial(call, 4711);
    dbus_message_set_sender(call, ":1.42");
    dm_body_append_text(body, "yes");
    reply = dm_body_to_reply(body, call, "s");
    g_assert_nonnull(reply);
    g_assert_cmpint(dbus_message_get_type(reply), ==, DBUS_MESSAGE_TYPE_METHOD_RETURN);
    g_assert_cmpuint(dbus_message_get_reply_serial(reply), ==, 4711);
    g_assert_cmpstr(dbus_message_get_destination(reply), ==, ":1.42");
    g_assert_null(dbus_message_get_sender(reply));
    g_assert_true(dbus_message_get_no_reply(reply));
    text = message_to_text(reply);
    g_assert_cmpstr(text, ==, "'yes'");
    dbus_message_unref(reply);

    /* The body is empty again; peer to peer a call has no sender. */
    dbus_message_set_sender(call, NULL);
    reply = dm_body_to_reply(body, call, "");
    g_assert_nonnull(reply);
    g_assert_null(dbus_message_get_destination(reply));
    g_assert_cmpstr(dbus_message_get_signature(reply), ==, "");
    dbus_message_unref(reply);
    dbus_message_unref(call);
}

/* A path of a few thousand bytes, as a long provider name makes it, in front of the body. */
static void
test_long_header(void)
{
    for (gsize size = 900; size < 4000; size += 101) {
        g_autoptr(DmBody) body = dm_body_new();
        g_autofree char *name = g_strnfill(size, 'x');
        g_autofree char *path = g_strconcat("/", name, NULL);
        g_autofree char *text = NULL;
        DBusMessage *message;

        dm_body_append_text(body, "a");
        dm_body_append_uint64(body, size);
        message = dm_body_to_signal(body, path, "t.t", "T", "st");
        g_assert_nonnull(message);
        g_assert_cmpstr(dbus_message_get_path(message), ==, path);
        text = message_to_text(message);
        g_assert_true(g_str_has_prefix(text, "'a' "));
        g_assert_cmpuint(g_ascii_strtoull(text + 4, NULL, 10), ==, size);
        dbus_message_unref(message);
    }
}

/* A mistake of the caller's makes no message, and does not end the process. */
static void
test_refused(void)
{
    g_autoptr(DmBody) body = dm_body_new();
    g_autofree char *text = NULL;

    dm_body_append_text(body, "x");
    g_assert_null(dm_body_to_signal(body, "/t", "t.t", "T", "u"));
    dm_body_append_uint32(body, 1);
    g_assert_null(dm_body_to_signal(body, "/t", "t.t", "T", "s"));
    dm_body_append_uint32(body, 2);
    g_assert_null(dm_body_to_signal(body, "/t", "t.t", "T", "b"));
    dm_body_append_valid(body, "no path");
    g_assert_null(dm_body_to_signal(body, "/t", "t.t", "T", "o"));
    dm_body_append_uint32(body, 1);
    g_assert_null(dm_body_to_signal(body, "no path", "t.t", "T", "u"));
    dm_body_append_text(body, "\xff");
    text = to_text(body, "s");
    g_assert_cmpstr(text, ==, "''");
}

/* 64 MiB in one array is what the format allows. */
static void
test_too_large(void)
{
    g_autoptr(DmBody) body = dm_body_new();
    g_autofree char *text = g_strnfill(1 << 20, 'x');
    DmBodyArray array = dm_body_begin_array(body, false);

    for (guint i = 0; i < 64; i++)
        dm_body_append_text(body, text);
    dm_body_end_array(body, array);
    g_assert_null(dm_body_to_signal(body, "/t", "t.t", "T", "as"));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/body/all-types", test_all_types);
    g_test_add_func("/body/padding", test_padding);
    g_test_add_func("/body/empty-arrays", test_empty_arrays);
    g_test_add_func("/body/reply", test_reply);
    g_test_add_func("/body/long-header", test_long_header);
    g_test_add_func("/body/mistakes-are-refused", test_refused);
    g_test_add_func("/body/too-large", test_too_large);
    return g_test_run();
}
