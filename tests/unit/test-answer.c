/* SPDX-License-Identifier: MIT */

/* From a message to the batch, and from its reply to Statuses and Results (protocol.md section 2).
 */

#include "tests/unit/reader-fixture.h"

#include "syncml/answer.h"

/* Reads a fragment or message in which "[uri]" stands for an Item with that Target. */
static DmMessage *
read_short(const char *text)
{
    g_autoptr(GRegex) brackets = g_regex_new("\\[([^]]*)\\]", 0, 0, NULL);
    g_autofree char *full = g_regex_replace(
        brackets, text, -1, 0, "<Item><Target><LocURI>\\1</LocURI></Target></Item>", 0, NULL);
    g_autoptr(GError) error = NULL;
    DmMessage *message = read_bytes(full, strlen(full), DM_READ_FRAGMENT, &error);

    g_assert_no_error(error);
    return message;
}

/* Reads fragment or message `text`, answers the batch with `codes` (ended by 0), and writes. A code
 * of 200 for a Get brings an item. */
static char *
answer(const char *text, const unsigned *codes, unsigned header_status)
{
    g_autoptr(DmMessage) message = read_short(text);
    g_autoptr(DmAnswer) answer = dm_answer_new(message);
    g_autoptr(DmReply) reply = dm_reply_new(4);
    g_autoptr(DmWriter) writer = dm_writer_new();
    g_autoptr(GBytes) bytes = NULL;
    const DmCommand *batch;
    gsize n;

    batch = dm_answer_get_batch(answer, &n);
    g_assert_true(dm_batch_is_valid(batch, n));
    for (gsize i = 0; i < n; i++) {
        g_assert_cmpuint(codes[i], !=, 0);
        dm_reply_add(reply, (DmStatus)codes[i]);
        if (batch[i].verb == DM_VERB_GET && codes[i] == 200)
            dm_reply_add_item(reply, batch[i].loc_uri, DM_FORMAT_CHR, "v", 1);
    }
    g_assert_cmpuint(codes[n], ==, 0);
    dm_writer_begin_body(writer, 1);
    dm_answer_write(answer, reply, "3", header_status, writer);
    bytes = dm_writer_end(writer, false);
    return g_strndup(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes));
}

/* The answer in short: "CmdRef Cmd Code[@TargetRef…]" of each Status, "CmdRef =LocURI…" of each
 * Results; the CmdIDs must count up, the MsgRef be right. */
static char *
summarise(const char *text)
{
    g_autoptr(DmMessage) message = read_bytes(text, strlen(text), DM_READ_FRAGMENT, NULL);
    GString *summary = g_string_new(NULL);

    for (gsize i = 0; i < dm_message_get_size(message); i++) {
        const DmElement *element = dm_message_get(message, i);
        g_autofree char *cmd_id = g_strdup_printf("%u", (guint)i + 1);

        g_assert_cmpstr(element->cmd_id, ==, cmd_id);
        g_assert_cmpstr(element->msg_ref, ==, "3");
        g_string_append_printf(summary, "%s%s", i == 0 ? "" : ", ", element->cmd_ref);
        if (element->verb == DM_VERB_STATUS)
            g_string_append_printf(summary, " %s %s", element->cmd, element->data);
        else
            g_assert_cmpint(element->verb, ==, DM_VERB_RESULTS);
        for (guint t = 0; element->target_refs != NULL && t < element->target_refs->len; t++)
            g_string_append_printf(summary, "@%s", (char *)element->target_refs->pdata[t]);
        for (guint t = 0; t < element->n_items; t++)
            g_string_append_printf(summary, " =%s",
                                   dm_message_get_item(message, element, t)->source_uri);
    }
    return g_string_free(summary, FALSE);
}

static void
assert_answer(const char *text, const unsigned *codes, const char *expected)
{
    g_autofree char *written = answer(text, codes, 0);
    g_autofree char *summary = summarise(written);

    g_assert_cmpstr(summary, ==, expected);
}

#define CODES(...) ((const unsigned[]){__VA_ARGS__})

/* -- the batch -------------------------------------------------------------------------------- */

