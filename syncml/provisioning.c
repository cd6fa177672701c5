/* SPDX-License-Identifier: MIT */

#include "syncml/provisioning.h"

#include <string.h>

#include "common/account.h"
#include "common/error.h"
#include "common/uri.h"
#include "syncml/certificate.h"
#include "syncml/xml.h"

#define MAX_DEPTH 32
#define ROOT_LOC_URI "./Device/Vendor/MSFT/DMClient"

/* What the innermost open element is. */
typedef enum {
    ROLE_IGNORED, /* and all below it */
    ROLE_NOTHING, /* nothing is open yet */
    ROLE_DOCUMENT,
    ROLE_APPLICATION,
    ROLE_APPADDR,
    ROLE_APPAUTH,
    ROLE_DMCLIENT,
    ROLE_PROVIDERS,
    ROLE_NODE,   /* a provider, or an interior node below one */
    ROLE_STORES, /* CertificateStore */
    ROLE_STORE,
    ROLE_OWNER,
    ROLE_CERTIFICATE,
} Role;

typedef struct {
    Role role;
    gsize loc_uri_size; /* of `loc_uri` outside this element */
} Level;

typedef struct {
    DmXml xml;
    DmProvisioning *document;
    Level levels[MAX_DEPTH + 1];
    guint depth;
    GString *loc_uri;        /* of the open node */
    GHashTable *added;       /* LocURIs of interior nodes */
    GHashTable *application; /* parms of the open APPLICATION, with those of its children */
    GArray *addresses;       /* of the open APPLICATION */
    GHashTable *auth;        /* parms of the open APPAUTH */
    bool has_application;    /* one with APPID w7 has ended */
    char *dmclient_provider; /* decoded */
    guint dmclient_line;     /* where that stood */
    char *store, *owner;     /* of the open certificate */
    char *thumbprint;
} Parser;

/* Parms of APPLICATION and APPAUTH that are kept (W1), by their names. */
static const char *const application_parms[] = {
    DM_ACCOUNT_NAME,
    DM_ACCOUNT_ADDRESS,
    DM_ACCOUNT_CONN_RETRY_FREQ,
    DM_ACCOUNT_INITIAL_BACKOFF_MS,
    DM_ACCOUNT_MAX_BACKOFF_MS,
    DM_ACCOUNT_BACKCOMPAT_RETRY_DISABLED,
    DM_ACCOUNT_DEFAULT_ENCODING,
    DM_ACCOUNT_CERT_SEARCH,
    DM_ACCOUNT_ROLE,
    "APPID",
    "PROVIDER-ID",
    NULL,
};
static const char *const auth_parms[] = {
    "AAUTHLEVEL",           DM_ACCOUNT_AUTH_TYPE, DM_ACCOUNT_AUTH_NAME,
    DM_ACCOUNT_AUTH_SECRET, DM_ACCOUNT_AUTH_DATA, NULL,
};

/* -- what is said of the document ------------------------------------------------------------- */

/* A name of the document as messages show it. */
static char *
clip(const char *name)
{
    glong size = g_utf8_strlen(name, -1);

    return g_utf8_substring(name, 0, MIN(size, 64));
}

static void
warn(Parser *parser, const char *what, const char *name)
{
    GPtrArray *warnings = parser->document->warnings;
    g_autofree char *shown = clip(name);

    if (warnings->len > DM_PROVISIONING_MAX_WARNINGS)
        return;
    if (warnings->len == DM_PROVISIONING_MAX_WARNINGS)
        g_ptr_array_add(warnings, g_strdup("there are more warnings"));
    else
        g_ptr_array_add(warnings, g_strdup_printf("line %u: %s \"%s\" is ignored",
                                                  dm_xml_get_line(&parser->xml), what, shown));
}

static void
fail(Parser *parser, int code, const char *parm, const char *what)
{
    g_autofree char *shown = clip(parm);

    dm_xml_fail(&parser->xml, code, "%s: %s", shown, what);
}

/* -- APPLICATION ------------------------------------------------------------------------------ */

