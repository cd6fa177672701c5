/* SPDX-License-Identifier: MIT */

/* Which session is under way: from its begin, whose commit keeps its id, to its end, whose commit
 * puts it into the history. One whose end nobody reports (a crash, a kill, a cut of power) stays
 * under way until it is certain that it is lost: the next one begins, the socket says so, or the
 * machine was started again meanwhile. The tree's own restart says nothing: the broker goes on. */

#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "common/error.h"
#include "tree/session-private.h"

#define N_DIGITS 32

/* 128 random bits after the provider's id: no session of any run has the same. */
static char *
make_token(const DmProvider *provider, GError **error)
{
    guint64 bits[2];

    if (getrandom(bits, sizeof(bits), 0) != (ssize_t)sizeof(bits)) {
        g_set_error(error, DM_ERROR, DM_ERROR_FAILED, "no random numbers: %s", g_strerror(errno));
        return NULL;
    }
    return g_strdup_printf("%s-%016" G_GINT64_MODIFIER "x%016" G_GINT64_MODIFIER "x", provider->id,
                           bits[0], bits[1]);
}

/* A damaged file may say anything. */
static bool
is_token(const DmProvider *provider, const char *text)
{
    gsize size = strlen(provider->id);

    return strlen(text) == size + 1 + N_DIGITS && g_str_has_prefix(text, provider->id) &&
           text[size] == '-' && strspn(text + size + 1, "0123456789abcdef") == N_DIGITS;
}

const char *
dm_session_get_current(const DmProvider *provider)
{
    const char *token = dm_session_get_text(provider, DM_SESSION_TOKEN);

    return is_token(provider, token) ? token : NULL;
}

const char *
dm_session_ensure_token(DmProvider *provider, GError **error)
{
    if (provider->next_token == NULL)
        provider->next_token = make_token(provider, error);
    return provider->next_token;
}

bool
dm_session_reserve(DmTree *tree, const char *provider_id, const char **ret_token, GError **error)
{
    DmProvider *provider = dm_session_find_provider(tree, provider_id, error);
    const char *token = provider != NULL ? dm_session_ensure_token(provider, error) : NULL;

    if (token != NULL)
        *ret_token = token;
    return token != NULL;
}

/* -- begin and end ------------------------------------------------------------------------------
 */

void
dm_session_edit_begun(DmSessionEdits *edits, DmProvider *provider, const char *token)
{
    const DmTree *tree = provider->tree;
    g_autofree char *begun = g_strdup_printf("%" G_GINT64_FORMAT " %s",
                                             dm_clock_boot_us(tree->options.clock), tree->boot_id);

    dm_session_edits_set(edits, provider, DM_STORE_SESSION, DM_SESSION_TOKEN, token);
    dm_session_edits_set(edits, provider, DM_STORE_SESSION, DM_SESSION_BEGUN, begun);
}

void
dm_session_edit_over(DmSessionEdits *edits, DmProvider *provider, const DmSessionReport *report)
{
    DmHistoryEntry *entry = dm_history_new_entry(provider, report);

    if (entry == NULL)
        return;
    dm_session_edits_set(edits, provider, DM_STORE_SESSION, DM_SESSION_TOKEN, NULL);
    dm_session_edits_take_over(edits, provider, entry);
}

void
dm_session_edit_lost(DmSessionEdits *edits, DmProvider *provider, const char *reason)
{
    DmSessionReport report = DM_SESSION_REPORT_INIT;
    DmHistoryEntry *entry;

    report.ended = 0;
    report.error = DM_HISTORY_LOST;
    report.message = reason;
    entry = dm_history_new_entry(provider, &report);
    if (entry == NULL)
        return;
    entry->duration_us = -1; /* it may have ended long ago */
    dm_session_edits_set(edits, provider, DM_STORE_SESSION, DM_SESSION_ERROR, DM_HISTORY_LOST);
    dm_session_edits_set(edits, provider, DM_STORE_SESSION, DM_SESSION_MESSAGE, reason);
    dm_session_edits_take_over(edits, provider, entry);
}

bool
dm_session_abandon(DmTree *tree, const char *provider_id, const char *token, const char *reason,
                   GError **error)
{
    const DmProvider *provider = dm_tree_find_provider(tree, DM_SCOPE_DEVICE, 0, provider_id);
    DmSessionReport report = DM_SESSION_REPORT_INIT;

    if (provider == NULL || g_strcmp0(dm_session_get_current(provider), token) != 0 ||
        token == NULL)
        return true;
    report.ended = 0;
    report.error = DM_HISTORY_LOST;
    report.message = reason;
    return dm_session_report(tree, provider_id, &report, error);
}

/* Whether the session under way began in another boot, so that nobody runs it any more. */
static bool
is_of_another_boot(const DmProvider *provider)
{
    char *boot_id = NULL;
    gint64 boot_us = g_ascii_strtoll(dm_session_get_text(provider, DM_SESSION_BEGUN), &boot_id, 10);

    return *boot_id != ' ' || !dm_session_is_this_boot(provider->tree, boot_id + 1, boot_us);
}

void
dm_session_resume(DmTree *tree)
{
    g_autoptr(DmSessionEdits) edits = dm_session_edits_new();

    for (guint i = 0; i < tree->providers->len; i++) {
        DmProvider *provider = g_ptr_array_index(tree->providers, i);

        if (provider->scope == DM_SCOPE_DEVICE && dm_session_get_current(provider) != NULL &&
            is_of_another_boot(provider)) {
            dm_session_edit_lost(edits, provider,
                                 "the machine was started again before the session's end was "
                                 "reported");
            dm_session_edits_set(edits, provider, DM_STORE_SESSION, DM_SESSION_TOKEN, NULL);
        }
    }
    /* Where the disk fails it stays under way, and the next begin notes it. */
    (void)dm_session_edits_commit(edits, tree, NULL);
}
