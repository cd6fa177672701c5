/* SPDX-License-Identifier: MIT */

/* What protocol.md section 6 says that the parser must take. */

#include "tests/unit/reader-fixture.h"

#include "common/value.h"
#include "syncml/tags.h"

static const DmElement *
get_only(const DmMessage *message)
{
    g_assert_cmpuint(dm_message_get_size(message), ==, 1);
    return dm_message_get(message, 0);
}

static const DmItem *
get_only_item(const DmMessage *message)
{
    g_assert_cmpuint(get_only(message)->n_items, ==, 1);
    return dm_message_get_item(message, get_only(message), 0);
}

/* The one item of the one command of a fragment has this data. */
static void
assert_data(const char *text, const char *data)
{
    g_autoptr(DmMessage) message = read_good(text, DM_READ_FRAGMENT);
    const DmItem *item = get_only_item(message);

    g_assert_cmpstr(item->data, ==, data);
    g_assert_cmpuint(item->data_size, ==, strlen(data));
}

/* -- what it must take ------------------------------------------------------------------------ */

static void
test_tags(void)
{
    static const char *const names[] = {
        "SyncML",     "SyncHdr",    "SyncBody", "VerDTD",  "VerProto",  "SessionID", "MsgID",
        "Target",     "Source",     "LocURI",   "LocName", "RespURI",   "NoResp",    "Cred",
        "Meta",       "MetInf",     "Format",   "Type",    "Mark",      "Size",      "NextNonce",
        "MaxMsgSize", "MaxObjSize", "Data",     "Status",  "Alert",     "Results",   "Item",
        "CmdID",      "MsgRef",     "CmdRef",   "Cmd",     "TargetRef", "SourceRef", "Chal",
        "Final",      "Atomic",     "Sequence", "Add",     "Get",       "Replace",   "Delete",
        "Exec",       "Copy",       "Search",   "Map",     "Put",       "Sync",      "MoreData",
        "Correlator"};

    g_assert_cmpuint(G_N_ELEMENTS(names), ==, DM_TAG_N - 1);
    for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
        const DmTagInfo *info = dm_tag_find(names[i]);

        g_assert_cmpstr(info->name, ==, names[i]);
        g_assert_cmpuint(info->tag, ==, i + 1);
        g_assert_cmpuint(info->verb, ==, dm_verb_from_name(names[i]));
    }
    g_assert_cmpuint(dm_tag_find("")->tag, ==, DM_TAG_NONE);
    g_assert_cmpuint(dm_tag_find("replace")->tag, ==, DM_TAG_NONE);
    g_assert_cmpuint(dm_tag_find("Replacf")->tag, ==, DM_TAG_NONE);
    g_assert_cmpuint(dm_tag_find("Rexlxce")->tag, ==, DM_TAG_NONE);
}

static void
test_samples(void)
{
    g_autofree char *folder = g_build_filename(g_getenv("DM_TEST_DATA"), "syncml", NULL);
    g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
    const char *name;
    guint n = 0;

    g_assert_nonnull(dir);
    while ((name = g_dir_read_name(dir)) != NULL) {
        g_autoptr(GBytes) bytes = NULL;
        g_autoptr(DmMessage) message = NULL, fragment = NULL;
        g_autoptr(GError) error = NULL;
        gsize size;
        const char *text;

        if (!g_str_has_suffix(name, ".xml"))
            continue;
        bytes = load(name);
        text = g_bytes_get_data(bytes, &size);
        fragment = read_bytes(text, size, DM_READ_FRAGMENT, &error);
        g_assert_no_error(error);
        g_assert_cmpuint(dm_message_get_size(fragment), >, 0);
        message = read_bytes(text, size, DM_READ_MESSAGE, NULL);
        if (g_str_has_suffix(name, ".frag.xml")) {
            g_assert_null(message);
            g_assert_false(fragment->header.present);
        } else {
            g_assert_nonnull(message);
            g_assert_cmpuint(dm_message_get_size(message), ==, dm_message_get_size(fragment));
            g_assert_cmpstr(message->header.ver_dtd, ==, "1.2");
            g_assert_cmpint(message->final, ==, strstr(name, "no_final") == NULL);
        }
        n++;
    }
    g_assert_cmpuint(n, ==, 25);
}

