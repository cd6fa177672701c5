/* SPDX-License-Identifier: MIT */

#include "broker/routes.h"

#include <string.h>

#include "broker/outcomes.h"
#include "common/error.h"
#include "common/log.h"
#include "common/status.h"
#include "common/uri.h"

typedef enum {
    ROUTE_NOBODY, /* answered here: 404, or what the LocURI or verb has wrong */
    ROUTE_DEVICE,
    ROUTE_TREE,
    ROUTE_INSIDE,  /* Atomic and Sequence: where what is inside them goes */
    ROUTE_REFUSED, /* Atomic that cannot run, and all inside it */
} Route;

/* Where a command goes; `tree` says which for ROUTE_TREE. */
typedef struct {
    Route route;
    guint tree;
} Way;

/* The DMClient tree is the first, those of the table follow. */
#define DMCLIENT 0u

/* A tree, and what it said to its part of the batch under way. */
typedef struct {
    DmChannel *channel;
    bool is_owned;
    DmReply *reply;   /* NULL: it was not asked, or did not answer */
    DmStatus failure; /* of its commands, if it did not answer; OK: it was not asked */
    gsize next;       /* result of the reply */
} Tree;

struct DmRoutes {
    GArray *trees; /* Tree */
    const DmDevice *device;
    const DmRouteTable *others; /* NULL: none */
    DmOutcomes *outcomes;

    /* the batch under way */
    DmContext context;
    const DmCommand *commands;
    gsize n_commands;
    Way *ways; /* one for each command */
    guint at;  /* the tree that is asked */
    DmRoutesFunc func;
    gpointer data;
};

/* -- who answers ---------------------------------------------------------------------------------
 */

static Tree *
get_tree(const DmRoutes *routes, guint tree)
{
    return &g_array_index(routes->trees, Tree, tree);
}

static bool
is_group(const DmCommand *command)
{
    return command->verb == DM_VERB_ATOMIC || command->verb == DM_VERB_SEQUENCE;
}

/* What a command that nobody takes is answered with, in the order of rules section 2: verb, LocURI,
 * scope, existence. */
static DmStatus
judge_unrouted(const DmCommand *command, gint64 uid)
{
    DmUri uri;
    DmStatus status;

    if (command->verb > DM_VERB_SEQUENCE)
        return DM_STATUS_NOT_IMPLEMENTED;
    if (!command->loc_uri)
        return DM_STATUS_BAD_REQUEST;
    status = dm_uri_parse(command->loc_uri, &uri);
    if (status != DM_STATUS_OK)
        return status;
    if (uri.scope == DM_SCOPE_USER && uid < 0)
        return DM_STATUS_NOT_ALLOWED;
    return DM_STATUS_NOT_FOUND;
}

static Way
find_way(const DmRoutes *routes, const DmCommand *command)
{
    int other;
    DmUri uri;

    if (is_group(command))
        return (Way){.route = ROUTE_INSIDE};
    if (command->verb > DM_VERB_SEQUENCE || !command->loc_uri ||
        dm_uri_parse(command->loc_uri, &uri) != DM_STATUS_OK)
        return (Way){.route = ROUTE_NOBODY};
    if (dm_route_table_is_dmclient(&uri))
        return (Way){ROUTE_TREE, DMCLIENT};
    if (dm_device_has(&uri))
        return (Way){.route = ROUTE_DEVICE};
    other = routes->others ? dm_route_table_find(routes->others, &uri) : -1;
    if (other < 0 || (uri.scope == DM_SCOPE_USER && routes->context.uid < 0))
        return (Way){.route = ROUTE_NOBODY};
    return (Way){ROUTE_TREE, (guint)other + 1};
}

/* Whether any command of the batch's part goes to the tree. */
static bool
goes_to(const DmRoutes *routes, gsize begin, gsize end, guint tree)
{
    for (gsize i = begin; i < end; i++)
        if (routes->ways[i].route == ROUTE_TREE && routes->ways[i].tree == tree)
            return true;
    return false;
}

/* Whether all that is inside command `index` is one tree's. */
static bool
is_of_one_tree(const DmRoutes *routes, gsize index)
{
    gsize end = index + 1 + routes->commands[index].span;
    guint n_trees = 0;

    for (gsize i = index + 1; i < end; i++)
        if (routes->ways[i].route != ROUTE_TREE && routes->ways[i].route != ROUTE_INSIDE)
            return false;
    for (guint tree = 0; tree < routes->trees->len; tree++)
        n_trees += goes_to(routes, index + 1, end, tree);
    return n_trees <= 1;
}

