/* SPDX-License-Identifier: MIT */
#include "cli/table.h"

#include "cli/columns.h"

static const DmTableColumn columns[] = {
    {"NAME", DM_TABLE_TEXT},
    {"STATE", DM_TABLE_FIXED},
    {"N", DM_TABLE_NUMBER},
    {"REASON", DM_TABLE_TEXT},
};

static DmTable *
make_table(void)
{
    static const char *const rows[][G_N_ELEMENTS(columns)] = {
        {"Contoso", "idle", "5", NULL},
        {"漢字 organisation", "running", "1000", "the certificate of the server has expired"},
    };
    DmTable *table = dm_table_new(columns, G_N_ELEMENTS(columns));

    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++)
        dm_table_add(table, DM_STYLE_PLAIN, rows[i]);
    return table;
}

static char *
print(const DmTable *table, guint width, guint indent)
{
    g_autoptr(DmPrinter) printer = dm_printer_new(false);

    printer->columns = width;
    dm_table_print(table, indent, printer);
    return g_strdup(printer->out->str);
}

static void
test_without_a_terminal(void)
{
    g_autoptr(DmTable) table = make_table();
    g_autofree char *text = print(table, 0, 2);

    g_assert_cmpstr(
        text, ==,
        "  NAME               STATE       N  REASON\n"
        "  Contoso            idle        5\n"
        "  漢字 organisation  running  1000  the certificate of the server has expired\n");
}

/* The widest give way first; columns of fixed width and numbers never. */
static void
test_on_a_narrow_terminal(void)
{
    g_autoptr(DmTable) table = make_table();
    g_autofree char *text = print(table, 50, 0);

    g_assert_cmpstr(text, ==,
                    "NAME              STATE       N  REASON\n"
                    "Contoso           idle        5\n"
                    "漢字 organisati…  running  1000  the certificate …\n");
}

static void
test_every_width(void)
{
    g_autoptr(DmTable) table = make_table();

    for (guint width = 45; width < 100; width++) {
        g_autofree char *text = print(table, width, 3);
        g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

        for (guint i = 0; lines[i] != NULL; i++)
            g_assert_cmpuint(dm_columns_count(lines[i]), <=, width);
    }
}

static void
test_cells_are_escaped(void)
{
    static const char *const cells[] = {"a\nb", "\033[2J", "1", "x\xe2\x80\xaey"};
    g_autoptr(DmTable) table = dm_table_new(columns, G_N_ELEMENTS(columns));

    dm_table_add(table, DM_STYLE_PLAIN, cells);
    g_autofree char *text = print(table, 0, 0);
    g_assert_cmpstr(text, ==,
                    "NAME    STATE    N  REASON\n"
                    "a\\x0ab  \\x1b[2J  1  x\\u202ey\n");
}

static void
test_styles(void)
{
    static const char *const cells[] = {"a", "b", "1", "c"};
    g_autoptr(DmTable) table = dm_table_new(columns, G_N_ELEMENTS(columns));
    g_autoptr(DmPrinter) printer = dm_printer_new(false);

    printer->colour = true;
    dm_table_add(table, DM_STYLE_BAD, cells);
    dm_table_print(table, 0, printer);
    g_assert_cmpstr(printer->out->str, ==,
                    "\033[1mNAME  STATE  N  REASON\033[0m\n\033[31ma     b      1  c\033[0m\n");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/table/without-a-terminal", test_without_a_terminal);
    g_test_add_func("/table/on-a-narrow-terminal", test_on_a_narrow_terminal);
    g_test_add_func("/table/every-width", test_every_width);
    g_test_add_func("/table/cells-are-escaped", test_cells_are_escaped);
    g_test_add_func("/table/styles", test_styles);
    return g_test_run();
}
