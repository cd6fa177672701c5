/* SPDX-License-Identifier: MIT */

/* A module for OSConfig: component DMClient, whose objects are read from the tree socket and
 * written to it. All that the host hands over is taken for hostile, its session pointers too: they
 * are numbers, which nothing follows. */

#include "hosts/osconfig.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "hosts/mmi-objects.h"

#define COMPONENT "DMClient"

/* A session of the host; the tree is connected to when it is first asked for something. */
typedef struct Session {
    struct Session *next;
    guintptr handle;
    guint n_users; /* the list, and calls under way; under the lock of `module` */
    unsigned max_bytes;
    GMutex lock; /* one call at a time */
    DmHostTree *tree;
    DmMmiJson json;
} Session;

/* What outlives sessions: the ABI has nothing that is the module's. */
static struct {
    GMutex lock;
    Session *sessions;
    guintptr last_handle;
    /* The object `lastCommand`. */
    char *command_id; /* "" of desired providers that were refused, NULL of nothing */
    char *session;    /* of the command, as the tree knows it */
    DmMmiOutcome outcome;
} module;

/* -- sessions ------------------------------------------------------------------------------------
 */

static void
session_free(Session *self)
{
    dm_host_tree_free(self->tree);
    g_mutex_clear(&self->lock);
    g_free(self);
}

/* Begins a call; NULL: there is no such session. */
static Session *
session_enter(const void *handle)
{
    Session *self;

    g_mutex_lock(&module.lock);
    for (self = module.sessions; self != NULL; self = self->next)
        if (self->handle == (guintptr)handle)
            break;
    if (self != NULL)
        self->n_users++;
    g_mutex_unlock(&module.lock);
    if (self != NULL)
        g_mutex_lock(&self->lock);
    return self;
}

/* The host may close a session from another thread while it is in use: the last one out frees it.
 */
static void
session_drop(Session *self)
{
    bool is_last;

    g_mutex_lock(&module.lock);
    is_last = --self->n_users == 0;
    g_mutex_unlock(&module.lock);
    if (is_last)
        session_free(self);
}

static void
session_leave(Session *self)
{
    g_mutex_unlock(&self->lock);
    session_drop(self);
}

/* -- outcomes ------------------------------------------------------------------------------------
 */

/* Standard error is where a daemon's modules can be heard; GLib escapes what could spoil it. */
static void
say(const char *what, const DmMmiOutcome *outcome)
{
    g_log_structured(G_LOG_DOMAIN, G_LOG_LEVEL_MESSAGE, "MESSAGE", COMPONENT ": %s: %s", what,
                     outcome->message);
}

static void
forget_outcome(void)
{
    g_clear_pointer(&module.command_id, g_free);
    g_clear_pointer(&module.session, g_free);
    g_clear_pointer(&module.outcome.message, g_free);
    module.outcome = (DmMmiOutcome){0};
}

/* Makes it what `lastCommand` tells; takes the outcome. `session` NULL: the tree did not decide. */
static int
keep_outcome(const char *command_id, const char *session, DmMmiOutcome outcome)
{
    if (outcome.error != 0)
        say("MmiSet", &outcome);
    g_mutex_lock(&module.lock);
    forget_outcome();
    module.command_id = g_strdup(command_id);
    module.session = g_strdup(session);
    module.outcome = outcome;
    g_mutex_unlock(&module.lock);
    return outcome.error;
}

/* Whether the command of that session is the last one, and its outcome. */
static bool
find_outcome(const char *session, int *ret_error)
{
    bool is_found;

    g_mutex_lock(&module.lock);
    is_found = module.session != NULL && strcmp(module.session, session) == 0;
    if (is_found)
        *ret_error = module.outcome.error;
    g_mutex_unlock(&module.lock);
    return is_found;
}

static JsonNode *
last_command_to_json(const DmMmiJson *json)
{
    JsonObject *object = json->object_new();
    const char *message = "";
    JsonNode *node;

    g_mutex_lock(&module.lock);
    if (module.command_id != NULL)
        message = module.outcome.message != NULL ? module.outcome.message
                                                 : dm_mmi_status_to_text(module.outcome.status);
    json->object_set_string_member(object, "commandId",
                                   module.command_id != NULL ? module.command_id : "");
    json->object_set_int_member(object, "status", (gint64)module.outcome.status);
    json->object_set_string_member(object, "message", message);
    g_mutex_unlock(&module.lock);
    node = json->node_init_object(json->node_alloc(), object);
    json->object_unref(object);
    return node;
}

