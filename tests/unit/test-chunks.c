/* SPDX-License-Identifier: MIT */

/* Objects that a server sends in chunks (protocol.md section 3). */

#include "syncml/chunks.h"

#include <string.h>

#include "syncml/answer.h"
#include "tests/unit/reader-fixture.h"

/* A command with one Item; "+" at the end of its data: MoreData. `size` NULL: none is told. */
static char *
command(const char *verb, const char *id, const char *uri, const char *size, const char *data)
{
    gsize n = strlen(data);
    bool more = n > 0 && data[n - 1] == '+';
    g_autofree char *meta =
        size ? g_strdup_printf("<Meta><Format>xml</Format><Size>%s</Size></Meta>", size)
             : g_strdup("");

    return g_strdup_printf("<%s><CmdID>%s</CmdID><Item><Target><LocURI>%s</LocURI></Target>%s"
                           "<Data>%.*s</Data>%s</Item></%s>",
                           verb, id, uri, meta, (int)(more ? n - 1 : n), data,
                           more ? "<MoreData/>" : "", verb);
}

/* What becomes of the message: "CmdID=status" of what is not run, "CmdID:verb uri data" of what is;
 * then "!uri" of what was dropped. */
static char *
take(DmChunks *chunks, const char *text)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(DmMessage) message = read_bytes(text, strlen(text), DM_READ_FRAGMENT, &error);
    GString *result = g_string_new(NULL);

    g_assert_no_error(error);
    dm_chunks_take(chunks, message);
    for (gsize i = 0; i < dm_message_get_size(message); i++) {
        const DmElement *element = dm_message_get(message, i);
        const DmItem *item = element->n_items > 0 ? dm_message_get_item(message, element, 0) : NULL;

        if (result->len > 0)
            g_string_append_c(result, ' ');
        if (element->problem != DM_STATUS_OK)
            g_string_append_printf(result, "%s=%u", element->cmd_id, (guint)element->problem);
        else
            g_string_append_printf(result, "%s:%s", element->cmd_id,
                                   item && item->data ? item->data : "");
        if (item && item->data)
            g_assert_cmpuint(strlen(item->data), ==, item->data_size);
    }
    for (guint i = 0; i < dm_chunks_get_dropped(chunks)->len; i++)
        g_string_append_printf(result, " !%s", (char *)dm_chunks_get_dropped(chunks)->pdata[i]);
    return g_string_free(result, FALSE);
}

#define A "./a"
#define B "./b"
#define MAX_PARTS 4

/* One element a message; `joined` what came of all messages, with " | " between. */
static const struct {
    const char *name;
    struct {
        const char *verb, *uri, *size, *data;
    } parts[MAX_PARTS];
    const char *expected;
} cases[] = {
    {"protocol-3-joined",
     {{"Replace", A, "6", "ab+"}, {"Replace", A, NULL, "cd+"}, {"Replace", A, NULL, "ef"}},
     "1=213 | 2=213 | 3:abcdef"},
    {"protocol-3-without-a-size",
     {{"Add", A, NULL, "ab+"}, {"Add", A, NULL, "cd"}},
     "1=213 | 2:abcd"},
    {"protocol-3-Exec", {{"Exec", A, "2", "a+"}, {"Exec", A, NULL, "b"}}, "1=213 | 2:ab"},
    {"protocol-3-an-empty-last-chunk",
     {{"Add", A, "2", "ab+"}, {"Add", A, NULL, ""}},
     "1=213 | 2:ab"},
    {"protocol-3-too-little", {{"Add", A, "5", "ab+"}, {"Add", A, NULL, "cd"}}, "1=213 | 2=424"},
    {"protocol-3-too-much-at-the-end",
     {{"Add", A, "3", "ab+"}, {"Add", A, NULL, "cd"}},
     "1=213 | 2=424"},
    {"protocol-3-too-much-on-the-way",
     {{"Add", A, "3", "ab+"},
      {"Add", A, NULL, "cd+"},
      {"Add", A, NULL, "ef+"},
      {"Add", A, NULL, "gh"}},
     "1=213 | 2=424 | 3=424 | 4=424"},
    {"protocol-3-a-size-over-the-cap",
     {{"Add", A, "262145", "ab+"}, {"Add", A, NULL, "cd"}, {"Add", B, NULL, "x"}},
     "1=416 | 2=416 | 3:x"},
    {"protocol-3-after-a-refusal-nothing-is-missing",
     {{"Add", A, "262145", "ab+"}, {"Add", B, NULL, "x"}},
     "1=416 | 2:x"},
    {"protocol-3-another-command-in-between",
     {{"Add", A, "9", "ab+"}, {"Add", B, NULL, "x"}, {"Add", A, NULL, "cd"}},
     "1=213 | 2:x !./a | 3:cd"},
    {"protocol-3-another-verb-in-between",
     {{"Add", A, "9", "ab+"}, {"Replace", A, NULL, "cd"}},
     "1=213 | 2:cd !./a"},
    {"protocol-3-another-object-in-between",
     {{"Add", A, "9", "ab+"}, {"Add", B, "4", "cd+"}, {"Add", B, NULL, "ef"}},
     "1=213 | 2=213 !./a | 3:cdef"},
    {"protocol-3-a-Get-in-between",
     {{"Add", A, "9", "ab+"}, {"Get", A, NULL, ""}},
     "1=213 | 2: !./a"},
    {"protocol-3-two-objects-one-after-the-other",
     {{"Add", A, "2", "a+"}, {"Add", A, NULL, "b"}, {"Add", A, "2", "c+"}, {"Add", A, NULL, "d"}},
     "1=213 | 2:ab | 3=213 | 4:cd"},
};

