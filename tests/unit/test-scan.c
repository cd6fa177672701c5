/* SPDX-License-Identifier: MIT */

/* What protocol.md section 6 says that the parser must refuse, and its caps. */

#include "tests/unit/reader-fixture.h"

/* -- what it must refuse ---------------------------------------------------------------------- */

/* Documents, and a word of why they are refused. */
static const struct {
    const char *text, *cause;
} bad[] = {
    {"", "no element"},
    {" ", "line 1"},
    {"<SyncML", "does not end"},
    {"<", "does not end"},
    {"<SyncML>", "line 1"},
    {"<SyncBody/>", "no SyncML"},
    {"<SyncML/>", "no SyncHdr"},
    {"<SyncML>" HEADER "</SyncML>", "no SyncBody"},
    {"<SyncML>" HEADER HEADER "<SyncBody/></SyncML>", "second SyncHdr"},
    {"<SyncML>" HEADER "<SyncBody/><SyncBody/></SyncML>", "second SyncBody"},
    {MESSAGE("") "<SyncML/>", "line 1"},
    {MESSAGE("<Get></Put>"), "line 1"},
    {"\n\n" MESSAGE("\n<Get></Put>"), "line 4"},
    {"<?xml version='1.0'?>\n\n" MESSAGE("\n<Get></Put>"), "line 4"},
    {"<!DOCTYPE SyncML>" MESSAGE(""), "DOCTYPE"},
    {"<!DOCTYPE a [<!ENTITY b 'c'>]>" MESSAGE("<Get>&b;</Get>"), "DOCTYPE"},
    {MESSAGE("<![IGNORE[x]]>"), "declaration"},
    {MESSAGE("<Get>&nbsp;</Get>"), "entity"},
    {MESSAGE("<Get>&</Get>"), "entity"},
    {MESSAGE("<Get a='&x;'/>"), "entity"},
    {MESSAGE("<Get>&#0;</Get>"), "reference"},
    {MESSAGE("<Get>&#x1b;</Get>"), "reference"},
    {MESSAGE("<Get>&#xd800;</Get>"), "reference"},
    {MESSAGE("<Get>&#xffff;</Get>"), "reference"},
    {MESSAGE("<Get>&#1114112;</Get>"), "reference"},
    {MESSAGE("<Get>&#99999999999999999999;</Get>"), "reference"},
    {MESSAGE("<Get>&#12a;</Get>"), "reference"},
    {MESSAGE("<Get>&#;</Get>"), "reference"},
    {MESSAGE("<Get>&#x;</Get>"), "reference"},
    {MESSAGE("<Get>&#1"), "reference"},
    {MESSAGE("<Get a='<'/>"), "attribute"},
    {MESSAGE("<Get a='1"), "does not end"},
    {MESSAGE("<Get <Put/>"), "line 1"},
    {MESSAGE("<Get a=1/>"), "line 1"},
    {MESSAGE("<Get a='1' a='2'/>"), "line 1"},
    {MESSAGE("<!-- "), "comment"},
    {MESSAGE("<!-->"), "comment"},
    {MESSAGE("<!-- -- -->"), "line 1"},
    {MESSAGE("<![CDATA[ "), "CDATA"},
    {MESSAGE("]]>"), "line 1"},
    {MESSAGE("<?pi?>"), "processing instruction"},
    {MESSAGE("") "<?pi?>", "processing instruction"},
    {" <?xml version='1.0'?>" MESSAGE(""), "processing instruction"},
    {"<?xml version='1.0'?><?xml version='1.0'?>" MESSAGE(""), "processing instruction"},
    {"<?xml version='1.0' encoding='iso-8859-1'?>" MESSAGE(""), "encoding"},
    {"<?xml version='1.0' encoding='UTF-7'?>" MESSAGE(""), "encoding"},
    {"<?xml version='1.1'?>" MESSAGE(""), "version"},
    {"<?xml version='1.0' bogus='1'?>" MESSAGE(""), "declaration"},
    {"<?xml version?>" MESSAGE(""), "declaration"},
    {"<?xml version='1.0?>" MESSAGE(""), "declaration"},
    {"<?xml version='1.0'", "does not end"},
    {MESSAGE("\x01"), "line 1"},
    {MESSAGE("\xff"), "UTF-8"},
    {MESSAGE("\n\xc0\xaf"), "line 2: text that is not valid UTF-8"},
    {MESSAGE("\xed\xa0\x80"), "UTF-8"},
    {MESSAGE("\xef\xbf\xbf"), "line 1"},
    {MESSAGE("<a:b:c/>"), "prefix:name"},
    {MESSAGE("<a:/>"), "prefix:name"},
    {MESSAGE("<a:1/>"), "prefix:name"},
    {"</SyncML>", "not open"},
    {MESSAGE("") "</SyncML>", "not open"},
};

