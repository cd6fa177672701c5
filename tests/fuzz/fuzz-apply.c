/* SPDX-License-Identifier: MIT */

/* Any batch of commands on a small tree: a line a command, fields by tabs: verb letter, span,
 * LocURI, Format, Data ("-" for none). Lines "=" start the next message. Held against what must be
 * true whatever came. */

#include <glib.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tree/tree.h"

#define MAX_COMMANDS 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const DmVerb verbs[] = {DM_VERB_ADD,      DM_VERB_GET,  DM_VERB_REPLACE,
                               DM_VERB_DELETE,   DM_VERB_EXEC, DM_VERB_ATOMIC,
                               DM_VERB_SEQUENCE, DM_VERB_COPY, DM_VERB_NONE};
static const char letters[] = "AGRDXTSCN";

static const char *
get_field(char **fields, guint n, guint index)
{
    return index >= n || strcmp(fields[index], "-") == 0 ? NULL : fields[index];
}

static bool
parse_command(char **fields, DmCommand *ret_command)
{
    guint n = g_strv_length(fields);
    const char *letter = n == 0 || *fields[0] == '\0' ? NULL : strchr(letters, *fields[0]);

    if (letter == NULL)
        return false;
    *ret_command = (DmCommand){.verb = verbs[letter - letters],
                               .span = n > 1 ? (guint)strtoul(fields[1], NULL, 10) : 0,
                               .loc_uri = get_field(fields, n, 2),
                               .format = get_field(fields, n, 3),
                               .data = get_field(fields, n, 4)};
    if (ret_command->data != NULL)
        ret_command->data_size = strlen(ret_command->data);
    return true;
}

/* Below what is present only, in its own tree only, within its bounds. */
static void
check_provider(const DmProvider *provider)
{
    for (guint id = DM_NODE_PROVIDER; id < DM_NODE_N; id++) {
        const DmNode *row = dm_schema_get((DmNodeId)id);
        DmValue value;

        if (!dm_schema_is_below((DmNodeId)id, DM_NODE_PROVIDER) ||
            !dm_provider_has(provider, (DmNodeId)id))
            continue;
        g_assert_true(id == DM_NODE_PROVIDER || dm_provider_has(provider, row->parent));
        g_assert_true(dm_provider_get_scope(provider) == DM_SCOPE_DEVICE ||
                      row->roots == DM_ROOTS_BOTH);
        if (dm_node_is_interior(row) || !dm_provider_get(provider, (DmNodeId)id, &value))
            continue;
        g_assert_true(value.format == row->format);
        if (value.format == DM_FORMAT_INT)
            g_assert_true(value.u.integer >= row->minimum && value.u.integer <= row->maximum);
        if (value.format == DM_FORMAT_CHR && value.u.chr != NULL)
            g_assert_true(strlen(value.u.chr) <= row->cap &&
                          dm_text_is_valid(value.u.chr, strlen(value.u.chr)));
    }
}

static void
run(DmTree *tree, const char *server, gint64 uid, const DmCommand *commands, gsize n)
{
    const DmContext context = {.provider = server, .uid = uid};
    g_autoptr(DmReply) reply = dm_tree_apply(tree, &context, commands, n);
    DmProvider *const *providers;
    gsize n_providers;

    g_assert_true(dm_reply_get_size(reply) == n);
    for (gsize i = 0; i < n; i++) {
        g_assert_true(dm_status_is_known((unsigned)dm_reply_get(reply, i)->status));
        g_assert_true(dm_reply_get(reply, i)->n_items == 0 || commands[i].verb == DM_VERB_GET);
    }
    providers = dm_tree_get_providers(tree, &n_providers);
    for (gsize i = 0; i < n_providers; i++)
        check_provider(providers[i]);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const DmCommand made[] = {
        {.verb = DM_VERB_ADD, .loc_uri = "./Vendor/MSFT/DMClient/Provider/A"},
        {.verb = DM_VERB_ADD, .loc_uri = "./Vendor/MSFT/DMClient/Provider/B"}};
    g_autofree char *text = g_strndup((const char *)data, size);
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    g_autoptr(GPtrArray) kept = g_ptr_array_new_with_free_func((GDestroyNotify)g_strfreev);
    g_autoptr(DmTree) tree = dm_tree_new(NULL, NULL, NULL);
    DmCommand commands[MAX_COMMANDS];
    guint n = 0;
    guint n_messages = 0;

    run(tree, NULL, -1, made, G_N_ELEMENTS(made));
    for (gsize i = 0; lines[i] != NULL; i++) {
        char **fields = g_strsplit(lines[i], "\t", 5);

        g_ptr_array_add(kept, fields);
        if (n < MAX_COMMANDS && parse_command(fields, &commands[n]))
            n++;
        if (strcmp(lines[i], "=") != 0 && lines[i + 1] != NULL)
            continue;
        run(tree, n_messages % 3 == 0 ? NULL : "A", n_messages % 2 == 0 ? 1000 : -1, commands, n);
        n = 0;
        n_messages++;
    }
    return 0;
}
