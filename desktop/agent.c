/* SPDX-License-Identifier: MIT */
#include "desktop/agent.h"

#include <glib-unix.h>
#include <stdlib.h>

#include "common/clock.h"
#include "common/i18n.h"
#include "common/timer.h"
#include "dbus/names.h"
#include "desktop/agent-memory.h"
#include "desktop/agent-notifier.h"
#include "desktop/agent-rules.h"
#include "desktop/agent-words.h"
#include "desktop/leaves.h"
#include "desktop/model.h"

#define AGENT_NAME "org.dmclient.Viewer.Agent"
#define VIEWER_NAME "org.dmclient.Viewer"
#define VIEWER_PATH "/org/dmclient/Viewer"
#define APPLICATION "org.freedesktop.Application"

/* When a service that answered with an error is asked again, or a bus that has gone is looked for:
 * soon, then ever later. */
#define FIRST_AGAIN_US G_USEC_PER_SEC
#define LAST_AGAIN_US ((gint64)10 * 60 * G_USEC_PER_SEC)

typedef struct {
    GMainLoop *loop;
    GDBusConnection *session;
    DmModel *model;
    DmAgentMemory *memory;
    DmAgentNotifier *notifier;
    DmTimer *timer;
    gint64 again_us;
    bool is_ready; /* the name is ours */
    int exit_code;
} Agent;

/* What a notification is about. */
typedef struct {
    char *provider;
    DmAgentTopic topic;
    DmAgentFacts facts;
} Notice;

static Notice *
notice_new(const char *provider, DmAgentTopic topic, const DmAgentFacts *facts)
{
    Notice *notice = g_new(Notice, 1);

    *notice = (Notice){g_strdup(provider), topic, *facts};
    return notice;
}

static void
notice_free(gpointer data)
{
    Notice *notice = data;

    g_free(notice->provider);
    g_free(notice);
}

static char *
make_key(const char *provider, DmAgentTopic topic)
{
    return g_strdup_printf("%s %d", provider, (int)topic);
}

/* -- reading ------------------------------------------------------------------------------------
 */

/* What comes and goes by itself: no network, a server that is down. */
static bool
can_wait(const char *error)
{
    static const char *const errors[] = {"resolve", "connect", "timeout",    "http",
                                         "busy",    "denied",  "not-served", NULL};

    return g_strv_contains(errors, error);
}

static DmAgentFacts
read_facts(const DmModel *model, const char *provider)
{
    const char *session = DM_BUS_INTERFACE_SESSION;
    const char *error = dm_model_get_string(model, provider, session, "LastError");

    return (DmAgentFacts){
        .first_sync = dm_first_sync_read(model, provider).state,
        .is_idle = g_str_equal(dm_model_get_string(model, provider, session, "State"), "idle"),
        .has_failed = *error != '\0',
        .can_wait = can_wait(error),
        .last_attempt_us = dm_model_get_time(model, provider, session, "LastAttempt"),
        .last_success_us = dm_model_get_time(model, provider, session, "LastSuccess"),
        .deadline_us = dm_model_get_time(model, provider, session, "UnenrollDeadline"),
        .days =
            dm_leaf_get_int(model, provider, DM_NAME_NUMBER_OF_DAYS_AFTER_LOST_CONTACT_TO_UNENROLL),
    };
}

/* -- telling ------------------------------------------------------------------------------------
 */

static void
show(Agent *agent, const char *provider, const DmAgentFacts *facts, DmAgentTopic topic,
     gint64 now_us)
{
    g_autofree char *key = make_key(provider, topic);
    g_autofree char *text = dm_agent_words_text(agent->model, provider, facts, topic, now_us);

    dm_agent_notifier_show(agent->notifier, key, dm_agent_words_title(facts, topic), text,
                           dm_agent_rules_is_urgent(facts, topic, now_us),
                           notice_new(provider, topic, facts));
}

static void
withdraw(Agent *agent, const char *provider, DmAgentTopic topic)
{
    g_autofree char *key = make_key(provider, topic);

    dm_agent_notifier_withdraw(agent->notifier, key);
}

