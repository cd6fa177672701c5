/* SPDX-License-Identifier: MIT */

/* Runs when the project is built, and writes the model that OSConfig has of this module (a MIM)
 * from tree/nodes.def. */

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hosts/mmi-names.h"
#include "tree/gen-nodes.h"

static const struct {
    const char *name;
    int parent;
    Format format;
} rows[N_NODES] = {
#define DM_NODE(ID, PARENT, NAME, FORMAT, ...) {NAME, DM_NODE_##PARENT, FORMAT_##FORMAT},
#include "tree/nodes.def"
#undef DM_NODE
};

static void
print_line(int depth, const char *text)
{
    printf("%*s%s\n", depth * 2, "", text);
}

static void
print_name(int depth, int node)
{
    char name[DM_MMI_NAME_MAX];

    dm_mmi_name(rows[node].name, name);
    printf("%*s\"name\": \"%s\",\n", depth * 2, "", name);
}

static const char *
get_schema(Format format)
{
    if (format == INT)
        return "integer";
    return format == BOOL ? "boolean" : "string";
}

static void
print_leaf(int depth, const char *name, const char *schema, bool is_last)
{
    printf("%*s{ \"name\": \"%s\", \"schema\": \"%s\" }%s\n", depth * 2, "", name, schema,
           is_last ? "" : ",");
}

static int
find_child(int parent, int after)
{
    for (int node = after + 1; node < N_NODES; node++)
        if (rows[node].parent == parent && rows[node].format != NULL_FORMAT)
            return node;
    return DM_NODE_NONE;
}

/* The children of a node as fields of an object. */
static void
print_fields(int depth, int parent)
{
    for (int node = find_child(parent, parent), next; node != DM_NODE_NONE; node = next) {
        char name[DM_MMI_NAME_MAX];

        next = find_child(parent, node);
        if (rows[node].format != NODE) {
            dm_mmi_name(rows[node].name, name);
            print_leaf(depth, name, get_schema(rows[node].format), next == DM_NODE_NONE);
            continue;
        }
        print_line(depth, "{");
        print_name(depth + 1, node);
        print_line(depth + 1, "\"schema\": {");
        print_line(depth + 2, "\"type\": \"object\",");
        print_line(depth + 2, "\"fields\": [");
        print_fields(depth + 3, node);
        print_line(depth + 2, "]");
        print_line(depth + 1, "}");
        print_line(depth, next == DM_NODE_NONE ? "}" : "},");
    }
}

static void
begin_object(const char *name, bool is_desired)
{
    print_line(4, "{");
    printf("%*s\"name\": \"%s\",\n", 10, "", name);
    print_line(5, "\"type\": \"mimObject\",");
    print_line(5, is_desired ? "\"desired\": true," : "\"desired\": false,");
}

static void
print_providers(bool is_desired)
{
    char id[DM_MMI_NAME_MAX];

    dm_mmi_name(rows[DM_NODE_PROVIDER].name, id);
    begin_object("providers", is_desired);
    print_line(5, "\"schema\": {");
    print_line(6, "\"type\": \"array\",");
    print_line(6, "\"elementSchema\": {");
    print_line(7, "\"type\": \"object\",");
    print_line(7, "\"fields\": [");
    print_leaf(8, id, "string", false);
    print_fields(8, DM_NODE_PROVIDER);
    print_line(7, "]");
    print_line(6, "}");
    print_line(5, "}");
    print_line(4, "},");
}

/* An object of leaves: pairs of name and schema, ended by NULL. */
static void
print_flat(const char *name, bool is_desired, const char *const *fields, bool is_last)
{
    begin_object(name, is_desired);
    print_line(5, "\"schema\": {");
    print_line(6, "\"type\": \"object\",");
    print_line(6, "\"fields\": [");
    for (; fields[0] != NULL; fields += 2)
        print_leaf(7, fields[0], fields[1], fields[2] == NULL);
    print_line(6, "]");
    print_line(5, "}");
    print_line(4, is_last ? "}" : "},");
}

static void
print_hw_dev_id(void)
{
    char name[DM_MMI_NAME_MAX];

    dm_mmi_name(rows[DM_NODE_ROOT_HW_DEV_ID].name, name);
    begin_object(name, false);
    print_line(5, "\"schema\": \"string\"");
    print_line(4, "},");
}

int
main(void)
{
    static const char *const last_command[] = {
        "commandId", "string", "status", "integer", "message", "string", NULL,
    };
    static const char *const command[] = {
        "commandId", "string", "verb", "string", "locUri", "string",
        "format",    "string", "data", "string", NULL,
    };

    print_line(0, "{");
    print_line(1, "\"name\": \"DMClientModel\",");
    print_line(1, "\"type\": \"mimModel\",");
    print_line(1, "\"contents\": [");
    print_line(2, "{");
    print_line(3, "\"name\": \"DMClient\",");
    print_line(3, "\"type\": \"mimComponent\",");
    print_line(3, "\"contents\": [");
    print_hw_dev_id();
    print_providers(false);
    print_flat("lastCommand", false, last_command, false);
    print_providers(true);
    print_flat("command", true, command, true);
    print_line(3, "]");
    print_line(2, "}");
    print_line(1, "]");
    print_line(0, "}");
    return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
