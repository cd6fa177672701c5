/* SPDX-License-Identifier: MIT */

#include "broker/check.h"

#include <string.h>

#include "common/error.h"
#include "syncml/reader.h"

static DmMessage *
read_message(const char *header, const char *body)
{
    g_autofree char *text = g_strdup_printf("<SyncML xmlns=\"SYNCML:SYNCML1.2\"><SyncHdr>%s"
                                            "</SyncHdr><SyncBody>%s</SyncBody></SyncML>",
                                            header, body);
    g_autoptr(GError) error = NULL;
    DmMessage *message = dm_reader_parse(text, strlen(text), DM_READ_MESSAGE, &error);

    g_assert_no_error(error);
    return message;
}

#define VERSIONS "<VerDTD>1.2</VerDTD><VerProto>DM/1.2</VerProto>"
#define IDS "<SessionID>0A</SessionID><MsgID>1</MsgID>"

static void
test_header(void)
{
    static const struct {
        const char *header;
        DmStatus status;
    } cases[] = {
        {VERSIONS IDS, DM_STATUS_OK},
        {IDS VERSIONS, DM_STATUS_OK},
        {"<VerDTD>1.1</VerDTD><VerProto>DM/1.2</VerProto>" IDS, DM_STATUS_BAD_VERSION},
        {"<VerProto>DM/1.2</VerProto>" IDS, DM_STATUS_BAD_VERSION},
        {"<VerDTD>1.2</VerDTD><VerProto>DM/1.3</VerProto>" IDS, DM_STATUS_BAD_PROTOCOL},
        /* Opaque text: no case, no number. */
        {VERSIONS "<SessionID>0a</SessionID><MsgID>1</MsgID>", DM_STATUS_BAD_REQUEST},
        {VERSIONS "<SessionID>A</SessionID><MsgID>1</MsgID>", DM_STATUS_BAD_REQUEST},
        {VERSIONS "<MsgID>1</MsgID>", DM_STATUS_BAD_REQUEST},
        {VERSIONS "<SessionID>0A</SessionID>", DM_STATUS_BAD_REQUEST},
        {VERSIONS "<SessionID>0A</SessionID><MsgID>x</MsgID>", DM_STATUS_BAD_REQUEST},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(DmMessage) message = read_message(cases[i].header, "<Final/>");
        g_autoptr(GError) error = NULL;

        g_test_message("%s", cases[i].header);
        g_assert_cmpint(dm_check_header(message, "0A", &error), ==, cases[i].status);
        if (cases[i].status == DM_STATUS_OK)
            g_assert_no_error(error);
        else
            g_assert_error(error, DM_ERROR, DM_ERROR_PROTOCOL);
    }
}

static char *
make_status(const char *msg_ref, const char *cmd_ref, const char *cmd, const char *code)
{
    return g_strdup_printf("<Status><CmdID>1</CmdID>%s%s%s<CmdRef>%s</CmdRef><Cmd>%s</Cmd>"
                           "<Data>%s</Data></Status>",
                           msg_ref ? "<MsgRef>" : "", msg_ref ? msg_ref : "",
                           msg_ref ? "</MsgRef>" : "", cmd_ref, cmd, code);
}

static void
test_statuses(void)
{
    static const struct {
        const char *msg_ref, *cmd_ref, *cmd, *code;
        int error; /* DM_ERROR code, -1 none */
        guint n_strays;
    } cases[] = {
        {"1", "0", "SyncHdr", "200", -1, 0},
        {"2", "0", "SyncHdr", "212", -1, 0},
        {NULL, "0", "SyncHdr", "200", -1, 0},
        {"1", "0", "SyncHdr", "401", -1, 0},
        {"1", "0", "SyncHdr", "407", -1, 0},
        {"1", "0", "SyncHdr", "403", DM_ERROR_PROTOCOL, 0},
        {"1", "0", "SyncHdr", "513", DM_ERROR_PROTOCOL, 0},
        {"1", "2", "Alert", "200", -1, 0},
        {"1", "4", "Replace", "406", -1, 0},
        /* For what was never sent. */
        {"1", "5", "Replace", "200", -1, 1},
        {"3", "0", "SyncHdr", "401", -1, 1},
        {"0", "0", "SyncHdr", "200", -1, 1},
        {"x", "1", "Get", "200", -1, 1},
        {"1", "abc", "Get", "200", -1, 1},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *body =
            make_status(cases[i].msg_ref, cases[i].cmd_ref, cases[i].cmd, cases[i].code);
        g_autoptr(DmMessage) message = read_message(VERSIONS IDS, body);
        g_autoptr(GError) error = NULL;
        DmChecked checked = {0};

        g_test_message("%s", body);
        g_assert_cmpint(dm_check_statuses(message, 2, 3, &checked, &error), ==, cases[i].error < 0);
        if (cases[i].error >= 0)
            g_assert_error(error, DM_ERROR, cases[i].error);
        else
            g_assert_cmpuint(checked.n_strays, ==, cases[i].n_strays);
    }
}

