/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>
#include <json-glib/json-glib.h>
#include <stdbool.h>

/* json-glib as a guest has to use it: loaded by handle. Were it linked, another JSON library of the
 * host, whose functions have the same names, could be called in its place. */

#define DM_MMI_JSON_FUNCTIONS(F)                                                                   \
    F(array_add_object_element)                                                                    \
    F(array_get_element)                                                                           \
    F(array_get_length)                                                                            \
    F(array_new)                                                                                   \
    F(node_get_array)                                                                              \
    F(node_get_boolean)                                                                            \
    F(node_get_int)                                                                                \
    F(node_get_node_type)                                                                          \
    F(node_get_object)                                                                             \
    F(node_get_string)                                                                             \
    F(node_get_value_type)                                                                         \
    F(node_init_string)                                                                            \
    F(node_alloc)                                                                                  \
    F(node_init_array)                                                                             \
    F(node_init_object)                                                                            \
    F(node_unref)                                                                                  \
    F(array_unref)                                                                                 \
    F(object_get_member)                                                                           \
    F(object_get_members)                                                                          \
    F(object_get_size)                                                                             \
    F(object_new)                                                                                  \
    F(object_set_boolean_member)                                                                   \
    F(object_set_int_member)                                                                       \
    F(object_set_object_member)                                                                    \
    F(object_set_string_member)                                                                    \
    F(object_unref)                                                                                \
    F(parser_load_from_data)                                                                       \
    F(parser_new)                                                                                  \
    F(parser_steal_root)                                                                           \
    F(to_string)

/* json_NAME() is json->NAME(). */
typedef struct {
#define DM_MMI_JSON_POINTER(name) __typeof__(&json_##name) name;
    DM_MMI_JSON_FUNCTIONS(DM_MMI_JSON_POINTER)
#undef DM_MMI_JSON_POINTER
} DmMmiJson;

/* Most bytes of a payload that is read. */
#define DM_MMI_JSON_MAX (1024 * 1024)

/* Finds the functions. False, and `*ret_problem` (for g_free()) names the library and what to do,
 * if they are not there. The library stays loaded for as long as the process: its types cannot be
 * registered twice. */
bool dm_mmi_json_init(DmMmiJson *json, char **ret_problem);

/* Reads `size` bytes of a payload, which need not end with a NUL. NULL, and `*ret_problem` (for
 * g_free()) says what is wrong and where: what dm_mmi_scan() refuses, a name twice in one object.
 * For json->node_unref(). */
JsonNode *dm_mmi_json_parse(const DmMmiJson *json, const char *text, gsize size,
                            char **ret_problem);

/* The node as compact text for free(), `*ret_size` bytes and a NUL; takes the node. NULL: no
 * memory.
 */
char *dm_mmi_json_write(const DmMmiJson *json, JsonNode *node, gsize *ret_size);

/* What kind of value it is. Numbers are integers. */
bool dm_mmi_json_is_object(const DmMmiJson *json, JsonNode *node);
bool dm_mmi_json_is_array(const DmMmiJson *json, JsonNode *node);
bool dm_mmi_json_is_string(const DmMmiJson *json, JsonNode *node);
bool dm_mmi_json_is_int(const DmMmiJson *json, JsonNode *node);
bool dm_mmi_json_is_boolean(const DmMmiJson *json, JsonNode *node);
