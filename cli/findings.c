/* SPDX-License-Identifier: MIT */
#include "cli/findings.h"

#include <stdarg.h>
#include <string.h>

#include "common/i18n.h"

#define AS_ROOT N_("Run 'sudo dmclientctl doctor'.")

typedef struct {
    char *level;
    char *id;
    char *provider; /* NULL: of none */
    char *text;
    char *next; /* NULL: nothing */
    const char *by;
} Finding;

static const char *const levels[] = {"ok", "warning", "error"};

static void
finding_free(gpointer data)
{
    Finding *finding = data;

    g_free(finding->level);
    g_free(finding->id);
    g_free(finding->provider);
    g_free(finding->text);
    g_free(finding->next);
    g_free(finding);
}

DmFindingList *
dm_finding_list_new(void)
{
    DmFindingList *list = g_new0(DmFindingList, 1);

    list->findings = g_ptr_array_new_with_free_func(finding_free);
    list->skipped = g_ptr_array_new_with_free_func(g_free);
    return list;
}

void
dm_finding_list_free(DmFindingList *list)
{
    if (list == NULL)
        return;
    g_ptr_array_unref(list->findings);
    g_ptr_array_unref(list->skipped);
    g_free(list);
}

void
dm_finding_list_add(DmFindingList *list, const char *level, const char *id, const char *next,
                    const char *format, ...)
{
    Finding *finding = g_new0(Finding, 1);
    va_list arguments;

    va_start(arguments, format);
    finding->text = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    finding->level = g_strdup(level);
    finding->id = g_strdup(id);
    finding->next = g_strdup(next);
    finding->by = "dmclientctl";
    g_ptr_array_add(list->findings, finding);
}

void
dm_finding_list_skip(DmFindingList *list, const char *what)
{
    g_ptr_array_add(list->skipped, g_strdup(what));
}

/* -- the broker's --------------------------------------------------------------------------------
 */

/* The string of a member; NULL where it is null, absent or none. */
static const char *
get_string(JsonObject *object, const char *member)
{
    JsonNode *node = json_object_get_member(object, member);

    if (node == NULL || !JSON_NODE_HOLDS_VALUE(node) ||
        json_node_get_value_type(node) != G_TYPE_STRING)
        return NULL;
    return json_node_get_string(node);
}

static guint
rank(const char *level)
{
    for (guint i = 0; level != NULL && i < G_N_ELEMENTS(levels); i++)
        if (g_str_equal(levels[i], level))
            return i;
    return G_N_ELEMENTS(levels);
}

static Finding *
read_finding(JsonNode *node)
{
    JsonObject *object = JSON_NODE_HOLDS_OBJECT(node) ? json_node_get_object(node) : NULL;
    Finding *finding;

    if (object == NULL || get_string(object, "id") == NULL || get_string(object, "text") == NULL ||
        rank(get_string(object, "level")) == G_N_ELEMENTS(levels))
        return NULL;
    finding = g_new0(Finding, 1);
    finding->level = g_strdup(get_string(object, "level"));
    finding->id = g_strdup(get_string(object, "id"));
    finding->provider = g_strdup(get_string(object, "provider"));
    finding->text = g_strdup(get_string(object, "text"));
    finding->next = g_strdup(get_string(object, "next"));
    finding->by = "dmclient-broker";
    return finding;
}

bool
dm_finding_list_add_json(DmFindingList *list, const char *json)
{
    g_autoptr(JsonParser) parser = json_parser_new();
    g_autoptr(GPtrArray) read = g_ptr_array_new_with_free_func(finding_free);
    JsonNode *root;
    JsonNode *array = NULL;

    if (!json_parser_load_from_data(parser, json, -1, NULL))
        return false;
    root = json_parser_get_root(parser);
    if (root != NULL && JSON_NODE_HOLDS_OBJECT(root))
        array = json_object_get_member(json_node_get_object(root), "findings");
    if (array == NULL || !JSON_NODE_HOLDS_ARRAY(array))
        return false;
    for (guint i = 0; i < json_array_get_length(json_node_get_array(array)); i++) {
        Finding *finding = read_finding(json_array_get_element(json_node_get_array(array), i));

        if (finding == NULL)
            return false;
        g_ptr_array_add(read, finding);
    }
    g_ptr_array_extend_and_steal(list->findings, g_steal_pointer(&read));
    return true;
}

