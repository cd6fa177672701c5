/* SPDX-License-Identifier: MIT */

/* An answer in several messages (protocol.md section 3): whatever the limit is, no part is over it,
 * and together they say what one message would. */

#include <string.h>

#include "syncml/answer.h"
#include "tests/unit/reader-fixture.h"

#define ITEM(uri) "<Item><Target><LocURI>" uri "</LocURI></Target></Item>"
#define MAX_PARTS 2000

/* A Get of ./N brings N characters, some of which are escaped and some of several bytes. */
static void
add_value(DmReply *reply, const char *loc_uri)
{
    static const char *const characters[] = {"a", "&", "ä", "<", "€", "\r", "😀", ">"};
    guint n = (guint)g_ascii_strtoull(loc_uri + 2, NULL, 10);
    g_autoptr(GString) value = g_string_new(NULL);

    for (guint i = 0; i < n; i++)
        g_string_append(value, characters[i % G_N_ELEMENTS(characters)]);
    dm_reply_add_item(reply, loc_uri, n % 2 == 0 ? DM_FORMAT_CHR : DM_FORMAT_XML, value->str,
                      value->len);
}

static DmReply *
make_reply(const DmAnswer *answer)
{
    DmReply *reply = dm_reply_new(8);
    gsize n;
    const DmCommand *batch = dm_answer_get_batch(answer, &n);

    for (gsize i = 0; i < n; i++) {
        dm_reply_add(reply, i % 5 == 4 ? DM_STATUS_NOT_FOUND : DM_STATUS_OK);
        if (batch[i].verb == DM_VERB_GET && i % 5 != 4)
            add_value(reply, batch[i].loc_uri);
    }
    return reply;
}

/* What the parts say, put together: "CmdRef Cmd Code@TargetRef;" of each Status, "CmdRef
 * LocURI(Format)=Data;" of each item. */
typedef struct {
    GString *text;
    GString *object; /* data of one in chunks so far; NULL: none is open */
    gsize size;      /* as told */
    guint n_parts, n_chunks;
    guint n_atomic; /* parts with a Status of an Atomic's, in the last such one */
} Joined;

static void
join_item(Joined *joined, const DmElement *element, const DmItem *item)
{
    if (item->more_data || joined->object) {
        joined->n_chunks++;
        g_assert_true((joined->object == NULL) == (item->size >= 0));
        if (!joined->object) {
            joined->object = g_string_new(NULL);
            joined->size = (gsize)item->size;
        }
        g_string_append(joined->object, item->data);
        if (item->more_data)
            return;
        g_assert_cmpuint(joined->object->len, ==, joined->size);
    }
    g_string_append_printf(joined->text, "%s %s(%s)=%s;", element->cmd_ref, item->source_uri,
                           item->format ? item->format : "",
                           joined->object ? joined->object->str : item->data);
    if (joined->object)
        g_string_free(g_steal_pointer(&joined->object), TRUE);
}

static void
join(Joined *joined, const DmMessage *part, DmAnswerProgress progress)
{
    const gsize n = dm_message_get_size(part);
    bool ends_in_chunk = false;

    joined->n_parts++;
    for (gsize i = 0; i < n; i++) {
        const DmElement *element = dm_message_get(part, i);

        if (element->verb == DM_VERB_STATUS)
            g_string_append_printf(
                joined->text, "%s %s %s@%s;", element->cmd_ref, element->cmd, element->data,
                element->target_refs ? (char *)g_ptr_array_index(element->target_refs, 0) : "");
        for (guint j = 0; element->verb == DM_VERB_RESULTS && j < element->n_items; j++) {
            const DmItem *item = dm_message_get_item(part, element, j);

            join_item(joined, element, item);
            ends_in_chunk = item->more_data;
            if (ends_in_chunk) /* it is the last of its message */
                g_assert_true(i + 1 == n && j + 1 == element->n_items);
        }
    }
    g_assert_true(ends_in_chunk == (progress == DM_ANSWER_CHUNK));
}

static Joined
write_parts(const DmAnswer *answer, const DmReply *reply, gsize limit)
{
    Joined joined = {.text = g_string_new(NULL)};
    DmAnswerCursor cursor = {0};
    DmAnswerProgress progress;

    do {
        g_autoptr(DmWriter) writer = dm_writer_new();
        g_autoptr(DmMessage) part = NULL;
        g_autoptr(GBytes) bytes = NULL;
        gsize begin, size;

        dm_writer_begin_body(writer, 1);
        begin = dm_writer_get_size(writer);
        progress = dm_answer_write_part(answer, reply, "3", limit, true, &cursor, writer);
        g_assert_true(dm_writer_get_size(writer) <= limit);
        if (progress != DM_ANSWER_WHOLE && dm_writer_get_size(writer) == begin) {
            g_string_assign(joined.text, "stuck");
            break;
        }
        bytes = dm_writer_end(writer, false);
        part = read_bytes(g_bytes_get_data(bytes, &size), g_bytes_get_size(bytes), DM_READ_FRAGMENT,
                          NULL);
        g_assert_nonnull(part);
        join(&joined, part, progress);
        g_assert_cmpuint(joined.n_parts, <, MAX_PARTS);
    } while (progress != DM_ANSWER_WHOLE);
    if (joined.object)
        g_string_free(g_steal_pointer(&joined.object), TRUE);
    return joined;
}