static void
test_header_out_of_order(void)
{
    g_autoptr(DmMessage) message = read_good(
        "<SyncML><SyncHdr><Meta><MaxObjSize>7</MaxObjSize><MaxMsgSize xmlns='syncml:metinf'> 524288"
        " </MaxMsgSize></Meta><Cred><Data>Zz6=</Data><Meta><Type>syncml:auth-md5</Type>"
        "<Format>b64</Format></Meta></Cred><NoResp/><RespURI>https://a/b</RespURI>"
        "<Source><LocName>me</LocName><LocURI> https://a </LocURI></Source>"
        "<Target><LocURI>\n dev </LocURI></Target><MsgID>12</MsgID><SessionID>0</SessionID>"
        "<VerProto>DM/1.2</VerProto><VerDTD>1.2</VerDTD></SyncHdr><SyncBody/></SyncML>",
        DM_READ_MESSAGE);
    const DmHeader *header = &message->header;

    g_assert_true(header->present && header->no_resp && header->cred.present);
    g_assert_cmpstr(header->ver_dtd, ==, "1.2");
    g_assert_cmpstr(header->ver_proto, ==, "DM/1.2");
    g_assert_cmpstr(header->session_id, ==, "0");
    g_assert_cmpstr(header->msg_id, ==, "12");
    g_assert_cmpstr(header->target_uri, ==, "dev");
    g_assert_null(header->target_name);
    g_assert_cmpstr(header->source_uri, ==, "https://a");
    g_assert_cmpstr(header->source_name, ==, "me");
    g_assert_cmpstr(header->resp_uri, ==, "https://a/b");
    g_assert_cmpstr(header->cred.type, ==, "syncml:auth-md5");
    g_assert_cmpstr(header->cred.format, ==, "b64");
    g_assert_cmpstr(header->cred.data, ==, "Zz6=");
    g_assert_cmpint(header->max_msg_size, ==, 524288);
    g_assert_cmpint(header->max_obj_size, ==, 7);
    g_assert_false(message->final);
    g_assert_cmpuint(dm_message_get_size(message), ==, 0);
}

static void
assert_item(const char *text)
{
    g_autoptr(DmMessage) message = read_good(text, DM_READ_FRAGMENT);
    const DmElement *element = get_only(message);
    const DmItem *item = get_only_item(message);

    g_assert_cmpint(element->verb, ==, DM_VERB_REPLACE);
    g_assert_cmpstr(element->name, ==, "Replace");
    g_assert_cmpstr(element->cmd_id, ==, "7");
    g_assert_cmpint(element->problem, ==, DM_STATUS_OK);
    g_assert_cmpstr(item->target_uri, ==, "./a");
    g_assert_cmpstr(item->format, ==, "int");
    g_assert_cmpstr(item->type, ==, "text/plain");
    g_assert_cmpstr(item->data, ==, "5");
    g_assert_cmpint(item->size, ==, -1);
}