static void
judge_provider(Agent *agent, const char *provider, const DmAgentFacts *facts, gint64 now_us)
{
    DmAgentRecord record = dm_agent_memory_get(agent->memory, provider);

    dm_agent_rules_see(&record, facts);
    dm_agent_memory_set(agent->memory, provider, &record);
    for (DmAgentTopic topic = DM_AGENT_FIRST_SYNC; topic < DM_AGENT_N_TOPICS; topic++) {
        DmAgentVerdict verdict = dm_agent_rules_judge(&record, facts, topic, now_us);

        if (verdict == DM_AGENT_SHOW)
            show(agent, provider, facts, topic, now_us);
        else if (verdict == DM_AGENT_WITHDRAW)
            withdraw(agent, provider, topic);
    }
}

static void
forget_gone(Agent *agent, const char *const *providers)
{
    g_auto(GStrv) gone = dm_agent_memory_forget_others(agent->memory, providers);

    for (gsize i = 0; gone[i] != NULL; i++)
        for (DmAgentTopic topic = DM_AGENT_FIRST_SYNC; topic < DM_AGENT_N_TOPICS; topic++)
            withdraw(agent, gone[i], topic);
}

static void
set_timer(Agent *agent, gint64 wait_us)
{
    dm_timer_set(agent->timer, dm_clock_boot_us(dm_clock_system()) + wait_us);
}

static void
judge_all(Agent *agent)
{
    const char *const *providers = dm_model_get_providers(agent->model);
    gint64 now_us = g_get_real_time();
    gint64 next_us = G_MAXINT64;

    forget_gone(agent, providers);
    for (gsize i = 0; providers[i] != NULL; i++) {
        DmAgentFacts facts = read_facts(agent->model, providers[i]);
        gint64 due_us = dm_agent_rules_get_next(&facts, now_us);

        judge_provider(agent, providers[i], &facts, now_us);
        if (due_us != 0)
            next_us = MIN(next_us, due_us);
    }
    if (next_us != G_MAXINT64)
        set_timer(agent, next_us - now_us);
    else
        dm_timer_set(agent->timer, -1);
}

static void
end(Agent *agent, int exit_code)
{
    agent->exit_code = exit_code;
    g_main_loop_quit(agent->loop);
}

static bool
has_bus(const Agent *agent)
{
    GDBusConnection *bus = dm_model_get_bus(agent->model);

    return bus != NULL && !g_dbus_connection_is_closed(bus);
}

static void
try_again_later(Agent *agent)
{
    set_timer(agent, agent->again_us);
    agent->again_us = MIN(2 * agent->again_us, LAST_AGAIN_US);
}

static void
on_changed(Agent *agent)
{
    switch (dm_model_get_state(agent->model)) {
    case DM_MODEL_READY:
        agent->again_us = FIRST_AGAIN_US;
        judge_all(agent);
        break;
    case DM_MODEL_NO_BUS:
        g_printerr("dmclient-viewer: no system bus: %s\n", dm_model_get_message(agent->model));
        end(agent, EXIT_FAILURE);
        break;
    case DM_MODEL_STALE:
        if (!has_bus(agent))
            try_again_later(agent);
        break;
    case DM_MODEL_FAILED:
        try_again_later(agent);
        break;
    case DM_MODEL_CONNECTING:
    case DM_MODEL_NO_SERVICE:
    case DM_MODEL_DENIED:
    default:
        break; /* the model sees when the service comes */
    }
}

static void
on_time(gpointer data)
{
    Agent *agent = data;

    if (dm_model_get_state(agent->model) == DM_MODEL_READY)
        judge_all(agent);
    else if (dm_model_get_state(agent->model) == DM_MODEL_FAILED || !has_bus(agent))
        dm_model_start(agent->model);
}

/* -- what the notifications tell ----------------------------------------------------------------
 */

static void
on_shown(gpointer data, gpointer agent_data)
{
    const Notice *notice = data;
    Agent *agent = agent_data;
    DmAgentRecord record = dm_agent_memory_get(agent->memory, notice->provider);

    dm_agent_rules_told(&record, &notice->facts, notice->topic, g_get_real_time());
    dm_agent_memory_set(agent->memory, notice->provider, &record);
}

static void
on_viewer_called(GObject *source, GAsyncResult *result, gpointer data)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GVariant) reply =
        g_dbus_connection_call_finish(G_DBUS_CONNECTION(source), result, &error);

    if (reply == NULL)
        g_printerr("dmclient-viewer: cannot open the window: %s\n", error->message);
}