/* One more server address: a single one as it is, several as L1's list. */
static void
add_address(Parser *parser, const char *address)
{
    const char *before = g_hash_table_lookup(parser->application, DM_ACCOUNT_ADDRESS);
    DmProvisioningAddress one = {
        .address = g_string_chunk_insert(parser->document->text, address),
        .line = dm_xml_get_line(&parser->xml),
    };
    char *all;

    if (before == NULL)
        all = g_strdup(address);
    else if (*before == '<')
        all = g_strdup_printf("%s<%s>", before, address);
    else
        all = g_strdup_printf("<%s><%s>", before, address);
    if (strlen(all) > DM_ACCOUNT_MAX_VALUE)
        fail(parser, DM_ERROR_TOO_LARGE, DM_ACCOUNT_ADDRESS, "too many addresses");
    g_hash_table_replace(parser->application, g_strdup(DM_ACCOUNT_ADDRESS), all);
    g_array_append_val(parser->addresses, one);
}

static void
add_account_parm(Parser *parser, Role role, const char *name, const char *value)
{
    bool is_address = strcmp(name, DM_ACCOUNT_ADDRESS) == 0;
    bool is_known = role == ROLE_APPAUTH   ? g_strv_contains(auth_parms, name)
                    : role == ROLE_APPADDR ? is_address
                                           : g_strv_contains(application_parms, name);

    if (!is_known)
        warn(parser, "parm", name);
    else if (strlen(value) > DM_ACCOUNT_MAX_VALUE)
        fail(parser, DM_ERROR_TOO_LARGE, name, "the value is too long");
    else if (is_address && *value != '\0')
        add_address(parser, value);
    else if (!is_address)
        g_hash_table_replace(role == ROLE_APPAUTH ? parser->auth : parser->application,
                             g_strdup(name), g_strdup(value));
}

static void
end_auth(Parser *parser)
{
    const char *level = g_hash_table_lookup(parser->auth, "AAUTHLEVEL");
    const char *prefix = NULL;

    if (g_strcmp0(level, "CLIENT") == 0)
        prefix = DM_ACCOUNT_CLIENT_PREFIX;
    else if (g_strcmp0(level, "APPSRV") == 0)
        prefix = DM_ACCOUNT_SERVER_PREFIX;
    else
        warn(parser, "APPAUTH with AAUTHLEVEL", level == NULL ? "" : level);
    for (guint i = 1; prefix != NULL && auth_parms[i] != NULL; i++) {
        const char *value = g_hash_table_lookup(parser->auth, auth_parms[i]);

        if (value != NULL)
            g_hash_table_replace(parser->application, g_strconcat(prefix, auth_parms[i], NULL),
                                 g_strdup(value));
    }
    g_clear_pointer(&parser->auth, g_hash_table_unref);
}

/* The name in a LocURI's segment or a PROVIDER-ID: decoded if it is encoded ("MS%20DM%20Server"),
 * which both are in real documents. */
static char *
decode_name(const char *name)
{
    char *decoded = g_uri_unescape_string(name, NULL);

    if (decoded != NULL && dm_text_is_valid(decoded, strlen(decoded)))
        return decoded;
    g_free(decoded);
    return g_strdup(name);
}

static void
end_application(Parser *parser)
{
    g_autoptr(GHashTable) application = g_steal_pointer(&parser->application);
    g_autoptr(GArray) addresses = g_steal_pointer(&parser->addresses);
    const char *app_id = g_hash_table_lookup(application, "APPID");
    const char *provider_id = g_hash_table_lookup(application, "PROVIDER-ID");

    if (g_strcmp0(app_id, "w7") != 0) {
        warn(parser, "APPLICATION with APPID", app_id == NULL ? "" : app_id);
        return;
    }
    if (parser->has_application) {
        fail(parser, DM_ERROR_INVALID, "APPLICATION", "a second one with APPID w7");
        return;
    }
    if (provider_id == NULL || *provider_id == '\0') {
        fail(parser, DM_ERROR_INVALID, "PROVIDER-ID", "missing in the APPLICATION that ends here");
        return;
    }
    parser->has_application = true;
    parser->document->provider_id = decode_name(provider_id);
    g_hash_table_remove(application, "APPID");
    g_hash_table_remove(application, "PROVIDER-ID");
    g_hash_table_unref(parser->document->account);
    parser->document->account = g_steal_pointer(&application);
    g_array_unref(parser->document->addresses);
    parser->document->addresses = g_steal_pointer(&addresses);
}

