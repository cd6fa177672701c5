/* SPDX-License-Identifier: MIT */

#include "hosts/mmi-plan.h"

#include <string.h>

/* Most bytes of a commandId. */
#define MAX_COMMAND_ID 128

/* What a command is about; of an Atomic, and of a command by LocURI, nothing. */
typedef struct {
    const char *provider; /* borrowed from the plan's texts */
    DmMmiNode node;
} Target;

struct DmMmiPlan {
    DmCommand *commands;
    Target *targets; /* one for each */
    gsize n, room;
    GPtrArray *texts;    /* what they point to */
    const char *command; /* commandId; NULL of providers */
};

/* A provider that is looked at. */
typedef struct {
    DmMmiPlan *plan;
    const DmMmiJson *json;
    const DmMmiProvider *current; /* NULL: it is not there */
    const char *id;               /* as its LocURI has it */
    char *problem;
} Wish;

static DmMmiPlan *
new_plan(void)
{
    DmMmiPlan *plan = g_new0(DmMmiPlan, 1);

    plan->texts = g_ptr_array_new_with_free_func(g_free);
    return plan;
}

void
dm_mmi_plan_free(DmMmiPlan *plan)
{
    if (plan == NULL)
        return;
    g_free(plan->commands);
    g_free(plan->targets);
    g_ptr_array_unref(plan->texts);
    g_free(plan);
}

/* Keeps a text for as long as the plan; takes it. */
static const char *
keep(DmMmiPlan *plan, char *text)
{
    g_ptr_array_add(plan->texts, text);
    return text;
}

static void
add(DmMmiPlan *plan, DmCommand command, const char *provider, DmMmiNode node)
{
    if (plan->n == plan->room) {
        plan->room = plan->room * 2 + 16;
        plan->commands = g_realloc_n(plan->commands, plan->room, sizeof *plan->commands);
        plan->targets = g_realloc_n(plan->targets, plan->room, sizeof *plan->targets);
    }
    command.data_size = command.data != NULL ? strlen(command.data) : 0;
    plan->commands[plan->n] = command;
    plan->targets[plan->n++] = (Target){.provider = provider, .node = node};
}

/* -- providers -----------------------------------------------------------------------------------
 */

/* "provider MyMDM, poll.pollOnLogin" and what comes after it. */
static char *
describe(const char *provider, DmMmiNode node, const char *what)
{
    GString *text = g_string_new("provider ");

    g_string_append(text, provider);
    if (node != DM_MMI_NODE_PROVIDER) {
        g_string_append(text, ", ");
        dm_mmi_model_append_name(text, node);
    }
    g_string_append(text, what);
    return g_string_free(text, FALSE);
}

/* The first thing wrong is what is told. */
static bool
refuse(Wish *wish, DmMmiNode node, const char *what)
{
    wish->problem = describe(wish->id, node, what);
    return false;
}

static void
ask(Wish *wish, DmVerb verb, DmMmiNode node, char *data)
{
    DmCommand command = {.verb = verb};

    command.loc_uri = keep(wish->plan, dm_mmi_model_new_uri(node, wish->id));
    if (data != NULL)
        command.data = keep(wish->plan, data);
    add(wish->plan, command, wish->id, node);
}

/* The value as the tree has it, for g_free(); NULL if it is of another kind than the leaf. */
static char *
to_text(const DmMmiJson *json, JsonNode *value, DmFormat format)
{
    switch (format) {
    case DM_FORMAT_CHR:
        if (dm_mmi_json_is_string(json, value))
            return g_strdup(json->node_get_string(value));
        break;
    case DM_FORMAT_INT:
        if (dm_mmi_json_is_int(json, value))
            return g_strdup_printf("%" G_GINT64_FORMAT, json->node_get_int(value));
        break;
    case DM_FORMAT_BOOL:
        if (dm_mmi_json_is_boolean(json, value))
            return g_strdup(json->node_get_boolean(value) ? "true" : "false");
        break;
    case DM_FORMAT_NODE:
    case DM_FORMAT_NULL:
    case DM_FORMAT_B64:
    case DM_FORMAT_XML:
    case DM_FORMAT_FLOAT:
    case DM_FORMAT_DATE:
    case DM_FORMAT_TIME:
        break;
    }
    return NULL;
}

