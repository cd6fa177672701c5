/* SPDX-License-Identifier: MIT */
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cli/ask.h"
#include "cli/columns.h"
#include "cli/progress.h"
#include "cli/run.h"
#include "cli/snapshot.h"
#include "cli/table.h"
#include "cli/words.h"
#include "common/i18n.h"

#define BAR_CELLS 20
/* On narrower terminals numbers have to do. */
#define BAR_MIN_COLUMNS 60
#define MAX_ITEM_LINES 10
/* How often the time left is shown anew. */
#define TICK_MS 1000
#define MINUTE_S 60

/* How what is watched is shown. */
typedef enum {
    MODE_ONCE, /* not watched at all */
    MODE_LIVE, /* over and over in the same place */
    MODE_LOG,  /* a line, or an object, for each change */
} Mode;

typedef struct {
    Mode mode;
    guint n_rows;     /* MODE_LIVE: how many rows of the terminal are to be overwritten */
    GHashTable *said; /* MODE_LOG: heading to the line that was printed last */
} View;

/* -- for people ---------------------------------------------------------------------------------
 */

static char *
get_heading(const DmProgress *progress)
{
    if (progress->uid < 0)
        return g_strdup(progress->provider->id);
    /* Translators: a provider's part of a user, who is a number. */
    return g_strdup_printf(_("%s, user %u"), progress->provider->id, (guint)progress->uid);
}

/* How much time is left; NULL where none runs. */
static char *
get_time_left(const DmProgress *progress)
{
    gint64 left_s = (progress->deadline_us - g_get_real_time()) / G_USEC_PER_SEC;

    if (!dm_progress_is_running(progress) || progress->deadline_us == 0)
        return NULL;
    if (left_s < MINUTE_S)
        return g_strdup(_("less than a minute"));
    guint minutes = (guint)MIN(left_s / MINUTE_S, G_MAXINT);
    return g_strdup_printf(ngettext("%'u minute", "%'u minutes", minutes), minutes);
}

static char *
draw_bar(guint total, guint done, guint failed)
{
    guint n_done = total == 0 ? 0 : (guint)((guint64)MIN(done, total) * BAR_CELLS / total);
    guint n_failed = total == 0 ? 0 : (guint)((guint64)MIN(failed, total) * BAR_CELLS / total);
    GString *bar = g_string_new("[");

    for (guint i = 0; i < BAR_CELLS; i++)
        g_string_append_c(bar, i < n_done ? '#' : i < n_done + n_failed ? '!' : '.');
    g_string_append_c(bar, ']');
    return g_string_free(bar, FALSE);
}

static void
print_categories(const DmProgress *progress, DmPrinter *printer)
{
    bool wide = printer->columns == 0 || printer->columns >= BAR_MIN_COLUMNS;
    const DmTableColumn columns[] = {
        {_("CATEGORY"), DM_TABLE_TEXT}, {"", DM_TABLE_FIXED},          {_("DONE"), DM_TABLE_NUMBER},
        {_("FAILED"), DM_TABLE_NUMBER}, {_("TOTAL"), DM_TABLE_NUMBER},
    };
    g_autoptr(DmTable) table = dm_table_new(columns, G_N_ELEMENTS(columns));
    GVariantIter iter;
    const char *name;
    guint total;
    guint done;
    guint failed;

    if (progress->categories == NULL || progress->total == 0)
        return;
    g_variant_iter_init(&iter, progress->categories);
    while (g_variant_iter_next(&iter, "(&suuu)", &name, &total, &done, &failed)) {
        g_autofree char *bar = wide ? draw_bar(total, done, failed) : NULL;
        g_autofree char *done_text = g_strdup_printf("%'u", done);
        g_autofree char *failed_text = g_strdup_printf("%'u", failed);
        g_autofree char *total_text = g_strdup_printf("%'u", total);
        const char *cells[] = {dm_words_translate(name), bar, done_text, failed_text, total_text};

        if (total > 0)
            dm_table_add(table, failed > 0 ? DM_STYLE_BAD : DM_STYLE_PLAIN, cells);
    }
    dm_table_print(table, 2, printer);
}

static void
print_failed_items(const DmProgress *progress, DmPrinter *printer)
{
    GVariantIter iter;
    const char *item;
    guint n = 0;

    if (progress->failed_items == NULL)
        return;
    g_variant_iter_init(&iter, progress->failed_items);
    while (n < MAX_ITEM_LINES && g_variant_iter_next(&iter, "&s", &item))
        dm_printer_field(printer, DM_STYLE_BAD, n++ == 0 ? _("What failed") : "", item);
    gsize more = g_variant_n_children(progress->failed_items) - n;
    if (more > 0) {
        g_autofree char *text =
            g_strdup_printf(ngettext("and %'lu more", "and %'lu more", (gulong)more), (gulong)more);
        dm_printer_field(printer, DM_STYLE_BAD, "", text);
    }
}

