/* SPDX-License-Identifier: MIT */

/* Provisioning documents (rules section 10). */

#include <glib.h>
#include <string.h>

#include "common/account.h"
#include "common/error.h"
#include "syncml/certificate.h"
#include "syncml/provisioning.h"

#define ROOT "./Device/Vendor/MSFT/DMClient"
#define APPLICATION(parms)                                                                         \
    "<characteristic type='APPLICATION'><parm name='APPID' value='w7'/>"                           \
    "<parm name='PROVIDER-ID' value='P'/>" parms "</characteristic>"
#define DOCUMENT(content) "<wap-provisioningdoc version='1.1'>" content "</wap-provisioningdoc>"
#define PROVIDER(id, content)                                                                      \
    "<characteristic type='DMClient'><characteristic type='Provider'><characteristic type='" id    \
    "'>" content "</characteristic></characteristic></characteristic>"

static DmProvisioning *
parse(const char *text, gsize size, GError **error)
{
    g_autofree char *exact = g_memdup2(text, size);

    return dm_provisioning_parse(exact, size, error);
}

static DmProvisioning *
parse_good(const char *text)
{
    g_autoptr(GError) error = NULL;
    DmProvisioning *document = parse(text, strlen(text), &error);

    g_assert_no_error(error);
    return document;
}

static DmProvisioning *
parse_sample(const char *name, GError **error)
{
    g_autofree char *path = g_build_filename(g_getenv("DM_TEST_DATA"), "provisioning", name, NULL);
    g_autofree char *text = NULL;
    g_autoptr(GError) read_error = NULL;
    gsize size;

    g_file_get_contents(path, &text, &size, &read_error);
    g_assert_no_error(read_error);
    return parse(text, size, error);
}

static void
assert_refused(const char *text, int code, const char *cause)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(DmProvisioning) document = parse(text, strlen(text), &error);

    g_assert_null(document);
    g_assert_error(error, DM_ERROR, code);
    if (strstr(error->message, cause) == NULL)
        g_error("\"%s\" does not say \"%s\"", error->message, cause);
}

static void
assert_setting(const DmProvisioning *document, guint index, DmVerb verb, const char *loc_uri,
               const char *format, const char *data)
{
    const DmProvisioningSetting *setting;

    g_assert_cmpuint(index, <, document->settings->len);
    setting = &g_array_index(document->settings, DmProvisioningSetting, index);
    g_assert_cmpint(setting->command.verb, ==, verb);
    g_assert_cmpstr(setting->command.loc_uri, ==, loc_uri);
    g_assert_cmpstr(setting->command.format, ==, format);
    g_assert_cmpstr(setting->command.data, ==, data);
    g_assert_cmpuint(setting->command.data_size, ==, data == NULL ? 0 : strlen(data));
    g_assert_cmpuint(setting->command.span, ==, 0);
}

static void
assert_account(const DmProvisioning *document, const char *key, const char *value)
{
    g_assert_cmpstr(g_hash_table_lookup(document->account, key), ==, value);
}

/* -- samples ---------------------------------------------------------------------------------- */

