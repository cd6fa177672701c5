/* SPDX-License-Identifier: MIT */
#include "desktop/agent-words.h"

#include "common/i18n.h"
#include "dbus/names.h"
#include "desktop/first-sync.h"
#include "desktop/words.h"

/* A notification has little room. */
#define MAX_NAME 60

/* Keep the direction in which a name is written from turning the words around it. */
#define ISOLATE "\u2068"
#define END_ISOLATE "\u2069"

const char *
dm_agent_words_title(const DmAgentFacts *facts, DmAgentTopic topic)
{
    if (topic == DM_AGENT_FIRST_SYNC)
        return facts->first_sync == DM_FIRST_SYNC_FAILED ? _("Device Setup Failed")
                                                         : _("Device Setup Complete");
    return topic == DM_AGENT_SYNC ? _("Device Does Not Sync") : _("Device Will Be Disconnected");
}

static char *
get_name(const DmModel *model, const char *provider)
{
    const char *name =
        dm_model_get_string(model, provider, DM_BUS_INTERFACE_PROVIDER, "ProviderID");

    if (g_utf8_strlen(name, -1) > MAX_NAME) {
        g_autofree char *start = g_utf8_substring(name, 0, MAX_NAME - 1);

        return g_strconcat(ISOLATE, start, "…" END_ISOLATE, NULL);
    }
    return g_strconcat(ISOLATE, name, END_ISOLATE, NULL);
}

static char *
describe_first_sync(const DmModel *model, const char *provider, const char *name)
{
    DmFirstSync sync = dm_first_sync_read(model, provider);

    /* Translators: %s is the name of an organisation, here and in the following texts. */
    if (sync.state != DM_FIRST_SYNC_FAILED)
        return g_strdup_printf(_("%s has finished setting up this device."), name);
    if (sync.can_retry)
        return g_strdup_printf(
            _("%s could not finish setting up this device. Open this to try again."), name);
    return g_strdup_printf(_("%s could not finish setting up this device. Open this to see whom "
                             "to ask for help."),
                           name);
}

static char *
describe_sync(const DmModel *model, const char *provider, const char *name, gint64 now_us)
{
    const char *error = dm_model_get_string(model, provider, DM_BUS_INTERFACE_SESSION, "LastError");
    gint64 good_us = dm_model_get_time(model, provider, DM_BUS_INTERFACE_SESSION, "LastSuccess");
    g_autofree char *when = dm_words_past(good_us, now_us);
    /* Translators: an organisation, and when, or "Never". */
    g_autofree char *last = g_strdup_printf(_("Last sync with %s: %s"), name, when);

    return g_strconcat(last, "\n", dm_words_session_error(error), NULL);
}

char *
dm_agent_words_text(const DmModel *model, const char *provider, const DmAgentFacts *facts,
                    DmAgentTopic topic, gint64 now_us)
{
    g_autofree char *name = get_name(model, provider);
    g_autofree char *when = NULL;

    if (topic == DM_AGENT_FIRST_SYNC)
        return describe_first_sync(model, provider, name);
    if (topic == DM_AGENT_SYNC)
        return describe_sync(model, provider, name, now_us);
    when = dm_words_deadline(facts->deadline_us, now_us);
    /* Translators: an organisation; a date, and what is left until then. */
    return g_strdup_printf(_("Without a sync this device disconnects from %s by itself: %s.\n"
                             "Connect to the network, then sync."),
                           name, when);
}