/* Atomic may run only where all of it is one tree's: DevInfo and DevDetail cannot be written, and
 * nobody rolls two trees back. Outer ones come first, so what is inside a refused one is passed
 * over. */
static void
refuse_atomics(DmRoutes *routes)
{
    for (gsize i = 0; i < routes->n_commands; i++) {
        guint span = routes->commands[i].span;

        if (routes->commands[i].verb != DM_VERB_ATOMIC || is_of_one_tree(routes, i))
            continue;
        for (gsize j = i; j <= i + span; j++)
            routes->ways[j].route = ROUTE_REFUSED;
        i += span;
    }
}

/* -- a tree's part -------------------------------------------------------------------------------
 */

/* Whether the command is of the tree's part: its own, and an Atomic or Sequence around them. One
 * with nothing in it is the first's. */
static bool
is_part(const DmRoutes *routes, gsize index, guint tree)
{
    const Way *way = &routes->ways[index];

    if (way->route == ROUTE_TREE)
        return way->tree == tree;
    return way->route == ROUTE_INSIDE &&
           (tree == DMCLIENT ||
            goes_to(routes, index + 1, index + 1 + routes->commands[index].span, tree));
}

/* The commands that go to the tree, Atomic and Sequence with what of them does. */
static void
append_part(const DmRoutes *routes, gsize begin, gsize end, guint tree, GArray *part)
{
    for (gsize i = begin; i < end; i += 1 + routes->commands[i].span) {
        guint at = part->len;

        if (!is_part(routes, i, tree))
            continue;
        g_array_append_val(part, routes->commands[i]);
        append_part(routes, i + 1, i + 1 + routes->commands[i].span, tree, part);
        g_array_index(part, DmCommand, at).span = part->len - at - 1;
    }
}

/* For g_array_unref(). */
static GArray *
take_part(const DmRoutes *routes, guint tree)
{
    GArray *part = g_array_new(FALSE, FALSE, sizeof(DmCommand));

    append_part(routes, 0, routes->n_commands, tree, part);
    return part;
}

/* -- the answer ----------------------------------------------------------------------------------
 */

static void
copy_result(DmReply *reply, const DmReply *from, gsize index)
{
    const DmResult *result = dm_reply_get(from, index);
    const DmResultItem *items = dm_reply_get_items(from, index);

    dm_reply_add(reply, result->status);
    for (guint i = 0; i < result->n_items; i++)
        dm_reply_add_item(reply, items[i].loc_uri, items[i].format, items[i].data,
                          items[i].data_size);
}

static void
add_device(const DmRoutes *routes, const DmCommand *command, DmReply *reply)
{
    DmUri uri;

    if (dm_uri_parse(command->loc_uri, &uri) == DM_STATUS_OK)
        dm_device_apply(routes->device, command->verb, &uri, reply);
}

static DmStatus
judge_device(const DmRoutes *routes, const DmCommand *command)
{
    g_autoptr(DmReply) reply = dm_reply_new(1);

    add_device(routes, command, reply);
    return dm_reply_get(reply, 0)->status;
}

/* The own code of a command inside a refused Atomic, or OK if there is nothing wrong with it (M2).
 */
static DmStatus
judge_in_atomic(const DmRoutes *routes, const DmCommand *command)
{
    Route route = find_way(routes, command).route;

    if (command->verb == DM_VERB_GET || command->verb == DM_VERB_ATOMIC)
        return DM_STATUS_FAILED;
    if (route == ROUTE_NOBODY)
        return judge_unrouted(command, routes->context.uid);
    /* A write, and those two trees are read only. */
    return route == ROUTE_DEVICE ? judge_device(routes, command) : DM_STATUS_OK;
}

/* An Atomic that is not run: 507, the first inside it that is wrong by itself its own code, all
 * others 215 (M2). */
static void
add_refused(const DmRoutes *routes, gsize index, DmReply *reply)
{
    bool found = false;

    dm_reply_add(reply, DM_STATUS_ATOMIC_FAILED);
    for (gsize i = index + 1; i <= index + routes->commands[index].span; i++) {
        DmStatus status = found ? DM_STATUS_OK : judge_in_atomic(routes, &routes->commands[i]);

        found = found || status != DM_STATUS_OK;
        dm_reply_add(reply, status == DM_STATUS_OK ? DM_STATUS_NOT_EXECUTED : status);
    }
}

/* What a command of a tree that did not answer comes to; Atomic has a code of its own (M2), and
 * Sequence had begun (M3). */
static DmStatus
get_failure(const DmCommand *command, DmStatus failure)
{
    if (command->verb == DM_VERB_ATOMIC)
        return DM_STATUS_ATOMIC_FAILED;
    return command->verb == DM_VERB_SEQUENCE ? DM_STATUS_OK : failure;
}