static void
test_full(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(DmProvisioning) document = parse_sample("01-full-parm-after-poll.xml", &error);

    g_assert_no_error(error);
    g_assert_cmpstr(document->provider_id, ==, "TestMDMServer");
    g_assert_cmpuint(document->warnings->len, ==, 0);
    assert_account(document, "NAME", "Contoso MDM");
    assert_account(document, "ADDR", "https://localhost:8443/ManagementServer/MDM.svc");
    assert_account(document, "CONNRETRYFREQ", "6");
    assert_account(document, "INITIALBACKOFFTIME", "30000");
    assert_account(document, "MAXBACKOFFTIME", "120000");
    assert_account(document, "BACKCOMPATRETRYDISABLED", "");
    assert_account(document, "DEFAULTENCODING", "application/vnd.syncml.dm+xml");
    assert_account(document, "CLIENT/AAUTHTYPE", "DIGEST");
    assert_account(document, "CLIENT/AAUTHNAME", NULL);
    assert_account(document, "CLIENT/AAUTHSECRET", "placeholder");
    assert_account(document, "APPSRV/AAUTHNAME", "device-7f31");
    assert_account(document, "APPSRV/AAUTHDATA", "nonce");
    assert_account(document, "APPID", NULL);
    assert_account(document, "PROVIDER-ID", NULL);
    g_assert_cmpuint(g_hash_table_size(document->account), ==, 14);
    g_assert_cmpuint(document->settings->len, ==, 10);
#define NODE ROOT "/Provider/TestMDMServer"
    assert_setting(document, 0, DM_VERB_REPLACE, NODE "/UPN", "chr", "anna@example.test");
    assert_setting(document, 1, DM_VERB_ADD, NODE "/Poll", "node", NULL);
    assert_setting(document, 2, DM_VERB_REPLACE, NODE "/Poll/NumberOfFirstRetries", "int", "8");
    assert_setting(document, 8, DM_VERB_REPLACE, NODE "/Poll/PollOnLogin", "bool", "true");
    /* W2: a parm after a nested characteristic */
    assert_setting(document, 9, DM_VERB_REPLACE, NODE "/EntDeviceName", "chr", "Anna's laptop");
#undef NODE
}

static void
test_others(void)
{
    static const struct {
        const char *name, *provider_id, *address;
        guint n_settings;
    } samples[] = {
        {"02-infinite-first-set.xml", "Fleet", "https://localhost:8443/ManagementServer/MDM.svc",
         9},
        {"03-version-5-and-entdmid.xml", "MS DM Server",
         "https://localhost:8443/ManagementServer/MDM.svc", 4},
        {"04-address-with-query-no-datatypes.xml", "PaneMDM",
         "https://localhost:8443/omadm?hwid=HW-505b6921", 9},
        {"05-push-inside-is-ignored.xml", "CoMDM",
         "https://localhost:8443/ManagementServer/MDM.svc", 9},
        {"06-no-dmclient.xml", "MamServer", "https://localhost:8443/ManagementServer/MDM.svc", 0},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(samples); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(DmProvisioning) document = parse_sample(samples[i].name, &error);

        g_assert_no_error(error);
        g_assert_cmpstr(document->provider_id, ==, samples[i].provider_id);
        assert_account(document, "ADDR", samples[i].address);
        g_assert_cmpuint(document->settings->len, ==, samples[i].n_settings);
    }
}

static void
test_escaped_provider(void)
{
    g_autoptr(DmProvisioning) document = parse_sample("03-version-5-and-entdmid.xml", NULL);
    g_autoptr(DmProvisioning) plain =
        parse_good(DOCUMENT(PROVIDER("MS DM/Server", "<parm name='UPN' value='%41'/>")));
    g_autoptr(DmProvisioning) odd = parse_good(DOCUMENT(PROVIDER("a%01%ff%zz", "")));

    g_assert_cmpstr(odd->provider_id, ==, "a%01%ff%zz"); /* decodes to no text */
    assert_setting(document, 0, DM_VERB_REPLACE, ROOT "/Provider/MS%20DM%20Server/EntDMID", NULL,
                   "4d5c1d0e-6b1a-4f56-8a0e-1d0e6b1a4f56");
    g_assert_cmpstr(plain->provider_id, ==, "MS DM/Server");
    assert_setting(plain, 0, DM_VERB_REPLACE, ROOT "/Provider/MS%20DM%2FServer/UPN", NULL, "%41");
}

static void
test_push(void)
{
    g_autoptr(DmProvisioning) document = parse_sample("05-push-inside-is-ignored.xml", NULL);

    assert_setting(document, 0, DM_VERB_ADD, ROOT "/Provider/CoMDM/Push", "node", NULL);
    assert_setting(document, 1, DM_VERB_REPLACE, ROOT "/Provider/CoMDM/Push/PFN", NULL,
                   "Contoso.MDM_8wekyb3d8bbwe");
}

