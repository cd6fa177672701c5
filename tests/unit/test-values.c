/* SPDX-License-Identifier: MIT */
#include "dbus/values.h"

#include <string.h>

#include "tests/unit/message-text.h"

/* Appends to a message, and looks at what arrived there. */

static DBusMessage *
new_message(DBusMessageIter *iter)
{
    DBusMessage *message = dbus_message_new(DBUS_MESSAGE_TYPE_SIGNAL);

    dbus_message_iter_init_append(message, iter);
    return message;
}

/* The variant at the beginning of `message`. */
static void
open_variant(DBusMessage *message, const char *signature, DBusMessageIter *ret_value)
{
    DBusMessageIter iter;
    char *found;

    g_assert_cmpstr(dbus_message_get_signature(message), ==, "v");
    dbus_message_iter_init(message, &iter);
    dbus_message_iter_recurse(&iter, ret_value);
    found = dbus_message_iter_get_signature(ret_value);
    g_assert_cmpstr(found, ==, signature);
    dbus_free(found);
}

static void
test_string(void)
{
    g_auto(DmValue) value = dm_value_new_chr("Grüße & <b>");
    const DmValue empty = dm_value_empty(DM_FORMAT_CHR);
    const char *text;
    DBusMessageIter iter, variant;
    DBusMessage *message = new_message(&iter);

    g_assert_true(dm_values_append_variant(&iter, "s", &value, NULL));
    open_variant(message, "s", &variant);
    dbus_message_iter_get_basic(&variant, &text);
    g_assert_cmpstr(text, ==, "Grüße & <b>");
    dbus_message_unref(message);

    message = new_message(&iter);
    g_assert_true(dm_values_append_variant(&iter, "s", &empty, NULL));
    open_variant(message, "s", &variant);
    dbus_message_iter_get_basic(&variant, &text);
    g_assert_cmpstr(text, ==, "");
    dbus_message_unref(message);
}

/* What would make libdbus end the process is not appended, and nothing is left half open. */
static void
test_bad_text(void)
{
    static const char *const texts[] = {"\xff", "\xc3\x28", "a\x01", "\xed\xa0\x80",
                                        "\xef\xbf\xbe"};
    DBusMessageIter iter;
    DBusMessage *message = new_message(&iter);

    for (guint i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_auto(DmValue) value = dm_value_new_chr(texts[i]);
        const char *const list[] = {"good", texts[i], NULL};

        g_assert_false(dm_values_append_variant(&iter, "s", &value, NULL));
        g_assert_false(dm_values_append_variant(&iter, "as", NULL, list));
    }
    g_assert_cmpstr(dbus_message_get_signature(message), ==, "");
    dbus_message_unref(message);
}

static void
test_integer(void)
{
    static const gint64 good[] = {0, -1, G_MAXINT32, G_MININT32};
    static const gint64 bad[] = {G_MAXINT32 + G_GINT64_CONSTANT(1),
                                 G_MININT32 - G_GINT64_CONSTANT(1), G_MAXINT64, G_MININT64};

    for (guint i = 0; i < G_N_ELEMENTS(good); i++) {
        const DmValue value = dm_value_new_int(good[i]);
        DBusMessageIter iter, variant;
        DBusMessage *message = new_message(&iter);
        dbus_int32_t integer;

        g_assert_true(dm_values_append_variant(&iter, "i", &value, NULL));
        open_variant(message, "i", &variant);
        dbus_message_iter_get_basic(&variant, &integer);
        g_assert_cmpint(integer, ==, good[i]);
        dbus_message_unref(message);
    }
    for (guint i = 0; i < G_N_ELEMENTS(bad); i++) {
        const DmValue value = dm_value_new_int(bad[i]);
        DBusMessageIter iter;
        DBusMessage *message = new_message(&iter);

        g_assert_false(dm_values_append_variant(&iter, "i", &value, NULL));
        g_assert_cmpstr(dbus_message_get_signature(message), ==, "");
        dbus_message_unref(message);
    }
}