/* The desktop starts the viewer if it is not there. */
static void
on_opened(gpointer data, const char *token, gpointer agent_data)
{
    const Notice *notice = data;
    const Agent *agent = agent_data;
    const char *page = notice->topic == DM_AGENT_FIRST_SYNC ? "setup" : "organisation";
    GVariantBuilder parameters;
    GVariantBuilder platform;

    g_variant_builder_init(&parameters, G_VARIANT_TYPE("av"));
    g_variant_builder_add(&parameters, "v", g_variant_new("(ss)", page, notice->provider));
    g_variant_builder_init(&platform, G_VARIANT_TYPE_VARDICT);
    if (token != NULL) {
        g_variant_builder_add(&platform, "{sv}", "activation-token", g_variant_new_string(token));
        g_variant_builder_add(&platform, "{sv}", "desktop-startup-id", g_variant_new_string(token));
    }
    g_dbus_connection_call(agent->session, VIEWER_NAME, VIEWER_PATH, APPLICATION, "ActivateAction",
                           g_variant_new("(sava{sv})", "show-page", &parameters, &platform), NULL,
                           G_DBUS_CALL_FLAGS_NONE, -1, NULL, on_viewer_called, NULL);
}

/* -- in and out ---------------------------------------------------------------------------------
 */

static void
on_name_acquired(GDBusConnection *bus, const char *name, gpointer data)
{
    Agent *agent = data;

    if (!agent->is_ready)
        dm_model_start(agent->model);
    agent->is_ready = true;
}

static void
on_name_lost(GDBusConnection *bus, const char *name, gpointer data)
{
    Agent *agent = data;

    /* There is one already; or the session has ended. */
    end(agent, EXIT_SUCCESS);
}

static void
on_session_closed(GDBusConnection *bus, gboolean by_peer, GError *error, gpointer data)
{
    Agent *agent = data;

    end(agent, EXIT_SUCCESS);
}

static gboolean
on_stop(gpointer data)
{
    Agent *agent = data;

    end(agent, EXIT_SUCCESS);
    return G_SOURCE_CONTINUE;
}

static void
run(Agent *agent)
{
    static const DmAgentNotifierFuncs funcs = {on_shown, on_opened};
    guint stops[] = {g_unix_signal_add(SIGTERM, on_stop, agent),
                     g_unix_signal_add(SIGINT, on_stop, agent)};
    gulong closed =
        g_signal_connect(agent->session, "closed", G_CALLBACK(on_session_closed), agent);
    guint owner;

    g_dbus_connection_set_exit_on_close(agent->session, FALSE);
    agent->loop = g_main_loop_new(NULL, FALSE);
    agent->memory = dm_agent_memory_open();
    agent->timer = dm_timer_new(NULL, on_time, agent);
    agent->again_us = FIRST_AGAIN_US;
    agent->notifier = dm_agent_notifier_new(agent->session, &funcs, agent, notice_free);
    agent->model = dm_model_new();
    g_signal_connect_swapped(agent->model, "changed", G_CALLBACK(on_changed), agent);
    owner = g_bus_own_name_on_connection(agent->session, AGENT_NAME,
                                         G_BUS_NAME_OWNER_FLAGS_DO_NOT_QUEUE, on_name_acquired,
                                         on_name_lost, agent, NULL);
    g_main_loop_run(agent->loop);
    g_bus_unown_name(owner);
    g_signal_handlers_disconnect_by_data(agent->model, agent);
    g_object_unref(agent->model);
    dm_agent_notifier_free(agent->notifier);
    dm_timer_free(agent->timer);
    dm_agent_memory_free(agent->memory);
    g_main_loop_unref(agent->loop);
    g_signal_handler_disconnect(agent->session, closed);
    for (gsize i = 0; i < G_N_ELEMENTS(stops); i++)
        g_source_remove(stops[i]);
}

int
dm_agent_run(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GDBusConnection) session = g_bus_get_sync(G_BUS_TYPE_SESSION, NULL, &error);
    Agent agent = {.session = session, .exit_code = EXIT_SUCCESS};

    if (session == NULL) {
        g_printerr("dmclient-viewer: no session bus: %s\n", error->message);
        return EXIT_FAILURE;
    }
    run(&agent);
    return agent.exit_code;
}