/* Whose result a command has: its tree's; of an Atomic or Sequence, that of the first tree with
 * something in it. */
static guint
find_owner(const DmRoutes *routes, gsize index)
{
    gsize end = index + 1 + routes->commands[index].span;

    if (routes->ways[index].route == ROUTE_TREE)
        return routes->ways[index].tree;
    for (guint tree = 0; tree < routes->trees->len; tree++)
        if (goes_to(routes, index + 1, end, tree))
            return tree;
    return DMCLIENT;
}

/* The result of a command of one or more trees; each that had it in its part is a result further.
 */
static void
add_of_trees(const DmRoutes *routes, gsize index, DmReply *reply)
{
    guint owner = find_owner(routes, index);

    for (guint i = 0; i < routes->trees->len; i++) {
        Tree *tree = get_tree(routes, i);

        if (!is_part(routes, index, i))
            continue;
        if (i == owner && tree->reply)
            copy_result(reply, tree->reply, tree->next);
        else if (i == owner)
            dm_reply_add(reply, tree->failure == DM_STATUS_OK
                                    ? DM_STATUS_OK
                                    : get_failure(&routes->commands[index], tree->failure));
        tree->next++;
    }
}

/* The whole answer in document order. */
static DmReply *
put_together(const DmRoutes *routes)
{
    g_autoptr(DmReply) reply = dm_reply_new(routes->n_commands);
    const DmReply *own = get_tree(routes, DMCLIENT)->reply;

    for (gsize i = 0; i < routes->n_commands; i++) {
        const DmCommand *command = &routes->commands[i];

        switch (routes->ways[i].route) {
        case ROUTE_TREE:
        case ROUTE_INSIDE:
            add_of_trees(routes, i, reply);
            break;
        case ROUTE_DEVICE:
            add_device(routes, command, reply);
            break;
        case ROUTE_NOBODY:
            dm_reply_add(reply, judge_unrouted(command, routes->context.uid));
            break;
        case ROUTE_REFUSED:
            add_refused(routes, i, reply);
            i += command->span;
            break;
        }
    }
    if (own && dm_reply_is_stopped(own))
        dm_reply_set_stop(reply);
    return g_steal_pointer(&reply);
}

/* What became of commands outside the DMClient tree goes to it: expectations may name them (F6). */
static void
report_outcomes(DmRoutes *routes, const DmReply *reply)
{
    for (gsize i = 0; i < routes->n_commands; i++) {
        const DmCommand *command = &routes->commands[i];
        bool writes = command->verb == DM_VERB_ADD || command->verb == DM_VERB_REPLACE ||
                      command->verb == DM_VERB_EXEC;
        Way way = writes ? find_way(routes, command) : (Way){.route = ROUTE_INSIDE};

        if (!writes || !command->loc_uri || (way.route == ROUTE_TREE && way.tree == DMCLIENT))
            continue;
        dm_outcomes_add(routes->outcomes, routes->context.provider, routes->context.uid,
                        command->loc_uri, dm_reply_get(reply, i)->status);
    }
}

/* -- running -------------------------------------------------------------------------------------
 */

static void
clear_answers(DmRoutes *routes)
{
    for (guint i = 0; i < routes->trees->len; i++) {
        Tree *tree = get_tree(routes, i);

        g_clear_pointer(&tree->reply, dm_reply_free);
        tree->failure = DM_STATUS_OK;
        tree->next = 0;
    }
}

/* Tells who asked; nothing after it. */
static void
finish(DmRoutes *routes, const GError *error)
{
    DmRoutesFunc func = routes->func;
    gpointer data = routes->data;
    DmReply *reply = NULL;

    if (!error) {
        reply = put_together(routes);
        report_outcomes(routes, reply);
    }
    clear_answers(routes);
    g_clear_pointer(&routes->ways, g_free);
    routes->func = NULL;
    func(reply, error, data);
}

static void ask_next(DmRoutes *routes);

/* The tree that was asked has given no answer. */
static void
fail_tree(DmRoutes *routes, const GError *error)
{
    Tree *tree = get_tree(routes, routes->at);

    if (routes->at == DMCLIENT) {
        finish(routes, error);
        return;
    }
    dm_log_warning("another tree does not answer: its commands have failed", "DM_SOCKET",
                   dm_route_table_get_socket(routes->others, routes->at - 1), "DM_CAUSE",
                   error->message);
    tree->failure = g_error_matches(error, DM_ERROR, DM_ERROR_DISCONNECTED) ? DM_STATUS_UNAVAILABLE
                                                                            : DM_STATUS_FAILED;
    routes->at++;
    ask_next(routes);
}

