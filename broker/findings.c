/* SPDX-License-Identifier: MIT */

#include "broker/findings.h"

#include <stdarg.h>

#include "broker/journal.h"
#include "broker/json.h"
#include "common/log.h"

typedef struct {
    DmLevel level;
    const char *id;
    char *provider, *next, *text;
} Finding;

struct DmFindings {
    GPtrArray *all; /* Finding */
};

static const char *const level_names[] = {
    [DM_LEVEL_OK] = "ok", [DM_LEVEL_WARNING] = "warning", [DM_LEVEL_ERROR] = "error"};

static void
finding_free(gpointer data)
{
    Finding *finding = data;

    g_free(finding->provider);
    g_free(finding->next);
    g_free(finding->text);
    g_free(finding);
}

DmFindings *
dm_findings_new(void)
{
    DmFindings *findings = g_new0(DmFindings, 1);

    findings->all = g_ptr_array_new_with_free_func(finding_free);
    return findings;
}

void
dm_findings_free(DmFindings *findings)
{
    if (!findings)
        return;
    g_ptr_array_unref(findings->all);
    g_free(findings);
}

void
dm_findings_add(DmFindings *findings, DmLevel level, const char *id, const char *provider,
                const char *next, const char *format, ...)
{
    Finding *finding = g_new0(Finding, 1);
    va_list arguments;

    va_start(arguments, format);
    finding->text = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    finding->level = level;
    finding->id = id;
    finding->provider = g_strdup(provider);
    finding->next = g_strdup(next);
    g_ptr_array_add(findings->all, finding);
}

DmLevel
dm_findings_get_level(const DmFindings *findings)
{
    DmLevel worst = DM_LEVEL_OK;

    for (guint i = 0; i < findings->all->len; i++)
        worst = MAX(worst, ((const Finding *)findings->all->pdata[i])->level);
    return worst;
}

static void
add_text(GString *json, const char *key, const char *text, bool redact)
{
    g_autofree char *redacted = text && redact ? dm_journal_redact(text) : NULL;

    dm_json_add_text(json, key, redacted ? redacted : text);
}

char *
dm_findings_to_json(const DmFindings *findings, bool redact)
{
    GString *json = g_string_new(NULL);

    dm_json_open(json, NULL, '{');
    dm_json_add_number(json, "schema", 1);
    dm_json_add_text(json, "version", DM_VERSION);
    dm_json_add_text(json, "level", level_names[dm_findings_get_level(findings)]);
    dm_json_open(json, "findings", '[');
    for (guint i = 0; i < findings->all->len; i++) {
        const Finding *finding = findings->all->pdata[i];

        dm_json_open(json, NULL, '{');
        dm_json_add_text(json, "id", finding->id);
        dm_json_add_text(json, "level", level_names[finding->level]);
        dm_json_add_text(json, "provider", finding->provider);
        add_text(json, "text", finding->text, redact);
        add_text(json, "next", finding->next, redact);
        dm_json_close(json, '}');
    }
    dm_json_close(json, ']');
    dm_json_close(json, '}');
    g_string_append_c(json, '\n');
    return g_string_free(json, FALSE);
}

char *
dm_findings_to_text(const DmFindings *findings)
{
    GString *text = g_string_new(NULL);

    for (guint i = 0; i < findings->all->len; i++) {
        const Finding *finding = findings->all->pdata[i];
        g_autofree char *whole = g_strconcat(finding->provider ? finding->provider : "",
                                             finding->provider ? ": " : "", finding->text, NULL);
        g_autofree char *line = dm_log_escape(whole);
        g_autofree char *next = finding->next ? dm_log_escape(finding->next) : NULL;

        g_string_append_printf(text, "%-8s%-14s %s\n", level_names[finding->level], finding->id,
                               line);
        if (next && finding->level != DM_LEVEL_OK)
            g_string_append_printf(text, "%23sNext: %s\n", "", next);
    }
    return g_string_free(text, FALSE);
}
