/* SPDX-License-Identifier: MIT */

#include "broker/config.h"

#include <dbus/dbus.h>
#include <stddef.h>
#include <string.h>

#include "broker/pins.h"
#include "common/error.h"
#include "common/log.h"
#include "common/value.h"

#define GROUP_BROKER "broker"
#define GROUP_TREE "tree"
#define GROUP_ROUTES "routes"
#define MAX_USER_AGENT 256
#define MAX_KEY 64     /* of one that may be meant for another */
#define MAX_DISTANCE 3 /* letters */

/* Numbers of [broker]: what they may be, and where they go. */
typedef struct {
    const char *key;
    guint minimum, maximum, fallback;
    size_t offset; /* of a guint in DmConfig */
} Number;

static const Number numbers[] = {
#define DM_CONFIG_NUMBER(key, field, minimum, maximum, fallback, doc)                              \
    {key, minimum, maximum, fallback, offsetof(DmConfig, field)},
#include "common/config-keys.def"
};

static guint *
number_of(DmConfig *config, const Number *number)
{
    return (guint *)(gpointer)((char *)config + number->offset);
}

DmConfig *
dm_config_new(void)
{
    DmConfig *config = g_rc_box_new0(DmConfig);

    config->user_agent = g_strdup(DM_CONFIG_USER_AGENT);
    config->routes = dm_route_table_new();
    config->warnings = g_ptr_array_new_with_free_func(g_free);
    for (gsize i = 0; i < G_N_ELEMENTS(numbers); i++)
        *number_of(config, &numbers[i]) = numbers[i].fallback;
    return config;
}

DmConfig *
dm_config_ref(DmConfig *config)
{
    return g_rc_box_acquire(config);
}

static void
clear(gpointer data)
{
    DmConfig *config = data;

    g_free(config->ca_file);
    g_free(config->crl_file);
    g_free(config->tls_crl_file);
    g_clear_pointer(&config->pins, g_bytes_unref);
    g_free(config->proxy);
    g_free(config->user_agent);
    g_free(config->push_service);
    dm_route_table_free(config->routes);
    g_ptr_array_unref(config->warnings);
}

void
dm_config_unref(DmConfig *config)
{
    if (config)
        g_rc_box_release_full(config, clear);
}

static bool
fail(GError **error, const char *name, const char *group, const char *key, const char *must)
{
    g_set_error(error, DM_ERROR, DM_ERROR_INVALID, "%s: [%s] %s must be %s", name, group, key,
                must);
    return false;
}

static bool
read_number(GKeyFile *file, const char *name, const Number *number, DmConfig *config,
            GError **error)
{
    g_autofree char *text = NULL;
    g_autofree char *must = NULL;
    guint64 value = 0;

    if (!g_key_file_has_key(file, GROUP_BROKER, number->key, NULL))
        return true;
    text = g_key_file_get_string(file, GROUP_BROKER, number->key, NULL);
    if (text && g_ascii_string_to_unsigned(g_strstrip(text), 10, number->minimum, number->maximum,
                                           &value, NULL)) {
        *number_of(config, number) = (guint)value;
        return true;
    }
    must = g_strdup_printf("a number from %u to %u", number->minimum, number->maximum);
    return fail(error, name, GROUP_BROKER, number->key, must);
}

/* -- texts of [broker]: each takes its value, or says what it must be -----------------------------
 */

static const char *
take_path(const char *text, char **ret_path)
{
    if (!g_path_is_absolute(text))
        return "an absolute path";
    *ret_path = g_strdup(text);
    return NULL;
}

static const char *
take_ca_file(const char *text, DmConfig *config)
{
    return take_path(text, &config->ca_file);
}

static const char *
take_crl_file(const char *text, DmConfig *config)
{
    return take_path(text, &config->crl_file);
}

static const char *
take_tls_crl_file(const char *text, DmConfig *config)
{
    return take_path(text, &config->tls_crl_file);
}

static const char *
take_revocation(const char *text, DmConfig *config)
{
    return dm_revocation_from_name(text, &config->revocation) ? NULL : "off, if-stapled or require";
}

static const char *
take_pins(const char *text, DmConfig *config)
{
    const char *must = NULL;

    config->pins = dm_pins_parse(text, &must);
    return must;
}