static const char *const messages[] = {
    "<SyncBody/>",
    "<Get><CmdID>1</CmdID>" ITEM("./3000") "</Get>",
    "<Replace><CmdID>1</CmdID>" ITEM("./a") ITEM("./b")
        ITEM("./c") "</Replace><Get><CmdID>2</CmdID>" ITEM(
            "./100") "</Get><Alert><CmdID>3</CmdID></Alert><Bogus><CmdID>4</CmdID></Bogus>",
    "<Get><CmdID>1</CmdID>" ITEM("./100") ITEM("./0") ITEM("./1500") ITEM("./7") ITEM("./9")
        ITEM("./2000") "</Get><Get><CmdID>2</CmdID>" ITEM("./1") "</Get>",
    "<Atomic><CmdID>1</CmdID><Add><CmdID>2</CmdID>" ITEM("./a") "</Add><Add><CmdID>3</CmdID>" ITEM(
        "./b") "</Add></Atomic><Get><CmdID>4</CmdID>" ITEM("./900") "</Get>",
    "<Sequence><CmdID>1</CmdID><Get><CmdID>2</CmdID>" ITEM(
        "./501") "</Get><Delete>"
                 "<CmdID>3</CmdID>" ITEM("./b") "</Delete></Sequence>",
    "<Get><NoResp/><CmdID>1</CmdID>" ITEM("./800") "</Get>",
};

static void
test_parts(void)
{
    for (gsize i = 0; i < G_N_ELEMENTS(messages); i++) {
        g_autoptr(DmMessage) message =
            read_bytes(messages[i], strlen(messages[i]), DM_READ_FRAGMENT, NULL);
        g_autoptr(DmAnswer) answer = dm_answer_new(message);
        g_autoptr(DmReply) reply = make_reply(answer);
        Joined whole = write_parts(answer, reply, G_MAXSIZE);

        g_assert_cmpuint(whole.n_parts, ==, 1);
        g_assert_cmpuint(whole.n_chunks, ==, 0);
        for (gsize limit = 300; limit < 9000; limit += limit < 700 ? 7 : 211) {
            Joined joined = write_parts(answer, reply, limit);

            g_assert_cmpstr(joined.text->str, ==, whole.text->str);
            g_string_free(joined.text, TRUE);
        }
        g_string_free(whole.text, TRUE);
    }
}

/* Larger than a message: in chunks; not larger: whole in the next message. */
static void
test_chunks_only_where_needed(void)
{
    const char *text = messages[1];
    g_autoptr(DmMessage) message = read_bytes(text, strlen(text), DM_READ_FRAGMENT, NULL);
    g_autoptr(DmAnswer) answer = dm_answer_new(message);
    g_autoptr(DmReply) reply = make_reply(answer);
    Joined one = write_parts(answer, reply, 12000);
    gsize size = 0;

    g_assert_cmpuint(one.n_parts, ==, 1);
    g_string_free(one.text, TRUE);
    /* The least limit that takes the Results whole, without its Status. */
    for (gsize limit = 12000; size == 0; limit--) {
        Joined joined = write_parts(answer, reply, limit);

        if (joined.n_chunks > 0)
            size = limit + 1;
        else if (joined.n_parts > 1)
            g_assert_cmpuint(joined.n_parts, ==, 2);
        g_string_free(joined.text, TRUE);
    }
    one = write_parts(answer, reply, size);
    g_assert_cmpuint(one.n_parts, ==, 2);
    g_assert_cmpuint(one.n_chunks, ==, 0);
    g_string_free(one.text, TRUE);
}

static void
test_too_little(void)
{
    for (gsize i = 1; i < G_N_ELEMENTS(messages); i++) {
        g_autoptr(DmMessage) message =
            read_bytes(messages[i], strlen(messages[i]), DM_READ_FRAGMENT, NULL);
        g_autoptr(DmAnswer) answer = dm_answer_new(message);
        g_autoptr(DmReply) reply = make_reply(answer);

        for (gsize limit = 0; limit < 100; limit += 10) {
            DmAnswerCursor cursor = {0};
            g_autoptr(DmWriter) writer = dm_writer_new();

            dm_writer_begin_body(writer, 1);
            g_assert_cmpint(dm_answer_write_part(answer, reply, "3", limit, true, &cursor, writer),
                            ==, DM_ANSWER_PART);
            g_assert_cmpuint(cursor.element, ==, 0);
        }
    }
}

