/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "cli/client.h"
#include "cli/run.h"
#include "common/uri.h"

/* get, add, replace, delete, exec and tree: one command on the tree, and its result shown. */

#define TREE_QUERY "?list=StructData"

/* -- results ------------------------------------------------------------------------------------
 */

static void
print_json(DmPrinter *printer, const char *loc_uri, const DmReply *reply)
{
    g_autoptr(JsonBuilder) builder = dm_printer_json_begin();
    const DmResult *result = dm_reply_get(reply, 0);
    const DmResultItem *items = dm_reply_get_items(reply, 0);

    dm_json_add_string(builder, "loc_uri", loc_uri);
    dm_json_add_status(builder, result->status);
    json_builder_set_member_name(builder, "items");
    json_builder_begin_array(builder);
    for (guint i = 0; i < result->n_items; i++) {
        json_builder_begin_object(builder);
        dm_json_add_string(builder, "loc_uri", items[i].loc_uri);
        dm_json_add_string(builder, "format", dm_format_to_name(items[i].format));
        dm_json_add_string(builder, "data", items[i].data);
        json_builder_end_object(builder);
    }
    json_builder_end_array(builder);
    dm_printer_json_end(printer, builder);
}

/* What a Get of one node without a query brought. */
static void
print_value(DmPrinter *printer, const DmResultItem *item)
{
    if (item->data == NULL || (item->format == DM_FORMAT_NODE && item->data_size == 0))
        return;
    if (item->format != DM_FORMAT_NODE) {
        dm_printer_raw(printer, item->data, item->data_size);
        g_string_append_c(printer->out, '\n');
        return;
    }
    g_auto(GStrv) children = g_strsplit(item->data, "/", -1);
    for (guint i = 0; children[i] != NULL; i++) {
        dm_printer_append_escaped(printer->out, children[i], "");
        g_string_append_c(printer->out, '\n');
    }
}

static void
print_items(DmPrinter *printer, const DmResultItem *items, guint n_items)
{
    for (guint i = 0; i < n_items; i++) {
        dm_printer_append_escaped(printer->out, items[i].loc_uri, "");
        if (items[i].data != NULL && items[i].format != DM_FORMAT_NODE) {
            g_string_append(printer->out, " = ");
            dm_printer_append_escaped(printer->out, items[i].data, "");
        }
        g_string_append_c(printer->out, '\n');
    }
}

/* -- tree ---------------------------------------------------------------------------------------
 */

/* The depth of a LocURI: its slashes. */
static guint
get_depth(const char *loc_uri)
{
    guint depth = 0;

    for (const char *p = strchr(loc_uri, '/'); p != NULL; p = strchr(p + 1, '/'))
        depth++;
    return depth;
}

/* The items as an indented tree below the first of them: each stands after its parent. */
static void
print_tree(DmPrinter *printer, const DmResultItem *items, guint n_items)
{
    guint root_depth = n_items == 0 ? 0 : get_depth(items[0].loc_uri);

    for (guint i = 0; i < n_items; i++) {
        const DmResultItem *item = &items[i];
        guint depth = get_depth(item->loc_uri);
        const char *name = strrchr(item->loc_uri, '/');

        if (i == 0 || name == NULL || depth <= root_depth) {
            dm_printer_append_escaped(printer->out, item->loc_uri, "");
        } else {
            g_string_append_printf(printer->out, "%*s", (int)(2 * (depth - root_depth)), "");
            dm_printer_append_escaped(printer->out, name + 1, "");
        }
        if (item->format != DM_FORMAT_NODE && item->data != NULL) {
            g_string_append(printer->out, " = ");
            dm_printer_append_escaped(printer->out, item->data, "");
        }
        g_string_append_c(printer->out, '\n');
    }
}

DmExit
dm_run_tree(const DmArguments *arguments, DmPrinter *printer)
{
    const char *loc_uri = arguments->n_words > 0 ? arguments->words[0] : DM_CLIENT_TREE;
    g_autofree char *query = g_strconcat(loc_uri, TREE_QUERY, NULL);
    DmCommand command = {.verb = DM_VERB_GET, .loc_uri = query};
    DmExit code = DM_EXIT_OK;
    g_autoptr(DmReply) reply = dm_client_run(arguments, &command, printer, &code);

    if (reply == NULL)
        return code;
    const DmResult *result = dm_reply_get(reply, 0);
    if (printer->json)
        print_json(printer, loc_uri, reply);
    else if (dm_status_is_good(result->status))
        print_tree(printer, dm_reply_get_items(reply, 0), result->n_items);
    return dm_status_is_good(result->status) ? DM_EXIT_OK
                                             : dm_client_say_refused(loc_uri, result->status);
}

DmExit
dm_run_verb(const DmArguments *arguments, DmPrinter *printer)
{
    const char *loc_uri = arguments->words[0];
    const char *data = arguments->n_words > 1 ? arguments->words[1] : NULL;
    DmCommand command = {
        .verb = arguments->command->verb,
        .loc_uri = loc_uri,
        .format = arguments->values[DM_OPTION_FORMAT],
        .data = data,
        .data_size = data == NULL ? 0 : strlen(data),
    };
    DmExit code = DM_EXIT_OK;
    g_autoptr(DmReply) reply = dm_client_run(arguments, &command, printer, &code);

    if (reply == NULL)
        return code;
    const DmResult *result = dm_reply_get(reply, 0);
    const DmResultItem *items = dm_reply_get_items(reply, 0);
    if (printer->json)
        print_json(printer, loc_uri, reply);
    else if (result->n_items == 1 && strchr(loc_uri, '?') == NULL)
        print_value(printer, &items[0]);
    else
        print_items(printer, items, result->n_items);
    return dm_status_is_good(result->status) ? DM_EXIT_OK
                                             : dm_client_say_refused(loc_uri, result->status);
}