/* -- objects -------------------------------------------------------------------------------------
 */

typedef enum {
    OBJECT_NONE,
    OBJECT_HW_DEV_ID,
    OBJECT_LAST_COMMAND,
    OBJECT_PROVIDERS,
    OBJECT_COMMAND,
} Object;

static Object
find_object(const char *component, const char *object)
{
    char hw_dev_id[DM_MMI_NAME_MAX];

    if (component == NULL || object == NULL || strcmp(component, COMPONENT) != 0)
        return OBJECT_NONE;
    dm_mmi_model_write_name(DM_MMI_NODE_ROOT_HW_DEV_ID, hw_dev_id);
    if (strcmp(object, hw_dev_id) == 0)
        return OBJECT_HW_DEV_ID;
    if (strcmp(object, "lastCommand") == 0)
        return OBJECT_LAST_COMMAND;
    if (strcmp(object, "providers") == 0)
        return OBJECT_PROVIDERS;
    return strcmp(object, "command") == 0 ? OBJECT_COMMAND : OBJECT_NONE;
}

static int
set_providers(Session *self, JsonNode *desired)
{
    DmMmiOutcome outcome = dm_mmi_objects_set_providers(self->tree, &self->json, desired);

    if (outcome.error != 0)
        return keep_outcome("", NULL, outcome);
    g_free(outcome.message);
    g_mutex_lock(&module.lock);
    if (module.command_id != NULL && *module.command_id == '\0')
        forget_outcome();
    g_mutex_unlock(&module.lock);
    return 0;
}

static int
set_command(Session *self, JsonNode *desired)
{
    g_autofree char *session = NULL;
    g_autoptr(DmMmiPlan) plan = NULL;
    char *problem = NULL;
    DmMmiOutcome outcome;
    int error;

    plan = dm_mmi_plan_new_command(&self->json, desired, &problem);
    if (plan == NULL)
        return keep_outcome("", NULL, dm_mmi_outcome_refused(DM_STATUS_BAD_FORMAT, problem));
    session = dm_mmi_plan_new_session(plan);
    if (find_outcome(session, &error))
        return error;
    outcome = dm_mmi_objects_run_command(self->tree, plan, session);
    /* What has not reached the tree may be asked for again. */
    return keep_outcome(dm_mmi_plan_get_id(plan), outcome.is_final ? session : NULL, outcome);
}

static int
set_object(Session *self, Object object, const char *payload, gsize size)
{
    char *problem = NULL;
    JsonNode *desired = dm_mmi_json_parse(&self->json, payload, size, &problem);
    int error;

    if (desired == NULL)
        return keep_outcome("", NULL, dm_mmi_outcome_refused(DM_STATUS_BAD_FORMAT, problem));
    error = object == OBJECT_COMMAND ? set_command(self, desired) : set_providers(self, desired);
    self->json.node_unref(desired);
    return error;
}

static int
get_object(Session *self, Object object, char **ret_payload, gsize *ret_size)
{
    DmMmiOutcome outcome = {0};
    JsonNode *node;

    if (object == OBJECT_LAST_COMMAND)
        node = last_command_to_json(&self->json);
    else if (object == OBJECT_PROVIDERS)
        node = dm_mmi_objects_get_providers(self->tree, &self->json, &outcome);
    else
        node = dm_mmi_objects_get_hw_dev_id(self->tree, &self->json, &outcome);
    if (node == NULL) {
        say("MmiGet", &outcome);
        g_free(outcome.message);
        return outcome.error;
    }
    *ret_payload = dm_mmi_json_write(&self->json, node, ret_size);
    return *ret_payload != NULL ? 0 : ENOMEM;
}

/* -- the interface -------------------------------------------------------------------------------
 */

