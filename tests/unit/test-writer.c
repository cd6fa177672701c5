/* SPDX-License-Identifier: MIT */

/* The writer: the DTDs' order and namespaces, escaping, and the round trip of what was read. */

#include "tests/unit/reader-fixture.h"

#include <libxml/parser.h>

#include "syncml/writer.h"

static void
assert_bytes(GBytes *bytes, const char *text)
{
    gsize size;
    const char *data = g_bytes_get_data(bytes, &size);
    g_autofree char *written = g_strndup(data, size);

    g_assert_cmpstr(written, ==, text);
    g_bytes_unref(bytes);
}

/* -- equality --------------------------------------------------------------------------------- */

static void
assert_refs_equal(const GPtrArray *a, const GPtrArray *b)
{
    g_assert_cmpint(a == NULL, ==, b == NULL);
    for (guint i = 0; a != NULL && i < MAX(a->len, b->len); i++)
        g_assert_cmpstr(a->pdata[i], ==, b->pdata[i]);
}

static void
assert_auths_equal(const DmAuthElement *a, const DmAuthElement *b)
{
    g_assert_cmpint(a->present, ==, b->present);
    g_assert_cmpstr(a->type, ==, b->type);
    g_assert_cmpstr(a->format, ==, b->format);
    g_assert_cmpstr(a->next_nonce, ==, b->next_nonce);
    g_assert_cmpstr(a->data, ==, b->data);
}

static void
assert_headers_equal(const DmHeader *a, const DmHeader *b)
{
    g_assert_cmpint(a->present, ==, b->present);
    g_assert_cmpstr(a->ver_dtd, ==, b->ver_dtd);
    g_assert_cmpstr(a->ver_proto, ==, b->ver_proto);
    g_assert_cmpstr(a->session_id, ==, b->session_id);
    g_assert_cmpstr(a->msg_id, ==, b->msg_id);
    g_assert_cmpstr(a->target_uri, ==, b->target_uri);
    g_assert_cmpstr(a->target_name, ==, b->target_name);
    g_assert_cmpstr(a->source_uri, ==, b->source_uri);
    g_assert_cmpstr(a->source_name, ==, b->source_name);
    g_assert_cmpstr(a->resp_uri, ==, b->resp_uri);
    g_assert_cmpint(a->no_resp, ==, b->no_resp);
    assert_auths_equal(&a->cred, &b->cred);
    g_assert_cmpint(a->max_msg_size, ==, b->max_msg_size);
    g_assert_cmpint(a->max_obj_size, ==, b->max_obj_size);
}

static void
assert_items_equal(const DmItem *a, const DmItem *b)
{
    g_assert_cmpstr(a->target_uri, ==, b->target_uri);
    g_assert_cmpstr(a->target_name, ==, b->target_name);
    g_assert_cmpstr(a->source_uri, ==, b->source_uri);
    g_assert_cmpstr(a->source_name, ==, b->source_name);
    g_assert_cmpstr(a->format, ==, b->format);
    g_assert_cmpstr(a->type, ==, b->type);
    g_assert_cmpstr(a->mark, ==, b->mark);
    g_assert_cmpint(a->size, ==, b->size);
    g_assert_cmpint(a->more_data, ==, b->more_data);
    g_assert_cmpstr(a->data, ==, b->data);
    g_assert_cmpuint(a->data_size, ==, b->data_size);
}

static void
assert_elements_equal(const DmElement *a, const DmElement *b)
{
    g_assert_cmpstr(a->name, ==, b->name);
    g_assert_cmpint(a->verb, ==, b->verb);
    g_assert_cmpuint(a->span, ==, b->span);
    g_assert_cmpstr(a->cmd_id, ==, b->cmd_id);
    g_assert_cmpint(a->no_resp, ==, b->no_resp);
    g_assert_cmpstr(a->data, ==, b->data);
    g_assert_cmpstr(a->correlator, ==, b->correlator);
    g_assert_cmpstr(a->msg_ref, ==, b->msg_ref);
    g_assert_cmpstr(a->cmd_ref, ==, b->cmd_ref);
    g_assert_cmpstr(a->cmd, ==, b->cmd);
    assert_refs_equal(a->target_refs, b->target_refs);
    assert_refs_equal(a->source_refs, b->source_refs);
    assert_auths_equal(&a->chal, &b->chal);
    g_assert_cmpuint(a->first_item, ==, b->first_item);
    g_assert_cmpuint(a->n_items, ==, b->n_items);
    g_assert_cmpint(a->problem, ==, b->problem);
}

