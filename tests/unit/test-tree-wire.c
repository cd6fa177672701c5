/* SPDX-License-Identifier: MIT */

/* The tree's calls made and read without GLib (hosts/tree-wire.h), held against those of dbus/. */

#include <errno.h>
#include <glib.h>
#include <string.h>

#include "common/error.h"
#include "dbus/tree-call.h"
#include "hosts/tree-wire.h"
#include "tests/unit/wire-fixture.h"

#define SESSION "host-0123"

static void
test_apply(void)
{
    const DmCommand commands[] = {SAMPLE_COMMANDS};
    const DmContext context = {.session = SESSION, .message = 3, .uid = 1000};
    g_autoptr(DBusMessage) theirs = NULL, ours = NULL;
    g_autoptr(GBytes) a = NULL, b = NULL;

    theirs = dm_tree_call_new_apply(&context, commands, G_N_ELEMENTS(commands), NULL);
    g_assert_nonnull(theirs);
    g_assert_cmpint(
        dm_tree_wire_new_apply(SESSION, 3, 1000, commands, G_N_ELEMENTS(commands), &ours), ==, 0);
    a = to_bytes(theirs);
    b = to_bytes(ours);
    g_assert_true(g_bytes_equal(a, b));
}

/* What dbus/ refuses to send is refused here too: libdbus would end the process. */
static void
test_refused(void)
{
    const DmCommand nul = {.verb = DM_VERB_ADD, .loc_uri = "./x", .data = "a\0b", .data_size = 3};
    const DmCommand good = command(DM_VERB_GET, 0, "./x", NULL, NULL);
    const struct {
        DmCommand command;
        int code;
    } cases[] = {
        {command(DM_VERB_GET, 0, "./\xff", NULL, NULL), EINVAL},
        {command(DM_VERB_ADD, 0, "./x", "\xff", NULL), EINVAL},
        {command(DM_VERB_ADD, 0, "./x", NULL, "\xc3"), EINVAL},
        {command(DM_VERB_ADD, 0, "./x", NULL, "\xed\xa0\x80"), EINVAL},
        {nul, EINVAL},
        {command(DM_VERB_ATOMIC, 1, NULL, NULL, NULL), EINVAL},
        {command(DM_VERB_GET, 1, "./x", NULL, NULL), EINVAL},
        {good, 0},
    };
    g_autofree DmCommand *many = g_new(DmCommand, DM_BATCH_MAX + 1);
    g_autofree char *large = g_strnfill(DM_TREE_MAX_CALL, 'x');
    const DmCommand too_large = command(DM_VERB_ADD, 0, "./x", NULL, large);

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++)
        g_assert_cmpint(dm_tree_wire_check(&cases[i].command, 1), ==, cases[i].code);
    for (gsize i = 0; i <= DM_BATCH_MAX; i++)
        many[i] = good;
    g_assert_cmpint(dm_tree_wire_check(many, DM_BATCH_MAX), ==, 0);
    g_assert_cmpint(dm_tree_wire_check(many, DM_BATCH_MAX + 1), ==, EMSGSIZE);
    g_assert_cmpint(dm_tree_wire_check(&too_large, 1), ==, EMSGSIZE);
}

/* Spans are judged as common/command.h judges them. */
static void
test_spans(void)
{
    DmCommand deep[DM_BATCH_MAX_DEPTH + 2];

    for (guint i = 0; i < G_N_ELEMENTS(deep); i++)
        deep[i] = command(i + 1 < G_N_ELEMENTS(deep) ? DM_VERB_SEQUENCE : DM_VERB_GET,
                          (guint)G_N_ELEMENTS(deep) - 1 - i, NULL, NULL, NULL);
    for (guint i = 0; i < G_N_ELEMENTS(deep); i++) {
        gsize n = G_N_ELEMENTS(deep) - i;

        g_assert_cmpint(dm_tree_wire_check(deep + i, n) == 0, ==, dm_batch_is_valid(deep + i, n));
    }
}

static DBusMessage *
new_answer(const DmReply *reply)
{
    g_autoptr(DBusMessage) answer = dbus_message_new(DBUS_MESSAGE_TYPE_METHOD_RETURN);
    DBusMessageIter iter;

    g_assert_true(dbus_message_set_reply_serial(answer, 1));
    dbus_message_iter_init_append(answer, &iter);
    g_assert_true(dm_wire_append_reply(&iter, reply));
    return send_through_wire(answer);
}