static void
test_item_forms(void)
{
    static const char *const forms[] = {
        /* Meta after Target, before it, after Data */
        "<Replace><CmdID>7</CmdID><Item><Target><LocURI>./a</LocURI></Target><Meta><Format "
        "xmlns='syncml:metinf'>int</Format><Type xmlns='syncml:metinf'>text/plain</Type></Meta>"
        "<Data>5</Data></Item></Replace>",
        "<Replace><CmdID>7</CmdID><Item><Meta><Format>int</Format><Type>text/plain</Type></Meta>"
        "<Target><LocURI>./a</LocURI></Target><Data>5</Data></Item></Replace>",
        "<Replace><CmdID>7</CmdID><Item><Target><LocURI>./a</LocURI></Target><Data>5</Data><Meta>"
        "<Format>int</Format><Type>text/plain</Type></Meta></Item></Replace>",
        /* prefixes, declared and not; CmdID last; MetInf */
        "<x:Replace xmlns:x='SYNCML:SYNCML1.2'><x:Item><x:Target><x:LocURI>./a</x:LocURI>"
        "</x:Target><x:Meta><A:Format>int</A:Format><A:Type>text/plain</A:Type></x:Meta>"
        "<x:Data>5</x:Data></x:Item><x:CmdID>7</x:CmdID></x:Replace>",
        "<Replace><CmdID>7</CmdID><Item><Target><LocURI>./a</LocURI></Target><Meta><MetInf "
        "xmlns='syncml:metinf'><Format> int </Format><Type>text/plain</Type></MetInf></Meta>"
        "<Data>5</Data></Item></Replace>",
        /* Meta of the command is for all its items; white space, comments, CDATA */
        "<!-- a --><Replace>\r\n<CmdID>7</CmdID><Meta><Format>int</Format></Meta>"
        "<!-- b --> <Item><Target>\n<LocURI>\t./a\n\n</LocURI></Target><Meta><Type>text/plain"
        "</Type></Meta><Data><![CDATA[5]]></Data></Item></Replace>\n<!-- <c> & -->",
        /* character references, unknown children passed over */
        "<Replace><CmdID>&#x37;</CmdID><Foo><Item/></Foo><Item><Bar>6</Bar><Target><LocURI>&#46;/a"
        "</LocURI></Target><Meta><Format>int</Format><Version>3</Version><Type>text/plain</Type>"
        "</Meta><Data>5</Data></Item></Replace>",
        "\xef\xbb\xbf<?xml version=\"1.0\" encoding=\"utf-16\"?>\n<Replace a='1'><CmdID>7</CmdID>"
        "<Item><Target><LocURI>./a</LocURI></Target><Meta><Format>int</Format><Type>text/plain"
        "</Type></Meta><Data>5</Data></Item></Replace>",
        "<?xml version='1.0' encoding = 'UTF-8' standalone='yes' ?><Replace><CmdID>7</CmdID>"
        "<Item><Target><LocURI>./a</LocURI></Target><Meta><Format>int</Format><Type>text/plain"
        "</Type></Meta><Data>5</Data></Item></Replace>",
    };

    for (gsize i = 0; i < G_N_ELEMENTS(forms); i++)
        assert_item(forms[i]);
}

static void
test_namespaces(void)
{
    static const char *const roots[] = {"", " xmlns='SYNCML:SYNCML1.2'",
                                        " xmlns='SYNCML:SYNCML1.1'"};

    for (gsize i = 0; i < G_N_ELEMENTS(roots); i++) {
        g_autofree char *text = g_strdup_printf(
            "<SyncML%s>" HEADER "<SyncBody><Final></Final></SyncBody></SyncML>", roots[i]);
        g_autoptr(DmMessage) message = read_good(text, DM_READ_MESSAGE);

        g_assert_true(message->final);
    }
    assert_refused("<SyncML xmlns='urn:x'>" HEADER "<SyncBody/></SyncML>",
                   strlen("<SyncML xmlns='urn:x'>" HEADER "<SyncBody/></SyncML>"), DM_READ_MESSAGE,
                   DM_ERROR_INVALID, "namespace");
}

static void
test_data(void)
{
#define DATA(data) "<Add><Item><Data>" data "</Data></Item></Add>"
    assert_data(DATA(""), "");
    assert_data("<Add><Item><Data/></Item></Add>", "");
    assert_data(DATA(" \n5 "), " \n5 ");
    assert_data(DATA("a&lt;b&amp;&#13;&#x20AC;\xc3\xa9"), "a<b&\r\xe2\x82\xac\xc3\xa9");
    assert_data(DATA(" <![CDATA[<x a=\"1\"/>&lt;]]>\n<![CDATA[y]]>"), " <x a=\"1\"/>&lt;\ny");
    assert_data(DATA("a<!-- no -->b"), "ab");
    /* Markup: byte for byte, with all that XML would make of it. */
    assert_data(DATA("<a/>"), "<a/>");
    assert_data(DATA(" x&amp;<a  b='1'\r\n>&lt;</a >\r\n<!-- c --><![CDATA[<]]><p:q/>y "),
                " x&amp;<a  b='1'\r\n>&lt;</a >\r\n<!-- c --><![CDATA[<]]><p:q/>y ");
    assert_data(DATA("<Data><Data>1</Data></Data>"), "<Data><Data>1</Data></Data>");
    assert_data("<Add><Item><Data ><a></a></Data\n></Item></Add>", "<a></a>");
    assert_data("\xef\xbb\xbf<?xml version='1.0'?>\n" DATA("<a/>z"), "<a/>z");
#undef DATA
}