static void
assert_messages_equal(const DmMessage *a, const DmMessage *b)
{
    assert_headers_equal(&a->header, &b->header);
    g_assert_cmpint(a->final, ==, b->final);
    g_assert_cmpuint(a->elements->len, ==, b->elements->len);
    for (guint i = 0; i < a->elements->len; i++)
        assert_elements_equal(dm_message_get(a, i), dm_message_get(b, i));
    g_assert_cmpuint(a->items->len, ==, b->items->len);
    for (guint i = 0; i < a->items->len; i++)
        assert_items_equal(&g_array_index(a->items, DmItem, i),
                           &g_array_index(b->items, DmItem, i));
}

/* -- the DTDs' order -------------------------------------------------------------------------- */

/* What may stand in an element, in this order (OMA SyncML Representation Protocol 1.2 and Meta
 * Information 1.2), as far as it is written here. `<Cmd>` in Results is not of the DTD, but of
 * Microsoft's example. "*": any number of commands at the end. */
static const struct {
    const char *parent, *children;
} dtd[] = {
    {"SyncML", "SyncHdr SyncBody"},
    {"SyncHdr", "VerDTD VerProto SessionID MsgID Target Source RespURI NoResp Cred Meta"},
    {"Status", "CmdID MsgRef CmdRef Cmd TargetRef SourceRef Cred Chal Data Item"},
    {"Results", "CmdID MsgRef CmdRef Cmd Meta TargetRef SourceRef Item"},
    {"Alert", "CmdID NoResp Cred Data Correlator Item"},
    {"Exec", "CmdID NoResp Cred Meta Correlator Item"},
    {"Add", "CmdID NoResp Cred Meta Item"},
    {"Get", "CmdID NoResp Lang Cred Meta Item"},
    {"Replace", "CmdID NoResp Cred Meta Item"},
    {"Delete", "CmdID NoResp Archive SftDel Cred Meta Item"},
    {"Atomic", "CmdID NoResp Meta *"},
    {"Sequence", "CmdID NoResp Meta *"},
    {"Item", "Target Source SourceParent TargetParent Meta Data MoreData"},
    {"Target", "LocURI LocName Filter"},
    {"Source", "LocURI LocName"},
    {"Meta", "Format Type Mark Size Anchor Version NextNonce MaxMsgSize MaxObjSize"},
    {"Cred", "Meta Data"},
    {"Chal", "Meta"},
};

static void
assert_order(const xmlNode *parent)
{
    const char *children = NULL;
    g_auto(GStrv) names = NULL;
    gsize at = 0;
    bool is_meta = strcmp((const char *)parent->name, "Meta") == 0;

    for (gsize i = 0; i < G_N_ELEMENTS(dtd); i++)
        if (strcmp((const char *)parent->name, dtd[i].parent) == 0)
            children = dtd[i].children;
    names = children == NULL ? NULL : g_strsplit(children, " ", -1);
    for (const xmlNode *child = parent->children; child != NULL; child = child->next) {
        if (child->type != XML_ELEMENT_NODE)
            continue;
        g_assert_nonnull(child->ns);
        g_assert_cmpstr((const char *)child->ns->href, ==,
                        is_meta ? "syncml:metinf" : "SYNCML:SYNCML1.2");
        while (names != NULL && names[at] != NULL && strcmp(names[at], "*") != 0 &&
               strcmp(names[at], (const char *)child->name) != 0)
            at++;
        if (names != NULL && names[at] == NULL)
            g_error("%s out of order in %s", child->name, parent->name);
        assert_order(child);
    }
}

static void
assert_message_order(GBytes *bytes)
{
    gsize size;
    const char *text = g_bytes_get_data(bytes, &size);
    xmlDoc *document = xmlReadMemory(text, (int)size, NULL, NULL, XML_PARSE_NONET);

    g_assert_nonnull(document);
    g_assert_cmpstr((const char *)xmlDocGetRootElement(document)->ns->href, ==, "SYNCML:SYNCML1.2");
    assert_order(xmlDocGetRootElement(document));
    xmlFreeDoc(document);
}

/* -- tests ------------------------------------------------------------------------------------ */