static void
test_alert(void)
{
    g_autoptr(DmMessage) message =
        read_message(VERSIONS IDS, "<Alert><CmdID>1</CmdID><Data>1222</Data></Alert>"
                                   "<Alert><CmdID>2</CmdID><Data>1223</Data></Alert><Final/>");
    g_autoptr(DmMessage) other =
        read_message(VERSIONS IDS, "<Get><CmdID>1</CmdID><Item><Data>1223</Data></Item></Get>");

    g_assert_true(dm_check_has_alert(message, 1223));
    g_assert_true(dm_check_has_alert(message, 1222));
    g_assert_false(dm_check_has_alert(message, 1224));
    g_assert_false(dm_check_has_alert(other, 1223));
}

/* What it says of credentials is handed on, with its Chal; a stray says nothing. */
static void
test_challenge(void)
{
    g_autofree char *asked = make_status("1", "0", "SyncHdr", "401");
    g_autofree char *good = make_status("2", "0", "SyncHdr", "212");
    g_autofree char *stray = make_status("9", "0", "SyncHdr", "407");
    g_autofree char *both = g_strconcat(asked, stray, NULL);
    g_autofree char *fine = g_strconcat(good, stray, NULL);
    g_autoptr(DmMessage) challenge = read_message(VERSIONS IDS, both);
    g_autoptr(DmMessage) other = read_message(VERSIONS IDS, fine);
    DmChecked checked = {0};

    g_assert_true(dm_check_statuses(challenge, 2, 3, &checked, NULL));
    g_assert_true(checked.challenge == dm_message_get(challenge, 0));
    g_assert_null(checked.header);
    g_assert_true(dm_check_statuses(other, 2, 3, &checked, NULL));
    g_assert_null(checked.challenge);
    g_assert_true(checked.header == dm_message_get(other, 0));
}

/* A first message of another length has other commands (E2). */
static void
test_length_of_the_first(void)
{
    g_autofree char *body = make_status("1", "5", "Replace", "200");
    g_autoptr(DmMessage) message = read_message(VERSIONS IDS, body);
    DmChecked checked = {0};

    g_assert_true(dm_check_statuses(message, 2, 4, &checked, NULL));
    g_assert_cmpuint(checked.n_strays, ==, 0);
}

/* Only of the message sent last, and only of Results. */
static void
test_refused_results(void)
{
    static const struct {
        const char *msg_ref, *cmd, *code;
        bool expected;
    } cases[] = {
        {"3", "Results", "413", true},  {"3", "Results", "500", true},
        {"3", "Results", "213", false}, {"3", "Results", "200", false},
        {"2", "Results", "413", false}, {"3", "Get", "413", false},
        {"3", "Results", "x", false},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *body = make_status(cases[i].msg_ref, "4", cases[i].cmd, cases[i].code);
        g_autoptr(DmMessage) message = read_message(VERSIONS IDS, body);

        g_assert_cmpint(dm_check_refuses_results(message, 3), ==, cases[i].expected);
    }
}

static void
test_has_commands(void)
{
    g_autoptr(DmMessage) none = read_message(
        VERSIONS IDS, "<Status/><Results/><Alert><CmdID>1</CmdID><Data>1222</Data></Alert>");
    g_autoptr(DmMessage) some = read_message(VERSIONS IDS, "<Status/><Get/>");
    g_autoptr(DmMessage) unknown = read_message(VERSIONS IDS, "<Bogus/>");

    g_assert_false(dm_check_has_commands(none));
    g_assert_true(dm_check_has_commands(some));
    g_assert_true(dm_check_has_commands(unknown));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/check/protocol-1-header", test_header);
    g_test_add_func("/check/protocol-1-statuses", test_statuses);
    g_test_add_func("/check/protocol-5-challenge", test_challenge);
    g_test_add_func("/check/protocol-1-alerts", test_alert);
    g_test_add_func("/check/protocol-3-refused-results", test_refused_results);
    g_test_add_func("/check/S3-commands-to-hold", test_has_commands);
    g_test_add_func("/check/E2-a-longer-first-message", test_length_of_the_first);
    return g_test_run();
}