static void
print_progress(const DmProgress *progress, DmPrinter *printer)
{
    g_autofree char *heading = get_heading(progress);
    g_autofree char *text = dm_progress_to_text(progress);
    g_autofree char *left = get_time_left(progress);

    dm_printer_heading(printer, heading);
    dm_printer_field(printer, dm_progress_get_style(progress), _("First sync"), text);
    dm_printer_field(printer, DM_STYLE_PLAIN, _("Time left"), left);
    print_categories(progress, printer);
    print_failed_items(progress, printer);
    if (dm_progress_has_failed(progress))
        dm_printer_field(printer, DM_STYLE_PLAIN, _("What to do"), progress->error_text);
}

static void
print_all(const GArray *syncs, DmPrinter *printer)
{
    for (guint i = 0; i < syncs->len; i++) {
        if (i > 0)
            g_string_append_c(printer->out, '\n');
        print_progress(&g_array_index(syncs, DmProgress, i), printer);
    }
}

/* -- for scripts --------------------------------------------------------------------------------
 */

static void
add_progress(const DmProgress *progress, JsonBuilder *builder)
{
    json_builder_begin_object(builder);
    dm_json_add_string(builder, "provider", progress->provider->id);
    json_builder_set_member_name(builder, "uid");
    if (progress->uid < 0)
        json_builder_add_null_value(builder);
    else
        json_builder_add_int_value(builder, progress->uid);
    dm_progress_add_json(progress, builder);
    dm_json_add_string(builder, "error_text", progress->error_text);
    json_builder_set_member_name(builder, "failed_items");
    if (progress->failed_items == NULL) {
        json_builder_add_null_value(builder);
    } else {
        json_builder_begin_array(builder);
        for (gsize i = 0; i < g_variant_n_children(progress->failed_items); i++) {
            g_autoptr(GVariant) item = g_variant_get_child_value(progress->failed_items, i);
            json_builder_add_string_value(builder, g_variant_get_string(item, NULL));
        }
        json_builder_end_array(builder);
    }
    json_builder_end_object(builder);
}

static void
print_json(const GArray *syncs, DmPrinter *printer)
{
    g_autoptr(JsonBuilder) builder = dm_printer_json_begin();

    json_builder_set_member_name(builder, "first_syncs");
    json_builder_begin_array(builder);
    for (guint i = 0; i < syncs->len; i++)
        add_progress(&g_array_index(syncs, DmProgress, i), builder);
    json_builder_end_array(builder);
    dm_printer_json_end(printer, builder);
}

/* -- watching -----------------------------------------------------------------------------------
 */

/* How many rows `text` takes on a terminal of that many columns: escapes of colours take none. */
static guint
count_rows(const char *text, guint columns)
{
    g_autoptr(GString) plain = g_string_new(NULL);
    guint rows = 0;

    for (const char *p = text; *p != '\0'; p++) {
        if (*p == '\033')
            p += strcspn(p, "m");
        else
            g_string_append_c(plain, *p);
    }
    g_auto(GStrv) lines = g_strsplit(plain->str, "\n", -1);
    for (guint i = 0; lines[i] != NULL && lines[i + 1] != NULL; i++)
        rows += MAX((dm_columns_count(lines[i]) + columns - 1) / columns, 1);
    return rows;
}

static guint
get_terminal_rows(void)
{
    struct winsize size = {.ws_row = 0};

    return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 0 ? size.ws_row
                                                                           : G_MAXUINT;
}

/* Draws over what was drawn before; what does not fit the terminal cannot be drawn over. */
static void
show_live(View *view, const GArray *syncs, DmPrinter *printer)
{
    g_autoptr(GString) drawn = NULL;

    printer->columns = dm_columns_get_terminal(STDOUT_FILENO);
    print_all(syncs, printer);
    drawn = g_string_new(printer->out->str);
    if (view->n_rows > 0) {
        g_autofree char *back = g_strdup_printf("\033[%uA\r\033[J", view->n_rows);
        g_string_prepend(printer->out, back);
    }
    view->n_rows = count_rows(drawn->str, printer->columns);
    if (view->n_rows >= get_terminal_rows())
        view->n_rows = 0;
}

static void
show_log(View *view, const GArray *syncs, DmPrinter *printer)
{
    for (guint i = 0; i < syncs->len; i++) {
        const DmProgress *progress = &g_array_index(syncs, DmProgress, i);
        g_autofree char *heading = get_heading(progress);
        g_autofree char *text = dm_progress_to_text(progress);
        g_autofree char *line = g_strdup_printf("%s: %s", heading, text);

        if (g_strcmp0(g_hash_table_lookup(view->said, heading), line) == 0)
            continue;
        dm_printer_append_escaped(printer->out, line, "");
        g_string_append_c(printer->out, '\n');
        g_hash_table_replace(view->said, g_steal_pointer(&heading), g_steal_pointer(&line));
    }
}