static void
test_certificates(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(DmProvisioning) document = parse_sample("07-certificates-and-renew.xml", &error);
    const DmProvisioningCertificate *root, *own;

    g_assert_no_error(error);
    g_assert_cmpstr(document->provider_id, ==, "MDMatador");
    g_assert_cmpuint(document->certificates->len, ==, 2);
    root = document->certificates->pdata[0];
    own = document->certificates->pdata[1];
    g_assert_cmpstr(root->store, ==, "Root");
    g_assert_cmpstr(root->owner, ==, "System");
    g_assert_cmpstr(own->store, ==, "My");
    g_assert_cmpstr(own->owner, ==, "User");
    for (guint i = 0; i < 2; i++) {
        const DmProvisioningCertificate *certificate = document->certificates->pdata[i];
        g_autofree char *sha1 = g_compute_checksum_for_bytes(G_CHECKSUM_SHA1, certificate->der);

        /* The document names them by SHA-1: the bytes are the ones. */
        g_assert_cmpint(g_ascii_strcasecmp(certificate->thumbprint, sha1), ==, 0);
    }
}

static void
test_bad_samples(void)
{
    g_autoptr(GError) doctype = NULL, mismatch = NULL;
    g_autoptr(DmProvisioning) value = NULL, no_address = NULL;
    const DmProvisioningSetting *setting;

    g_assert_null(parse_sample("bad-doctype.xml", &doctype));
    g_assert_error(doctype, DM_ERROR, DM_ERROR_INVALID);
    g_assert_nonnull(strstr(doctype->message, "line 2: "));
    g_assert_null(parse_sample("bad-provider-mismatch.xml", &mismatch));
    g_assert_error(mismatch, DM_ERROR, DM_ERROR_INVALID);
    g_assert_nonnull(strstr(mismatch->message, "PROVIDER-ID"));
    g_assert_nonnull(strstr(mismatch->message, "ServerA"));
    g_assert_nonnull(strstr(mismatch->message, "ServerB"));
    g_assert_nonnull(strstr(mismatch->message, "line 29"));
    /* Refused by the tree, with line and parm from here. */
    value = parse_sample("bad-poll-value.xml", NULL);
    setting = &g_array_index(value->settings, DmProvisioningSetting, 2);
    g_assert_cmpstr(setting->parm, ==, "IntervalForFirstSetOfRetries");
    g_assert_cmpstr(setting->command.data, ==, "fifteen");
    g_assert_cmpuint(setting->line, ==, 32);
    no_address = parse_sample("bad-no-address.xml", NULL);
    assert_account(no_address, "ADDR", NULL);
}

/* -- forms ------------------------------------------------------------------------------------ */

static void
test_addresses(void)
{
    static const struct {
        const char *parms, *expected;
    } cases[] = {
        {"<parm name='ADDR' value='https://a/?x=1&amp;y=2&#38;z'/>", "https://a/?x=1&y=2&z"},
        {"<characteristic type='APPADDR'><parm value='https://a' name='ADDR'/></characteristic>",
         "https://a"},
        {"<parm name='ADDR' value='https://a'/><characteristic type='APPADDR'><parm name='ADDR' "
         "value='https://b'/></characteristic><parm name='ADDR' value='https://c'/>",
         "<https://a><https://b><https://c>"},
        {"<parm name='ADDR'/>", NULL},
        {"", NULL},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *text = g_strdup_printf(DOCUMENT(APPLICATION("%s")), cases[i].parms);
        g_autoptr(DmProvisioning) document = parse_good(text);

        assert_account(document, "ADDR", cases[i].expected);
    }
}