int
MmiGetInfo(const char *client, char **payload, int *payload_bytes)
{
    static const char info[] =
        "{\"Name\":\"" COMPONENT "\","
        "\"Description\":\"Settings by which an MDM server manages this device\","
        "\"Manufacturer\":\"dmclient\",\"VersionMajor\":" DM_VERSION_MAJOR
        ",\"VersionMinor\":" DM_VERSION_MINOR ",\"VersionPatch\":" DM_VERSION_PATCH
        ",\"VersionInfo\":\"" DM_VERSION "\",\"Components\":[\"" COMPONENT
        "\"],\"Lifetime\":1,\"LicenseUri\":\"https://spdx.org/licenses/MIT.html\","
        "\"UserAccount\":0}";

    if (payload == NULL || payload_bytes == NULL)
        return EINVAL;
    *payload = client != NULL ? strdup(info) : NULL;
    *payload_bytes = *payload != NULL ? (int)strlen(info) : 0;
    if (*payload != NULL)
        return 0;
    return client != NULL ? ENOMEM : EINVAL;
}

void *
MmiOpen(const char *client, const unsigned int max_payload_bytes)
{
    DmMmiOutcome outcome = {0};
    Session *self;

    if (client == NULL)
        return NULL;
    self = g_new0(Session, 1);
    g_mutex_init(&self->lock);
    self->n_users = 1;
    self->max_bytes = max_payload_bytes;
    if (!dm_mmi_json_init(&self->json, &outcome.message)) {
        say("MmiOpen", &outcome);
        g_free(outcome.message);
        session_free(self);
        return NULL;
    }
    self->tree = dm_host_tree_new(-1);
    if (self->tree == NULL) {
        session_free(self);
        return NULL;
    }
    g_mutex_lock(&module.lock);
    self->handle = ++module.last_handle;
    self->next = module.sessions;
    module.sessions = self;
    g_mutex_unlock(&module.lock);
    return (void *)self->handle;
}

void
MmiClose(void *session)
{
    Session *self;

    g_mutex_lock(&module.lock);
    for (Session **link = &module.sessions; (self = *link) != NULL; link = &self->next) {
        if (self->handle == (guintptr)session) {
            *link = self->next;
            break;
        }
    }
    g_mutex_unlock(&module.lock);
    if (self != NULL)
        session_drop(self);
}

int
MmiSet(void *session, const char *component, const char *object, const char *payload,
       const int payload_bytes)
{
    Object which = find_object(component, object);
    Session *self = session_enter(session);
    int error;

    if (self == NULL)
        return EINVAL;
    if (payload == NULL || payload_bytes < 0)
        error = EINVAL;
    else if (self->max_bytes != 0 && (unsigned)payload_bytes > self->max_bytes)
        error = E2BIG;
    else if (which == OBJECT_NONE)
        error = ENOENT;
    else if (which == OBJECT_HW_DEV_ID || which == OBJECT_LAST_COMMAND)
        error = EPERM;
    else
        error = set_object(self, which, payload, (gsize)payload_bytes);
    session_leave(self);
    return error;
}

int
MmiGet(void *session, const char *component, const char *object, char **payload, int *payload_bytes)
{
    Object which = find_object(component, object);
    char *text = NULL;
    Session *self;
    gsize size = 0;
    int error;

    if (payload == NULL || payload_bytes == NULL)
        return EINVAL;
    *payload = NULL;
    *payload_bytes = 0;
    self = session_enter(session);
    if (self == NULL)
        return EINVAL;
    if (which == OBJECT_NONE)
        error = ENOENT;
    else if (which == OBJECT_COMMAND)
        error = EPERM;
    else
        error = get_object(self, which, &text, &size);
    if (error == 0 && (size > INT_MAX || (self->max_bytes != 0 && size > self->max_bytes)))
        error = E2BIG;
    session_leave(self);
    if (error != 0) {
        free(text);
        return error;
    }
    *payload = text;
    *payload_bytes = (int)size;
    return 0;
}

void
MmiFree(char *payload)
{
    free(payload);
}

/* The file is taken out of memory, or the process ends. What a thread that still runs may use
 * stays.
 */
__attribute__((destructor)) static void
on_unload(void)
{
    if (!g_mutex_trylock(&module.lock))
        return;
    forget_outcome();
    for (Session **link = &module.sessions; *link != NULL;) {
        Session *self = *link;

        if (self->n_users > 1) {
            link = &self->next;
            continue;
        }
        *link = self->next;
        session_free(self);
    }
    g_mutex_unlock(&module.lock);
}