static void
show_json(View *view, const GArray *syncs, DmPrinter *printer)
{
    print_json(syncs, printer);
    if (view->mode == MODE_ONCE)
        return;
    /* What has not changed is not said again. */
    if (g_strcmp0(g_hash_table_lookup(view->said, ""), printer->out->str) == 0)
        g_string_truncate(printer->out, 0);
    else
        g_hash_table_replace(view->said, g_strdup(""), g_strdup(printer->out->str));
}

static void
show(View *view, const GArray *syncs, DmPrinter *printer)
{
    if (printer->json)
        show_json(view, syncs, printer);
    else if (view->mode == MODE_ONCE)
        print_all(syncs, printer);
    else if (view->mode == MODE_LIVE)
        show_live(view, syncs, printer);
    else
        show_log(view, syncs, printer);
}

/* The first syncs there are; NULL, and it is said, if there is none. */
static GArray *
collect(DmAsk *ask, const DmArguments *arguments, DmPrinter *printer, DmSnapshot **ret_snapshot,
        DmExit *ret_exit)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(DmSnapshot) snapshot = dm_snapshot_new(ask, &error);
    g_autoptr(GArray) syncs = NULL;

    if (snapshot == NULL) {
        *ret_exit = dm_printer_fail(printer, dm_ask_exit(error), "%s", error->message);
        return NULL;
    }
    *ret_exit = dm_snapshot_select(snapshot, arguments, printer);
    if (*ret_exit != DM_EXIT_OK)
        return NULL;
    syncs = dm_progress_collect(snapshot);
    if (syncs->len == 0) {
        *ret_exit = dm_printer_fail(printer, DM_EXIT_NOT_FOUND,
                                    _("no first sync is set up; 'dmclientctl status' shows who "
                                      "manages this device"));
        return NULL;
    }
    *ret_snapshot = g_steal_pointer(&snapshot);
    return g_steal_pointer(&syncs);
}

/* Whether those of the device and of this user are over, and how it went. Root sees others', too:
 * theirs begin when they log in, if ever. */
static bool
are_over(const GArray *syncs, DmExit *ret_exit)
{
    *ret_exit = DM_EXIT_OK;
    for (guint i = 0; i < syncs->len; i++) {
        const DmProgress *progress = &g_array_index(syncs, DmProgress, i);

        if (progress->uid >= 0 && progress->uid != (gint64)getuid())
            continue;
        if (dm_progress_has_failed(progress))
            *ret_exit = DM_EXIT_FAILURE;
        else if (!dm_progress_has_succeeded(progress))
            return false;
    }
    return true;
}

/* Shows the first syncs as they are now, and until they change; whether there is more to wait for.
 */
static bool
step(View *view, DmAsk *ask, const DmArguments *arguments, DmPrinter *printer, DmExit *ret_exit)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(DmSnapshot) snapshot = NULL;
    g_autoptr(GArray) syncs = collect(ask, arguments, printer, &snapshot, ret_exit);

    if (syncs == NULL)
        return false;
    for (;;) {
        show(view, syncs, printer);
        if (view->mode == MODE_ONCE || are_over(syncs, ret_exit))
            return false;
        if (!dm_printer_flush(printer)) {
            *ret_exit = DM_EXIT_FAILURE;
            return false;
        }
        if (dm_ask_wait(ask, view->mode == MODE_LIVE ? TICK_MS : -1, &error))
            return true;
        if (error != NULL) {
            *ret_exit = dm_printer_fail(printer, dm_ask_exit(error), "%s", error->message);
            return false;
        }
    }
}

DmExit
dm_run_first_sync(const DmArguments *arguments, DmPrinter *printer)
{
    bool watch = arguments->values[DM_OPTION_WATCH] != NULL;
    bool live = printer->terminal && !printer->json && g_strcmp0(g_getenv("TERM"), "dumb") != 0;
    View view = {.mode = !watch ? MODE_ONCE : live ? MODE_LIVE : MODE_LOG};
    g_autoptr(GHashTable) said = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    g_autoptr(GError) error = NULL;
    g_autoptr(DmAsk) ask = dm_ask_new(&error);
    DmExit code = DM_EXIT_OK;

    view.said = said;
    printer->lines = watch;
    /* Watched first: nothing that happens after the first look is missed. */
    if (ask == NULL || (watch && !dm_ask_watch(ask, &error)))
        return dm_printer_fail(printer, dm_ask_exit(error), "%s", error->message);
    while (step(&view, ask, arguments, printer, &code))
        continue;
    return code;
}
