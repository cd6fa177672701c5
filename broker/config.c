/* SPDX-License-Identifier: MIT */

#include "broker/config.h"

#include <stddef.h>
#include <string.h>

#include "common/error.h"
#include "common/value.h"

#define GROUP_BROKER "broker"
#define GROUP_TREE "tree"
#define KEY_DEMAND "demand-server-credentials"
#define MAX_USER_AGENT 256

/* Numbers of [broker]: what they may be, and where they go. */
typedef struct {
    const char *key;
    guint minimum, maximum, fallback;
    size_t offset; /* of a guint in DmConfig */
} Number;

static const Number numbers[] = {
    {"connect-timeout", 1, 120, 15, offsetof(DmConfig, connect_timeout_s)},
    {"request-timeout", 1, 600, 120, offsetof(DmConfig, request_timeout_s)},
    {"session-timeout", 1, 3600, 600, offsetof(DmConfig, session_timeout_s)},
    {"max-messages", 2, 1000, 64, offsetof(DmConfig, max_messages)},
    {"minimum-security-mode", 0, 3, 0, offsetof(DmConfig, minimum_security_mode)},
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
    g_free(config->user_agent);
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

/* The string under `key` into `*ret_text`, NULL if it is not there. */
static bool
read_text(GKeyFile *file, const char *name, const char *key, char **ret_text, GError **error)
{
    g_autofree char *text = NULL;

    if (g_key_file_has_key(file, GROUP_BROKER, key, NULL)) {
        text = g_key_file_get_string(file, GROUP_BROKER, key, NULL);
        if (!text || !*text || !dm_text_is_valid(text, strlen(text)))
            return fail(error, name, GROUP_BROKER, key, "text that is not empty");
    }
    *ret_text = g_steal_pointer(&text);
    return true;
}

static bool
read_path(GKeyFile *file, const char *name, const char *key, char **ret_path, GError **error)
{
    if (!read_text(file, name, key, ret_path, error))
        return false;
    return !*ret_path || g_path_is_absolute(*ret_path) ||
           fail(error, name, GROUP_BROKER, key, "an absolute path");
}

/* Leaves `*ret_value` where the key is not there. */
static bool
read_bool(GKeyFile *file, const char *name, const char *group, const char *key, bool *ret_value,
          GError **error)
{
    g_autoptr(GError) cause = NULL;
    bool value;

    if (!g_key_file_has_key(file, group, key, NULL))
        return true;
    value = g_key_file_get_boolean(file, group, key, &cause);
    if (cause)
        return fail(error, name, group, key, "true or false");
    *ret_value = value;
    return true;
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

/* The header goes out as it stands: nothing in it may end a line. */
static bool
is_printable(const char *text)
{
    for (; *text; text++)
        if (!g_ascii_isprint(*text))
            return false;
    return true;
}

static bool
read_keys(GKeyFile *file, const char *name, DmConfig *config, GError **error)
{
    g_autofree char *user_agent = NULL;

    if (!read_path(file, name, "ca-file", &config->ca_file, error) ||
        !read_path(file, name, "crl-file", &config->crl_file, error))
        return false;
    if (!read_text(file, name, "user-agent", &user_agent, error))
        return false;
    if (user_agent && (!is_printable(user_agent) || strlen(user_agent) > MAX_USER_AGENT))
        return fail(error, name, GROUP_BROKER, "user-agent",
                    "up to 256 printable ASCII characters");
    if (user_agent) {
        g_free(config->user_agent);
        config->user_agent = g_steal_pointer(&user_agent);
    }
    for (gsize i = 0; i < G_N_ELEMENTS(numbers); i++)
        if (!read_number(file, name, &numbers[i], config, error))
            return false;
    return read_bool(file, name, GROUP_BROKER, "require-signing", &config->require_signing,
                     error) &&
           read_bool(file, name, GROUP_BROKER, KEY_DEMAND, &config->demands_credentials, error) &&
           read_bool(file, name, GROUP_TREE, "allow-http", &config->allow_http, error);
}

static bool
is_known(const char *key)
{
    static const char *const others[] = {"ca-file",  "user-agent", "require-signing",
                                         "crl-file", KEY_DEMAND,   NULL};

    for (gsize i = 0; i < G_N_ELEMENTS(numbers); i++)
        if (strcmp(numbers[i].key, key) == 0)
            return true;
    return g_strv_contains(others, key);
}

static void
warn_unknown(GKeyFile *file, const char *name, DmConfig *config)
{
    g_auto(GStrv) keys = g_key_file_get_keys(file, GROUP_BROKER, NULL, NULL);

    for (gsize i = 0; keys && keys[i]; i++)
        if (!is_known(keys[i]))
            g_ptr_array_add(config->warnings,
                            g_strdup_printf("%s: [" GROUP_BROKER "] %s is not known and is ignored",
                                            name, keys[i]));
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
    warn_unknown(file, name, config);
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
