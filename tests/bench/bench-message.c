/* SPDX-License-Identifier: MIT */

/* CPU of a SyncML message of 50 commands: parse, apply, answer, in memory, against libxml2's SAX2
 * with empty callbacks on the same bytes (design section 10). Usage: bench-message [MESSAGES] */

#include <libxml/parser.h>
#include <string.h>

#include "syncml/answer.h"
#include "syncml/reader.h"
#include "syncml/writer.h"
#include "tests/bench/bench.h"
#include "tree/tree.h"

#define N_COMMANDS 50
#define N_ROUNDS 9
#define N_MESSAGES 2000

/* What a server sends: help contacts, the page and the poll schedule, over and over; each round
 * other values, so that each command changes something. */
static GString *
make_message(guint round)
{
    static const char *const leaves[][2] = {
        {"HelpPhoneNumber", "+49 30 1234%u"},
        {"HelpWebsite", "https://help.example.test/%u"},
        {"HelpEmailAddress", "help%u@example.test"},
        {"EntDeviceName", "laptop-%u"},
        {"CustomEnrollmentCompletePage/Title", "Ready %u"},
        {"CustomEnrollmentCompletePage/BodyText", "Your device is set up, number %u."},
        {"Poll/NumberOfFirstRetries", "%u"},
        {"Poll/IntervalForSecondSetOfRetries", "%u"},
        {"Poll/NumberOfSecondRetries", "%u"},
        {"NumberOfDaysAfterLostContactToUnenroll", "%u"},
    };
    GString *xml = g_string_new(
        "<SyncML "
        "xmlns=\"SYNCML:SYNCML1.2\"><SyncHdr><VerDTD>1.2</VerDTD><VerProto>DM/1.2</VerProto>"
        "<SessionID>1</SessionID><MsgID>1</MsgID><Target><LocURI>device</LocURI></Target>"
        "<Source><LocURI>https://mdm.example.test/dm</LocURI></Source></SyncHdr><SyncBody>");

    for (guint i = 0; i < N_COMMANDS; i++) {
        const char *const *leaf = leaves[i % G_N_ELEMENTS(leaves)];
        g_auto(GStrv) parts = g_strsplit(leaf[1], "%u", 2);

        g_string_append_printf(
            xml,
            "<Replace><CmdID>%u</CmdID><Item><Target><LocURI>./Device/Vendor/MSFT/DMClient/"
            "Provider/"
            "TestMDMServer/%s</LocURI></Target><Meta><Format xmlns=\"syncml:metinf\">%s</Format>"
            "<Type "
            "xmlns=\"syncml:metinf\">text/plain</Type></Meta><Data>%s%u%s</Data></Item></Replace>",
            i + 2, leaf[0], leaf[1][0] == '%' ? "int" : "chr", parts[0], (round * 7 + i) % 10 + 1,
            parts[1]);
    }
    g_string_append(xml, "<Final/></SyncBody></SyncML>");
    return xml;
}

static void
parse_only(const GString *xml)
{
    xmlSAXHandler empty = {.initialized = XML_SAX2_MAGIC};

    if (xmlSAXUserParseMemory(&empty, NULL, xml->str, (int)xml->len) != 0)
        g_error("the floor's parser refuses the message");
}

static void
run_message(DmTree *tree, const GString *xml)
{
    static const DmContext context = {.provider = "TestMDMServer", .uid = -1};
    g_autoptr(GError) error = NULL;
    g_autoptr(DmMessage) message = dm_reader_parse(xml->str, xml->len, DM_READ_MESSAGE, &error);
    g_autoptr(DmAnswer) answer = NULL;
    g_autoptr(DmReply) reply = NULL;
    g_autoptr(DmWriter) writer = dm_writer_new();
    g_autoptr(GBytes) bytes = NULL;
    const DmCommand *batch;
    gsize n;

    if (message == NULL)
        g_error("%s", error->message);
    answer = dm_answer_new(message);
    batch = dm_answer_get_batch(answer, &n);
    reply = dm_tree_apply(tree, &context, batch, n);
    for (gsize i = 0; i < n; i++)
        if (dm_reply_get(reply, i)->status != DM_STATUS_OK)
            g_error("%s: %u", batch[i].loc_uri, dm_reply_get(reply, i)->status);
    dm_writer_begin(writer, &message->header, 1);
    dm_answer_write(answer, reply, "1", 200, writer);
    bytes = dm_writer_end(writer, true);
    if (g_bytes_get_size(bytes) == 0)
        g_error("empty answer");
}

static void
add(DmTree *tree, const char *loc_uri)
{
    const DmContext root = {.uid = -1};
    const DmCommand command = {.verb = DM_VERB_ADD, .loc_uri = loc_uri};
    g_autoptr(DmReply) reply = dm_tree_apply(tree, &root, &command, 1);

    if (dm_reply_get(reply, 0)->status != DM_STATUS_OK)
        g_error("cannot add %s: %u", loc_uri, dm_reply_get(reply, 0)->status);
}

int
main(int argc, char **argv)
{
    const DmTreeOptions options = {0};
    const guint n_messages = dm_bench_get_count(argc, argv, 1, N_MESSAGES);
    g_autoptr(GError) error = NULL;
    g_autoptr(DmTree) tree = dm_tree_new(NULL, &options, &error);
    double ours[N_ROUNDS], floors[N_ROUNDS];
    GString *messages[2] = {make_message(0), make_message(1)};

    if (tree == NULL)
        g_error("%s", error->message);
    add(tree, "./Device/Vendor/MSFT/DMClient/Provider/TestMDMServer");
    add(tree, "./Device/Vendor/MSFT/DMClient/Provider/TestMDMServer/Poll");
    add(tree, "./Device/Vendor/MSFT/DMClient/Provider/TestMDMServer/CustomEnrollmentCompletePage");
    for (guint round = 0; round < N_ROUNDS; round++) {
        double start = dm_bench_cpu_s();

        for (guint i = 0; i < n_messages; i++)
            parse_only(messages[i % 2]);
        floors[round] = (dm_bench_cpu_s() - start) / n_messages / N_COMMANDS * 1e6;
        start = dm_bench_cpu_s();
        for (guint i = 0; i < n_messages; i++)
            run_message(tree, messages[i % 2]);
        ours[round] = (dm_bench_cpu_s() - start) / n_messages / N_COMMANDS * 1e6;
    }
    dm_bench_print("message-50-commands", dm_bench_median(ours, N_ROUNDS), "us/command",
                   dm_bench_median(floors, N_ROUNDS));
    for (guint i = 0; i < 2; i++)
        g_string_free(messages[i], TRUE);
    xmlCleanupParser();
    return 0;
}
