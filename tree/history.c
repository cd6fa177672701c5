/* SPDX-License-Identifier: MIT */

#include "tree/history.h"

#include <string.h>

#include "common/command.h"
#include "tree/session-private.h"

#define MIN_STATUS 100
#define MAX_STATUS 999

void
dm_history_entry_free(DmHistoryEntry *entry)
{
    if (entry == NULL)
        return;
    g_free(entry->id);
    g_free(entry->origin);
    g_free(entry->address);
    g_free(entry->commands);
    g_free(entry->result);
    g_free(entry->reason);
    g_free(entry);
}

/* -- commands as text ---------------------------------------------------------------------------
 * "Replace 200: 12, Get 404: 1": a line of the table says what happened. */

bool
dm_history_check_commands(const DmHistoryCommand *commands, gsize n_commands)
{
    if (n_commands > DM_HISTORY_MAX_COMMANDS)
        return false;
    for (gsize i = 0; i < n_commands; i++)
        if (dm_verb_from_name(commands[i].verb) == DM_VERB_NONE ||
            commands[i].status < MIN_STATUS || commands[i].status > MAX_STATUS)
            return false;
    return true;
}

static char *
format_commands(const DmHistoryEntry *entry)
{
    GString *text = g_string_new(NULL);

    for (gsize i = 0; i < entry->n_commands; i++)
        g_string_append_printf(text, "%s%s %u: %u", i == 0 ? "" : ", ", entry->commands[i].verb,
                               entry->commands[i].status, entry->commands[i].count);
    return g_string_free(text, FALSE);
}

/* The number at `*text`, which is followed by `after` or by the end; moves past both. False: there
 * is none that fits. */
static bool
take_number(const char **text, const char *after, guint *ret_number)
{
    char *end = NULL;
    guint64 number;

    if (!g_ascii_isdigit(**text))
        return false;
    number = g_ascii_strtoull(*text, &end, 10);
    if (number > G_MAXUINT || (*end != '\0' && !g_str_has_prefix(end, after)))
        return false;
    *ret_number = (guint)number;
    *text = *end == '\0' ? end : end + strlen(after);
    return true;
}

static bool
take_command(const char **text, DmHistoryCommand *command)
{
    const char *blank = strchr(*text, ' ');
    g_autofree char *name = blank != NULL ? g_strndup(*text, (gsize)(blank - *text)) : NULL;
    DmVerb verb = name != NULL ? dm_verb_from_name(name) : DM_VERB_NONE;

    if (verb == DM_VERB_NONE)
        return false;
    command->verb = dm_verb_to_name(verb);
    *text = blank + 1;
    return take_number(text, ": ", &command->status) && command->status >= MIN_STATUS &&
           command->status <= MAX_STATUS && take_number(text, ", ", &command->count);
}

static bool
parse_commands(const char *text, DmHistoryEntry *entry)
{
    g_autoptr(GArray) commands = g_array_new(FALSE, FALSE, sizeof(DmHistoryCommand));
    DmHistoryCommand command;

    while (*text != '\0') {
        if (commands->len == DM_HISTORY_MAX_COMMANDS || !take_command(&text, &command))
            return false;
        g_array_append_val(commands, command);
    }
    entry->n_commands = commands->len;
    entry->commands = (DmHistoryCommand *)(void *)g_array_free(g_steal_pointer(&commands), FALSE);
    return true;
}

/* -- making one ---------------------------------------------------------------------------------
 */

/* How long the session under way has taken; -1: neither clock knows. */
static gint64
get_duration_us(const DmProvider *provider)
{
    const DmTree *tree = provider->tree;
    char *boot_id = NULL;
    gint64 boot_us = g_ascii_strtoll(dm_session_get_text(provider, DM_SESSION_BEGUN), &boot_id, 10);
    gint64 by_wall_us =
        dm_clock_wall_us(tree->options.clock) - dm_session_get_int(provider, DM_SESSION_ATTEMPT);

    if (*boot_id == ' ' && boot_us >= 0 && dm_session_is_this_boot(tree, boot_id + 1, boot_us))
        return dm_clock_boot_us(tree->options.clock) - boot_us;
    return MAX(by_wall_us, -1);
}

static const char *
get_result(const DmSessionReport *report)
{
    if (report->ended == 1)
        return DM_HISTORY_OK;
    return report->error != NULL && *report->error != '\0' ? report->error : DM_HISTORY_FAILED;
}

/* L5: the record of a session with the fallback says so. */
static const char *
get_reason(const DmProvider *provider, const DmSessionReport *report)
{
    if (report->message != NULL && *report->message != '\0')
        return report->message;
    if (report->ended == 1 && report->address != NULL && *report->address != '\0' &&
        strcmp(report->address, dm_session_get_text(provider, DM_SESSION_FALLBACK)) == 0)
        return "none of the listed addresses answered, the last one that worked before did";
    return "";
}