/* W2, W3: an error can name the parm and its line. */
static void
test_lines_of_addresses(void)
{
    g_autoptr(DmProvisioning) document = parse_good(
        DOCUMENT("\n<characteristic type='APPLICATION'><parm name='APPID' value='w5'/>\n"
                 "<parm name='ADDR' value='https://other'/></characteristic>\n" APPLICATION(
                     "\n<parm name='ADDR' value='https://a'/><parm name='ADDR'/>\n\n"
                     "<parm name='ADDR'\nvalue='https://b'/>")));
    const DmProvisioningAddress *addresses = (const void *)document->addresses->data;

    g_assert_cmpuint(document->addresses->len, ==, 2);
    g_assert_cmpstr(addresses[0].address, ==, "https://a");
    g_assert_cmpuint(addresses[0].line, ==, 5);
    g_assert_cmpstr(addresses[1].address, ==, "https://b");
    g_assert_cmpuint(addresses[1].line, >=, 7);
    g_assert_cmpuint(addresses[1].line, <=, 8); /* where a parm of two lines begins or ends */
}

static void
test_settings(void)
{
    g_autoptr(DmProvisioning) document = parse_good(
        DOCUMENT("<characteristic type='DMClient'><parm name='Top' value='t' datatype='string'/>"
                 "<characteristic type='Provider'><characteristic type='P'><parm name='A'/>"
                 "<parm datatype='odd' value='' name='B'/><characteristic type='C'/>"
                 "<characteristic type='C'><characteristic type='D'><parm name='E' value='a&lt;'"
                 " datatype='binary'/></characteristic></characteristic></characteristic>"
                 "</characteristic></characteristic>" APPLICATION("")));

    g_assert_cmpuint(document->settings->len, ==, 6);
    assert_setting(document, 0, DM_VERB_REPLACE, ROOT "/Top", "chr", "t");
    /* No value: its default, or the empty string (V1). */
    assert_setting(document, 1, DM_VERB_ADD, ROOT "/Provider/P/A", NULL, NULL);
    assert_setting(document, 2, DM_VERB_REPLACE, ROOT "/Provider/P/B", "odd", "");
    /* An interior node is added once. */
    assert_setting(document, 3, DM_VERB_ADD, ROOT "/Provider/P/C", "node", NULL);
    assert_setting(document, 4, DM_VERB_ADD, ROOT "/Provider/P/C/D", "node", NULL);
    assert_setting(document, 5, DM_VERB_REPLACE, ROOT "/Provider/P/C/D/E", "b64", "a<");
    g_assert_cmpuint(document->warnings->len, ==, 0);
}

static void
assert_warning(const char *text, const char *expected)
{
    g_autoptr(DmProvisioning) document = parse_good(text);

    g_assert_cmpuint(document->warnings->len, ==, 1);
    g_assert_cmpstr(document->warnings->pdata[0], ==, expected);
}

static void
test_warnings(void)
{
    assert_warning(DOCUMENT(APPLICATION("\n<parm name='USEHWDEVID' value='true'/>")),
                   "line 2: parm \"USEHWDEVID\" is ignored");
    assert_warning(DOCUMENT(APPLICATION("<parm name='FOO' value='1'/>")),
                   "line 1: parm \"FOO\" is ignored");
    assert_warning(DOCUMENT(APPLICATION("") "<characteristic type='Odd'><parm name='x'/>"
                                            "<characteristic type='y'/></characteristic>"),
                   "line 1: characteristic \"Odd\" is ignored");
    assert_warning(DOCUMENT("<characteristic type='APPLICATION'><parm name='APPID' value='w2'/>"
                            "</characteristic>" APPLICATION("")),
                   "line 1: APPLICATION with APPID \"w2\" is ignored");
    assert_warning(DOCUMENT(APPLICATION("<characteristic type='APPAUTH'><parm name='AAUTHLEVEL' "
                                        "value='HTTP'/></characteristic>")),
                   "line 1: APPAUTH with AAUTHLEVEL \"HTTP\" is ignored");
    assert_warning(DOCUMENT(APPLICATION("<x/>")), "line 1: element \"x\" is ignored");
    assert_warning(DOCUMENT(APPLICATION("<parm value='1'/>")),
                   "line 1: element \"parm\" is ignored");
}