static void
test_case(gconstpointer data)
{
    gsize index = GPOINTER_TO_SIZE(data);
    g_autoptr(DmChunks) chunks = dm_chunks_new();
    g_autoptr(GString) result = g_string_new(NULL);

    for (guint i = 0; i < MAX_PARTS && cases[index].parts[i].verb; i++) {
        g_autofree char *id = g_strdup_printf("%u", i + 1);
        g_autofree char *text = command(cases[index].parts[i].verb, id, cases[index].parts[i].uri,
                                        cases[index].parts[i].size, cases[index].parts[i].data);
        g_autofree char *taken = take(chunks, text);

        g_string_append_printf(result, "%s%s", i == 0 ? "" : " | ", taken);
    }
    g_assert_cmpstr(result->str, ==, cases[index].expected);
}

/* Statuses, Results and Alerts of the server's next message stand before the chunk. */
static void
test_between(void)
{
    g_autoptr(DmChunks) chunks = dm_chunks_new();
    g_autofree char *first = command("Add", "1", A, "4", "ab+");
    g_autofree char *last = command("Add", "9", A, NULL, "cd");
    g_autofree char *text = g_strconcat("<Status><CmdID>1</CmdID></Status><Alert><CmdID>2</CmdID>"
                                        "</Alert><Results><CmdID>3</CmdID></Results>",
                                        last, NULL);
    g_autofree char *one = take(chunks, first);
    g_autofree char *two = NULL;

    g_assert_cmpstr(one, ==, "1=213");
    g_assert_true(dm_chunks_is_open(chunks));
    two = take(chunks, text);
    g_assert_cmpstr(two, ==, "1: 2: 3: 9:abcd");
    g_assert_false(dm_chunks_is_open(chunks));
}

/* Format and type are those of the first chunk; Size may stand in the command's Meta. */
static void
test_meta(void)
{
    static const char first[] =
        "<Add><CmdID>1</CmdID><Meta><Format>b64</Format><Type>image/png</Type><Size>4</Size></Meta>"
        "<Item><Target><LocURI>./a</LocURI></Target><Data>ab</Data><MoreData/></Item></Add>";
    static const char last[] = "<Add><CmdID>2</CmdID><Item><Target><LocURI>./a</LocURI></Target>"
                               "<Data>cd</Data></Item></Add>";
    g_autoptr(DmChunks) chunks = dm_chunks_new();
    g_autoptr(DmMessage) message = NULL;
    g_autofree char *taken = take(chunks, first);
    const DmItem *item;

    g_assert_cmpstr(taken, ==, "1=213");
    message = read_bytes(last, strlen(last), DM_READ_FRAGMENT, NULL);
    dm_chunks_take(chunks, message);
    item = dm_message_get_item(message, dm_message_get(message, 0), 0);
    g_assert_cmpstr(item->data, ==, "abcd");
    g_assert_cmpstr(item->format, ==, "b64");
    g_assert_cmpstr(item->type, ==, "image/png");
}