/* To a proxy with a name and a password they would go in the clear, and lie in this file. */
static const char *
take_proxy(const char *text, DmConfig *config)
{
    g_autoptr(GUri) uri = g_uri_parse(text, G_URI_FLAGS_ENCODED | G_URI_FLAGS_HAS_PASSWORD, NULL);
    const char *host = uri ? g_uri_get_host(uri) : NULL;

    if (!host || !*host || g_strcmp0(g_uri_get_scheme(uri), "http") != 0 ||
        g_uri_get_port(uri) <= 0 || g_uri_get_userinfo(uri) || g_uri_get_query(uri) ||
        g_uri_get_fragment(uri) || strlen(g_uri_get_path(uri)) > 1)
        return "http://HOST:PORT, without user and password";
    config->proxy = g_strdup(text);
    return NULL;
}

static const char *
take_bool(const char *text, bool *ret_value)
{
    *ret_value = strcmp(text, "true") == 0;
    return *ret_value || strcmp(text, "false") == 0 ? NULL : "true or false";
}

static const char *
take_require_signing(const char *text, DmConfig *config)
{
    return take_bool(text, &config->require_signing);
}

static const char *
take_demand(const char *text, DmConfig *config)
{
    return take_bool(text, &config->demands_credentials);
}

static const char *
take_push_service(const char *text, DmConfig *config)
{
    if (*text == ':' || !dbus_validate_bus_name(text, NULL))
        return "a well-known name on the bus, such as org.example.Push";
    config->push_service = g_strdup(text);
    return NULL;
}

/* The header goes out as it stands: nothing in it may end a line. */
static const char *
take_user_agent(const char *text, DmConfig *config)
{
    for (const char *at = text; *at; at++)
        if (!g_ascii_isprint(*at) || at - text == MAX_USER_AGENT)
            return "up to 256 printable ASCII characters";
    g_free(config->user_agent);
    config->user_agent = g_strdup(text);
    return NULL;
}

static const struct {
    const char *key;
    const char *(*take)(const char *text, DmConfig *config);
} texts[] = {
#define DM_CONFIG_TEXT(id, key, value, fallback, doc) {key, take_##id},
#include "common/config-keys.def"
};

static bool
read_texts(GKeyFile *file, const char *name, DmConfig *config, GError **error)
{
    for (gsize i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_autofree char *text = NULL;
        const char *must;

        if (!g_key_file_has_key(file, GROUP_BROKER, texts[i].key, NULL))
            continue;
        text = g_key_file_get_string(file, GROUP_BROKER, texts[i].key, NULL);
        must = text && *text && dm_text_is_valid(text, strlen(text)) ? texts[i].take(text, config)
                                                                     : "text that is not empty";
        if (must)
            return fail(error, name, GROUP_BROKER, texts[i].key, must);
    }
    return true;
}

static bool
read_routes(GKeyFile *file, const char *name, DmConfig *config, GError **error)
{
    g_auto(GStrv) keys = g_key_file_get_keys(file, GROUP_ROUTES, NULL, NULL);

    for (gsize i = 0; keys && keys[i]; i++) {
        g_autofree char *socket = g_key_file_get_string(file, GROUP_ROUTES, keys[i], NULL);
        const char *must = dm_route_table_add(config->routes, keys[i], socket ? socket : "");

        if (must)
            return fail(error, name, GROUP_ROUTES, keys[i], must);
    }
    return true;
}

static bool
read_keys(GKeyFile *file, const char *name, DmConfig *config, GError **error)
{
    g_autoptr(GError) cause = NULL;

    if (!read_texts(file, name, config, error) || !read_routes(file, name, config, error))
        return false;
    for (gsize i = 0; i < G_N_ELEMENTS(numbers); i++)
        if (!read_number(file, name, &numbers[i], config, error))
            return false;
    if (g_key_file_has_key(file, GROUP_TREE, "allow-http", NULL)) {
        config->allow_http = g_key_file_get_boolean(file, GROUP_TREE, "allow-http", &cause);
        if (cause)
            return fail(error, name, GROUP_TREE, "allow-http", "true or false");
    }
    return true;
}

/* -- keys that nobody knows ----------------------------------------------------------------------
 */

static const char *
get_key(gsize i)
{
    if (i < G_N_ELEMENTS(texts))
        return texts[i].key;
    i -= G_N_ELEMENTS(texts);
    return i < G_N_ELEMENTS(numbers) ? numbers[i].key : NULL;
}