static const char *
get_kind(DmFormat format)
{
    if (format == DM_FORMAT_NODE)
        return ": must be an object";
    if (format == DM_FORMAT_INT)
        return ": must be an integer";
    return format == DM_FORMAT_BOOL ? ": must be a boolean" : ": must be a string";
}

static const char *
get_current(const Wish *wish, DmMmiNode node)
{
    return wish->current != NULL ? wish->current->values[node] : NULL;
}

static bool
want_leaf(Wish *wish, DmMmiNode node, JsonNode *value)
{
    DmFormat format = dm_mmi_model_get_format(node);
    const char *current = get_current(wish, node);
    char *text = to_text(wish->json, value, format);

    if (text == NULL)
        return refuse(wish, node, get_kind(format));
    if (current != NULL && strcmp(current, text) == 0) {
        g_free(text);
        return true;
    }
    ask(wish, current == NULL && dm_mmi_model_can_add(node) ? DM_VERB_ADD : DM_VERB_REPLACE, node,
        text);
    return true;
}

/* Leaves make the interior node that they need; one without leaves is asked for by itself. Some are
 * there as soon as their provider is (V10). */
static void
want_empty(Wish *wish, DmMmiNode node)
{
    bool comes_along =
        wish->current == NULL && (node == DM_MMI_NODE_FIRST_SYNC || node == DM_MMI_NODE_SECURITY);

    if (get_current(wish, node) == NULL && !comes_along)
        ask(wish, DM_VERB_ADD, node, NULL);
}

static JsonNode *
find_member(const DmMmiJson *json, JsonObject *object, DmMmiNode node)
{
    char name[DM_MMI_NAME_MAX];

    dm_mmi_model_write_name(node, name);
    return json->object_get_member(object, name);
}

static bool
is_child(const char *name, DmMmiNode parent)
{
    for (guint node = DM_MMI_FIRST; node < dm_mmi_model_get_end(); node++) {
        char known[DM_MMI_NAME_MAX];

        dm_mmi_model_write_name((DmMmiNode)node, known);
        if (dm_mmi_model_get_parent((DmMmiNode)node) == parent &&
            dm_mmi_model_has((DmMmiNode)node) && strcmp(known, name) == 0)
            return true;
    }
    return false;
}

/* Says which member of an object below `parent` the model does not have. */
static bool
refuse_stranger(Wish *wish, JsonObject *object, DmMmiNode parent)
{
    g_autoptr(GList) names = wish->json->object_get_members(object);
    char id_name[DM_MMI_NAME_MAX];

    dm_mmi_model_write_name(DM_MMI_NODE_PROVIDER, id_name);
    for (GList *name = names; name != NULL; name = name->next) {
        g_autofree char *what = NULL;

        if (is_child(name->data, parent) ||
            (parent == DM_MMI_NODE_PROVIDER && strcmp(name->data, id_name) == 0))
            continue;
        what = g_strdup_printf(": there is no \"%s\" in the model", (const char *)name->data);
        return refuse(wish, parent, what);
    }
    g_assert_not_reached();
}

/* Looks at what the members of `object` want of the children of `parent`. */
static bool
want_children(Wish *wish, JsonObject *object, DmMmiNode parent)
{
    guint n_known = parent == DM_MMI_NODE_PROVIDER ? 1 : 0; /* the id has been read */

    for (guint i = DM_MMI_FIRST; i < dm_mmi_model_get_end(); i++) {
        DmMmiNode node = (DmMmiNode)i;
        JsonNode *member = NULL;

        if (dm_mmi_model_get_parent(node) == parent && dm_mmi_model_has(node))
            member = find_member(wish->json, object, node);
        if (member == NULL)
            continue;
        n_known++;
        if (dm_mmi_model_get_format(node) != DM_FORMAT_NODE) {
            if (!want_leaf(wish, node, member))
                return false;
            continue;
        }
        if (!dm_mmi_json_is_object(wish->json, member))
            return refuse(wish, node, get_kind(DM_FORMAT_NODE));
        if (wish->json->object_get_size(wish->json->node_get_object(member)) == 0)
            want_empty(wish, node);
        else if (!want_children(wish, wish->json->node_get_object(member), node))
            return false;
    }
    return wish->json->object_get_size(object) == n_known || refuse_stranger(wish, object, parent);
}

