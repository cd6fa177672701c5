/* SPDX-License-Identifier: MIT */

/* What a session has to say, message by message (protocol.md sections 1 to 3). */

#include "broker/outbox.h"

#include <string.h>

#include "broker/package.h"
#include "syncml/reader.h"

#define ITEM(uri) "<Item><Target><LocURI>" uri "</LocURI></Target></Item>"

static const DmPackage package = {"7", "the-device", "https://a.example/", 3};

/* Adds the answer to these commands of message `msg_id`; a Get brings 3,000 characters. */
static void
add(DmOutbox *outbox, const char *msg_id, const char *commands, GPtrArray *dropped, bool is_urgent)
{
    g_autofree char *text = g_strdup_printf(
        "<SyncML><SyncHdr><MsgID>%s</MsgID></SyncHdr><SyncBody>%s</SyncBody></SyncML>", msg_id,
        commands);
    DmOutboxEntry entry = {.message = dm_reader_parse(text, strlen(text), DM_READ_MESSAGE, NULL),
                           .dropped = dropped};
    g_autofree char *value = g_strnfill(3000, 'v');
    const DmCommand *batch;
    gsize n;

    g_assert_nonnull(entry.message);
    entry.answer = dm_answer_new(entry.message);
    batch = dm_answer_get_batch(entry.answer, &n);
    entry.reply = dm_reply_new(n);
    for (gsize i = 0; i < n; i++) {
        dm_reply_add(entry.reply, DM_STATUS_OK);
        if (batch[i].verb == DM_VERB_GET)
            dm_reply_add_item(entry.reply, batch[i].loc_uri, DM_FORMAT_CHR, value, strlen(value));
    }
    dm_outbox_add(outbox, &entry, is_urgent);
}

static DmPackageAnswer
frame(gsize max_size, bool is_final)
{
    return (DmPackageAnswer){
        .msg_ref = "9", .header_status = DM_STATUS_OK, .is_final = is_final, .max_size = max_size};
}

/* The next message in short: "MsgRef/CmdRef=code" of each Status, "MsgRef/CmdRef:" of each
 * Results with "+" where more comes, "!code" of each Alert, "." for Final; NULL if none can be
 * made.
 */
static char *
write_next(DmOutbox *outbox, const DmPackageAnswer *answer)
{
    bool is_whole = false;
    g_autoptr(GBytes) bytes = dm_package_write_answer(&package, answer, outbox, &is_whole);
    g_autoptr(DmMessage) message = NULL;
    GString *result;

    if (!bytes)
        return NULL;
    g_assert_cmpuint(g_bytes_get_size(bytes), <=, answer->max_size);
    g_assert_true(is_whole == dm_outbox_is_empty(outbox));
    result = g_string_new(NULL);
    message = dm_reader_parse(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes),
                              DM_READ_MESSAGE, NULL);
    for (gsize i = 0; i < dm_message_get_size(message); i++) {
        const DmElement *element = dm_message_get(message, i);
        const DmItem *item = element->n_items ? dm_message_get_item(message, element, 0) : NULL;

        g_string_append(result, i == 0 ? "" : " ");
        if (element->verb == DM_VERB_STATUS)
            g_string_append_printf(result, "%s/%s=%s", element->msg_ref, element->cmd_ref,
                                   element->data);
        else if (element->verb == DM_VERB_RESULTS)
            g_string_append_printf(result, "%s/%s:%s", element->msg_ref, element->cmd_ref,
                                   item->more_data ? "+" : "");
        else
            g_string_append_printf(result, "!%s%s", element->data, item ? item->target_uri : "");
    }
    g_string_append(result, message->final ? "." : "");
    return g_string_free(result, FALSE);
}

static void
assert_next(DmOutbox *outbox, gsize max_size, bool is_final, const char *expected)
{
    const DmPackageAnswer answer = frame(max_size, is_final);
    g_autofree char *text = write_next(outbox, &answer);

    g_assert_cmpstr(text, ==, expected);
}

static void
test_whole(void)
{
    g_autoptr(DmOutbox) outbox = dm_outbox_new();

    g_assert_true(dm_outbox_is_empty(outbox));
    add(outbox, "9", "<Add><CmdID>1</CmdID>" ITEM("./a") "</Add>", NULL, false);
    g_assert_false(dm_outbox_is_empty(outbox));
    assert_next(outbox, 9000, true, "9/0=200 9/1=200.");
    add(outbox, "9", "<Add><CmdID>1</CmdID>" ITEM("./a") "</Add>", NULL, false);
    assert_next(outbox, 9000, false, "9/0=200 9/1=200 !1222");
}

/* The server asks for the rest: what that is answered goes first, and the object goes on. */
static void
test_urgent(void)
{
    static const char ask[] = "<Alert><CmdID>5</CmdID><Data>1222</Data></Alert>";
    g_autoptr(DmOutbox) outbox = dm_outbox_new();

    add(outbox, "8",
        "<Get><CmdID>1</CmdID>" ITEM("./a") "</Get><Add><CmdID>2</CmdID>" ITEM("./b") "</Add>",
        NULL, false);
    assert_next(outbox, 2000, true, "9/0=200 8/1=200");
    add(outbox, "9", ask, NULL, true);
    assert_next(outbox, 2000, true, "9/0=200 9/5=200 8/1:+");
    add(outbox, "10", ask, NULL, true);
    assert_next(outbox, 2000, true, "9/0=200 10/5=200 8/1:+");
    add(outbox, "11", ask, NULL, true);
    assert_next(outbox, 2000, true, "9/0=200 11/5=200 8/1: 8/2=200.");
}