/* -- DMClient --------------------------------------------------------------------------------- */

static void
append_segment(Parser *parser, const char *name)
{
    g_autofree char *decoded = decode_name(name);

    g_string_append_c(parser->loc_uri, '/');
    dm_uri_append_escaped(parser->loc_uri, decoded);
}

/* The wap document's words for formats; NULL, and one that is none, for the tree to judge. */
static const char *
get_format(const char *datatype)
{
    static const char *const formats[][2] = {
        {"string", "chr"}, {"integer", "int"}, {"boolean", "bool"}, {"binary", "b64"}};

    for (gsize i = 0; datatype != NULL && i < G_N_ELEMENTS(formats); i++)
        if (strcmp(datatype, formats[i][0]) == 0)
            return formats[i][1];
    return datatype;
}

static void
add_setting(Parser *parser, DmVerb verb, const char *name, const char *format, const char *data)
{
    GStringChunk *text = parser->document->text;
    DmProvisioningSetting setting = {
        .command = {.verb = verb,
                    .loc_uri = g_string_chunk_insert(text, parser->loc_uri->str),
                    .format = format == NULL ? NULL : g_string_chunk_insert(text, format),
                    .data = data == NULL ? NULL : g_string_chunk_insert(text, data),
                    .data_size = data == NULL ? 0 : strlen(data)},
        .line = dm_xml_get_line(&parser->xml),
        .parm = g_string_chunk_insert(text, name),
    };

    g_array_append_val(parser->document->settings, setting);
}

static void
add_leaf(Parser *parser, const char *name, const char *datatype, const char *value)
{
    gsize size = parser->loc_uri->len;

    append_segment(parser, name);
    add_setting(parser, value == NULL ? DM_VERB_ADD : DM_VERB_REPLACE, name, get_format(datatype),
                value);
    g_string_truncate(parser->loc_uri, size);
}

static void
begin_provider(Parser *parser, const char *name)
{
    g_autofree char *decoded = decode_name(name);

    if (parser->dmclient_provider == NULL) {
        parser->dmclient_provider = g_steal_pointer(&decoded);
        parser->dmclient_line = dm_xml_get_line(&parser->xml);
    } else if (strcmp(parser->dmclient_provider, decoded) != 0) {
        fail(parser, DM_ERROR_INVALID, name, "a second provider");
    }
    append_segment(parser, name);
}

static void
begin_node(Parser *parser, const char *name)
{
    append_segment(parser, name);
    if (g_hash_table_add(parser->added, g_strdup(parser->loc_uri->str)))
        add_setting(parser, DM_VERB_ADD, name, "node", NULL);
}

/* -- CertificateStore ------------------------------------------------------------------------- */

static void
add_certificate(Parser *parser, const char *parm, const char *value)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) der = dm_certificate_from_base64(value, &error);
    GPtrArray *certificates = parser->document->certificates;
    DmProvisioningCertificate *certificate;

    if (der == NULL) {
        fail(parser, error->code, parm, error->message);
        return;
    }
    if (certificates->len == DM_PROVISIONING_MAX_CERTIFICATES) {
        fail(parser, DM_ERROR_TOO_LARGE, parm, "too many certificates");
        return;
    }
    certificate = g_new0(DmProvisioningCertificate, 1);
    certificate->thumbprint = g_strdup(parser->thumbprint);
    certificate->store = g_strdup(parser->store);
    certificate->owner = g_strdup(parser->owner);
    certificate->der = g_steal_pointer(&der);
    g_ptr_array_add(certificates, certificate);
}

/* -- libxml2's events ------------------------------------------------------------------------- */

static void
set_string(char **target, const char *text)
{
    g_free(*target);
    *target = g_strdup(text);
}

static Role
begin_in_document(Parser *parser, const char *type)
{
    if (strcmp(type, "APPLICATION") == 0) {
        parser->application = dm_account_new();
        parser->addresses = g_array_new(FALSE, FALSE, sizeof(DmProvisioningAddress));
        return ROLE_APPLICATION;
    }
    if (strcmp(type, "DMClient") == 0) {
        g_string_assign(parser->loc_uri, ROOT_LOC_URI);
        return ROLE_DMCLIENT;
    }
    if (strcmp(type, "CertificateStore") == 0)
        return ROLE_STORES;
    warn(parser, "characteristic", type);
    return ROLE_IGNORED;
}