/* The server does not take the object: what comes after it does. */
static void
test_skip(void)
{
    const char *text = messages[3];
    g_autoptr(DmMessage) message = read_bytes(text, strlen(text), DM_READ_FRAGMENT, NULL);
    g_autoptr(DmAnswer) answer = dm_answer_new(message);
    g_autoptr(DmReply) reply = make_reply(answer);
    g_autoptr(GString) all = g_string_new(NULL);
    DmAnswerCursor cursor = {0};
    DmAnswerProgress progress;
    guint n_chunks = 0;

    do {
        g_autoptr(DmWriter) writer = dm_writer_new();
        g_autoptr(GBytes) bytes = NULL;

        dm_writer_begin_body(writer, 1);
        progress = dm_answer_write_part(answer, reply, "3", 1000, true, &cursor, writer);
        if (progress == DM_ANSWER_CHUNK) {
            n_chunks++;
            dm_answer_skip_object(&cursor);
        }
        bytes = dm_writer_end(writer, false);
        g_string_append_len(all, g_bytes_get_data(bytes, NULL), (gssize)g_bytes_get_size(bytes));
    } while (progress != DM_ANSWER_WHOLE);
    g_assert_cmpuint(n_chunks, ==, 2);
    g_assert_nonnull(strstr(all->str, "<LocURI>./7</LocURI>"));
    g_assert_nonnull(strstr(all->str, "<CmdRef>2</CmdRef>"));
}

/* -- Atomic -----------------------------------------------------------------------------------*/

static void
test_atomic_stays_together(void)
{
    static const char text[] = "<Replace><CmdID>1</CmdID>" ITEM(
        "./x") "</Replace><Atomic><CmdID>2</CmdID><Add>"
               "<CmdID>3</CmdID>" ITEM("./a") "</Add><Add><CmdID>4</CmdID>" ITEM(
                   "./b") "</Add></Atomic>";
    g_autoptr(DmMessage) message = read_bytes(text, strlen(text), DM_READ_FRAGMENT, NULL);
    g_autoptr(DmAnswer) answer = dm_answer_new(message);
    g_autoptr(DmReply) reply = make_reply(answer);
    g_autoptr(DmWriter) writer = dm_writer_new();
    DmAnswerCursor cursor = {0};

    dm_writer_begin_body(writer, 1);
    g_assert_cmpint(dm_answer_write_part(answer, reply, "3", 330, true, &cursor, writer), ==,
                    DM_ANSWER_PART);
    g_assert_cmpuint(cursor.element, ==, 1);
    g_assert_cmpuint(dm_writer_get_size(writer), <, 200);
}

static void
assert_first_status(const char *text, gsize atomic_max, DmStatus expected)
{
    g_autoptr(DmMessage) message = read_bytes(text, strlen(text), DM_READ_FRAGMENT, NULL);
    g_autoptr(DmAnswer) answer = dm_answer_new_limited(message, atomic_max);
    g_autoptr(DmReply) reply = make_reply(answer);
    g_autoptr(DmWriter) writer = dm_writer_new();
    g_autoptr(DmMessage) written = NULL;
    g_autoptr(GBytes) bytes = NULL;
    g_autofree char *code = g_strdup_printf("%u", (guint)expected);
    gsize n;

    dm_answer_get_batch(answer, &n);
    g_assert_true((expected == DM_STATUS_OK) == (n > 0));
    dm_writer_begin_body(writer, 1);
    dm_answer_write(answer, reply, "3", 0, writer);
    bytes = dm_writer_end(writer, false);
    written =
        read_bytes(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes), DM_READ_FRAGMENT, NULL);
    g_assert_cmpstr(dm_message_get(written, 0)->data, ==, code);
    for (gsize i = 1; expected != DM_STATUS_OK && i < dm_message_get_size(written); i++)
        g_assert_cmpstr(dm_message_get(written, i)->data, ==, "215");
}

static void
test_atomic_too_large(void)
{
    static const char text[] = "<Atomic><CmdID>2</CmdID><Add><CmdID>3</CmdID>" ITEM("./a")
        ITEM("./b") "</Add><Add><CmdID>4</CmdID>" ITEM("./b") "</Add></Atomic>";

    assert_first_status(text, G_MAXSIZE, DM_STATUS_OK);
    assert_first_status(text, 1000, DM_STATUS_OK);
    assert_first_status(text, 300, DM_STATUS_RESPONSE_TOO_LARGE);
    assert_first_status(text, 0, DM_STATUS_RESPONSE_TOO_LARGE);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/answer-parts/protocol-3-together-they-are-the-answer", test_parts);
    g_test_add_func("/answer-parts/protocol-3-chunks-only-where-needed",
                    test_chunks_only_where_needed);
    g_test_add_func("/answer-parts/protocol-3-too-little-room", test_too_little);
    g_test_add_func("/answer-parts/protocol-3-an-object-that-is-not-taken", test_skip);
    g_test_add_func("/answer-parts/protocol-3-an-Atomic-stays-together",
                    test_atomic_stays_together);
    g_test_add_func("/answer-parts/protocol-3-an-Atomic-over-a-message-is-517",
                    test_atomic_too_large);
    return g_test_run();
}