static void
round_trip(const char *text, gsize size)
{
    g_autoptr(DmMessage) first = read_bytes(text, size, DM_READ_FRAGMENT, NULL);
    g_autoptr(DmMessage) second = NULL;
    g_autoptr(GBytes) once = NULL, twice = NULL;

    g_assert_nonnull(first);
    once = dm_writer_write_message(first);
    second =
        read_bytes(g_bytes_get_data(once, NULL), g_bytes_get_size(once), DM_READ_FRAGMENT, NULL);
    g_assert_nonnull(second);
    assert_messages_equal(first, second);
    twice = dm_writer_write_message(second);
    g_assert_true(g_bytes_equal(once, twice));
    if (first->header.present)
        assert_message_order(once);
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

        if (!g_str_has_suffix(name, ".xml"))
            continue;
        bytes = load(name);
        round_trip(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes));
        n++;
    }
    g_assert_cmpuint(n, ==, 25);
}

/* All that the samples lack, in the wrong order, and text that must not change. */
static void
test_everything(void)
{
    static const char text[] =
        "<SyncML><SyncHdr><Meta><MaxObjSize>9</MaxObjSize><MaxMsgSize>8</MaxMsgSize></Meta><Cred>"
        "<Data>x</Data><Meta><Type>syncml:auth-basic</Type><Format>b64</Format></Meta></Cred>"
        "<NoResp/><RespURI>r</RespURI><Source><LocName>n</LocName><LocURI>s</LocURI></Source>"
        "<Target><LocURI>t</LocURI><LocName>&amp;</LocName></Target><MsgID>1</MsgID></SyncHdr>"
        "<SyncBody><Status><Data>401</Data><Chal><Meta><NextNonce>bg==</NextNonce><Format>b64"
        "</Format><Type>syncml:auth-md5</Type></Meta></Chal><SourceRef>&lt;</SourceRef><TargetRef>"
        "a</TargetRef><TargetRef>b</TargetRef><Cmd>SyncHdr</Cmd><CmdRef>0</CmdRef><MsgRef>1"
        "</MsgRef><CmdID>1</CmdID><Item><Data>i</Data></Item></Status>"
        "<Atomic><NoResp/><CmdID>2</CmdID><Sequence><Add><Item><MoreData/><Data>a&#13;\r\n&gt;]]"
        "&gt;<b>&amp;</b></Data><Meta><Size>70000</Size><Mark>m</Mark><Type>t</Type><Format>chr"
        "</Format></Meta><Source><LocURI>x</LocURI></Source><Target><LocURI>y</LocURI></Target>"
        "</Item></Add><Atomic/></Sequence><Delete><Item/></Delete></Atomic><Exec><Correlator> c "
        "</Correlator><CmdID>&#13;\"'</CmdID></Exec></SyncBody></SyncML>";

    round_trip(text, sizeof(text) - 1);
}

static void
test_header(void)
{
    g_autoptr(DmWriter) writer = dm_writer_new();
    const DmHeader header = {
        .present = true,
        .ver_dtd = "1.2",
        .ver_proto = "DM/1.2",
        .session_id = "A",
        .msg_id = "1",
        .target_uri = "https://h/?a=1&b=<2>",
        .source_uri = "dev",
        .source_name = "user",
        .cred = {.present = true, .type = "syncml:auth-md5", .format = "b64", .data = "Zz6="},
        .max_msg_size = 524288,
        .max_obj_size = -1,
    };
    const DmItem login = {
        .type = "com.microsoft/MDM/LoginStatus", .size = -1, .data = "user", .data_size = 4};
    const DmItem info[] = {
        {.source_uri = "./DevInfo/DevId", .size = -1, .data = "dev", .data_size = 3},
        {.source_uri = "./DevInfo/Man", .size = -1, .data = "A & B", .data_size = 5},
    };

    dm_writer_begin(writer, &header, 2);
    dm_writer_alert(writer, 1201, NULL);
    dm_writer_alert(writer, 1224, &login);
    dm_writer_replace(writer, info, G_N_ELEMENTS(info));
    assert_bytes(
        dm_writer_end(writer, true),
        "<SyncML "
        "xmlns=\"SYNCML:SYNCML1.2\"><SyncHdr><VerDTD>1.2</VerDTD><VerProto>DM/1.2</VerProto>"
        "<SessionID>A</SessionID><MsgID>1</MsgID><Target><LocURI>https://h/?a=1&amp;b=&lt;2&gt;"
        "</LocURI></Target><Source><LocURI>dev</LocURI><LocName>user</LocName></Source><Cred><Meta>"
        "<Format xmlns=\"syncml:metinf\">b64</Format><Type xmlns=\"syncml:metinf\">syncml:auth-md5"
        "</Type></Meta><Data>Zz6=</Data></Cred><Meta><MaxMsgSize xmlns=\"syncml:metinf\">524288"
        "</MaxMsgSize></Meta></SyncHdr><SyncBody>"
        "<Alert><CmdID>2</CmdID><Data>1201</Data></Alert><Alert><CmdID>3</CmdID><Data>1224</Data>"
        "<Item><Meta><Type xmlns=\"syncml:metinf\">com.microsoft/MDM/LoginStatus</Type></Meta>"
        "<Data>user</Data></Item></Alert><Replace><CmdID>4</CmdID><Item><Source><LocURI>"
        "./DevInfo/DevId</LocURI></Source><Data>dev</Data></Item><Item><Source><LocURI>"
        "./DevInfo/Man</LocURI></Source><Data>A &amp; B</Data></Item></Replace><Final/></SyncBody>"
        "</SyncML>");
}

