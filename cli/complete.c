/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "cli/client.h"
#include "cli/run.h"
#include "cli/snapshot.h"
#include "common/i18n.h"
#include "common/paths.h"

/* Candidates are for a shell, which shows them and puts them on the command line: names that are
 * not plain text are left out. Whatever fails, nobody has asked for an explanation. */

#define LIST_QUERY "?list=Struct"

static void
print_candidate(DmPrinter *printer, const char *word, const char *beginning)
{
    g_autoptr(GString) escaped = g_string_new(NULL);

    dm_printer_append_escaped(escaped, word, "");
    if (g_str_has_prefix(word, beginning) && strcmp(escaped->str, word) == 0)
        g_string_append_printf(printer->out, "%s\n", word);
}

static void
print_providers(const DmArguments *arguments, const char *beginning, DmPrinter *printer)
{
    g_autoptr(DmAsk) ask = dm_ask_new(NULL);
    g_autoptr(DmSnapshot) snapshot = ask == NULL ? NULL : dm_snapshot_new(ask, NULL);

    for (guint i = 0; snapshot != NULL && i < snapshot->providers->len; i++)
        print_candidate(printer, ((DmSnapshotProvider *)snapshot->providers->pdata[i])->id,
                        beginning);
}

/* The tree's nodes one below what the beginning names; interior ones with a slash at their end. */
static void
print_loc_uris(const DmArguments *arguments, const char *beginning, DmPrinter *printer)
{
    const char *path = dm_arguments_get(arguments, DM_OPTION_SOCKET, DM_DEFAULT_SOCKET);
    g_autoptr(DmTreeClient) client = NULL;
    const char *slash = strrchr(beginning, '/');
    DmContext context = {.message = 1, .uid = -1};

    if (strlen(beginning) < strlen(DM_CLIENT_TREE) + 1) {
        print_candidate(printer, DM_CLIENT_TREE "/", beginning);
        return;
    }
    client = dm_tree_client_new(path, DM_ASK_TIMEOUT_MS, NULL);
    if (client == NULL)
        return;
    g_autofree char *parent = g_strndup(beginning, (gsize)(slash - beginning));
    g_autofree char *query = g_strconcat(parent, LIST_QUERY, NULL);
    DmCommand command = {.verb = DM_VERB_GET, .loc_uri = query};
    g_autoptr(DBusMessage) call = dm_tree_call_new_apply(&context, &command, 1, NULL);
    g_autoptr(DBusMessage) answer = call == NULL ? NULL : dm_tree_client_call(client, call, NULL);
    g_autoptr(DmReply) reply = answer == NULL ? NULL : dm_tree_call_read_reply(answer, NULL);

    if (reply == NULL || dm_reply_get_size(reply) != 1)
        return;
    for (guint i = 0; i < dm_reply_get(reply, 0)->n_items; i++) {
        const DmResultItem *item = &dm_reply_get_items(reply, 0)[i];
        const char *last = strrchr(item->loc_uri, '/');
        g_autofree char *interior = g_strconcat(item->loc_uri, "/", NULL);

        if (last != NULL && (gsize)(last - item->loc_uri) == strlen(parent))
            print_candidate(printer, item->format == DM_FORMAT_NODE ? interior : item->loc_uri,
                            beginning);
    }
}

static void
print_formats(const DmArguments *arguments, const char *beginning, DmPrinter *printer)
{
    for (guint format = DM_FORMAT_CHR; format <= DM_FORMAT_TIME; format++)
        print_candidate(printer, dm_format_to_name((DmFormat)format), beginning);
}

DmExit
dm_run_complete(const DmArguments *arguments, DmPrinter *printer)
{
    static const struct {
        const char *kind;
        void (*print)(const DmArguments *arguments, const char *beginning, DmPrinter *printer);
    } kinds[] = {
        {"provider", print_providers},
        {"locuri", print_loc_uris},
        {"format", print_formats},
    };
    const char *beginning = arguments->n_words > 1 ? arguments->words[1] : "";

    for (gsize i = 0; i < G_N_ELEMENTS(kinds); i++) {
        if (strcmp(kinds[i].kind, arguments->words[0]) == 0) {
            kinds[i].print(arguments, beginning, printer);
            return DM_EXIT_OK;
        }
    }
    return dm_printer_fail(printer, DM_EXIT_USAGE, _("nothing is completed by kind %s"),
                           arguments->words[0]);
}
