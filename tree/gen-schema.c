/* SPDX-License-Identifier: MIT */

/* Runs when the project is built, and writes what is derived from tree/nodes.def and cannot be said
 * in the preprocessor: paths, value slots, ends of subtrees, defaults as numbers, and the table of
 * a perfect hash over (parent, name). A node table that breaks its own form ends the build here. */

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tree/gen-nodes.h"
#include "tree/schema-hash.h"

typedef struct {
    const char *id;
    const char *name;
    const char *default_text;
    int parent;
    Format format;
} Row;

static const Row rows[N_NODES] = {
#define DM_NODE(ID, PARENT, NAME, FORMAT, OPS, OCCURRENCE, SCOPE, DEFAULT, ...)                    \
    {#ID, NAME, DEFAULT, DM_NODE_##PARENT, FORMAT_##FORMAT},
#include "tree/nodes.def"
#undef DM_NODE
};

_Static_assert(N_NODES < DM_SCHEMA_TABLE_FREE, "the hash table holds row numbers in a byte");
_Static_assert(N_NODES <= 128, "a provider has 128 bits of presence");

static bool
is_below(int node, int ancestor)
{
    while (node != DM_NODE_NONE && node != ancestor)
        node = rows[node].parent;
    return node == ancestor;
}

/* The row after the last one below `node`. */
static int
get_end(int node)
{
    int end = node + 1;

    while (end < N_NODES && is_below(end, node))
        end++;
    return end;
}

/* Rows stand in the order of a walk through the tree: all below a row follow it directly. */
static bool
is_in_order(void)
{
    if (rows[0].parent != DM_NODE_NONE)
        return false;
    for (int node = 1; node < N_NODES; node++) {
        if (rows[node].parent >= node || rows[rows[node].parent].format != NODE ||
            get_end(rows[node].parent) <= node) {
            fprintf(stderr, "nodes.def: %s does not follow its parent\n", rows[node].id);
            return false;
        }
    }
    return true;
}

static void
print_path(int node, const char *separator)
{
    if (rows[node].parent == DM_NODE_NONE)
        return;
    print_path(rows[node].parent, "/");
    printf("%s%s", rows[node].name, separator);
}

static bool
print_rows(void)
{
    int n_slots = 0;

    for (int node = 0; node < N_NODES; node++) {
        int slot = -1;

        if (rows[node].format != NODE && is_below(node, DM_NODE_PROVIDER))
            slot = n_slots++;
        printf("#define DM_PATH_%s \"", rows[node].id);
        print_path(node, "");
        printf("\"\n#define DM_SLOT_%s %d\n", rows[node].id, slot);
    }
    printf("#define DM_SCHEMA_N_SLOTS %d\n\n", n_slots);

    printf("static const uint8_t schema_end[] = {\n");
    for (int node = 0; node < N_NODES; node++)
        printf("    %d,\n", get_end(node));
    printf("};\n\n");
    return true;
}

/* The default of an int or bool as a number; false if it is none. */
static bool
parse_number(const Row *row, long long *ret_number)
{
    char *end = NULL;
    long long number;

    if (row->format == BOOL) {
        *ret_number = strcmp(row->default_text, "true") == 0;
        return *ret_number == 1 || strcmp(row->default_text, "false") == 0;
    }
    errno = 0;
    number = strtoll(row->default_text, &end, 10);
    if (errno != 0 || end == row->default_text || *end != '\0')
        return false;
    *ret_number = number;
    return true;
}

static bool
print_numbers(void)
{
    printf("static const gint64 schema_number[] = {\n");
    for (int node = 0; node < N_NODES; node++) {
        const Row *row = &rows[node];
        long long number = 0;

        if (row->default_text != NULL && (row->format == INT || row->format == BOOL) &&
            !parse_number(row, &number)) {
            fprintf(stderr, "nodes.def: default \"%s\" of %s does not fit its format\n",
                    row->default_text, row->id);
            return false;
        }
        printf("    %lld,\n", number);
    }
    printf("};\n\n");
    return true;
}

/* Fills `table` with the rows that have a name of their own; false at the first collision. */
static bool
fill(uint32_t seed, uint8_t table[DM_SCHEMA_TABLE_SIZE])
{
    memset(table, DM_SCHEMA_TABLE_FREE, DM_SCHEMA_TABLE_SIZE);
    for (int node = 1; node < N_NODES; node++) {
        unsigned place;

        if (rows[node].name[0] == '{')
            continue;
        place = dm_schema_hash(seed, (unsigned)rows[node].parent, rows[node].name,
                               strlen(rows[node].name));
        if (table[place] != DM_SCHEMA_TABLE_FREE)
            return false;
        table[place] = (uint8_t)node;
    }
    return true;
}

static bool
print_table(void)
{
    uint8_t table[DM_SCHEMA_TABLE_SIZE];

    for (uint32_t seed = 1; seed < 20000000; seed++) {
        if (!fill(seed, table))
            continue;
        printf("#define DM_SCHEMA_SEED %uu\n", (unsigned)seed);
        printf("static const uint8_t schema_table[DM_SCHEMA_TABLE_SIZE] = {\n");
        for (int i = 0; i < DM_SCHEMA_TABLE_SIZE; i++)
            printf("    %d,\n", table[i]);
        printf("};\n");
        return true;
    }
    fprintf(stderr, "nodes.def: no seed without collisions (two nodes of one name?)\n");
    return false;
}

int
main(void)
{
    printf("/* Written by gen-schema from nodes.def. */\n");
    if (!is_in_order() || !print_rows() || !print_numbers() || !print_table())
        return EXIT_FAILURE;
    return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
