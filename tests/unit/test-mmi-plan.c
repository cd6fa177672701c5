/* SPDX-License-Identifier: MIT */

/* What OSConfig's desired objects ask of the tree: only what differs, in the order of the table. */

#include <string.h>

#include "hosts/mmi-plan.h"

#define BASE "./Device/Vendor/MSFT/DMClient/Provider"

static const DmResultItem items[] = {
    {.loc_uri = BASE, .format = DM_FORMAT_NODE},
    {.loc_uri = BASE "/A", .format = DM_FORMAT_NODE},
    {.loc_uri = BASE "/A/UPN", .format = DM_FORMAT_CHR, .data = "x"},
    {.loc_uri = BASE "/A/OfTomorrow", .format = DM_FORMAT_CHR, .data = "y"},
    {.loc_uri = BASE "/A/Poll", .format = DM_FORMAT_NODE},
    {.loc_uri = BASE "/A/Poll/NumberOfFirstRetries", .format = DM_FORMAT_INT, .data = "3"},
    {.loc_uri = BASE "/A/Poll/PollOnLogin", .format = DM_FORMAT_BOOL, .data = "true"},
    {.loc_uri = BASE "/MS%20DM", .format = DM_FORMAT_NODE},
};

/* Desired, and what is asked for: "VERB LocURI-below-providers=DATA" a line. */
static const struct {
    const char *name, *desired, *asked;
} cases[] = {
    {"nothing", "[]", ""},
    {"same",
     "[{\"providerId\":\"A\",\"upn\":\"x\",\"poll\":{\"pollOnLogin\":true,"
     "\"numberOfFirstRetries\":3}}]",
     ""},
    {"differs",
     "[{\"poll\":{\"pollOnLogin\":false,\"numberOfFirstRetries\":4},\"upn\":\"y\","
     "\"providerId\":\"A\"}]",
     "Atomic \nReplace A/UPN=y\nReplace A/Poll/NumberOfFirstRetries=4\n"
     "Replace A/Poll/PollOnLogin=false\n"},
    {"missing",
     "[{\"providerId\":\"A\",\"helpWebsite\":\"w\",\"push\":{\"pfn\":\"p\"},"
     "\"enableOmaDmKeepAliveMessage\":true}]",
     "Atomic \nAdd A/HelpWebsite=w\nReplace A/EnableOmaDmKeepAliveMessage=true\n"
     "Add A/Push/PFN=p\n"},
    {"empty-objects",
     "[{\"providerId\":\"A\",\"poll\":{},\"push\":{},\"enhancedAppLayerSecurity\":{}}]",
     "Atomic \nAdd A/Push\nAdd A/EnhancedAppLayerSecurity\n"},
    {"new",
     "[{\"providerId\":\"B/1\",\"firstSyncStatus\":{},\"enhancedAppLayerSecurity\":{},"
     "\"poll\":{\"pollOnLogin\":true}}]",
     "Atomic \nAdd B%2F1\nAdd B%2F1/Poll/PollOnLogin=true\n"},
    {"other-case", "[{\"providerId\":\"ms dm\",\"upn\":\"z\"}]", "Atomic \nAdd MS%20DM/UPN=z\n"},
};

static JsonNode *
parse(const DmMmiJson *json, const char *text)
{
    g_autofree char *problem = NULL;
    JsonNode *node = dm_mmi_json_parse(json, text, strlen(text), &problem);

    g_assert_cmpstr(problem, ==, NULL);
    return node;
}

static void
init(DmMmiJson *json)
{
    g_autofree char *problem = NULL;

    (void)dm_mmi_json_init(json, &problem);
    g_assert_cmpstr(problem, ==, NULL);
}

