/* SPDX-License-Identifier: MIT */
#include "cli/words.h"

#include <string.h>

#include "common/i18n.h"

const char *
dm_words_translate(const char *word)
{
    static const struct {
        const char *word;
        const char *text;
    } words[] = {
        /* States of a session; "running" and "none" are phases, too. */
        {"idle", N_("idle")},
        {"waiting", N_("waiting")},
        {"connecting", N_("connecting")},
        {"running", N_("running")},
        {"backing-off", N_("waiting to try again")},
        /* Phases of a first sync. */
        {"none", N_("not begun")},
        {"succeeded", N_("succeeded")},
        {"failed", N_("failed")},
        /* Its categories. */
        {"Policies", N_("Policies")},
        {"NetworkProfiles", N_("Network profiles")},
        {"MSIAppPackages", N_("Applications")},
        {"ModernAppPackages", N_("Store applications")},
        {"PFXCerts", N_("Certificates (PFX)")},
        {"SCEPCerts", N_("Certificates (SCEP)")},
        /* Healths. */
        {"degraded", N_("degraded: the last write found no room on the disk")},
        {"read-only", N_("read-only: the disk failed; see 'journalctl -u dmclient-agent'")},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(words); i++)
        if (strcmp(words[i].word, word) == 0)
            return _(words[i].text);
    return word;
}