/* What is no object of its own is refused as a whole, and never kept. */
static void
test_elsewhere(void)
{
    static const char *const texts[] = {
        "<Atomic><CmdID>1</CmdID><Add><CmdID>2</CmdID><Item><Target><LocURI>./a</LocURI></Target>"
        "<Data>ab</Data><MoreData/></Item></Add></Atomic>",
        "<Sequence><CmdID>1</CmdID><Add><CmdID>2</CmdID><Item><Target><LocURI>./a</LocURI></Target>"
        "<Data>ab</Data><MoreData/></Item></Add></Sequence>",
        "<Add><CmdID>1</CmdID><Item><Target><LocURI>./a</LocURI></Target></Item><Item><Target>"
        "<LocURI>./b</LocURI></Target><MoreData/></Item></Add>",
        "<Add><CmdID>1</CmdID><Item><Data>ab</Data><MoreData/></Item></Add>",
        "<Add><Item><Target><LocURI>./a</LocURI></Target><Data>ab</Data><MoreData/></Item></Add>",
        "<Get><CmdID>1</CmdID><Item><Target><LocURI>./a</LocURI></Target><MoreData/></Item></Get>",
    };

    for (gsize i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_autoptr(DmChunks) chunks = dm_chunks_new();
        g_autoptr(DmMessage) message =
            read_bytes(texts[i], strlen(texts[i]), DM_READ_FRAGMENT, NULL);
        g_autoptr(DmAnswer) answer = NULL;
        gsize n;

        dm_chunks_take(chunks, message);
        g_assert_false(dm_chunks_is_open(chunks));
        answer = dm_answer_new(message);
        for (const DmCommand *batch = dm_answer_get_batch(answer, &n); n > 0; n--)
            g_assert_cmpint(batch[n - 1].verb, ==, DM_VERB_SEQUENCE);
    }
}

/* 256 KiB and no more, whatever the chunks are like, and the last may be over the cap of one Data.
 */
static void
test_cap(void)
{
    static const struct {
        gsize sizes[5];
        guint last_status; /* 0: it is run */
    } rows[] = {
        {{65536, 65536, 65536, 65536}, 0},
        {{65536, 196608}, 0},
        {{65536, 65536, 65536, 65537}, 413},
        {{262144, 1}, 413},
        {{262144, 0}, 0},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(DmChunks) chunks = dm_chunks_new();
        guint n_parts = 2;

        while (n_parts < 5 && rows[i].sizes[n_parts] > 0)
            n_parts++;
        for (guint j = 0; j < n_parts; j++) {
            g_autofree char *data = g_malloc(rows[i].sizes[j] + 2);
            g_autofree char *text = NULL;
            g_autofree char *taken = NULL;

            memset(data, 'x', rows[i].sizes[j]);
            data[rows[i].sizes[j]] = j + 1 < n_parts ? '+' : '\0';
            data[rows[i].sizes[j] + 1] = '\0';
            text = command("Add", "1", A, NULL, data);
            taken = take(chunks, text);
            if (j + 1 < n_parts)
                g_assert_cmpstr(taken, ==, "1=213");
            else if (rows[i].last_status == 0)
                g_assert_cmpuint(strlen(taken), ==, 262144 + 2);
            else
                g_assert_cmpstr(taken, ==, "1=413");
        }
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *path = g_strconcat("/chunks/", cases[i].name, NULL);

        g_test_add_data_func(path, GSIZE_TO_POINTER(i), test_case);
    }
    g_test_add_func("/chunks/protocol-3-Statuses-come-in-between", test_between);
    g_test_add_func("/chunks/protocol-3-Meta-is-that-of-the-first", test_meta);
    g_test_add_func("/chunks/protocol-3-not-inside-anything", test_elsewhere);
    g_test_add_func("/chunks/protocol-3-one-object-has-a-cap", test_cap);
    return g_test_run();
}