static void
test_status_and_results(void)
{
    g_autoptr(DmWriter) writer = dm_writer_new();
    const char *const targets[] = {"./a", "./b"};
    const DmAuthElement chal = {
        .present = true, .type = "syncml:auth-md5", .format = "b64", .next_nonce = "bg=="};
    const DmResultItem results[] = {
        {.loc_uri = "./a", .format = DM_FORMAT_CHR, .data = "x\r<", .data_size = 3},
        {.loc_uri = "./b", .format = DM_FORMAT_NODE, .data = "", .data_size = 0},
        {.loc_uri = "./c", .format = DM_FORMAT_INT, .data = NULL},
    };

    dm_writer_begin_body(writer, 1);
    dm_writer_status(writer, "1", "0", "SyncHdr", NULL, 0, &chal, 401);
    dm_writer_status(writer, "1", "", "Get", targets, 2, NULL, 404);
    dm_writer_results(writer, "1", "x&y", results, G_N_ELEMENTS(results));
    assert_bytes(
        dm_writer_end(writer, false),
        "<SyncBody><Status><CmdID>1</CmdID><MsgRef>1</MsgRef><CmdRef>0</CmdRef><Cmd>SyncHdr</Cmd>"
        "<Chal><Meta><Format xmlns=\"syncml:metinf\">b64</Format><Type xmlns=\"syncml:metinf\">"
        "syncml:auth-md5</Type><NextNonce xmlns=\"syncml:metinf\">bg==</NextNonce></Meta></Chal>"
        "<Data>401</Data></Status><Status><CmdID>2</CmdID><MsgRef>1</MsgRef><CmdRef></CmdRef>"
        "<Cmd>Get</Cmd><TargetRef>./a</TargetRef><TargetRef>./b</TargetRef><Data>404</Data>"
        "</Status><Results><CmdID>3</CmdID><MsgRef>1</MsgRef><CmdRef>x&amp;y</CmdRef><Item><Source>"
        "<LocURI>./a</LocURI></Source><Data>x&#13;&lt;</Data></Item><Item><Source><LocURI>./b"
        "</LocURI></Source><Meta><Format xmlns=\"syncml:metinf\">node</Format></Meta><Data></Data>"
        "</Item><Item><Source><LocURI>./c</LocURI></Source><Meta><Format xmlns=\"syncml:metinf\">"
        "int</Format></Meta></Item></Results></SyncBody>");
}

static void
test_size(void)
{
    g_autoptr(DmWriter) writer = dm_writer_new();
    g_autoptr(GBytes) bytes = NULL;
    gsize before_end;

    g_assert_cmpuint(dm_writer_get_size(writer), ==, 0);
    dm_writer_begin_body(writer, 1);
    g_assert_cmpuint(dm_writer_get_size(writer), ==, strlen("<SyncBody>"));
    for (guint i = 0; i < 1000; i++)
        dm_writer_alert(writer, 1222, NULL);
    before_end = dm_writer_get_size(writer);
    bytes = dm_writer_end(writer, true);
    g_assert_cmpuint(g_bytes_get_size(bytes), ==, before_end + strlen("<Final/></SyncBody>"));
    g_assert_cmpuint(dm_writer_get_size(writer), ==, 0);
    dm_writer_begin_body(writer, 7); /* empty again, and usable */
    dm_writer_alert(writer, 1222, NULL);
    assert_bytes(dm_writer_end(writer, false),
                 "<SyncBody><Alert><CmdID>7</CmdID><Data>1222</Data></Alert></SyncBody>");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/writer/P6-round-trip-of-every-sample", test_samples);
    g_test_add_func("/writer/P6-round-trip-of-everything", test_everything);
    g_test_add_func("/writer/P1-package-1", test_header);
    g_test_add_func("/writer/P2-status-and-results", test_status_and_results);
    g_test_add_func("/writer/P3-size", test_size);
    return g_test_run();
}