/* The id that entry `index` of the array has; NULL, and why. */
static const char *
read_id(const DmMmiJson *json, JsonNode *entry, guint index, char **ret_problem)
{
    JsonNode *id = NULL;

    if (dm_mmi_json_is_object(json, entry))
        id = find_member(json, json->node_get_object(entry), DM_MMI_NODE_PROVIDER);
    if (id != NULL && dm_mmi_json_is_string(json, id) && *json->node_get_string(id) != '\0')
        return json->node_get_string(id);
    *ret_problem =
        g_strdup_printf("entry %u of providers is no object that says its providerId", index);
    return NULL;
}

static bool
want_provider(DmMmiPlan *plan, const DmMmiJson *json, JsonNode *entry, const DmMmiProvider *current,
              const char *id, char **ret_problem)
{
    Wish wish = {.plan = plan, .json = json, .current = current, .id = id};

    if (current == NULL)
        ask(&wish, DM_VERB_ADD, DM_MMI_NODE_PROVIDER, NULL);
    if (want_children(&wish, json->node_get_object(entry), DM_MMI_NODE_PROVIDER))
        return true;
    *ret_problem = wish.problem;
    return false;
}

static bool
want_providers(DmMmiPlan *plan, const DmMmiJson *json, JsonArray *array, const DmMmiState *state,
               char **ret_problem)
{
    g_autofree const char **ids = g_new0(const char *, DM_MMI_MAX_PROVIDERS);

    if (json->array_get_length(array) > DM_MMI_MAX_PROVIDERS) {
        *ret_problem = g_strdup_printf("providers has over %d entries", DM_MMI_MAX_PROVIDERS);
        return false;
    }
    for (guint i = 0; i < json->array_get_length(array); i++) {
        JsonNode *entry = json->array_get_element(array, i);
        const char *id = read_id(json, entry, i, ret_problem);
        const DmMmiProvider *current;

        if (id == NULL)
            return false;
        current = dm_mmi_state_find(state, id);
        id = keep(plan, g_strdup(current != NULL ? current->id : id));
        for (guint j = 0; j < i; j++) {
            if (strcmp(ids[j], id) == 0) {
                *ret_problem = g_strdup_printf("provider %s is in the payload twice", id);
                return false;
            }
        }
        ids[i] = id;
        if (!want_provider(plan, json, entry, current, id, ret_problem))
            return false;
    }
    return true;
}

DmMmiPlan *
dm_mmi_plan_new_providers(const DmMmiJson *json, JsonNode *desired, const DmMmiState *state,
                          char **ret_problem)
{
    g_autoptr(DmMmiPlan) plan = new_plan();

    if (!dm_mmi_json_is_array(json, desired)) {
        *ret_problem = g_strdup("providers must be an array");
        return NULL;
    }
    add(plan, (DmCommand){.verb = DM_VERB_ATOMIC}, NULL, DM_MMI_NODE_NONE);
    if (!want_providers(plan, json, json->node_get_array(desired), state, ret_problem))
        return NULL;
    if (plan->n > DM_BATCH_MAX) {
        *ret_problem = g_strdup_printf("providers asks for over %d changes", DM_BATCH_MAX);
        return NULL;
    }
    plan->commands[0].span = (guint)plan->n - 1;
    return g_steal_pointer(&plan);
}

/* -- a command -----------------------------------------------------------------------------------
 */

/* A member of `command`, kept; NULL if it is not there. */
static bool
read_member(DmMmiPlan *plan, const DmMmiJson *json, JsonObject *object, const char *name,
            const char **ret_text, guint *n_known, char **ret_problem)
{
    JsonNode *member = json->object_get_member(object, name);

    *ret_text = NULL;
    if (member == NULL)
        return true;
    if (!dm_mmi_json_is_string(json, member)) {
        *ret_problem = g_strdup_printf("command: %s must be a string", name);
        return false;
    }
    (*n_known)++;
    *ret_text = keep(plan, g_strdup(json->node_get_string(member)));
    return true;
}