static void
test_batch(void)
{
    static const char text[] =
        "<Alert><CmdID>1</CmdID></Alert><Status><CmdID>2</CmdID></Status><Bogus>"
        "<CmdID>3</CmdID></Bogus><Replace><CmdID>4</CmdID><Item><Target>"
        "<LocURI>./a</LocURI></Target><Meta><Format>int</Format></Meta>"
        "<Data>5</Data></Item><Item><Target><LocURI>./b</LocURI></Target><Data>"
        "<x/></Data></Item></Replace><Get><CmdID>5</CmdID></Get><Results>"
        "<CmdID>6</CmdID></Results>";
    g_autoptr(DmMessage) message = read_short(text);
    g_autoptr(DmAnswer) answer = dm_answer_new(message);
    const DmCommand *batch;
    gsize n;

    batch = dm_answer_get_batch(answer, &n);
    g_assert_cmpuint(n, ==, 3);
    g_assert_cmpint(batch[0].verb, ==, DM_VERB_REPLACE);
    g_assert_cmpstr(batch[0].loc_uri, ==, "./a");
    g_assert_cmpstr(batch[0].format, ==, "int");
    g_assert_cmpstr(batch[0].data, ==, "5");
    g_assert_cmpuint(batch[0].data_size, ==, 1);
    g_assert_cmpint(batch[1].verb, ==, DM_VERB_REPLACE);
    g_assert_cmpstr(batch[1].loc_uri, ==, "./b");
    g_assert_null(batch[1].format);
    g_assert_cmpstr(batch[1].data, ==, "<x/>");
    /* No Item: an entry for the tree to refuse. */
    g_assert_cmpint(batch[2].verb, ==, DM_VERB_GET);
    g_assert_null(batch[2].loc_uri);
    g_assert_null(batch[2].data);
}

static void
test_spans(void)
{
    static const char text[] =
        "<Sequence><CmdID>1</CmdID><Alert><CmdID>2</CmdID></Alert><Atomic>"
        "<CmdID>3</CmdID><Add><CmdID>4</CmdID>[a][b]</Add><Delete>"
        "<CmdID>5</CmdID>[c]</Delete></Atomic><Get>[d]</Get></Sequence><Atomic>"
        "<CmdID>6</CmdID></Atomic>";
    g_autoptr(DmMessage) message = read_short(text);
    g_autoptr(DmAnswer) answer = dm_answer_new(message);
    static const struct {
        DmVerb verb;
        guint span;
    } expected[] = {{DM_VERB_SEQUENCE, 4}, {DM_VERB_ATOMIC, 3}, {DM_VERB_ADD, 0},
                    {DM_VERB_ADD, 0},      {DM_VERB_DELETE, 0}, {DM_VERB_ATOMIC, 0}};
    const DmCommand *batch;
    gsize n;

    batch = dm_answer_get_batch(answer, &n);
    g_assert_cmpuint(n, ==, G_N_ELEMENTS(expected));
    for (gsize i = 0; i < n; i++) {
        g_assert_cmpint(batch[i].verb, ==, expected[i].verb);
        g_assert_cmpuint(batch[i].span, ==, expected[i].span);
    }
}

static void
test_has_commands(void)
{
    static const struct {
        const char *text;
        bool expected;
    } cases[] = {
        {"<SyncBody/>", false},
        {"<Status/><Results/><Alert/>", false},
        {"<Get/>", true},
        {"<Status/><Get><NoResp/></Get>", true},
        {"<Status/><Bogus/>", true},
        {"<Atomic/>", true},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(DmMessage) message = read_short(cases[i].text);
        g_autoptr(DmAnswer) answer = dm_answer_new(message);

        g_assert_cmpint(dm_answer_has_commands(answer), ==, cases[i].expected);
    }
}

static void
test_count_failures(void)
{
    g_autoptr(DmMessage) message =
        read_short("<Status/><Alert/><Bogus/><Get><CmdID>1</CmdID>[./a][./b]</Get><Atomic>"
                   "<CmdID>2</CmdID><Add/></Atomic><Delete><CmdID>3</CmdID>[./c]</Delete>");
    g_autoptr(DmAnswer) answer = dm_answer_new(message);
    g_autoptr(DmReply) reply = dm_reply_new(3);

    dm_reply_add(reply, DM_STATUS_OK);
    dm_reply_add(reply, DM_STATUS_NOT_FOUND);
    dm_reply_add(reply, DM_STATUS_ACCEPTED);
    /* Alert and Bogus, one Item of the Get, Atomic and Add. */
    g_assert_cmpuint(dm_answer_count_failures(answer, reply), ==, 5);
}

static void
on_visited(DmVerb verb, const char *loc_uri, DmStatus status, gpointer data)
{
    g_string_append_printf(data, "%s %s %u, ", dm_verb_to_name(verb), loc_uri ? loc_uri : "-",
                           (guint)status);
}

static void
test_visit(void)
{
    g_autoptr(DmMessage) message =
        read_short("<Status/><Alert/><Bogus/><Get><CmdID>1</CmdID>[./a][./b]</Get><Atomic>"
                   "<CmdID>2</CmdID><Add>[./d]</Add></Atomic><Delete><CmdID>3</CmdID></Delete>");
    g_autoptr(DmAnswer) answer = dm_answer_new(message);
    g_autoptr(DmReply) reply = dm_reply_new(3);
    g_autoptr(GString) seen = g_string_new(NULL);

    dm_reply_add(reply, DM_STATUS_OK);
    dm_reply_add(reply, DM_STATUS_NOT_FOUND);
    dm_reply_add(reply, DM_STATUS_BAD_REQUEST);
    dm_answer_visit(answer, reply, on_visited, seen);
    g_assert_cmpstr(seen->str, ==,
                    " - 400, Get ./a 200, Get ./b 404, Atomic - 507, Add ./d 400, Delete - 400, ");
}