static void
on_applied(DBusMessage *answer, const GError *error, gpointer data)
{
    DmRoutes *routes = data;
    g_autoptr(GArray) part = take_part(routes, routes->at);
    g_autoptr(DmReply) reply = NULL;
    g_autoptr(GError) cause = NULL;
    bool is_over;

    if (error) {
        fail_tree(routes, error);
        return;
    }
    reply = dm_tree_call_read_reply(answer, &cause);
    if (reply && dm_reply_get_size(reply) != part->len) {
        g_set_error(&cause, DM_ERROR, DM_ERROR_FAILED,
                    "the tree answered %" G_GSIZE_FORMAT " of %u commands",
                    dm_reply_get_size(reply), part->len);
        g_clear_pointer(&reply, dm_reply_free);
    }
    if (!reply) {
        fail_tree(routes, cause);
        return;
    }
    /* E2: nothing more of a session is run that has ended its enrolment. */
    is_over = routes->at == DMCLIENT && dm_reply_is_stopped(reply);
    get_tree(routes, routes->at)->reply = g_steal_pointer(&reply);
    routes->at++;
    while (is_over && routes->at < routes->trees->len)
        get_tree(routes, routes->at++)->failure = DM_STATUS_NOT_EXECUTED;
    ask_next(routes);
}

/* Asks the next tree that has a part in the batch; the last thing its callers do. */
static void
ask_next(DmRoutes *routes)
{
    g_autoptr(GArray) part = NULL;
    g_autoptr(DBusMessage) call = NULL;
    g_autoptr(GError) error = NULL;

    while (routes->at < routes->trees->len && !goes_to(routes, 0, routes->n_commands, routes->at))
        routes->at++;
    if (routes->at >= routes->trees->len) {
        finish(routes, NULL);
        return;
    }
    part = take_part(routes, routes->at);
    call = dm_tree_call_new_apply(&routes->context, (const DmCommand *)(gpointer)part->data,
                                  part->len, &error);
    if (call)
        dm_channel_call(get_tree(routes, routes->at)->channel, call, on_applied, routes);
    else
        fail_tree(routes, error);
}

/* Runs once what the message before left to report is with the tree: that bounds what waits, and
 * the tree learns things in the order in which they happened. */
static void
on_flushed(gpointer data)
{
    ask_next(data);
}

void
dm_routes_apply(DmRoutes *routes, const DmContext *context, const DmCommand *commands,
                gsize n_commands, DmRoutesFunc func, gpointer data)
{
    g_return_if_fail(!routes->func);

    routes->context = *context;
    routes->commands = commands;
    routes->n_commands = n_commands;
    routes->func = func;
    routes->data = data;
    routes->at = DMCLIENT;
    routes->ways = g_new0(Way, n_commands + 1);
    for (gsize i = 0; i < n_commands; i++)
        routes->ways[i] = find_way(routes, &commands[i]);
    refuse_atomics(routes);
    dm_outcomes_flush(routes->outcomes, on_flushed, routes);
}

void
dm_routes_flush(DmRoutes *routes, void (*func)(gpointer data), gpointer data)
{
    dm_outcomes_flush(routes->outcomes, func, data);
}

/* -- life ----------------------------------------------------------------------------------------
 */

static void
tree_clear(gpointer data)
{
    Tree *tree = data;

    dm_reply_free(tree->reply);
    if (tree->is_owned)
        dm_channel_free(tree->channel);
}

DmRoutes *
dm_routes_new(DmChannel *channel, const DmDevice *device, const DmRouteTable *others,
              GMainContext *context)
{
    DmRoutes *routes = g_new0(DmRoutes, 1);
    Tree tree = {.channel = channel, .failure = DM_STATUS_OK};

    routes->trees = g_array_new(FALSE, FALSE, sizeof(Tree));
    g_array_set_clear_func(routes->trees, tree_clear);
    g_array_append_val(routes->trees, tree);
    tree.is_owned = true;
    for (guint i = 0; others && i < dm_route_table_count(others); i++) {
        tree.channel = dm_channel_new_lazy(dm_route_table_get_socket(others, i), context,
                                           DM_ROUTES_PATIENCE_MS);
        g_array_append_val(routes->trees, tree);
    }
    routes->device = device;
    routes->others = others;
    routes->outcomes = dm_outcomes_new(channel);
    return routes;
}

void
dm_routes_free(DmRoutes *routes)
{
    if (!routes)
        return;
    dm_channel_forget(get_tree(routes, DMCLIENT)->channel, routes);
    dm_outcomes_free(routes->outcomes);
    g_array_unref(routes->trees);
    g_free(routes->ways);
    g_free(routes);
}