static void
test_data_in_message(void)
{
    g_autoptr(GBytes) bytes = load("45_s2d_exec_hostedinstall_add_zero_cmdid.frag.xml");
    g_autoptr(DmMessage) message =
        read_bytes(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes), DM_READ_FRAGMENT, NULL);
    const DmElement *exec = dm_message_get(message, 1);

    g_assert_cmpstr(exec->cmd_id, ==, "1");
    g_assert_cmpstr(dm_message_get_item(message, exec, 0)->data, ==,
                    "\n             <Application PackageUri=\"https://contoso.example/app.appx\" "
                    "DeploymentOptions=\"0\" />\n          ");
    g_assert_cmpstr(dm_message_get(message, 0)->cmd_id, ==, "0");
}

static void
test_cmd_ids(void)
{
    g_autoptr(DmMessage) message = read_good(
        "<Get><CmdID> 5 </CmdID></Get><Get><CmdID>90dbfca8-d4ac-40c9-bf57-ba5b8cbf1ce0</CmdID>"
        "</Get><Get/><Get><CmdID></CmdID></Get>",
        DM_READ_FRAGMENT);

    g_assert_cmpuint(dm_message_get_size(message), ==, 4);
    g_assert_cmpstr(dm_message_get(message, 0)->cmd_id, ==, " 5 ");
    g_assert_cmpstr(dm_message_get(message, 1)->cmd_id, ==, "90dbfca8-d4ac-40c9-bf57-ba5b8cbf1ce0");
    g_assert_null(dm_message_get(message, 2)->cmd_id);
    g_assert_null(dm_message_get(message, 3)->cmd_id);
    g_assert_cmpuint(dm_message_get(message, 2)->n_items, ==, 0);
}

static void
test_status(void)
{
    g_autoptr(DmMessage) message =
        read_good(MESSAGE("<Status><CmdID>1</CmdID><MsgRef>3</MsgRef><CmdRef>0</CmdRef><Cmd>SyncHdr"
                          "</Cmd><TargetRef> a </TargetRef><TargetRef>b</TargetRef><SourceRef>c"
                          "</SourceRef><Chal><Meta><Type xmlns='syncml:metinf'>syncml:auth-md5"
                          "</Type><Format>b64</Format><NextNonce>Tm9uY2U=</NextNonce></Meta></Chal>"
                          "<Data> 401 </Data></Status><Alert><CmdID>2</CmdID><Data>1224</Data>"
                          "<Correlator>x y</Correlator><Item><Meta><Mark>critical</Mark><Size>12"
                          "</Size></Meta><MoreData/></Item><NoResp/></Alert>"),
                  DM_READ_MESSAGE);
    const DmElement *status = dm_message_get(message, 0);
    const DmElement *alert = dm_message_get(message, 1);

    g_assert_cmpstr(status->msg_ref, ==, "3");
    g_assert_cmpstr(status->cmd_ref, ==, "0");
    g_assert_cmpstr(status->cmd, ==, "SyncHdr");
    g_assert_cmpuint(status->target_refs->len, ==, 2);
    g_assert_cmpstr(status->target_refs->pdata[0], ==, "a");
    g_assert_cmpstr(status->target_refs->pdata[1], ==, "b");
    g_assert_cmpstr(status->source_refs->pdata[0], ==, "c");
    g_assert_true(status->chal.present);
    g_assert_cmpstr(status->chal.type, ==, "syncml:auth-md5");
    g_assert_cmpstr(status->chal.format, ==, "b64");
    g_assert_cmpstr(status->chal.next_nonce, ==, "Tm9uY2U=");
    g_assert_cmpstr(status->data, ==, "401");
    g_assert_cmpint(alert->verb, ==, DM_VERB_ALERT);
    g_assert_true(alert->no_resp);
    g_assert_cmpstr(alert->correlator, ==, "x y");
    g_assert_cmpstr(dm_message_get_item(message, alert, 0)->mark, ==, "critical");
    g_assert_cmpint(dm_message_get_item(message, alert, 0)->size, ==, 12);
    g_assert_true(dm_message_get_item(message, alert, 0)->more_data);
    g_assert_null(dm_message_get_item(message, alert, 0)->data);
}

