/* SPDX-License-Identifier: MIT */

#include "hosts/mmi-objects.h"

#include <errno.h>
#include <string.h>

/* -- outcomes ------------------------------------------------------------------------------------
 */

static bool
is_good(DmStatus status)
{
    return status == DM_STATUS_OK || status == DM_STATUS_ACCEPTED;
}

const char *
dm_mmi_status_to_text(DmStatus status)
{
    /* One string instead of many, which would be pointed to. */
    static const char texts[] =
#define DM_STATUS(code, id, name, text) #code " " text "\0"
#include "common/status.def"
#undef DM_STATUS
        ;
    for (const char *at = texts; at < texts + sizeof texts - 1; at += strlen(at) + 1)
        if (g_ascii_strtoll(at, NULL, 10) == (gint64)status)
            return strchr(at, ' ') + 1;
    return "";
}

int
dm_mmi_status_to_errno(DmStatus status)
{
    static const struct {
        gint16 status, error;
    } known[] = {
        {DM_STATUS_BAD_REQUEST, EINVAL},  {DM_STATUS_BAD_FORMAT, EINVAL},
        {DM_STATUS_INCOMPLETE, EINVAL},   {DM_STATUS_TOO_LARGE, EINVAL},
        {DM_STATUS_URI_TOO_LONG, EINVAL}, {DM_STATUS_NOT_SUPPORTED, EINVAL},
        {DM_STATUS_NOT_FOUND, ENOENT},    {DM_STATUS_NOT_ALLOWED, EPERM},
        {DM_STATUS_EXISTS, EEXIST},       {DM_STATUS_PERMISSION_DENIED, EACCES},
        {DM_STATUS_FORBIDDEN, EACCES},    {DM_STATUS_DEVICE_FULL, ENOSPC},
        {DM_STATUS_SIZE_TOO_BIG, E2BIG},
    };

    if (is_good(status))
        return 0;
    for (gsize i = 0; i < G_N_ELEMENTS(known); i++)
        if (known[i].status == (gint16)status)
            return known[i].error;
    return EIO;
}

DmMmiOutcome
dm_mmi_outcome_refused(DmStatus status, char *problem)
{
    return (DmMmiOutcome){
        .error = dm_mmi_status_to_errno(status), .status = status, .message = problem};
}

/* What the tree said of something. */
static DmMmiOutcome
outcome_of(DmStatus status, const char *what)
{
    return dm_mmi_outcome_refused(
        status, g_strdup_printf("%s: %d %s", what, (int)status, dm_mmi_status_to_text(status)));
}

/* The tree was not asked, or has not answered. ENOENT is a node that is not there, never a service.
 */
static DmMmiOutcome
outcome_of_failure(const DmHostTree *tree, int error)
{
    DmMmiOutcome outcome = {.error = error,
                            .status = DM_STATUS_UNAVAILABLE,
                            .message = g_strdup(dm_host_tree_get_error(tree))};

    if (error == ENOENT)
        outcome.error = ECONNREFUSED;
    else if (error == EINVAL)
        outcome.status = DM_STATUS_BAD_REQUEST;
    else if (error == EACCES)
        outcome.status = DM_STATUS_PERMISSION_DENIED;
    else if (error == EMSGSIZE)
        outcome = (DmMmiOutcome){
            .error = E2BIG, .status = DM_STATUS_TOO_LARGE, .message = outcome.message};
    return outcome;
}

/* -- reported ------------------------------------------------------------------------------------
 */

/* Asks for one node. False, and why, unless it is there; on true the reply is to be cleared. */
static bool
get(DmHostTree *tree, const char *uri, DmHostReply *ret_reply, DmMmiOutcome *ret_outcome)
{
    const DmCommand command = {.verb = DM_VERB_GET, .loc_uri = uri};
    int error = dm_host_tree_apply(tree, &command, 1, ret_reply);

    if (error != 0) {
        *ret_outcome = outcome_of_failure(tree, error);
        return false;
    }
    *ret_outcome = (DmMmiOutcome){.status = DM_STATUS_OK};
    if (ret_reply->results[0].status == DM_STATUS_OK)
        return true;
    *ret_outcome = outcome_of(ret_reply->results[0].status, uri);
    dm_host_reply_clear(ret_reply);
    return false;
}