DmHistoryEntry *
dm_history_new_entry(const DmProvider *provider, const DmSessionReport *report)
{
    const char *id = dm_session_get_current(provider);
    DmHistoryEntry *entry;

    if (id == NULL)
        return NULL;
    entry = g_new0(DmHistoryEntry, 1);
    *entry = (DmHistoryEntry){
        .id = dm_session_clean(id, DM_STORE_HISTORY_MAX_ID),
        .origin = dm_session_clean(dm_session_get_text(provider, DM_SESSION_ORIGIN),
                                   DM_STORE_HISTORY_MAX_WORD),
        .address = dm_session_clean(report->address != NULL ? report->address : "",
                                    DM_STORE_HISTORY_MAX_ADDRESS),
        .start_us = dm_session_get_int(provider, DM_SESSION_ATTEMPT),
        .end_us = MAX(0, dm_clock_wall_us(provider->tree->options.clock)),
        .duration_us = get_duration_us(provider),
        .messages_sent = MAX(report->messages_sent, -1),
        .messages_received = MAX(report->messages_received, -1),
        .bytes_sent = MAX(report->bytes_sent, -1),
        .bytes_received = MAX(report->bytes_received, -1),
        .n_commands = report->n_commands,
        .result = dm_session_clean(get_result(report), DM_STORE_HISTORY_MAX_WORD),
        .reason = dm_session_clean(get_reason(provider, report), DM_STORE_HISTORY_MAX_REASON),
    };
    if (report->n_commands > 0)
        entry->commands = g_new0(DmHistoryCommand, report->n_commands);
    for (gsize i = 0; i < report->n_commands; i++) {
        entry->commands[i] = report->commands[i];
        entry->commands[i].verb = dm_verb_to_name(dm_verb_from_name(report->commands[i].verb));
    }
    return entry;
}

bool
dm_history_put(DmStore *store, const DmProvider *provider, const DmHistoryEntry *entry,
               GError **error)
{
    g_autofree char *commands = format_commands(entry);
    const DmStoreHistory row = {
        .id = entry->id,
        .origin = entry->origin,
        .address = entry->address,
        .start_us = entry->start_us,
        .end_us = entry->end_us,
        .duration_us = entry->duration_us,
        .messages_sent = entry->messages_sent,
        .messages_received = entry->messages_received,
        .bytes_sent = entry->bytes_sent,
        .bytes_received = entry->bytes_received,
        .commands = commands,
        .result = entry->result,
        .reason = entry->reason,
    };

    return dm_store_put_history(store, provider->key, &row, error);
}

/* -- reading ------------------------------------------------------------------------------------
 */

typedef struct {
    GPtrArray *entries;
    guint max;
} Reader;

/* Whether text is as it is written here. */
static bool
is_clean(const char *text, gsize max)
{
    g_autofree char *cleaned = dm_session_clean(text, max);

    return strcmp(text, cleaned) == 0;
}

static bool
on_row(const DmStoreHistory *row, gpointer data)
{
    Reader *reader = data;
    g_autoptr(DmHistoryEntry) entry = NULL;

    if (!is_clean(row->id, DM_STORE_HISTORY_MAX_ID) ||
        !is_clean(row->origin, DM_STORE_HISTORY_MAX_WORD) ||
        !is_clean(row->address, DM_STORE_HISTORY_MAX_ADDRESS) ||
        !is_clean(row->result, DM_STORE_HISTORY_MAX_WORD) ||
        !is_clean(row->reason, DM_STORE_HISTORY_MAX_REASON))
        return true;
    entry = g_new0(DmHistoryEntry, 1);
    if (!parse_commands(row->commands, entry))
        return true;
    entry->id = g_strdup(row->id);
    entry->origin = g_strdup(row->origin);
    entry->address = g_strdup(row->address);
    entry->start_us = row->start_us;
    entry->end_us = row->end_us;
    entry->duration_us = row->duration_us;
    entry->messages_sent = row->messages_sent;
    entry->messages_received = row->messages_received;
    entry->bytes_sent = row->bytes_sent;
    entry->bytes_received = row->bytes_received;
    entry->result = g_strdup(row->result);
    entry->reason = g_strdup(row->reason);
    g_ptr_array_add(reader->entries, g_steal_pointer(&entry));
    return reader->entries->len < reader->max;
}

bool
dm_history_get(DmTree *tree, const char *provider_id, guint max, GPtrArray **ret_entries,
               GError **error)
{
    const DmProvider *provider = dm_session_find_provider(tree, provider_id, error);
    g_autoptr(GPtrArray) entries =
        g_ptr_array_new_with_free_func((GDestroyNotify)dm_history_entry_free);
    Reader reader = {.entries = entries, .max = max};

    if (provider == NULL)
        return false;
    if (tree->store != NULL && max > 0 &&
        !dm_store_load_history(tree->store, provider->key, on_row, &reader, error))
        return false;
    *ret_entries = g_steal_pointer(&entries);
    return true;
}