static void
test_boolean(void)
{
    for (int b = 0; b < 2; b++) {
        const DmValue value = dm_value_new_bool(b != 0);
        DBusMessageIter iter, variant;
        DBusMessage *message = new_message(&iter);
        dbus_bool_t boolean;

        g_assert_true(dm_values_append_variant(&iter, "b", &value, NULL));
        open_variant(message, "b", &variant);
        dbus_message_iter_get_basic(&variant, &boolean);
        g_assert_cmpint(boolean, ==, b);
        dbus_message_unref(message);
    }
}

static void
test_list(void)
{
    const char *const full[] = {"https://a.example/", "https://b.example/", NULL};
    const char *const none[] = {NULL};
    const char *const *const lists[] = {full, none};

    for (guint i = 0; i < G_N_ELEMENTS(lists); i++) {
        DBusMessageIter iter, variant, array;
        DBusMessage *message = new_message(&iter);
        guint n = 0;

        g_assert_true(dm_values_append_variant(&iter, "as", NULL, lists[i]));
        open_variant(message, "as", &variant);
        dbus_message_iter_recurse(&variant, &array);
        for (; dbus_message_iter_get_arg_type(&array) == DBUS_TYPE_STRING;
             dbus_message_iter_next(&array)) {
            const char *text;

            dbus_message_iter_get_basic(&array, &text);
            g_assert_cmpstr(text, ==, lists[i][n++]);
        }
        g_assert_null(lists[i][n]);
        dbus_message_unref(message);
    }
}

/* A signature and a value that do not belong together are refused, not guessed at. */
static void
test_mismatch(void)
{
    const DmValue integer = dm_value_new_int(1), boolean = dm_value_new_bool(true);
    DBusMessageIter iter;
    DBusMessage *message = new_message(&iter);

    g_assert_false(dm_values_append_variant(&iter, "s", &integer, NULL));
    g_assert_false(dm_values_append_variant(&iter, "b", &integer, NULL));
    g_assert_false(dm_values_append_variant(&iter, "i", &boolean, NULL));
    g_assert_false(dm_values_append_variant(&iter, "x", &integer, NULL));
    g_assert_cmpstr(dbus_message_get_signature(message), ==, "");
    dbus_message_unref(message);
}

/* Entries of a dictionary: those that cannot be are left out, and nothing of them stays behind. */
static void
test_entries(void)
{
    g_autoptr(DmBody) body = dm_body_new();
    g_auto(DmValue) text = dm_value_new_chr("a"), bad = dm_value_new_chr("\xff");
    const DmValue integer = dm_value_new_int(-7), too_large = dm_value_new_int(G_MAXINT64),
                  boolean = dm_value_new_bool(true);
    const char *const list[] = {"x", "yz", NULL}, *const bad_list[] = {"x", "\x01", NULL};
    DmBodyArray dict = dm_body_begin_array(body, true);
    g_autofree char *shown = NULL;
    DBusMessage *message;

    g_assert_false(dm_values_append_entry(body, "TooLarge", "i", &too_large, NULL));
    g_assert_true(dm_values_append_entry(body, "Integer", "i", &integer, NULL));
    g_assert_false(dm_values_append_entry(body, "Bad", "s", &bad, NULL));
    g_assert_true(dm_values_append_entry(body, "Text", "s", &text, NULL));
    g_assert_false(dm_values_append_entry(body, "BadList", "as", NULL, bad_list));
    g_assert_true(dm_values_append_entry(body, "List", "as", NULL, list));
    g_assert_false(dm_values_append_entry(body, "Other", "x", &integer, NULL));
    g_assert_true(dm_values_append_entry(body, "Boolean", "b", &boolean, NULL));
    dm_body_end_array(body, dict);
    message = dm_body_to_signal(body, "/t", "t.t", "T", "a{sv}");
    g_assert_nonnull(message);
    shown = message_to_text(message);
    g_assert_cmpstr(shown, ==,
                    "{'Integer':<-7>,'Text':<'a'>,'List':<['x','yz']>,'Boolean':<true>}");
    dbus_message_unref(message);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/values/string", test_string);
    g_test_add_func("/values/V7-bad-text-is-never-appended", test_bad_text);
    g_test_add_func("/values/int-of-32-bits", test_integer);
    g_test_add_func("/values/bool", test_boolean);
    g_test_add_func("/values/list", test_list);
    g_test_add_func("/values/format-and-signature-must-fit", test_mismatch);
    g_test_add_func("/values/entries", test_entries);
    return g_test_run();
}
