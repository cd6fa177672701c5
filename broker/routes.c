/* SPDX-License-Identifier: MIT */

#include "broker/routes.h"

#include <string.h>

#include "broker/outcomes.h"
#include "common/error.h"
#include "common/status.h"
#include "common/uri.h"

/* Where the DMClient tree is: an address, whose nodes are the tree's business (A1, A2). */
static const char *const dmclient_prefix[] = {"Vendor", "MSFT", "DMClient"};

typedef enum {
    ROUTE_NOBODY, /* answered here: 404, or what the LocURI or verb has wrong */
    ROUTE_DEVICE,
    ROUTE_TREE,
    ROUTE_INSIDE,  /* Atomic and Sequence: where what is inside them goes */
    ROUTE_REFUSED, /* Atomic that cannot run, and all inside it */
} Route;

struct DmRoutes {
    DmChannel *channel;
    const DmDevice *device;
    DmOutcomes *outcomes;

    /* the batch under way */
    DmContext context;
    const DmCommand *commands;
    gsize n_commands;
    Route *routes; /* one for each command */
    DmRoutesFunc func;
    gpointer data;
};

/* -- who answers ---------------------------------------------------------------------------------
 */

static bool
is_dmclient(const DmUri *uri)
{
    /* Vendor and MSFT in any case, the tree's own name exactly (A2). */
    return uri->n_segments >= G_N_ELEMENTS(dmclient_prefix) &&
           dm_uri_segment_is(uri, 0, dmclient_prefix[0]) &&
           dm_uri_segment_is(uri, 1, dmclient_prefix[1]) &&
           strcmp(uri->segments[2], dmclient_prefix[2]) == 0;
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

static Route
find_route(const DmCommand *command)
{
    DmUri uri;

    if (is_group(command))
        return ROUTE_INSIDE;
    if (command->verb > DM_VERB_SEQUENCE || !command->loc_uri ||
        dm_uri_parse(command->loc_uri, &uri) != DM_STATUS_OK)
        return ROUTE_NOBODY;
    if (is_dmclient(&uri))
        return ROUTE_TREE;
    return dm_device_has(&uri) ? ROUTE_DEVICE : ROUTE_NOBODY;
}

/* Atomic may run only where all of it is the tree's: no other tree here can be written, let alone
 * rolled back. Outer ones come first, so what is inside a refused one is passed over. */
static void
refuse_atomics(DmRoutes *routes)
{
    for (gsize i = 0; i < routes->n_commands; i++) {
        guint span = routes->commands[i].span;
        bool runs = true;

        if (routes->commands[i].verb != DM_VERB_ATOMIC)
            continue;
        for (gsize j = i + 1; j <= i + span; j++)
            runs = runs && (routes->routes[j] == ROUTE_TREE || routes->routes[j] == ROUTE_INSIDE);
        if (runs)
            continue;
        for (gsize j = i; j <= i + span; j++)
            routes->routes[j] = ROUTE_REFUSED;
        i += span;
    }
}

/* -- the tree's part -----------------------------------------------------------------------------
 */

/* The commands that go to the tree, Atomic and Sequence with what of them does. */
static void
append_tree_part(const DmRoutes *routes, gsize begin, gsize end, GArray *part)
{
    for (gsize i = begin; i < end; i += 1 + routes->commands[i].span) {
        guint at = part->len;

        if (routes->routes[i] != ROUTE_TREE && routes->routes[i] != ROUTE_INSIDE)
            continue;
        g_array_append_val(part, routes->commands[i]);
        append_tree_part(routes, i + 1, i + 1 + routes->commands[i].span, part);
        g_array_index(part, DmCommand, at).span = part->len - at - 1;
    }
}

/* For g_array_unref(). */
static GArray *
take_tree_part(const DmRoutes *routes)
{
    GArray *part = g_array_new(FALSE, FALSE, sizeof(DmCommand));

    append_tree_part(routes, 0, routes->n_commands, part);
    return part;
}

static bool
has_tree_part(const DmRoutes *routes)
{
    for (gsize i = 0; i < routes->n_commands; i++)
        if (routes->routes[i] == ROUTE_TREE)
            return true;
    return false;
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
    Route route = find_route(command);

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

/* The whole answer in document order; `tree_reply` is NULL when the tree had no part in it. */
static DmReply *
put_together(const DmRoutes *routes, const DmReply *tree_reply)
{
    g_autoptr(DmReply) reply = dm_reply_new(routes->n_commands);
    gsize next = 0;

    for (gsize i = 0; i < routes->n_commands; i++) {
        const DmCommand *command = &routes->commands[i];

        switch (routes->routes[i]) {
        case ROUTE_TREE:
        case ROUTE_INSIDE:
            if (tree_reply)
                copy_result(reply, tree_reply, next++);
            else
                dm_reply_add(reply, DM_STATUS_OK);
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
    if (tree_reply && dm_reply_is_stopped(tree_reply))
        dm_reply_set_stop(reply);
    return g_steal_pointer(&reply);
}

/* What became of commands outside the tree goes to it: expectations may name them (F6). */
static void
report_outcomes(DmRoutes *routes, const DmReply *reply)
{
    for (gsize i = 0; i < routes->n_commands; i++) {
        const DmCommand *command = &routes->commands[i];
        bool writes = command->verb == DM_VERB_ADD || command->verb == DM_VERB_REPLACE ||
                      command->verb == DM_VERB_EXEC;

        if (!writes || !command->loc_uri || routes->routes[i] == ROUTE_TREE ||
            (routes->routes[i] == ROUTE_REFUSED && find_route(command) == ROUTE_TREE))
            continue;
        dm_outcomes_add(routes->outcomes, routes->context.provider, routes->context.uid,
                        command->loc_uri, dm_reply_get(reply, i)->status);
    }
}

/* -- running -------------------------------------------------------------------------------------
 */

/* Tells who asked; nothing after it. */
static void
finish(DmRoutes *routes, const DmReply *tree_reply, const GError *error)
{
    DmRoutesFunc func = routes->func;
    gpointer data = routes->data;
    DmReply *reply = NULL;

    if (!error) {
        reply = put_together(routes, tree_reply);
        report_outcomes(routes, reply);
    }
    g_clear_pointer(&routes->routes, g_free);
    routes->func = NULL;
    func(reply, error, data);
}

static void
on_applied(DBusMessage *answer, const GError *error, gpointer data)
{
    DmRoutes *routes = data;
    g_autoptr(GArray) part = take_tree_part(routes);
    g_autoptr(DmReply) reply = NULL;
    g_autoptr(GError) cause = NULL;

    if (error) {
        finish(routes, NULL, error);
        return;
    }
    reply = dm_tree_call_read_reply(answer, &cause);
    if (reply && dm_reply_get_size(reply) != part->len) {
        g_set_error(&cause, DM_ERROR, DM_ERROR_FAILED,
                    "the tree answered %" G_GSIZE_FORMAT " of %u commands",
                    dm_reply_get_size(reply), part->len);
        g_clear_pointer(&reply, dm_reply_free);
    }
    finish(routes, reply, cause);
}

/* Runs once what the message before left to report is with the tree: that bounds what waits, and
 * the tree learns things in the order in which they happened. */
static void
on_flushed(gpointer data)
{
    DmRoutes *routes = data;
    g_autoptr(GArray) part = NULL;
    g_autoptr(DBusMessage) call = NULL;
    g_autoptr(GError) error = NULL;

    if (!has_tree_part(routes)) {
        finish(routes, NULL, NULL);
        return;
    }
    part = take_tree_part(routes);
    call = dm_tree_call_new_apply(&routes->context, (const DmCommand *)(gpointer)part->data,
                                  part->len, &error);
    if (call)
        dm_channel_call(routes->channel, call, on_applied, routes);
    else
        finish(routes, NULL, error);
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
    routes->routes = g_new0(Route, n_commands + 1);
    for (gsize i = 0; i < n_commands; i++)
        routes->routes[i] = find_route(&commands[i]);
    refuse_atomics(routes);
    dm_outcomes_flush(routes->outcomes, on_flushed, routes);
}

void
dm_routes_flush(DmRoutes *routes, void (*func)(gpointer data), gpointer data)
{
    dm_outcomes_flush(routes->outcomes, func, data);
}

DmRoutes *
dm_routes_new(DmChannel *channel, const DmDevice *device)
{
    DmRoutes *routes = g_new0(DmRoutes, 1);

    routes->channel = channel;
    routes->device = device;
    routes->outcomes = dm_outcomes_new(channel);
    return routes;
}

void
dm_routes_free(DmRoutes *routes)
{
    if (!routes)
        return;
    dm_channel_forget(routes->channel, routes);
    dm_outcomes_free(routes->outcomes);
    g_free(routes->routes);
    g_free(routes);
}