static void
test_containers(void)
{
    g_autoptr(DmMessage) message = read_good(
        MESSAGE("<Atomic><CmdID>1</CmdID><Meta><Type>x</Type></Meta><Add><CmdID>2</CmdID></Add>"
                "<Sequence><Get><Item/><Item/></Get></Sequence><Bogus><CmdID>9</CmdID></Bogus>"
                "</Atomic><x:Odd xmlns:x='u'/><Exec/>"),
        DM_READ_MESSAGE);
    static const struct {
        const char *name;
        DmVerb verb;
        guint span;
    } expected[] = {
        {"Atomic", DM_VERB_ATOMIC, 4},     {"Add", DM_VERB_ADD, 0},
        {"Sequence", DM_VERB_SEQUENCE, 1}, {"Get", DM_VERB_GET, 0},
        {"Bogus", DM_VERB_NONE, 0},        {"Odd", DM_VERB_NONE, 0},
        {"Exec", DM_VERB_EXEC, 0},
    };

    g_assert_cmpuint(dm_message_get_size(message), ==, G_N_ELEMENTS(expected));
    for (gsize i = 0; i < G_N_ELEMENTS(expected); i++) {
        const DmElement *element = dm_message_get(message, i);

        g_assert_cmpstr(element->name, ==, expected[i].name);
        g_assert_cmpint(element->verb, ==, expected[i].verb);
        g_assert_cmpuint(element->span, ==, expected[i].span);
    }
    g_assert_cmpuint(dm_message_get(message, 3)->n_items, ==, 2);
    g_assert_cmpstr(dm_message_get(message, 4)->cmd_id, ==, "9");
}

static void
test_fragments(void)
{
    static const char *const good[] = {
        MESSAGE("<Get/><Get/>"),
        "<SyncBody><Get/><Get/><Final/></SyncBody>",
        " <!-- one --> <Get/> <!-- two --> <Get/><Final/>\n",
    };
    static const struct {
        const char *text, *cause;
    } bad[] = {
        {"", "no command"},
        {"  <!-- nothing --> ", "no command"},
        {"<html/>", "neither SyncML"},
        {"<SyncBody/><SyncBody/>", "beside"},
        {"<SyncBody/><Get/>", "beside"},
        {"<Get/><SyncBody/>", "beside"},
        {MESSAGE("") "<Get/>", "beside"},
        {"<Get/></fragment><fragment>", "not open"},
        {"<Get>", "line 1"},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(good); i++) {
        g_autoptr(DmMessage) message = read_good(good[i], DM_READ_FRAGMENT);

        g_assert_cmpuint(dm_message_get_size(message), ==, 2);
        g_assert_cmpint(message->final, ==, i > 0);
    }
    for (gsize i = 0; i < G_N_ELEMENTS(bad); i++)
        assert_refused(bad[i].text, strlen(bad[i].text), DM_READ_FRAGMENT, DM_ERROR_INVALID,
                       bad[i].cause);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/reader/tags-are-all-found", test_tags);
    g_test_add_func("/reader/P6-takes-every-sample", test_samples);
    g_test_add_func("/reader/P6-header-children-out-of-order", test_header_out_of_order);
    g_test_add_func("/reader/P6-forms-of-an-item", test_item_forms);
    g_test_add_func("/reader/P1-namespaces", test_namespaces);
    g_test_add_func("/reader/P6-data-byte-for-byte", test_data);
    g_test_add_func("/reader/P6-data-of-a-real-server", test_data_in_message);
    g_test_add_func("/reader/P1-cmdid-as-sent", test_cmd_ids);
    g_test_add_func("/reader/P2-status-and-alert", test_status);
    g_test_add_func("/reader/M2-atomic-and-sequence", test_containers);
    g_test_add_func("/reader/fragments", test_fragments);
    return g_test_run();
}