static void
test_refused(void)
{
    for (gsize i = 0; i < G_N_ELEMENTS(bad); i++)
        assert_refused(bad[i].text, strlen(bad[i].text), DM_READ_MESSAGE, DM_ERROR_INVALID,
                       bad[i].cause);
}

static void
test_refused_bytes(void)
{
    static const char nul[] = MESSAGE("<Get>\0</Get>");
    static const char utf16[] = "\xff\xfe<\0S\0";
    static const char utf16_no_mark[] = "\0<\0S";

    assert_refused(nul, sizeof(nul) - 1, DM_READ_MESSAGE, DM_ERROR_INVALID, "NUL");
    assert_refused(utf16, sizeof(utf16) - 1, DM_READ_MESSAGE, DM_ERROR_INVALID, "UTF-16");
    assert_refused(utf16_no_mark, sizeof(utf16_no_mark) - 1, DM_READ_MESSAGE, DM_ERROR_INVALID,
                   "UTF-16");
}

/* Every beginning of a message is refused, and none reads beyond its end. */
static void
test_truncated(void)
{
    g_autoptr(GBytes) bytes = load("15_s2d_two_replace_type_without_ns.xml");
    gsize size;
    const char *text = g_bytes_get_data(bytes, &size);

    while (size > 0 && g_ascii_isspace(text[size - 1]))
        size--;
    for (gsize i = 0; i < size; i++) {
        g_autoptr(DmMessage) message = read_bytes(text, i, DM_READ_MESSAGE, NULL);

        g_assert_null(message);
    }
}

/* -- caps ------------------------------------------------------------------------------------- */

static void
append_many(GString *text, const char *part, guint n)
{
    for (guint i = 0; i < n; i++)
        g_string_append(text, part);
}

/* `n` times `before`, then `n` times `after`, in a SyncBody. */
static GString *
make_body(const char *before, const char *after, guint n)
{
    GString *text = g_string_new("<SyncML>" HEADER "<SyncBody>");

    append_many(text, before, n);
    append_many(text, after, n);
    g_string_append(text, "</SyncBody></SyncML>");
    return text;
}

static void
assert_cap(const GString *fits, const GString *over, const char *cause)
{
    dm_message_free(read_good(fits->str, DM_READ_MESSAGE));
    assert_refused(over->str, over->len, DM_READ_MESSAGE, DM_ERROR_TOO_LARGE, cause);
}

static void
test_depth(void)
{
    g_autoptr(GString) fits = make_body("<a>", "</a>", 30), over = make_body("<a>", "</a>", 31);
    g_autoptr(GString) atomics = make_body("<Atomic>", "</Atomic>", 16);
    g_autoptr(GString) too_many = make_body("<Atomic>", "</Atomic>", 17);

    assert_cap(fits, over, "more than 32 deep");
    assert_cap(atomics, too_many, "Atomic");
}

static void
test_elements(void)
{
    /* Six in the header, SyncML, SyncBody, and these. */
    const guint n = DM_MESSAGE_MAX_ELEMENTS - 7;
    g_autoptr(GString) fits = make_body("<Get/>", "", n), over = make_body("<Get/>", "", n + 1);

    assert_cap(fits, over, "20000 elements");
}

static GString *
make_attributes(guint n)
{
    GString *text = g_string_new("<SyncML>" HEADER "<SyncBody><Get ");

    for (guint i = 0; i < n; i++)
        g_string_append_printf(text, "a%u=\"%u\" ", i, i);
    g_string_append(text, "/></SyncBody></SyncML>");
    return text;
}

static void
test_attributes(void)
{
    g_autoptr(GString) fits = make_attributes(16), over = make_attributes(17);
    g_autoptr(GString) flood = make_attributes(30000); /* libxml2 would take seconds */

    assert_cap(fits, over, "16 attributes");
    assert_refused(flood->str, flood->len, DM_READ_MESSAGE, DM_ERROR_TOO_LARGE, "attributes");
}

static GString *
make_tag(gsize size)
{
    GString *text = g_string_new("<SyncML>" HEADER "<SyncBody><Get a='");

    append_many(text, "x", (guint)(size - strlen("<Get a=''/>")));
    g_string_append(text, "'/></SyncBody></SyncML>");
    return text;
}