static void
test_reply(void)
{
    g_autoptr(DmReply) reply = dm_reply_new(3);
    g_autoptr(DBusMessage) answer = NULL;
    DmHostReply got = {0};

    dm_reply_add(reply, DM_STATUS_OK);
    dm_reply_add_item(reply, "./a", DM_FORMAT_CHR, "text", 4);
    dm_reply_add_item(reply, "./b", DM_FORMAT_NULL, NULL, 0);
    dm_reply_add(reply, DM_STATUS_NOT_FOUND);
    dm_reply_add(reply, DM_STATUS_OK);
    dm_reply_add_item(reply, "./c", DM_FORMAT_INT, "", 0);
    dm_reply_set_stop(reply);
    answer = new_answer(reply);

    g_assert_cmpint(dm_tree_wire_read_reply(answer, 2, &got), ==, EPROTO); /* one too many */
    g_assert_cmpint(dm_tree_wire_read_reply(answer, 3, &got), ==, 0);
    g_assert_true(got.is_stopped);
    for (gsize i = 0; i < 3; i++) {
        const DmResultItem *items = dm_reply_get_items(reply, i);

        g_assert_cmpint(got.results[i].status, ==, dm_reply_get(reply, i)->status);
        g_assert_cmpuint(got.results[i].n_items, ==, dm_reply_get(reply, i)->n_items);
        for (gsize j = 0; j < got.results[i].n_items; j++) {
            g_assert_cmpstr(got.results[i].items[j].loc_uri, ==, items[j].loc_uri);
            g_assert_cmpint(got.results[i].items[j].format, ==, items[j].format);
            g_assert_cmpstr(got.results[i].items[j].data, ==, items[j].data);
            g_assert_cmpuint(got.results[i].items[j].data_size, ==, items[j].data_size);
        }
    }
    dm_host_reply_clear(&got);
}

/* An answer with one result of these fields, as something else than the tree might send it. */
static int
read_hostile(dbus_uint32_t status, guint8 format, dbus_bool_t has_data, const char *data)
{
    g_autoptr(DBusMessage) answer = dbus_message_new(DBUS_MESSAGE_TYPE_METHOD_RETURN);
    DmHostReply reply = {0};
    int code;

    append_answer(answer, status, format, has_data, data, FALSE);
    code = dm_tree_wire_read_reply(answer, 1, &reply);
    dm_host_reply_clear(&reply);
    return code;
}

static void
test_hostile_reply(void)
{
    g_autoptr(DBusMessage) empty = dbus_message_new(DBUS_MESSAGE_TYPE_METHOD_RETURN);
    DmHostReply reply = {0};

    g_assert_cmpint(dm_tree_wire_read_reply(empty, 0, &reply), ==, EPROTO);
    g_assert_cmpint(read_hostile(200, DM_FORMAT_CHR, TRUE, "x"), ==, 0);
    g_assert_cmpint(read_hostile(200, DM_FORMAT_CHR, FALSE, "x"), ==, EPROTO);
    g_assert_cmpint(read_hostile(200, DM_FORMAT_TIME + 1, TRUE, "x"), ==, EPROTO);
    g_assert_cmpint(read_hostile(299, DM_FORMAT_CHR, TRUE, "x"), ==, EPROTO);
    g_assert_cmpint(read_hostile(0, DM_FORMAT_CHR, TRUE, "x"), ==, EPROTO);
}

static void
test_format_names(void)
{
    for (DmFormat format = DM_FORMAT_CHR; format <= DM_FORMAT_TIME; format++)
        g_assert_cmpstr(dm_host_format_to_name(format), ==, dm_format_to_name(format));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/tree-wire/apply", test_apply);
    g_test_add_func("/tree-wire/refused", test_refused);
    g_test_add_func("/tree-wire/spans", test_spans);
    g_test_add_func("/tree-wire/reply", test_reply);
    g_test_add_func("/tree-wire/hostile-reply", test_hostile_reply);
    g_test_add_func("/tree-wire/format-names", test_format_names);
    return g_test_run();
}