/* NONE: there is no such verb, or no name. */
static DmVerb
find_verb(const char *name)
{
    static const struct {
        char name[8];
        guint8 verb;
    } verbs[] = {
        {"add", DM_VERB_ADD},
        {"replace", DM_VERB_REPLACE},
        {"delete", DM_VERB_DELETE},
        {"exec", DM_VERB_EXEC},
    };

    for (gsize i = 0; name != NULL && i < G_N_ELEMENTS(verbs); i++)
        if (strcmp(verbs[i].name, name) == 0)
            return (DmVerb)verbs[i].verb;
    return DM_VERB_NONE;
}

static char *
judge_command(const char *id, const char *verb, const char *loc_uri, bool has_strangers)
{
    if (id == NULL || *id == '\0' || strlen(id) > MAX_COMMAND_ID)
        return g_strdup_printf("command: commandId must have 1 to %d bytes", MAX_COMMAND_ID);
    if (find_verb(verb) == DM_VERB_NONE)
        return g_strdup_printf("command %s: verb must be add, replace, delete or exec", id);
    if (loc_uri == NULL)
        return g_strdup_printf("command %s: locUri is missing", id);
    if (has_strangers)
        return g_strdup_printf("command %s: has members that the model does not have", id);
    return NULL;
}

DmMmiPlan *
dm_mmi_plan_new_command(const DmMmiJson *json, JsonNode *desired, char **ret_problem)
{
    g_autoptr(DmMmiPlan) plan = new_plan();
    const char *verb = NULL;
    DmCommand command = {0};
    guint n_known = 0;
    JsonObject *object;

    if (!dm_mmi_json_is_object(json, desired)) {
        *ret_problem = g_strdup("command must be an object");
        return NULL;
    }
    object = json->node_get_object(desired);
    if (!read_member(plan, json, object, "commandId", &plan->command, &n_known, ret_problem) ||
        !read_member(plan, json, object, "verb", &verb, &n_known, ret_problem) ||
        !read_member(plan, json, object, "locUri", &command.loc_uri, &n_known, ret_problem) ||
        !read_member(plan, json, object, "format", &command.format, &n_known, ret_problem) ||
        !read_member(plan, json, object, "data", &command.data, &n_known, ret_problem))
        return NULL;
    *ret_problem = judge_command(plan->command, verb, command.loc_uri,
                                 json->object_get_size(object) != n_known);
    if (*ret_problem != NULL)
        return NULL;
    command.verb = find_verb(verb);
    add(plan, command, NULL, DM_MMI_NODE_NONE);
    return g_steal_pointer(&plan);
}

/* -- reading it ----------------------------------------------------------------------------------
 */

const DmCommand *
dm_mmi_plan_get(const DmMmiPlan *plan, gsize *ret_n)
{
    /* An Atomic of nothing is nothing. */
    *ret_n = plan->command == NULL && plan->n == 1 ? 0 : plan->n;
    return plan->commands;
}

char *
dm_mmi_plan_describe(const DmMmiPlan *plan, gsize index)
{
    if (plan->command != NULL)
        return g_strdup(plan->commands[index].loc_uri);
    if (plan->targets[index].provider == NULL)
        return g_strdup("providers");
    return describe(plan->targets[index].provider, plan->targets[index].node, "");
}

const char *
dm_mmi_plan_get_id(const DmMmiPlan *plan)
{
    return plan->command;
}

/* FNV-1a. The NUL is hashed too: two texts side by side are not one. What is missing is not what is
 * empty. */
static guint64
hash(guint64 value, const char *text)
{
    gsize size = text != NULL ? strlen(text) + 1 : 0;

    for (gsize i = 0; i < size; i++)
        value = (value ^ (guchar)text[i]) * G_GUINT64_CONSTANT(1099511628211);
    return (value ^ (text == NULL)) * G_GUINT64_CONSTANT(1099511628211);
}

char *
dm_mmi_plan_new_session(const DmMmiPlan *plan)
{
    const DmCommand *command = plan->commands;
    guint64 value = G_GUINT64_CONSTANT(14695981039346656037);

    value = hash(value ^ (guint64)command->verb, command->loc_uri);
    value = hash(hash(value, command->format), command->data);
    /* The dot: it ends unlike a server's session, among which it would soon be forgotten. */
    return g_strdup_printf("osconfig-%016" G_GINT64_MODIFIER "x-%s.", value, plan->command);
}