static char *
write_batch(const DmMmiPlan *plan)
{
    GString *text = g_string_new(NULL);
    gsize n;
    const DmCommand *commands = dm_mmi_plan_get(plan, &n);

    for (gsize i = 0; i < n; i++) {
        const char *uri = commands[i].loc_uri != NULL ? commands[i].loc_uri : BASE "/";

        g_assert_true(g_str_has_prefix(uri, BASE "/"));
        g_string_append_printf(text, "%s %s", dm_verb_to_name(commands[i].verb),
                               uri + strlen(BASE "/"));
        if (commands[i].data != NULL)
            g_string_append_printf(text, "=%s", commands[i].data);
        g_string_append_c(text, '\n');
    }
    return g_string_free(text, FALSE);
}

static void
test_providers(gconstpointer data)
{
    gsize i = GPOINTER_TO_SIZE(data);
    g_autoptr(DmMmiState) state = dm_mmi_state_new(items, G_N_ELEMENTS(items));
    g_autoptr(DmMmiPlan) plan = NULL;
    g_autofree char *problem = NULL;
    g_autofree char *asked = NULL;
    DmMmiJson json;
    JsonNode *desired;

    init(&json);
    desired = parse(&json, cases[i].desired);
    plan = dm_mmi_plan_new_providers(&json, desired, state, &problem);
    json.node_unref(desired);
    g_assert_cmpstr(problem, ==, NULL);
    asked = write_batch(plan);
    g_assert_cmpstr(asked, ==, cases[i].asked);
}

/* A command is the same if it says the same, under the same id. */
static void
test_sessions(void)
{
    static const char *const commands[] = {
        "{\"commandId\":\"1\",\"verb\":\"add\",\"locUri\":\"a\"}",
        "{\"commandId\":\"2\",\"verb\":\"add\",\"locUri\":\"a\"}",
        "{\"commandId\":\"1\",\"verb\":\"replace\",\"locUri\":\"a\"}",
        "{\"commandId\":\"1\",\"verb\":\"add\",\"locUri\":\"b\"}",
        "{\"commandId\":\"1\",\"verb\":\"add\",\"locUri\":\"a\",\"data\":\"\"}",
        "{\"commandId\":\"1\",\"verb\":\"add\",\"locUri\":\"a\",\"format\":\"\"}",
        "{\"commandId\":\"1\",\"verb\":\"add\",\"locUri\":\"a\",\"data\":\"b\"}",
        "{\"commandId\":\"1\",\"verb\":\"add\",\"locUri\":\"a\",\"format\":\"b\"}",
        "{\"locUri\":\"a\",\"verb\":\"add\",\"commandId\":\"1\"}", /* the first again */
    };
    g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    DmMmiJson json;

    init(&json);
    for (gsize i = 0; i < G_N_ELEMENTS(commands); i++) {
        JsonNode *desired = parse(&json, commands[i]);
        g_autofree char *problem = NULL;
        g_autoptr(DmMmiPlan) plan = dm_mmi_plan_new_command(&json, desired, &problem);

        json.node_unref(desired);
        g_assert_cmpstr(problem, ==, NULL);
        g_hash_table_add(seen, dm_mmi_plan_new_session(plan));
    }
    g_assert_cmpuint(g_hash_table_size(seen), ==, G_N_ELEMENTS(commands) - 1);
}

/* A service that tells of something else is not believed. */
static void
test_no_walk(void)
{
    static const DmResultItem strange[] = {
        {.loc_uri = BASE, .format = DM_FORMAT_NODE},
        {.loc_uri = BASE "/A/UPN", .format = DM_FORMAT_CHR, .data = "x"},
    };

    g_assert_null(dm_mmi_state_new(strange, G_N_ELEMENTS(strange)));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *path = g_strdup_printf("/mmi-plan/providers/%s", cases[i].name);

        g_test_add_data_func(path, GSIZE_TO_POINTER(i), test_providers);
    }
    g_test_add_func("/mmi-plan/sessions", test_sessions);
    g_test_add_func("/mmi-plan/no-walk", test_no_walk);
    return g_test_run();
}