static void
test_skip(void)
{
    const DmPackageAnswer answer = frame(1500, true);
    g_autoptr(DmOutbox) outbox = dm_outbox_new();
    g_autofree char *first = NULL;

    add(outbox, "8",
        "<Get><NoResp/><CmdID>1</CmdID>" ITEM("./a") "</Get><Add><CmdID>2</CmdID>" ITEM(
            "./b") "</Add>",
        NULL, false);
    first = write_next(outbox, &answer);
    g_assert_true(g_str_has_suffix(first, "+"));
    dm_outbox_skip_object(outbox);
    assert_next(outbox, 1500, true, "9/0=200 8/2=200.");
}

static void
test_dropped(void)
{
    g_autoptr(DmOutbox) outbox = dm_outbox_new();
    GPtrArray *dropped = g_ptr_array_new_with_free_func(g_free);

    g_ptr_array_add(dropped, g_strdup("./one"));
    g_ptr_array_add(dropped, g_strdup("./two"));
    add(outbox, "8", "<Add><CmdID>2</CmdID>" ITEM("./b") "</Add>", dropped, false);
    assert_next(outbox, 9000, false, "9/0=200 8/2=200 !1225./one !1225./two !1222");
}

/* In parts too. */
static void
test_dropped_in_parts(void)
{
    g_autoptr(DmOutbox) outbox = dm_outbox_new();
    GPtrArray *dropped = g_ptr_array_new_with_free_func(g_free);
    guint n_messages = 0;

    for (guint i = 0; i < 20; i++)
        g_ptr_array_add(dropped, g_strdup_printf("./object-%u", i));
    add(outbox, "8", "<Add><CmdID>2</CmdID>" ITEM("./b") "</Add>", dropped, false);
    while (!dm_outbox_is_empty(outbox)) {
        const DmPackageAnswer answer = frame(1200, true);
        g_autofree char *text = write_next(outbox, &answer);

        g_assert_nonnull(text);
        g_assert_cmpuint(++n_messages, <, 20);
    }
    g_assert_cmpuint(n_messages, >, 1);
}

static void
test_too_little(void)
{
    g_autoptr(DmOutbox) outbox = dm_outbox_new();

    add(outbox, "8", "<Get><CmdID>1</CmdID>" ITEM("./a") "</Get>", NULL, false);
    for (gsize max_size = 0; max_size < 600; max_size += 50)
        assert_next(outbox, max_size, true, NULL);
    g_assert_false(dm_outbox_is_empty(outbox));
}

/* NoResp suppresses the header's Status, but not one that brings a challenge. */
static void
test_silent(void)
{
    g_autoptr(DmOutbox) outbox = dm_outbox_new();
    const DmAuthElement chal = {.present = true, .type = "syncml:auth-basic", .format = "b64"};
    DmPackageAnswer answer = frame(9000, true);
    g_autofree char *without = NULL;
    g_autofree char *with = NULL;

    answer.is_silent = true;
    without = write_next(outbox, &answer);
    g_assert_cmpstr(without, ==, ".");
    answer.chal = &chal;
    answer.header_status = DM_STATUS_INVALID_CREDENTIALS;
    with = write_next(outbox, &answer);
    g_assert_cmpstr(with, ==, "9/0=401.");
}

/* What is said to have room fits, beside an Alert's Status. */
static void
test_room(void)
{
    const DmPackageAnswer small = frame(100, true);
    const DmPackageAnswer large = frame(5000, true);
    gsize room = dm_package_get_room(&package, &large);

    g_assert_cmpuint(dm_package_get_room(&package, &small), ==, 0);
    g_assert_cmpuint(room, >, 3000);
    g_assert_cmpuint(room, <, 4500);
}

static void
test_pending(void)
{
    g_autoptr(GBytes) bytes = dm_package_write_pending(&package);
    g_autoptr(DmMessage) message = dm_reader_parse(g_bytes_get_data(bytes, NULL),
                                                   g_bytes_get_size(bytes), DM_READ_MESSAGE, NULL);
    const DmElement *alert = dm_message_get(message, 0);
    const DmItem *item = dm_message_get_item(message, alert, 0);

    g_assert_cmpuint(dm_message_get_size(message), ==, 1);
    g_assert_false(message->final);
    g_assert_cmpstr(message->header.msg_id, ==, "3");
    g_assert_cmpstr(alert->cmd_id, ==, "2");
    g_assert_cmpstr(alert->data, ==, "1224");
    g_assert_cmpstr(item->type, ==, "Reversed-Domain-Name:com.microsoft.mdm.requestpending");
    g_assert_cmpstr(item->data, ==, "1");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/outbox/protocol-1-whole", test_whole);
    g_test_add_func("/outbox/protocol-3-asked-for-the-rest", test_urgent);
    g_test_add_func("/outbox/protocol-3-an-object-that-is-not-taken", test_skip);
    g_test_add_func("/outbox/protocol-3-1225-for-what-was-dropped", test_dropped);
    g_test_add_func("/outbox/protocol-3-1225-in-parts", test_dropped_in_parts);
    g_test_add_func("/outbox/protocol-3-too-little-room", test_too_little);
    g_test_add_func("/outbox/protocol-2-NoResp-of-the-header", test_silent);
    g_test_add_func("/outbox/protocol-3-room-for-an-Atomic", test_room);
    g_test_add_func("/outbox/S3-request-pending", test_pending);
    return g_test_run();
}