static Role
begin_in_application(Parser *parser, const char *type)
{
    if (strcmp(type, "APPADDR") == 0)
        return ROLE_APPADDR;
    if (strcmp(type, "APPAUTH") == 0) {
        parser->auth = dm_account_new();
        return ROLE_APPAUTH;
    }
    warn(parser, "characteristic", type);
    return ROLE_IGNORED;
}

static Role
begin_characteristic(Parser *parser, Role parent, const char *type)
{
    switch (parent) {
    case ROLE_DOCUMENT:
        return begin_in_document(parser, type);
    case ROLE_APPLICATION:
        return begin_in_application(parser, type);
    case ROLE_DMCLIENT:
        if (strcmp(type, "Provider") == 0) {
            append_segment(parser, type);
            return ROLE_PROVIDERS;
        }
        break;
    case ROLE_PROVIDERS:
        begin_provider(parser, type);
        return ROLE_NODE;
    case ROLE_NODE:
        begin_node(parser, type);
        return ROLE_NODE;
    case ROLE_STORES:
        set_string(&parser->store, type);
        return ROLE_STORE;
    case ROLE_STORE:
        set_string(&parser->owner, type);
        return ROLE_OWNER;
    case ROLE_OWNER:
        set_string(&parser->thumbprint, type);
        return ROLE_CERTIFICATE;
    case ROLE_CERTIFICATE: /* PrivateKeyContainer: the key is ours, there is nothing to read */
    case ROLE_IGNORED:
        return ROLE_IGNORED;
    case ROLE_NOTHING:
    case ROLE_APPADDR:
    case ROLE_APPAUTH:
        break;
    }
    warn(parser, "characteristic", type);
    return ROLE_IGNORED;
}

/* The value of an attribute; NULL if there is none. libxml2 gives five pointers for each: name,
 * prefix, namespace, begin and end of the value. */
static char *
get_attribute(const char *name, int n_attributes, const xmlChar **attributes)
{
    for (int i = 0; i < n_attributes; i++)
        if (strcmp((const char *)attributes[5 * i], name) == 0)
            return g_strndup((const char *)attributes[5 * i + 3],
                             (gsize)(attributes[5 * i + 4] - attributes[5 * i + 3]));
    return NULL;
}

/* Hands a value to whoever it is for; it may be a secret. */
static void
take_parm(Parser *parser, Role parent, const char *name, int n_attributes,
          const xmlChar **attributes)
{
    char *value = get_attribute("value", n_attributes, attributes);
    g_autofree char *datatype = get_attribute("datatype", n_attributes, attributes);

    switch (parent) {
    case ROLE_APPLICATION:
    case ROLE_APPADDR:
    case ROLE_APPAUTH:
        add_account_parm(parser, parent, name, value == NULL ? "" : value);
        break;
    case ROLE_DMCLIENT:
    case ROLE_NODE:
        add_leaf(parser, name, datatype, value);
        break;
    case ROLE_CERTIFICATE:
        if (strcmp(name, "EncodedCertificate") == 0)
            add_certificate(parser, name, value == NULL ? "" : value);
        break;
    case ROLE_IGNORED:
    case ROLE_STORES:
    case ROLE_STORE:
    case ROLE_OWNER:
        break;
    case ROLE_NOTHING:
    case ROLE_DOCUMENT:
    case ROLE_PROVIDERS:
        warn(parser, "parm", name);
        break;
    }
    if (value != NULL)
        explicit_bzero(value, strlen(value));
    g_free(value);
}