static void
test_many_warnings(void)
{
    g_autoptr(GString) text = g_string_new("<wap-provisioningdoc>" APPLICATION(""));
    g_autoptr(DmProvisioning) document = NULL;

    for (guint i = 0; i < 1000; i++)
        g_string_append_printf(text, "<characteristic type='%u'/>", i);
    g_string_append(text, "</wap-provisioningdoc>");
    document = parse_good(text->str);
    g_assert_cmpuint(document->warnings->len, ==, DM_PROVISIONING_MAX_WARNINGS + 1);
}

static void
test_refused(void)
{
    g_autofree char *value = g_strnfill(DM_ACCOUNT_MAX_VALUE + 1, 'x');
    g_autofree char *long_parm =
        g_strdup_printf(DOCUMENT(APPLICATION("<parm name='NAME' value='%s'/>")), value);
    g_autofree char *tag = g_strnfill(DM_PROVISIONING_MAX_TAG_BYTES, 'x');
    g_autofree char *long_tag =
        g_strdup_printf(DOCUMENT(APPLICATION("<parm name='NAME' value='%s'/>")), tag);

    assert_refused("", DM_ERROR_INVALID, "no element");
    assert_refused("<SyncML/>", DM_ERROR_INVALID, "no wap-provisioningdoc");
    assert_refused("<wap-provisioningdoc>", DM_ERROR_INVALID, "line 1");
    assert_refused(DOCUMENT(""), DM_ERROR_INVALID, "APPLICATION");
    assert_refused(DOCUMENT(APPLICATION("") APPLICATION("")), DM_ERROR_INVALID, "a second one");
    assert_refused(DOCUMENT("<characteristic type='APPLICATION'>\n<parm name='APPID' value='w7'/>"
                            "</characteristic>"),
                   DM_ERROR_INVALID, "line 2: PROVIDER-ID");
    assert_refused(DOCUMENT(PROVIDER("A", "") PROVIDER("B", "")), DM_ERROR_INVALID, "second");
    assert_refused(DOCUMENT(APPLICATION("") "\n" PROVIDER("p", "")), DM_ERROR_INVALID, "line 2");
    assert_refused(long_parm, DM_ERROR_TOO_LARGE, "NAME");
    assert_refused(long_tag, DM_ERROR_TOO_LARGE, "32768");
    assert_refused(DOCUMENT(APPLICATION("<parm name='NAME' value='&x;'/>")), DM_ERROR_INVALID,
                   "entity");
    assert_refused(
        DOCUMENT(APPLICATION("") "\n<characteristic type='CertificateStore'><characteristic "
                                 "type='My'><characteristic type='User'><characteristic type='0'>"
                                 "<parm name='EncodedCertificate' value='AAAA'/></characteristic>"
                                 "</characteristic></characteristic></characteristic>"),
        DM_ERROR_INVALID, "line 2: EncodedCertificate");
    assert_refused("<?xml version='1.0' encoding='iso-8859-1'?>" DOCUMENT(APPLICATION("")),
                   DM_ERROR_INVALID, "encoding");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/provisioning/W1-all-parts", test_full);
    g_test_add_func("/provisioning/W4-real-shapes", test_others);
    g_test_add_func("/provisioning/W2-escaped-provider", test_escaped_provider);
    g_test_add_func("/provisioning/U3-push-passes-through", test_push);
    g_test_add_func("/provisioning/W1-certificates", test_certificates);
    g_test_add_func("/provisioning/W2-bad-samples", test_bad_samples);
    g_test_add_func("/provisioning/W3-addresses", test_addresses);
    g_test_add_func("/provisioning/W2-lines-of-addresses", test_lines_of_addresses);
    g_test_add_func("/provisioning/W2-settings", test_settings);
    g_test_add_func("/provisioning/W2-warnings", test_warnings);
    g_test_add_func("/provisioning/warnings-are-bounded", test_many_warnings);
    g_test_add_func("/provisioning/W2-refused-whole", test_refused);
    return g_test_run();
}