/* -- showing -------------------------------------------------------------------------------------
 */

static guint
count(const DmFindingList *list, const char *level)
{
    guint n = 0;

    for (guint i = 0; i < list->findings->len; i++)
        n += g_str_equal(((const Finding *)list->findings->pdata[i])->level, level);
    return n;
}

static void
print_finding(const Finding *finding, DmPrinter *printer)
{
    bool is_good = g_str_equal(finding->level, "ok");
    bool is_warning = g_str_equal(finding->level, "warning");
    DmStyle style = is_good ? DM_STYLE_GOOD : is_warning ? DM_STYLE_PLAIN : DM_STYLE_BAD;
    g_autoptr(GString) value = g_string_new(is_good      ? _("ok")
                                            : is_warning ? _("warning")
                                                         : _("error"));

    if (finding->provider != NULL)
        g_string_append_printf(value, "  %s", finding->provider);
    g_string_append_printf(value, "  %s", finding->text);
    /* Line feeds of a text would begin fields of their own. */
    g_strdelimit(value->str, "\n", ' ');
    dm_printer_field(printer, style, finding->id, value->str);
    if (!is_good && finding->next != NULL)
        dm_printer_field(printer, DM_STYLE_PLAIN, "", finding->next);
}

void
dm_finding_list_print(const DmFindingList *list, DmPrinter *printer)
{
    guint n_errors = count(list, "error");
    guint n_warnings = count(list, "warning");

    for (guint i = 0; i < list->findings->len; i++)
        print_finding(list->findings->pdata[i], printer);
    g_string_append_c(printer->out, '\n');
    if (n_errors + n_warnings == 0)
        dm_printer_say(printer, "%s", _("Nothing is wrong."));
    else
        dm_printer_say(printer, _("Errors: %u, warnings: %u."), n_errors, n_warnings);
    for (guint i = 0; i < list->skipped->len; i++)
        dm_printer_say(printer, _("Not looked at: %s. %s"), (const char *)list->skipped->pdata[i],
                       _(AS_ROOT));
}

static void
add_findings(const DmFindingList *list, JsonBuilder *builder)
{
    json_builder_set_member_name(builder, "findings");
    json_builder_begin_array(builder);
    for (guint i = 0; i < list->findings->len; i++) {
        const Finding *finding = list->findings->pdata[i];

        json_builder_begin_object(builder);
        dm_json_add_string(builder, "id", finding->id);
        dm_json_add_string(builder, "level", finding->level);
        dm_json_add_string(builder, "provider", finding->provider);
        dm_json_add_string(builder, "text", finding->text);
        dm_json_add_string(builder, "next", finding->next);
        dm_json_add_string(builder, "by", finding->by);
        json_builder_end_object(builder);
    }
    json_builder_end_array(builder);
}

void
dm_finding_list_print_json(const DmFindingList *list, DmPrinter *printer)
{
    g_autoptr(JsonBuilder) builder = dm_printer_json_begin();
    const char *level = "ok";

    if (count(list, "error") > 0)
        level = "error";
    else if (count(list, "warning") > 0)
        level = "warning";
    dm_json_add_string(builder, "level", level);
    add_findings(list, builder);
    json_builder_set_member_name(builder, "not_looked_at");
    json_builder_begin_array(builder);
    for (guint i = 0; i < list->skipped->len; i++) {
        json_builder_begin_object(builder);
        dm_json_add_string(builder, "text", list->skipped->pdata[i]);
        dm_json_add_string(builder, "next", _(AS_ROOT));
        json_builder_end_object(builder);
    }
    json_builder_end_array(builder);
    dm_printer_json_end(printer, builder);
}

DmExit
dm_finding_list_get_exit(const DmFindingList *list)
{
    if (list->exit != DM_EXIT_OK)
        return list->exit;
    if (count(list, "error") > 0)
        return DM_EXIT_FAILURE;
    return list->is_enrolled ? DM_EXIT_OK : DM_EXIT_NOT_ENROLLED;
}