/* -- Statuses and Results --------------------------------------------------------------------- */

static void
test_order(void)
{
    assert_answer("<Status><CmdID>1</CmdID></Status><Alert><CmdID>2</CmdID></Alert><Get>"
                  "<CmdID>x-4</CmdID>[./a]</Get><Results><CmdID>9</CmdID></Results><Get>"
                  "<CmdID>x-4</CmdID>[./b]</Get><Replace><CmdID> 5 </CmdID>[./c]</Replace>",
                  CODES(200, 404, 405, 0),
                  "2 Alert 200, x-4 Get 200, x-4 =./a, x-4 Get 404,  5  Replace 405");
}

static void
test_header_status(void)
{
    g_autofree char *first = answer("<Get><CmdID>1</CmdID>[./a]</Get>", CODES(200, 0), 212);
    g_autofree char *summary = summarise(first);
    g_autofree char *silent = answer("<SyncML><SyncHdr><NoResp/></SyncHdr><SyncBody><Alert/><Get>"
                                     "<CmdID>1</CmdID>[./a]</Get></SyncBody></SyncML>",
                                     CODES(200, 0), 200);
    g_autofree char *silent_summary = summarise(silent);

    g_assert_cmpstr(summary, ==, "0 SyncHdr 212, 1 Get 200, 1 =./a");
    g_assert_cmpstr(silent_summary, ==, "1 =./a");
}

static void
test_get_of_several(void)
{
    const char *text = "<Get><CmdID>7</CmdID>[./a][./b?list=Struct][./c]</Get>";

    assert_answer(text, CODES(200, 404, 200, 0),
                  "7 Get 200@./a, 7 Get 404@./b?list=Struct, 7 Get 200@./c, 7 =./a =./c");
    assert_answer(text, CODES(404, 404, 404, 0),
                  "7 Get 404@./a, 7 Get 404@./b?list=Struct, 7 Get 404@./c");
    assert_answer(
        text, CODES(200, 200, 200, 0),
        "7 Get 200@./a, 7 Get 200@./b?list=Struct, 7 Get 200@./c, 7 =./a =./b?list=Struct =./c");
}

static void
test_others_of_several(void)
{
    const char *text = "<Replace><CmdID>7</CmdID>[./a]<Item/>[./c]</Replace>";

    assert_answer(text, CODES(200, 200, 200, 0), "7 Replace 200");
    assert_answer(text, CODES(404, 404, 404, 0), "7 Replace 404");
    assert_answer(text, CODES(200, 400, 200, 0),
                  "7 Replace 200@./a, 7 Replace 400, 7 Replace 200@./c");
}

static void
test_no_resp(void)
{
    assert_answer("<Replace><CmdID>1</CmdID><NoResp/>[./a]</Replace><Get><CmdID>2</CmdID>"
                  "<NoResp/>[./b]</Get><Alert><NoResp/></Alert><Bogus><NoResp/></Bogus>"
                  "<Atomic><CmdID>3</CmdID><NoResp/><Add><CmdID>4</CmdID>[./c]</Add>"
                  "</Atomic>",
                  CODES(200, 200, 200, 200, 0), "2 =./b, 4 Add 200");
}

static void
test_containers(void)
{
    const char *text = "<Atomic><CmdID>1</CmdID><Replace><CmdID>2</CmdID>[./a]</Replace><Alert>"
                       "<CmdID>3</CmdID></Alert><Add><CmdID>4</CmdID>[./b]</Add></Atomic>"
                       "<Sequence><CmdID>5</CmdID><Get><CmdID>6</CmdID>[./c]</Get></Sequence>";

    assert_answer(
        text, CODES(200, 200, 200, 200, 200, 0),
        "1 Atomic 200, 2 Replace 200, 3 Alert 200, 4 Add 200, 5 Sequence 200, 6 Get 200, 6 =./c");
    assert_answer(text, CODES(507, 216, 418, 200, 404, 0),
                  "1 Atomic 507, 2 Replace 216, 3 Alert 200, 4 Add 418, 5 Sequence 200, 6 Get 404");
}

/* -- what never reaches a tree ---------------------------------------------------------------- */

static void
test_unknown(void)
{
    assert_answer("<Get><CmdID>1</CmdID>[./a]</Get><Bogus><CmdID>2</CmdID>[./b]</Bogus>"
                  "<Item/>",
                  CODES(200, 0), "1 Get 200, 1 =./a, 2 Bogus 400,  Item 400");
}

