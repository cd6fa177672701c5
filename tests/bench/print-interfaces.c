/* SPDX-License-Identifier: MIT */

/* Prints the interfaces of a provider and of what is below it as one introspection document, as the
 * service itself has them: the other implementations that it is measured against are made of it. */

#include <stdlib.h>
#include <string.h>

#include "dbus/names.h"
#include "plugin/introspection.h"

#define BEGIN " <interface name=\"" DM_BUS_INTERFACE "."
#define END " </interface>\n"

static void
apply(DmTree *tree, DmVerb verb, const char *loc_uri)
{
    const DmContext root = {.uid = -1};
    const DmCommand command = {.verb = verb, .loc_uri = loc_uri};
    g_autoptr(DmReply) reply = dm_tree_apply(tree, &root, &command, 1);

    if (dm_reply_get(reply, 0)->status != DM_STATUS_OK)
        g_error("%s: %u", loc_uri, dm_reply_get(reply, 0)->status);
}

/* What is ours in the document of one object. */
static void
print_interfaces(const char *xml)
{
    for (const char *begin = strstr(xml, BEGIN); begin != NULL; begin = strstr(begin + 1, BEGIN)) {
        const char *end = strstr(begin, END);

        g_assert(end != NULL);
        g_print("%.*s%s", (int)(end - begin), begin, END);
    }
}

int
main(void)
{
    const DmTreeOptions options = {0};
    g_autoptr(DmTree) tree = dm_tree_new(NULL, &options, NULL);
    g_autoptr(DmNodeInterfaces) interfaces = dm_node_interfaces_new();
    DmObject object = {.scope = DM_SCOPE_DEVICE};
    const DmNodeInterface *interface;

    for (DmNodeId node = DM_NODE_PROVIDER; node < dm_schema_get_end(DM_NODE_PROVIDER); node++) {
        g_autoptr(GString) loc_uri = g_string_new(NULL);

        if (!dm_node_is_interior(dm_schema_get(node)))
            continue;
        object.provider = dm_tree_find_provider(tree, DM_SCOPE_DEVICE, 0, "P");
        dm_schema_append_loc_uri(loc_uri, DM_SCOPE_DEVICE, node, "P");
        if (object.provider == NULL || !dm_provider_has(object.provider, node))
            apply(tree, DM_VERB_ADD, loc_uri->str);
    }
    object.provider = dm_tree_find_provider(tree, DM_SCOPE_DEVICE, 0, "P");
    g_print("<node>\n");
    for (guint i = 0; (interface = dm_node_interfaces_get(interfaces, i)) != NULL; i++) {
        g_autofree char *xml = NULL;

        object.node = interface->node;
        if (!dm_schema_is_below(object.node, DM_NODE_PROVIDER))
            continue;
        xml = dm_introspection_build(interfaces, tree, &object);
        print_interfaces(xml);
    }
    g_print("</node>\n");
    return EXIT_SUCCESS;
}
