/* SPDX-License-Identifier: MIT */
#include "desktop/agent-memory.h"

#include "desktop/state.h"

#define FILE_NAME "told"

struct DmAgentMemory {
    GKeyFile *file;
};

static const struct {
    const char *key;
    gsize offset;
} fields[] = {
    {"first-sync", G_STRUCT_OFFSET(DmAgentRecord, first_sync)},
    {"failures", G_STRUCT_OFFSET(DmAgentRecord, failures)},
    {"attempt", G_STRUCT_OFFSET(DmAgentRecord, attempt_us)},
    {"failing-since", G_STRUCT_OFFSET(DmAgentRecord, failing_us)},
    {"sync-told", G_STRUCT_OFFSET(DmAgentRecord, sync_told_us)},
    {"contact-stage", G_STRUCT_OFFSET(DmAgentRecord, contact_stage)},
    {"contact-before", G_STRUCT_OFFSET(DmAgentRecord, contact_before)},
};

DmAgentMemory *
dm_agent_memory_open(void)
{
    DmAgentMemory *memory = g_new(DmAgentMemory, 1);

    memory->file = dm_state_read(FILE_NAME);
    return memory;
}

void
dm_agent_memory_free(DmAgentMemory *memory)
{
    if (memory == NULL)
        return;
    g_key_file_unref(memory->file);
    g_free(memory);
}

DmAgentRecord
dm_agent_memory_get(const DmAgentMemory *memory, const char *provider)
{
    DmAgentRecord record = {0};

    for (gsize i = 0; i < G_N_ELEMENTS(fields); i++) {
        gint64 value = g_key_file_get_int64(memory->file, provider, fields[i].key, NULL);

        if (value > 0 && value < G_MAXINT64)
            G_STRUCT_MEMBER(gint64, &record, fields[i].offset) = value;
    }
    return record;
}

void
dm_agent_memory_set(DmAgentMemory *memory, const char *provider, const DmAgentRecord *record)
{
    DmAgentRecord before = dm_agent_memory_get(memory, provider);
    bool is_new = !g_key_file_has_group(memory->file, provider);
    bool is_changed = is_new;

    for (gsize i = 0; i < G_N_ELEMENTS(fields); i++) {
        gint64 value = G_STRUCT_MEMBER(const gint64, record, fields[i].offset);

        if (!is_new && value == G_STRUCT_MEMBER(gint64, &before, fields[i].offset))
            continue;
        g_key_file_set_int64(memory->file, provider, fields[i].key, value);
        is_changed = true;
    }
    if (is_changed)
        dm_state_write(memory->file, FILE_NAME);
}

GStrv
dm_agent_memory_forget_others(DmAgentMemory *memory, const char *const *providers)
{
    g_auto(GStrv) known = g_key_file_get_groups(memory->file, NULL);
    g_autoptr(GStrvBuilder) gone = g_strv_builder_new();
    bool is_changed = false;

    for (gsize i = 0; known[i] != NULL; i++) {
        if (g_strv_contains(providers, known[i]))
            continue;
        g_strv_builder_add(gone, known[i]);
        g_key_file_remove_group(memory->file, known[i], NULL);
        is_changed = true;
    }
    if (is_changed)
        dm_state_write(memory->file, FILE_NAME);
    return g_strv_builder_end(gone);
}
