/* SPDX-License-Identifier: MIT */
#include "tree/target.h"

#include <string.h>

bool
dm_target_is_client_filled(DmNodeId node)
{
    static const bool filled[DM_NODE_N] = {
        [DM_NODE_ROOT_UPDATE_MANAGEMENT_SERVICE_ADDRESS] = true,
        [DM_NODE_EXCHANGE_ID] = true,
        [DM_NODE_PUBLISHER_DEVICE_ID] = true,
        [DM_NODE_SIGNED_ENT_DMID] = true,
        [DM_NODE_CERT_RENEW_TIME_STAMP] = true,
        [DM_NODE_AAD_DEVICE_ID] = true,
        [DM_NODE_ENROLLMENT_TYPE] = true,
        [DM_NODE_PUSH_CHANNEL_URI] = true,
        [DM_NODE_PUSH_STATUS] = true,
    };

    return filled[node];
}

static DmOps
to_op(DmVerb verb)
{
    switch (verb) {
    case DM_VERB_ADD:
        return DM_OP_ADD;
    case DM_VERB_GET:
        return DM_OP_GET;
    case DM_VERB_REPLACE:
        return DM_OP_REPLACE;
    case DM_VERB_DELETE:
        return DM_OP_DELETE;
    case DM_VERB_EXEC:
        return DM_OP_EXEC;
    case DM_VERB_NONE:
    case DM_VERB_ATOMIC:
    case DM_VERB_SEQUENCE:
    case DM_VERB_COPY:
    case DM_VERB_SEARCH:
    case DM_VERB_MAP:
    case DM_VERB_PUT:
    case DM_VERB_SYNC:
    case DM_VERB_ALERT:
    case DM_VERB_STATUS:
    case DM_VERB_RESULTS:
        break;
    }
    g_assert_not_reached();
}

/* The table's verbs, and what local root may do beside (V3, V9). */
static DmOps
get_ops(const DmContext *context, DmNodeId node)
{
    DmOps ops = dm_schema_get(node)->ops;

    if (context->provider != NULL)
        return ops;
    if (node == DM_NODE_PROVIDER)
        ops |= DM_OP_DELETE;
    if (dm_target_is_client_filled(node))
        ops |= DM_OP_ADD | DM_OP_REPLACE | DM_OP_DELETE;
    return ops;
}

/* The segment that names a provider, whether or not there is a row (`node`) below it; NULL if none
 * does. */
static const char *
get_provider_segment(DmUri *uri, DmNodeId node)
{
    guint n = uri->n_segments;

    if (n <= DM_SCHEMA_PROVIDER_SEGMENT)
        return NULL;
    if (node == DM_NODE_NONE) {
        uri->n_segments = DM_SCHEMA_PROVIDER_SEGMENT + 1;
        node = dm_schema_find(uri);
        uri->n_segments = n;
    }
    return dm_schema_is_below(node, DM_NODE_PROVIDER) ? uri->segments[DM_SCHEMA_PROVIDER_SEGMENT]
                                                      : NULL;
}

/* Whether `segment` names the session's own provider (A2). What it is called is looked up in the
 * device tree: it is enrolled there, and may not be in the user's yet. */
static bool
is_own(DmTransaction *transaction, const char *segment)
{
    const char *own = dm_transaction_get_context(transaction)->provider;
    const DmProvider *match;

    if (strcmp(segment, own) == 0)
        return true;
    if (g_ascii_strcasecmp(segment, own) != 0)
        return false;
    match = dm_transaction_match(transaction, DM_SCOPE_DEVICE, 0, segment);
    return match != NULL && strcmp(match->id, own) == 0;
}

bool
dm_target_may_use(const DmTransaction *transaction, const char *id)
{
    const char *own = dm_transaction_get_context(transaction)->provider;

    return own == NULL || strcmp(own, id) == 0;
}

/* V9, and the provider's name as it is known here. */
static DmStatus
find_provider(DmTransaction *transaction, DmTarget *target, const char *segment)
{
    const DmContext *context = dm_transaction_get_context(transaction);
    DmScope scope = target->uri.scope;
    const DmProvider *known;

    target->provider_id = segment;
    if (context->provider != NULL) {
        if (!is_own(transaction, segment))
            return target->verb == DM_VERB_GET ? DM_STATUS_NOT_FOUND : DM_STATUS_PERMISSION_DENIED;
        target->provider_id = context->provider;
    } else if (scope == DM_SCOPE_USER) {
        known = dm_transaction_match(transaction, DM_SCOPE_DEVICE, 0, segment);
        if (known != NULL)
            target->provider_id = known->id;
    }
    target->provider = dm_transaction_match(transaction, scope, target->uid, target->provider_id);
    return DM_STATUS_OK;
}

/* Add of exactly the node makes a provider, for those who may (V1). */
static bool
may_be_absent(const DmTransaction *transaction, const DmTarget *target)
{
    return target->node == DM_NODE_PROVIDER && target->verb == DM_VERB_ADD &&
           (dm_transaction_get_context(transaction)->provider == NULL ||
            target->uri.scope == DM_SCOPE_USER);
}

static DmStatus
parse(const DmContext *context, const DmCommand *command, DmTarget *target)
{
    DmStatus status;

    if (command->loc_uri == NULL)
        return DM_STATUS_BAD_REQUEST;
    status = dm_uri_parse(command->loc_uri, &target->uri);
    if (status != DM_STATUS_OK)
        return status;
    /* A3: properties and lists are for reading. */
    if (target->uri.query == DM_QUERY_OTHER ||
        (target->uri.query != DM_QUERY_NONE && command->verb != DM_VERB_GET))
        return DM_STATUS_NOT_SUPPORTED;
    if (target->uri.scope == DM_SCOPE_USER) {
        if (context->uid < 0 || context->uid > G_MAXUINT32)
            return DM_STATUS_NOT_ALLOWED; /* A1 */
        target->uid = (guint32)context->uid;
    }
    return DM_STATUS_OK;
}

DmStatus
dm_target_find(DmTransaction *transaction, const DmCommand *command, DmTarget *ret_target)
{
    const DmContext *context = dm_transaction_get_context(transaction);
    DmTarget *target = ret_target;
    const char *segment;
    DmStatus status;

    target->verb = command->verb;
    target->node = DM_NODE_NONE;
    target->uid = 0;
    target->provider = NULL;
    target->provider_id = NULL;
    status = parse(context, command, target);
    if (status != DM_STATUS_OK)
        return status;

    target->node = dm_schema_find(&target->uri);
    segment = get_provider_segment(&target->uri, target->node);
    if (segment != NULL) {
        status = find_provider(transaction, target, segment);
        if (status != DM_STATUS_OK)
            return status;
    }
    if (target->node == DM_NODE_NONE ||
        (segment != NULL && target->provider == NULL && !may_be_absent(transaction, target)))
        return DM_STATUS_NOT_FOUND;
    target->row = dm_schema_get(target->node);
    if ((get_ops(context, target->node) & to_op(command->verb)) == 0)
        return DM_STATUS_NOT_ALLOWED;
    if (target->provider != NULL && target->node != DM_NODE_PROVIDER &&
        command->verb != DM_VERB_ADD && !dm_provider_has(target->provider, target->row->parent))
        return DM_STATUS_NOT_FOUND;
    return DM_STATUS_OK;
}
