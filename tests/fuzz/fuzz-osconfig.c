/* SPDX-License-Identifier: MIT */

/* A payload that OSConfig hands over, as both desired objects: what is not refused becomes a batch
 * that the tree socket takes, and names what each of its commands is about. A payload in the form
 * that is reported must come out as it went in. */

#include <glib.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "hosts/mmi-plan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What the device has meanwhile. */
static DmMmiState *
new_state(void)
{
#define BASE "./Device/Vendor/MSFT/DMClient/Provider"
    static const DmResultItem items[] = {
        {.loc_uri = BASE, .format = DM_FORMAT_NODE},
        {.loc_uri = BASE "/A", .format = DM_FORMAT_NODE},
        {.loc_uri = BASE "/A/UPN", .format = DM_FORMAT_CHR, .data = "x"},
        {.loc_uri = BASE "/A/Poll", .format = DM_FORMAT_NODE},
        {.loc_uri = BASE "/A/Poll/PollOnLogin", .format = DM_FORMAT_BOOL, .data = "true"},
        {.loc_uri = BASE "/A/Unenroll", .format = DM_FORMAT_NULL},
        {.loc_uri = BASE "/%C3%84%2F", .format = DM_FORMAT_NODE},
    };
    DmMmiState *state = dm_mmi_state_new(items, G_N_ELEMENTS(items));

    g_assert(state != NULL);
    return state;
}

static void
check_plan(const DmMmiPlan *plan)
{
    gsize n;
    const DmCommand *commands = dm_mmi_plan_get(plan, &n);

    g_assert(n == 0 || dm_batch_is_valid(commands, n));
    for (gsize i = 0; i < n; i++) {
        g_autofree char *what = dm_mmi_plan_describe(plan, i);

        g_assert(*what != '\0' || dm_mmi_plan_get_id(plan) != NULL);
        g_assert(commands[i].data == NULL || strlen(commands[i].data) == commands[i].data_size);
    }
    if (dm_mmi_plan_get_id(plan) != NULL) {
        g_autofree char *session = dm_mmi_plan_new_session(plan);

        g_assert(strlen(session) < 256);
    }
}

/* Takes the problem. */
static void
check_problem(const void *made, char *problem)
{
    g_assert((made == NULL) == (problem != NULL && *problem != '\0'));
    g_free(problem);
}

static void
check_writing(const DmMmiJson *json, JsonNode *node)
{
    g_autoptr(DmMmiState) state = new_state();
    gsize size, again_size;
    char *problem = NULL, *again = NULL;
    char *text = dm_mmi_json_write(json, dm_mmi_state_to_json(state, json), &size);
    JsonNode *back = dm_mmi_json_parse(json, text, size, &problem);
    DmMmiPlan *plan;
    gsize n;

    g_assert(back != NULL);
    plan = dm_mmi_plan_new_providers(json, back, state, &problem);
    g_assert(plan != NULL);
    (void)dm_mmi_plan_get(plan, &n);
    g_assert(n == 0);
    again = dm_mmi_json_write(json, back, &again_size);
    g_assert(again_size == size && strcmp(again, text) == 0);
    dm_mmi_plan_free(plan);
    free(text);
    free(again);
    /* Whatever was read can be written, and read again. */
    text = dm_mmi_json_write(json, node, &size);
    back = dm_mmi_json_parse(json, text, size, &problem);
    g_assert(back != NULL || size > DM_MMI_JSON_MAX);
    g_free(problem);
    if (back != NULL)
        json->node_unref(back);
    free(text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    /* Of exactly its size: a payload has no NUL at its end. */
    g_autofree char *payload = g_memdup2(data, size);
    g_autoptr(DmMmiState) state = new_state();
    g_autoptr(DmMmiPlan) providers = NULL;
    g_autoptr(DmMmiPlan) command = NULL;
    char *problem = NULL;
    JsonNode *node;
    DmMmiJson json;

    if (!dm_mmi_json_init(&json, &problem))
        g_error("%s", problem);
    node = dm_mmi_json_parse(&json, payload, size, &problem);
    check_problem(node, problem);
    if (node == NULL)
        return 0;
    problem = NULL;
    providers = dm_mmi_plan_new_providers(&json, node, state, &problem);
    check_problem(providers, problem);
    if (providers != NULL)
        check_plan(providers);
    problem = NULL;
    command = dm_mmi_plan_new_command(&json, node, &problem);
    check_problem(command, problem);
    if (command != NULL)
        check_plan(command);
    check_writing(&json, node);
    return 0;
}
