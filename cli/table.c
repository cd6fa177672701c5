/* SPDX-License-Identifier: MIT */
#include "cli/table.h"

#include "cli/columns.h"

#define GAP 2
/* A column that shrinks keeps this much. */
#define MIN_WIDTH 8

typedef struct {
    DmStyle style;
    GStrv cells; /* escaped */
} Row;

struct DmTable {
    const DmTableColumn *columns;
    guint n_columns;
    GArray *rows; /* Row */
};

static void
row_clear(gpointer data)
{
    g_strfreev(((Row *)data)->cells);
}

DmTable *
dm_table_new(const DmTableColumn *columns, guint n_columns)
{
    DmTable *table = g_new0(DmTable, 1);

    table->columns = columns;
    table->n_columns = n_columns;
    table->rows = g_array_new(FALSE, TRUE, sizeof(Row));
    g_array_set_clear_func(table->rows, row_clear);
    return table;
}

void
dm_table_free(DmTable *table)
{
    if (table == NULL)
        return;
    g_array_unref(table->rows);
    g_free(table);
}

void
dm_table_add(DmTable *table, DmStyle style, const char *const *cells)
{
    Row row = {.style = style, .cells = g_new0(char *, table->n_columns + 1)};

    for (guint i = 0; i < table->n_columns; i++) {
        GString *cell = g_string_new(NULL);

        if (cells[i] != NULL)
            dm_printer_append_escaped(cell, cells[i], "");
        row.cells[i] = g_string_free(cell, FALSE);
    }
    g_array_append_val(table->rows, row);
}

/* Takes one column's width away from the widest that may shrink; false if none may any more. */
static bool
shrink(const DmTable *table, guint *widths)
{
    guint widest = table->n_columns;

    for (guint i = 0; i < table->n_columns; i++)
        if (table->columns[i].kind == DM_TABLE_TEXT && widths[i] > MIN_WIDTH &&
            (widest == table->n_columns || widths[i] > widths[widest]))
            widest = i;
    if (widest == table->n_columns)
        return false;
    widths[widest]--;
    return true;
}

static guint *
get_widths(const DmTable *table, guint available)
{
    guint *widths = g_new0(guint, table->n_columns);
    guint sum = 0;

    for (guint i = 0; i < table->n_columns; i++) {
        widths[i] = dm_columns_count(table->columns[i].heading);
        for (guint j = 0; j < table->rows->len; j++)
            widths[i] =
                MAX(widths[i], dm_columns_count(g_array_index(table->rows, Row, j).cells[i]));
        sum += widths[i] + (i > 0 ? GAP : 0);
    }
    if (available > 0)
        while (sum > available && shrink(table, widths))
            sum--;
    return widths;
}

static void
print_row(const DmTable *table, DmStyle style, const char *const *cells, const guint *widths,
          guint indent, DmPrinter *printer)
{
    g_autoptr(GString) line = g_string_new(NULL);

    for (guint i = 0; i < table->n_columns; i++) {
        if (i > 0)
            g_string_append_printf(line, "%*s", GAP, "");
        if (table->columns[i].kind != DM_TABLE_NUMBER) {
            dm_columns_append_fitted(line, cells[i], widths[i]);
            continue;
        }
        for (guint n = dm_columns_count(cells[i]); n < widths[i]; n++)
            g_string_append_c(line, ' ');
        g_string_append(line, cells[i]);
    }
    g_string_append_printf(printer->out, "%*s", (int)indent, "");
    dm_printer_styled(printer, style, g_strchomp(line->str));
    g_string_append_c(printer->out, '\n');
}

void
dm_table_print(const DmTable *table, guint indent, DmPrinter *printer)
{
    guint room = printer->columns > indent ? printer->columns - indent : 1;
    g_autofree guint *widths = get_widths(table, printer->columns == 0 ? 0 : room);
    g_autofree const char **headings = g_new0(const char *, table->n_columns + 1);

    for (guint i = 0; i < table->n_columns; i++)
        headings[i] = table->columns[i].heading;
    print_row(table, DM_STYLE_HEADING, headings, widths, indent, printer);
    for (guint i = 0; i < table->rows->len; i++) {
        const Row *row = &g_array_index(table->rows, Row, i);

        print_row(table, row->style, (const char *const *)row->cells, widths, indent, printer);
    }
}
