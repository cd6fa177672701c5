/* SPDX-License-Identifier: MIT */

#include "broker/self-check.h"

#include <string.h>

#include "broker/journal.h"
#include "broker/keys.h"
#include "dbus/tree-call.h"

/* Layers above have a library for JSON; for these few lines this is enough. Each writes a member,
 * with the comma before it where there is one already. */

static void
append_string(GString *json, const char *text)
{
    g_autofree char *valid = g_utf8_make_valid(text, -1);
    g_autofree char *redacted = dm_journal_redact(valid);

    g_string_append_c(json, '"');
    for (const char *c = redacted; *c != '\0'; c++) {
        if (*c == '"' || *c == '\\')
            g_string_append_printf(json, "\\%c", *c);
        else if ((guchar)*c < 0x20 || *c == 0x7f)
            g_string_append_printf(json, "\\u%04x", (guint)(guchar)*c);
        else
            g_string_append_c(json, *c);
    }
    g_string_append_c(json, '"');
}

static void
append_comma(GString *json)
{
    if (json->len > 0 && !strchr("{[", json->str[json->len - 1]))
        g_string_append_c(json, ',');
}

static void
begin(GString *json, const char *key, char bracket)
{
    append_comma(json);
    if (key)
        g_string_append_printf(json, "\"%s\":", key);
    g_string_append_c(json, bracket);
}

static void
add_text(GString *json, const char *key, const char *text)
{
    append_comma(json);
    g_string_append_printf(json, "\"%s\":", key);
    if (text)
        append_string(json, text);
    else
        g_string_append(json, "null");
}

static void
add_bool(GString *json, const char *key, bool value)
{
    append_comma(json);
    g_string_append_printf(json, "\"%s\":%s", key, value ? "true" : "false");
}

static void
add_number(GString *json, const char *key, guint value)
{
    append_comma(json);
    g_string_append_printf(json, "\"%s\":%u", key, value);
}

/* -- parts ---------------------------------------------------------------------------------------
 */

static bool
has_file(const char *directory, const char *thumbprint, const char *ending)
{
    g_autofree char *name = g_strconcat(thumbprint, ending, NULL);
    g_autofree char *path = g_build_filename(directory, name, NULL);

    return g_file_test(path, G_FILE_TEST_EXISTS);
}

static char *
format_time(gint64 time_us)
{
    g_autoptr(GDateTime) time = g_date_time_new_from_unix_utc(time_us / G_USEC_PER_SEC);

    return time ? g_date_time_format(time, "%Y-%m-%dT%H:%M:%SZ") : NULL;
}

static void
add_certificate(GString *json, const char *directory, const char *thumbprint)
{
    g_auto(DmKeyPair) pair = {0};
    g_autoptr(GError) error = NULL;
    bool is_readable = dm_keys_load(directory, thumbprint, &pair, &error);
    g_autofree char *expires = is_readable ? format_time(pair.expires_us) : NULL;

    begin(json, NULL, '{');
    add_bool(json, "present",
             has_file(directory, thumbprint, ".pem") && has_file(directory, thumbprint, ".key"));
    add_bool(json, "readable", is_readable);
    add_text(json, "expires", expires);
    if (is_readable)
        add_bool(json, "expired", pair.expires_us < g_get_real_time());
    else
        add_text(json, "problem", error->message);
    g_string_append_c(json, '}');
}

static void
add_provider(GString *json, const char *directory, const DmTreeProvider *provider)
{
    begin(json, NULL, '{');
    add_text(json, "id", provider->id);
    add_number(json, "addresses", provider->n_addresses);
    begin(json, "certificates", '[');
    for (gsize i = 0; provider->thumbprints[i]; i++)
        add_certificate(json, directory, provider->thumbprints[i]);
    g_string_append(json, "]}");
}

static void
add_providers(GString *json, const DmSelfCheck *check)
{
    if (!check->providers) {
        add_text(json, "providers", NULL);
        return;
    }
    begin(json, "providers", '[');
    for (guint i = 0; i < check->providers->len; i++)
        add_provider(json, check->key_directory, check->providers->pdata[i]);
    g_string_append_c(json, ']');
}

static void
add_config(GString *json, const DmSelfCheck *check)
{
    begin(json, "config", '{');
    add_text(json, "path", check->config_path);
    add_text(json, "error", check->config_error);
    begin(json, "warnings", '[');
    for (guint i = 0; i < check->config->warnings->len; i++) {
        append_comma(json);
        append_string(json, check->config->warnings->pdata[i]);
    }
    g_string_append(json, "]}");
}

char *
dm_self_check_to_json(const DmSelfCheck *check)
{
    GString *json = g_string_new("{");

    g_string_append(json, "\"schema\":1");
    add_text(json, "version", DM_VERSION);
    begin(json, "socket", '{');
    add_text(json, "path", check->socket);
    add_bool(json, "attends", check->attends);
    g_string_append_c(json, '}');
    begin(json, "bus", '{');
    add_bool(json, "used", check->uses_bus);
    add_bool(json, "connected", check->is_on_bus);
    add_text(json, "problem", check->uses_bus && !check->is_on_bus ? check->bus_reason : NULL);
    g_string_append_c(json, '}');
    add_config(json, check);
    add_number(json, "sessions", check->n_running);
    add_providers(json, check);
    g_string_append(json, "}\n");
    return g_string_free(json, FALSE);
}