static void
test_no_cmd_id(void)
{
    assert_answer("<Replace>[./a]</Replace><Alert/><Replace><CmdID>2</CmdID>[./b]</Replace>"
                  "<Sequence><Get><CmdID>3</CmdID>[./c]</Get></Sequence>",
                  CODES(200, 0),
                  " Replace 400,  Alert 400, 2 Replace 200,  Sequence 400, 3 Get 215");
}

static void
test_too_large(void)
{
    g_autofree char *data = g_strnfill(DM_MESSAGE_MAX_DATA + 1, 'x');
    g_autofree char *alone =
        g_strdup_printf("<Add><CmdID>1</CmdID><Item><Data>%s</Data></Item></Add><Get>"
                        "<CmdID>2</CmdID>[./a]</Get>",
                        data);
    g_autofree char *sequence =
        g_strdup_printf("<Sequence><CmdID>1</CmdID><Add><CmdID>2</CmdID>[./a]<Item>"
                        "<Data>%s</Data></Item></Add><Get><CmdID>3</CmdID>[./b]</Get></Sequence>",
                        data);
    g_autofree char *atomic =
        g_strdup_printf("<Atomic><CmdID>1</CmdID><Delete><CmdID>2</CmdID>[./a]</Delete><Sequence>"
                        "<CmdID>3</CmdID><Add><CmdID>4</CmdID><Item><Data>%s</Data></Item></Add>"
                        "</Sequence><Delete><CmdID>5</CmdID>[./b]</Delete></Atomic><Get>"
                        "<CmdID>6</CmdID>[./c]</Get>",
                        data);

    assert_answer(alone, CODES(200, 0), "1 Add 413, 2 Get 200, 2 =./a");
    assert_answer(sequence, CODES(200, 200, 0), "1 Sequence 200, 2 Add 413, 3 Get 200, 3 =./b");
    assert_answer(
        atomic, CODES(200, 0),
        "1 Atomic 507, 2 Delete 215, 3 Sequence 215, 4 Add 413, 5 Delete 215, 6 Get 200, 6 =./c");
}

static void
test_spoilt_atomics(void)
{
    assert_answer("<Atomic><CmdID>1</CmdID><Add><CmdID>2</CmdID>[./a]</Add><Bogus>"
                  "<CmdID>3</CmdID></Bogus></Atomic>",
                  CODES(0), "1 Atomic 507, 2 Add 215, 3 Bogus 400");
    assert_answer("<Atomic><CmdID>1</CmdID><Add>[./a]</Add></Atomic>", CODES(0),
                  "1 Atomic 507,  Add 400");
    /* The inner one is never run; the Sequence around the outer one is. */
    assert_answer("<Sequence><CmdID>0</CmdID><Atomic><CmdID>1</CmdID><Atomic>"
                  "<CmdID>2</CmdID><Bogus/></Atomic></Atomic></Sequence>",
                  CODES(200, 0), "0 Sequence 200, 1 Atomic 507, 2 Atomic 215,  Bogus 400");
    assert_answer("<Atomic><Add><CmdID>2</CmdID>[./a]</Add></Atomic>", CODES(0),
                  " Atomic 400, 2 Add 215");
}

static void
test_chunks(void)
{
    assert_answer("<Replace><CmdID>1</CmdID><Item><Target><LocURI>./a</LocURI></Target>"
                  "<Data>x</Data><MoreData/></Item></Replace>",
                  CODES(0), "1 Replace 406");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/answer/batch-has-one-entry-an-item", test_batch);
    g_test_add_func("/answer/M2-spans", test_spans);
    g_test_add_func("/answer/P1-has-commands", test_has_commands);
    g_test_add_func("/answer/failures-are-counted", test_count_failures);
    g_test_add_func("/answer/all-are-visited-in-order", test_visit);
    g_test_add_func("/answer/P2-results-follow-their-status", test_order);
    g_test_add_func("/answer/P2-header-status-first", test_header_status);
    g_test_add_func("/answer/P2-get-of-several-items", test_get_of_several);
    g_test_add_func("/answer/P2-others-of-several-items", test_others_of_several);
    g_test_add_func("/answer/P2-no-resp", test_no_resp);
    g_test_add_func("/answer/M2-containers-before-their-members", test_containers);
    g_test_add_func("/answer/P2-no-command-is-400", test_unknown);
    g_test_add_func("/answer/P1-missing-cmdid-is-400", test_no_cmd_id);
    g_test_add_func("/answer/P6-too-large-is-413", test_too_large);
    g_test_add_func("/answer/M2-atomic-that-cannot-succeed", test_spoilt_atomics);
    g_test_add_func("/answer/P3-chunks-are-not-run", test_chunks);
    return g_test_run();
}