static void
test_tag_size(void)
{
    g_autoptr(GString) fits = make_tag(2048), over = make_tag(2049);
    g_autoptr(GString) end = make_body("<Get></Get", "", 1);

    assert_cap(fits, over, "2048 bytes");
    append_many(end, " ", 4096);
    g_string_append_c(end, '>');
    g_string_replace(end, "</SyncBody></SyncML>", "", 0);
    assert_refused(end->str, end->len, DM_READ_MESSAGE, DM_ERROR_TOO_LARGE, "2048 bytes");
}

static void
test_message_size(void)
{
    g_autoptr(GString) fits = g_string_new(MESSAGE("")), over = NULL;

    append_many(fits, " ", (guint)(DM_MESSAGE_MAX_BYTES - fits->len));
    over = g_string_new(fits->str);
    g_string_append_c(over, ' ');
    assert_cap(fits, over, "524288");
}

static GString *
make_data(gsize size, const char *more)
{
    GString *text = g_string_new("<SyncML>" HEADER "<SyncBody><Add><CmdID>1</CmdID><Item>");

    g_string_append(text, more);
    g_string_append(text, "<Data>");
    append_many(text, "x", (guint)size);
    g_string_append(text, "</Data></Item></Add><Get><CmdID>2</CmdID></Get></SyncBody></SyncML>");
    return text;
}

static void
assert_problem(gsize size, const char *more, DmStatus problem)
{
    g_autoptr(GString) text = make_data(size, more);
    g_autoptr(DmMessage) message = read_good(text->str, DM_READ_MESSAGE);

    g_assert_cmpint(dm_message_get(message, 0)->problem, ==, problem);
    g_assert_cmpint(dm_message_get(message, 1)->problem, ==, DM_STATUS_OK);
    g_assert_cmpstr(dm_message_get(message, 1)->cmd_id, ==, "2");
    g_assert_cmpuint(dm_message_get_item(message, dm_message_get(message, 0), 0)->data_size, ==,
                     size);
}

static void
test_data_size(void)
{
    assert_problem(65536, "", DM_STATUS_OK);
    assert_problem(65537, "", DM_STATUS_TOO_LARGE);
    assert_problem(65537, "<MoreData/>", DM_STATUS_OK);
}

static void
test_id_size(void)
{
    g_autofree char *id = g_strnfill(DM_MESSAGE_MAX_ID, 'i');
    g_autofree char *fits = g_strdup_printf("<Get><CmdID>%s</CmdID></Get>", id);
    g_autofree char *over = g_strdup_printf("<Get><CmdID>%s0</CmdID></Get>", id);
    g_autoptr(DmMessage) message = read_good(fits, DM_READ_FRAGMENT);

    g_assert_cmpstr(dm_message_get(message, 0)->cmd_id, ==, id);
    assert_refused(over, strlen(over), DM_READ_FRAGMENT, DM_ERROR_TOO_LARGE, "256 bytes");
}

/* Libraries never log: libxml2 must not either. */
static void
test_silent(void)
{
    if (g_test_subprocess()) {
        static const char *const texts[] = {MESSAGE("<Get></Put>"), MESSAGE("<p:Get q:a='1'/>"),
                                            MESSAGE("\x01"),        MESSAGE("]]>]]>"),
                                            "<SyncML xmlns='::'/>", "x"};

        for (gsize i = 0; i < G_N_ELEMENTS(texts); i++)
            dm_message_free(dm_reader_parse(texts[i], strlen(texts[i]), DM_READ_MESSAGE, NULL));
        return;
    }
    g_test_trap_subprocess(NULL, 0, G_TEST_SUBPROCESS_DEFAULT);
    g_test_trap_assert_passed();
    g_test_trap_assert_stderr("");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/scan/P6-refused", test_refused);
    g_test_add_func("/scan/P6-refused-bytes", test_refused_bytes);
    g_test_add_func("/scan/P6-truncated", test_truncated);
    g_test_add_func("/scan/P6-cap-on-depth", test_depth);
    g_test_add_func("/scan/P6-cap-on-elements", test_elements);
    g_test_add_func("/scan/P6-cap-on-attributes", test_attributes);
    g_test_add_func("/scan/P6-cap-on-tags", test_tag_size);
    g_test_add_func("/scan/P3-cap-on-messages", test_message_size);
    g_test_add_func("/scan/P6-cap-on-data-is-413-of-the-command", test_data_size);
    g_test_add_func("/scan/cap-on-identifiers", test_id_size);
    g_test_add_func("/scan/nothing-on-stderr", test_silent);
    return g_test_run();
}