JsonNode *
dm_mmi_objects_get_hw_dev_id(DmHostTree *tree, const DmMmiJson *json, DmMmiOutcome *ret_outcome)
{
    g_autofree char *uri = dm_mmi_model_new_uri(DM_MMI_NODE_ROOT_HW_DEV_ID, NULL);
    const char *text = NULL;
    DmHostReply reply = {0};
    JsonNode *node;

    if (!get(tree, uri, &reply, ret_outcome))
        return NULL;
    if (reply.results[0].n_items == 1)
        text = reply.results[0].items[0].data;
    node = json->node_init_string(json->node_alloc(), text != NULL ? text : "");
    dm_host_reply_clear(&reply);
    return node;
}

/* The providers as they are; NULL, and why. On success the reply is to be cleared after it. */
static DmMmiState *
read_state(DmHostTree *tree, DmHostReply *ret_reply, DmMmiOutcome *ret_outcome)
{
    g_autofree char *uri = dm_mmi_state_new_uri();
    DmMmiState *state;

    if (!get(tree, uri, ret_reply, ret_outcome))
        return NULL;
    state = dm_mmi_state_new(ret_reply->results[0].items, ret_reply->results[0].n_items);
    if (state != NULL)
        return state;
    dm_host_reply_clear(ret_reply);
    *ret_outcome = dm_mmi_outcome_refused(
        DM_STATUS_FAILED,
        g_strdup_printf("%s: the service tells of what is no tree of providers; are module and "
                        "service of one version?",
                        uri));
    return NULL;
}

JsonNode *
dm_mmi_objects_get_providers(DmHostTree *tree, const DmMmiJson *json, DmMmiOutcome *ret_outcome)
{
    DmHostReply reply = {0};
    g_autoptr(DmMmiState) state = read_state(tree, &reply, ret_outcome);
    JsonNode *node;

    if (state == NULL)
        return NULL;
    node = dm_mmi_state_to_json(state, json);
    dm_host_reply_clear(&reply);
    return node;
}

/* -- desired -------------------------------------------------------------------------------------
 */

/* Which command says how the batch ended: the first that was refused for itself, not undone with
 * others. */
static size_t
find_culprit(const DmHostReply *reply)
{
    for (size_t i = 1; i < reply->n_results; i++) {
        DmStatus status = reply->results[i].status;

        if (!is_good(status) && status != DM_STATUS_NOT_EXECUTED && status != DM_STATUS_ROLLED_BACK)
            return i;
    }
    return 0;
}

static DmMmiOutcome
judge(const DmMmiPlan *plan, const DmHostReply *reply)
{
    size_t culprit = 0;
    g_autofree char *what = NULL;

    if (!is_good(reply->results[0].status))
        culprit = find_culprit(reply);
    if (is_good(reply->results[culprit].status))
        return (DmMmiOutcome){.status = reply->results[culprit].status};
    what = dm_mmi_plan_describe(plan, culprit);
    return outcome_of(reply->results[culprit].status, what);
}

/* Runs what a plan asks for; `session`: see dm_mmi_objects_run_command(), NULL: the client's. */
static DmMmiOutcome
run(DmHostTree *tree, const DmMmiPlan *plan, const char *session)
{
    DmMmiOutcome outcome;
    DmHostReply reply = {0};
    gsize n;
    const DmCommand *commands = dm_mmi_plan_get(plan, &n);
    int error;

    if (n == 0)
        return (DmMmiOutcome){.status = DM_STATUS_OK};
    error = session == NULL ? dm_host_tree_apply(tree, commands, n, &reply)
                            : dm_host_tree_apply_once(tree, session, commands, n, &reply);
    if (error != 0)
        return outcome_of_failure(tree, error);
    outcome = judge(plan, &reply);
    outcome.is_final = true;
    dm_host_reply_clear(&reply);
    return outcome;
}

DmMmiOutcome
dm_mmi_objects_set_providers(DmHostTree *tree, const DmMmiJson *json, JsonNode *desired)
{
    g_autoptr(DmMmiPlan) plan = NULL;
    DmMmiOutcome outcome;
    char *problem = NULL;
    DmHostReply reply = {0};
    DmMmiState *state = read_state(tree, &reply, &outcome);

    if (state == NULL)
        return outcome;
    plan = dm_mmi_plan_new_providers(json, desired, state, &problem);
    dm_mmi_state_free(state);
    dm_host_reply_clear(&reply);
    return plan != NULL ? run(tree, plan, NULL)
                        : dm_mmi_outcome_refused(DM_STATUS_BAD_FORMAT, problem);
}

DmMmiOutcome
dm_mmi_objects_run_command(DmHostTree *tree, const DmMmiPlan *plan, const char *session)
{
    return run(tree, plan, session);
}
