/* SPDX-License-Identifier: MIT */

#include "hosts/mmi-json.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#include "hosts/mmi-scan.h"

#define LIBRARY "libjson-glib-1.0.so.0"

bool
dm_mmi_json_init(DmMmiJson *json, char **ret_problem)
{
    static const char names[] =
#define FUNCTION(name) "json_" #name "\0"
        DM_MMI_JSON_FUNCTIONS(FUNCTION)
#undef FUNCTION
        ;
    const char *name = names;
    void *library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);

    if (library == NULL) {
        *ret_problem = g_strdup_printf("%s; install json-glib", dlerror());
        return false;
    }
    for (gsize i = 0; *name != '\0'; i++, name += strlen(name) + 1) {
        void *function = dlsym(library, name);

        if (function == NULL) {
            *ret_problem = g_strdup_printf("%s; a newer json-glib is needed", dlerror());
            (void)dlclose(library);
            return false;
        }
        memcpy((char *)json + i * sizeof function, &function, sizeof function);
    }
    /* It stays where it is: that was asked for above. */
    (void)dlclose(library);
    return true;
}

/* -- reading -------------------------------------------------------------------------------------
 */

static bool
has_type(const DmMmiJson *json, JsonNode *node, GType type)
{
    return json->node_get_node_type(node) == JSON_NODE_VALUE &&
           json->node_get_value_type(node) == type;
}

bool
dm_mmi_json_is_object(const DmMmiJson *json, JsonNode *node)
{
    return json->node_get_node_type(node) == JSON_NODE_OBJECT;
}

bool
dm_mmi_json_is_array(const DmMmiJson *json, JsonNode *node)
{
    return json->node_get_node_type(node) == JSON_NODE_ARRAY;
}

bool
dm_mmi_json_is_string(const DmMmiJson *json, JsonNode *node)
{
    return has_type(json, node, G_TYPE_STRING);
}

bool
dm_mmi_json_is_int(const DmMmiJson *json, JsonNode *node)
{
    return has_type(json, node, G_TYPE_INT64);
}

bool
dm_mmi_json_is_boolean(const DmMmiJson *json, JsonNode *node)
{
    return has_type(json, node, G_TYPE_BOOLEAN);
}

/* How many members the objects have that json-glib made. */
static gsize
count_members(const DmMmiJson *json, JsonNode *node)
{
    gsize n = 0;

    if (dm_mmi_json_is_array(json, node)) {
        JsonArray *array = json->node_get_array(node);

        for (guint i = 0; i < json->array_get_length(array); i++)
            n += count_members(json, json->array_get_element(array, i));
    } else if (dm_mmi_json_is_object(json, node)) {
        JsonObject *object = json->node_get_object(node);
        g_autoptr(GList) names = json->object_get_members(object);

        for (GList *name = names; name != NULL; name = name->next)
            n += 1 + count_members(json, json->object_get_member(object, name->data));
    }
    return n;
}

JsonNode *
dm_mmi_json_parse(const DmMmiJson *json, const char *text, gsize size, char **ret_problem)
{
    JsonParser *parser;
    g_autoptr(GError) error = NULL;
    JsonNode *root;
    const char *problem;
    gsize n_members, offset;

    if (size > DM_MMI_JSON_MAX) {
        *ret_problem = g_strdup_printf("the payload has over %d bytes", DM_MMI_JSON_MAX);
        return NULL;
    }
    if (!dm_mmi_scan(text, size, &n_members, &problem, &offset)) {
        *ret_problem = g_strdup_printf(
            "the payload is not JSON as it must be: %s at byte %" G_GSIZE_FORMAT, problem, offset);
        return NULL;
    }
    parser = json->parser_new();
    if (!json->parser_load_from_data(parser, text, (gssize)size, &error))
        *ret_problem = g_strdup_printf("the payload cannot be read: %s", error->message);
    root = error == NULL ? json->parser_steal_root(parser) : NULL;
    g_object_unref(parser);
    if (root == NULL)
        return NULL;
    /* It keeps the last of several members of one name, and says nothing. */
    if (count_members(json, root) == n_members)
        return root;
    *ret_problem = g_strdup("the payload has a name twice in one object");
    json->node_unref(root);
    return NULL;
}

/* -- writing -------------------------------------------------------------------------------------
 */

char *
dm_mmi_json_write(const DmMmiJson *json, JsonNode *node, gsize *ret_size)
{
    g_autofree char *text = json->to_string(node, FALSE);
    char *copy = strdup(text);

    json->node_unref(node);
    *ret_size = copy != NULL ? strlen(copy) : 0;
    return copy;
}