/* How many letters must be put in, taken out or changed to make one of the other. */
static gsize
measure_distance(const char *one, const char *other)
{
    gsize n = strlen(other);
    gsize row[MAX_KEY + 1];

    for (gsize j = 0; j <= n; j++)
        row[j] = j;
    for (gsize i = 0; one[i]; i++) {
        gsize diagonal = row[0];

        row[0] = i + 1;
        for (gsize j = 0; j < n; j++) {
            gsize changed = diagonal + (one[i] != other[j]);

            diagonal = row[j + 1];
            row[j + 1] = MIN(MIN(row[j], row[j + 1]) + 1, changed);
        }
    }
    return row[n];
}

/* The key that was meant, most likely; NULL: none is near. */
static const char *
find_similar(const char *key)
{
    const char *found = NULL;
    gsize best = MAX_DISTANCE + 1;

    if (strlen(key) > MAX_KEY)
        return NULL;
    for (gsize i = 0; get_key(i); i++) {
        gsize distance = measure_distance(key, get_key(i));

        if (distance < best) {
            best = distance;
            found = get_key(i);
        }
    }
    return found;
}

static bool
is_known(const char *key)
{
    for (gsize i = 0; get_key(i); i++)
        if (strcmp(get_key(i), key) == 0)
            return true;
    return false;
}

static void
warn_unknown(const char *key, const char *name, DmConfig *config)
{
    const char *similar = find_similar(key);
    g_autofree char *hint = similar ? g_strdup_printf(": is %s meant?", similar) : g_strdup("");

    g_ptr_array_add(config->warnings,
                    g_strdup_printf("%s: [" GROUP_BROKER "] %s is not known and is ignored%s", name,
                                    key, hint));
}

static void
warn_of_unknown_keys(GKeyFile *file, const char *name, DmConfig *config)
{
    g_auto(GStrv) keys = g_key_file_get_keys(file, GROUP_BROKER, NULL, NULL);

    for (gsize i = 0; keys && keys[i]; i++)
        if (!is_known(keys[i]))
            warn_unknown(keys[i], name, config);
}

DmConfig *
dm_config_parse(const char *bytes, gsize size, const char *name, GError **error)
{
    g_autoptr(GKeyFile) file = g_key_file_new();
    g_autoptr(DmConfig) config = dm_config_new();
    g_autoptr(GError) cause = NULL;

    if (size > DM_CONFIG_MAX_BYTES) {
        g_set_error(error, DM_ERROR, DM_ERROR_TOO_LARGE, "%s: more than %d bytes", name,
                    DM_CONFIG_MAX_BYTES);
        return NULL;
    }
    if (size > 0 && !g_key_file_load_from_data(file, bytes, size, G_KEY_FILE_NONE, &cause)) {
        g_set_error(error, DM_ERROR, DM_ERROR_INVALID, "%s: %s", name, cause->message);
        return NULL;
    }
    if (!read_keys(file, name, config, error))
        return NULL;
    warn_of_unknown_keys(file, name, config);
    return g_steal_pointer(&config);
}

DmConfig *
dm_config_load(const char *path, bool must_exist, GError **error)
{
    g_autofree char *bytes = NULL;
    g_autoptr(GError) cause = NULL;
    gsize size = 0;

    if (g_file_get_contents(path, &bytes, &size, &cause))
        return dm_config_parse(bytes, size, path, error);
    if (g_error_matches(cause, G_FILE_ERROR, G_FILE_ERROR_NOENT)) {
        if (!must_exist)
            return dm_config_new();
        g_set_error(error, DM_ERROR, DM_ERROR_NOT_FOUND, "%s: no such file", path);
        return NULL;
    }
    g_set_error_literal(error, DM_ERROR, DM_ERROR_DENIED, cause->message);
    return NULL;
}

void
dm_config_reload(DmConfig **config, const char *path, bool must_exist, char **problem)
{
    g_autoptr(GError) error = NULL;
    DmConfig *read = dm_config_load(path, must_exist, &error);

    g_clear_pointer(problem, g_free);
    if (error) {
        *problem = g_strdup(error->message);
        dm_log_warning("the configuration is wrong, and stays as it was", "DM_CAUSE",
                       error->message);
        return;
    }
    g_assert(read);
    for (guint i = 0; i < read->warnings->len; i++)
        dm_log_warning(read->warnings->pdata[i], NULL);
    dm_config_unref(*config);
    *config = read;
    dm_log_debug("the configuration was read again", "DM_PATH", path);
}