static Role
begin_element(Parser *parser, Role parent, const char *name, int n_attributes,
              const xmlChar **attributes)
{
    bool is_parm = strcmp(name, "parm") == 0;
    g_autofree char *key = get_attribute(is_parm ? "name" : "type", n_attributes, attributes);

    if (parent == ROLE_NOTHING) {
        if (strcmp(name, "wap-provisioningdoc") == 0)
            return ROLE_DOCUMENT;
        fail(parser, DM_ERROR_INVALID, name, "the document is no wap-provisioningdoc");
        return ROLE_IGNORED;
    }
    if (parent == ROLE_IGNORED)
        return ROLE_IGNORED;
    if (key == NULL || *key == '\0' || (!is_parm && strcmp(name, "characteristic") != 0)) {
        warn(parser, "element", name);
        return ROLE_IGNORED;
    }
    if (!is_parm)
        return begin_characteristic(parser, parent, key);
    take_parm(parser, parent, key, n_attributes, attributes);
    return ROLE_IGNORED;
}

static void
on_start(void *data, const xmlChar *name, const xmlChar *prefix, const xmlChar *namespace,
         int n_namespaces, const xmlChar **namespaces, int n_attributes, int n_defaulted,
         const xmlChar **attributes)
{
    Parser *parser = data;
    Level level = {.loc_uri_size = parser->loc_uri->len};

    if (parser->depth + 1 == G_N_ELEMENTS(parser->levels)) {
        dm_xml_fail(&parser->xml, DM_ERROR_TOO_LARGE, "elements too deep");
        return;
    }
    level.role = begin_element(parser, parser->levels[parser->depth].role, (const char *)name,
                               n_attributes, attributes);
    parser->levels[++parser->depth] = level;
}

static void
on_end(void *data, const xmlChar *name, const xmlChar *prefix, const xmlChar *namespace)
{
    Parser *parser = data;
    const Level *level = &parser->levels[parser->depth--];

    if (level->role == ROLE_APPLICATION)
        end_application(parser);
    else if (level->role == ROLE_APPAUTH)
        end_auth(parser);
    g_string_truncate(parser->loc_uri, level->loc_uri_size);
}

/* What only the whole document shows (W2). */
static bool
check_whole(Parser *parser, GError **error)
{
    DmProvisioning *document = parser->document;

    if (document->provider_id == NULL)
        document->provider_id = g_strdup(parser->dmclient_provider);
    if (document->provider_id == NULL) {
        g_set_error(error, DM_ERROR, DM_ERROR_INVALID,
                    "there is neither an APPLICATION with APPID w7 nor a DMClient provider");
        return false;
    }
    if (parser->dmclient_provider != NULL &&
        strcmp(parser->dmclient_provider, document->provider_id) != 0) {
        g_autofree char *theirs = clip(parser->dmclient_provider);
        g_autofree char *ours = clip(document->provider_id);

        g_set_error(error, DM_ERROR, DM_ERROR_INVALID,
                    "line %u: provider \"%s\" differs from the parm PROVIDER-ID \"%s\"",
                    parser->dmclient_line, theirs, ours);
        return false;
    }
    return true;
}

static void
clear_parser(Parser *parser)
{
    g_string_free(parser->loc_uri, TRUE);
    g_hash_table_unref(parser->added);
    g_clear_pointer(&parser->application, g_hash_table_unref);
    g_clear_pointer(&parser->addresses, g_array_unref);
    g_clear_pointer(&parser->auth, g_hash_table_unref);
    g_free(parser->dmclient_provider);
    g_free(parser->store);
    g_free(parser->owner);
    g_free(parser->thumbprint);
}

DmProvisioning *
dm_provisioning_parse(const char *bytes, gsize size, GError **error)
{
    static const DmScanLimits limits = {
        .max_bytes = DM_PROVISIONING_MAX_BYTES,
        .max_tag_bytes = DM_PROVISIONING_MAX_TAG_BYTES,
        .max_attributes = 16,
        .max_depth = MAX_DEPTH,
        .max_elements = DM_PROVISIONING_MAX_ELEMENTS,
    };
    static const DmXmlHandler handler = {on_start, on_end, NULL};
    g_autoptr(DmProvisioning) document = dm_provisioning_new();
    Parser parser = {
        .document = document,
        .levels = {{.role = ROLE_NOTHING}},
        .loc_uri = g_string_new(NULL),
        .added = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL),
    };
    bool good = dm_xml_parse(&parser.xml, bytes, size, &limits, false, &handler, error) &&
                check_whole(&parser, error);

    clear_parser(&parser);
    return good ? g_steal_pointer(&document) : NULL;
}
