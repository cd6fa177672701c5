/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>
#include <stdbool.h>

/* What a check of the broker found: for people who have to help, and as JSON. No secret is in it.
 */
typedef struct DmFindings DmFindings;

typedef enum {
    DM_LEVEL_OK,
    DM_LEVEL_WARNING, /* works, and deserves a look */
    DM_LEVEL_ERROR,   /* does not work */
} DmLevel;

DmFindings *dm_findings_new(void);
void dm_findings_free(DmFindings *findings);

/* Adds one: `id` is a const word, `provider` NULL where it is about none, `next` what to do about
 * it (NULL: nothing). Text is copied. */
void dm_findings_add(DmFindings *findings, DmLevel level, const char *id, const char *provider,
                     const char *next, const char *format, ...) G_GNUC_PRINTF(6, 7);

/* The worst level. */
DmLevel dm_findings_get_level(const DmFindings *findings);

/* Both for g_free(). JSON: {"schema":1,"version":…,"level":…,"findings":[{"id","level","provider",
 * "text","next"}]} and a line feed; `redact` takes out what looks like an identifier. Text: a line
 * each, and the next step below it, with control characters escaped. */
char *dm_findings_to_json(const DmFindings *findings, bool redact);
char *dm_findings_to_text(const DmFindings *findings);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(DmFindings, dm_findings_free)
