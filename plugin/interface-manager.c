/* SPDX-License-Identifier: MIT */
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "dbus/names.h"
#include "plugin/call.h"
#include "plugin/objects-private.h"
#include "tree/rules/first-sync.h"
#include "tree/unenroll.h"

/* ….Manager on the root: the service as a whole, and what can be asked of it. */

static bool
is_on(const DmObject *object)
{
    return object->node == DM_NODE_ROOT && object->scope == DM_SCOPE_DEVICE;
}

static bool
is_device_provider(const DmProvider *provider)
{
    return dm_provider_get_scope(provider) == DM_SCOPE_DEVICE;
}

static void
load(const DmTree *tree, const DmObject *object, DmState *state)
{
    gsize n;
    DmProvider *const *providers = dm_tree_get_providers(tree, &n);

    state->manager.tree = tree;
    state->manager.version = DM_VERSION;
    state->manager.health = dm_tree_get_health(tree);
    state->manager.is_managed = n > 0 && is_device_provider(providers[0]);
}

static void
append_providers(DmBody *body, const DmProperty *property, const void *data)
{
    const DmState *state = data;
    g_autoptr(GString) path = g_string_new(NULL);
    gsize n;
    DmProvider *const *providers = dm_tree_get_providers(state->manager.tree, &n);
    DmBodyArray array = dm_body_begin_array(body, false);

    for (gsize i = 0; i < n && is_device_provider(providers[i]); i++) {
        DmObject object = {DM_SCOPE_DEVICE, 0, DM_NODE_PROVIDER, providers[i]};

        g_string_truncate(path, 0);
        dm_object_append_path(path, &object);
        dm_body_append_valid(body, path->str);
    }
    dm_body_end_array(body, array);
}

/* -- replies ------------------------------------------------------------------------------------
 */

static void
later_free(gpointer data)
{
    dm_later_free(data);
}

/* What is written on the bus was written to the disk: the rest of the service gets to know. */
static void
tell_called(const DmCall *call)
{
    const DmObjectsOptions *options = &call->objects->options;

    if (options->hooks.on_called != NULL)
        options->hooks.on_called(options->data);
}

/* Finds the provider that the call names, of any tree that the caller may look at; false after an
 * error reply. */
static bool
find_provider(DmCall *call, const char *path, DmObject *ret_provider)
{
    if (dm_object_find(call->objects->options.tree, path, ret_provider) &&
        ret_provider->node == DM_NODE_PROVIDER &&
        dm_caller_may_read(call->caller, ret_provider->scope, ret_provider->uid, DM_READ_PUBLIC))
        return true;
    call->reply = dm_call_new_error(call->message, dm_status_to_dbus_error(DM_STATUS_NOT_FOUND),
                                    "no provider is at this path; see Providers", path);
    return false;
}

/* The same, of the device tree. */
static bool
find_device_provider(DmCall *call, const char *path, DmObject *ret_provider)
{
    if (!find_provider(call, path, ret_provider))
        return false;
    if (ret_provider->scope == DM_SCOPE_DEVICE)
        return true;
    call->reply = dm_call_new_error(call->message, DBUS_ERROR_INVALID_ARGS,
                                    "this is a user's part of a provider; take the device's", path);
    return false;
}

/* What comes before a method that has a provider: who calls, options, the provider, and last, so
 * that nobody is asked for nothing, whether the caller is authorised. False: dm_call_get_result()
 * says what the method returns. */
static bool
begin(DmCall *call, DmAction action, DmOption *options,
      bool (*find)(DmCall *call, const char *path, DmObject *ret_provider), DmObject *ret_provider)
{
    const char *path;

    if (call->caller == NULL)
        return false;
    path = dm_call_read_path(call, options);
    return path != NULL && find(call, path, ret_provider) && dm_call_authorise(call, action);
}

/* -- Sync ---------------------------------------------------------------------------------------
 */

static void
on_synced(const char *session, const GError *error, gpointer data)
{
    DmLater *later = data;
    g_autoptr(DmBody) body = NULL;

    if (error != NULL) {
        dm_later_fail(later, error);
        return;
    }
    body = dm_body_new();
    dm_body_append_text(body, session);
    dm_later_reply(later, body, "s");
}

static DmCallResult
on_sync(DmCall *call)
{
    DmOption options[] = {{"wait"}, {NULL}};
    DmObject provider;

    if (!begin(call, DM_ACTION_SYNC, options, find_device_provider, &provider))
        return dm_call_get_result(call);
    dm_sync_request(call->objects->options.sync,
                    &(const DmSyncRequest){
                        .provider = dm_provider_get_id(provider.provider),
                        .origin = "user",
                        .is_limited = !call->caller->is_root,
                        .uid = call->caller->uid,
                        .user = call->caller->is_root ? -1 : (gint64)call->caller->uid,
                        .wait = options[0].value,
                    },
                    on_synced, dm_later_new(call), later_free);
    return DM_CALL_LATER;
}

/* -- Unenroll -----------------------------------------------------------------------------------
 */

static DmCallResult
on_unenroll(DmCall *call)
{
    DmOption options[] = {{NULL}};
    DmObjects *objects = call->objects;
    g_autoptr(GError) error = NULL;
    DmObject provider;

    if (!begin(call, DM_ACTION_DISCONNECT, options, find_device_provider, &provider))
        return dm_call_get_result(call);
    if (dm_tree_request_unenroll(objects->options.tree, dm_provider_get_id(provider.provider),
                                 "user", "disconnected on this device", &error)) {
        call->reply = dm_call_new_empty_reply(call->message);
        dm_sync_unenroll(objects->options.sync);
    } else {
        call->reply = dm_call_new_failure(call->message, error);
    }
    tell_called(call);
    return DM_CALL_DONE;
}

/* -- RetryFirstSync -----------------------------------------------------------------------------
 */

static void
on_session_asked(const char *session, const GError *error, gpointer data)
{
    if (error != NULL)
        dm_log_debug("No session follows the retry of a first sync", "REASON", error->message);
}

static void
free_nothing(gpointer data)
{
}

/* The person who tries again waits for the server's next word: a session is asked for, and whether
 * one can be had is seen at ….Session. */
static void
ask_for_session(const DmCall *call, const DmObject *provider)
{
    dm_sync_request(call->objects->options.sync,
                    &(const DmSyncRequest){
                        .provider = dm_provider_get_id(provider->provider),
                        .origin = "user",
                        .uid = call->caller->uid,
                        .user = provider->scope == DM_SCOPE_USER ? (gint64)provider->uid : -1,
                    },
                    on_session_asked, NULL, free_nothing);
}

static DmCallResult
on_retry_first_sync(DmCall *call)
{
    DmOption options[] = {{NULL}};
    DmObjects *objects = call->objects;
    g_autoptr(GError) error = NULL;
    DmObject provider;

    if (!begin(call, DM_ACTION_RETRY_FIRST_SYNC, options, find_provider, &provider))
        return dm_call_get_result(call);
    if (dm_first_sync_retry(objects->options.tree, dm_provider_get_id(provider.provider),
                            provider.scope, provider.uid, &error)) {
        call->reply = dm_call_new_empty_reply(call->message);
        ask_for_session(call, &provider);
    } else {
        call->reply = dm_call_new_failure(call->message, error);
    }
    tell_called(call);
    return DM_CALL_DONE;
}

/* -- CollectLogs --------------------------------------------------------------------------------
 */

/* Whether a server allows the button that stands for it, to this caller. */
static bool
is_collecting_allowed(const DmCall *call)
{
    gsize n;
    DmProvider *const *providers = dm_tree_get_providers(call->objects->options.tree, &n);

    for (gsize i = 0; i < n; i++) {
        DmValue value;

        if (!is_device_provider(providers[i]) &&
            dm_provider_get_uid(providers[i]) != call->caller->uid)
            continue;
        if (dm_provider_get(providers[i], DM_NODE_FIRST_SYNC_ALLOW_COLLECT_LOGS_BUTTON, &value) &&
            value.u.boolean)
            return true;
    }
    return false;
}

static void
on_collected(int fd, const GError *error, gpointer data)
{
    if (fd < 0) {
        dm_later_fail(data, error);
        return;
    }
    dm_later_reply_fd(data, fd);
    (void)close(fd);
}

static DmCallResult
on_collect_logs(DmCall *call)
{
    DmOption options[] = {{NULL}};

    if (call->caller == NULL)
        return DM_CALL_ASK;
    if (!dm_call_read_options(call, options))
        return DM_CALL_DONE;
    if (!call->caller->is_root && !is_collecting_allowed(call)) {
        call->reply = dm_call_new_error(
            call->message, DBUS_ERROR_ACCESS_DENIED,
            "your organisation does not let users collect logs; an administrator can", NULL);
        return DM_CALL_DONE;
    }
    if (!dm_call_authorise(call, DM_ACTION_COLLECT_LOGS))
        return dm_call_get_result(call);
    dm_logs_collect(call->objects->options.logs, on_collected, dm_later_new(call), later_free);
    return DM_CALL_LATER;
}

/* -- Reload -------------------------------------------------------------------------------------
 */

static DmCallResult
on_reload(DmCall *call)
{
    DmOption options[] = {{NULL}};
    const DmObjectsOptions *objects = &call->objects->options;
    g_autoptr(GError) error = NULL;

    if (call->caller == NULL)
        return DM_CALL_ASK;
    if (!dm_call_read_options(call, options))
        return DM_CALL_DONE;
    if (!dm_call_authorise(call, DM_ACTION_RELOAD))
        return dm_call_get_result(call);
    if (objects->hooks.reload(objects->data, &error))
        call->reply = dm_call_new_empty_reply(call->message);
    else
        call->reply = dm_call_new_failure(call->message, error);
    return DM_CALL_DONE;
}

#define NO_PROVIDER "No provider is at this path."
#define IS_USERS "The path is that of a user's part of a provider."
#define NOT_STORED                                                                                 \
    {DM_BUS_ERROR_PREFIX "DeviceFull", "The disk is full; nothing has changed."},                  \
    {                                                                                              \
        DM_BUS_ERROR_PREFIX "Storage", "The disk failed; nothing has changed."                     \
    }

static const DmMethod methods[] = {
    {"Sync",
     (const DmArgument[]){
         {"provider", "o", false}, {"options", "a{sv}", false}, {"session", "s", true}, {NULL}},
     on_sync,
     "Has a session with the provider's server run now, and answers with its id as soon as a "
     "broker knows of it. The one that is under way or already asked for will do. Option `wait` "
     "(b): answer only when it has ended, with an error if it failed. A user may ask for one "
     "session a minute.",
     DM_ACTION_SYNC, true,
     (const DmMethodError[]){
         {DM_BUS_ERROR_PREFIX "NotFound", NO_PROVIDER " With `wait`: it has been unenrolled."},
         {DBUS_ERROR_INVALID_ARGS, IS_USERS},
         {DBUS_ERROR_LIMITS_EXCEEDED,
          "The caller asked for a session less than a minute ago, or too many wait already."},
         {DM_BUS_ERROR_PREFIX "Unavailable",
          "No broker is there to run it, and nothing can start one."},
         {DM_BUS_ERROR_PREFIX "Failed",
          "With `wait`: the session failed; the message has its result and the reason."},
         {NULL}}},
    {"Unenroll",
     (const DmArgument[]){{"provider", "o", false}, {"options", "a{sv}", false}, {NULL}},
     on_unenroll,
     "Ends the enrolment with the provider: its server is told, best effort, and then everything "
     "that belongs to it is removed. Answers when that is certain; the objects go a little later.",
     DM_ACTION_DISCONNECT, true,
     (const DmMethodError[]){{DM_BUS_ERROR_PREFIX "NotFound", NO_PROVIDER},
                             {DBUS_ERROR_INVALID_ARGS, IS_USERS},
                             NOT_STORED,
                             {NULL}}},
    {"RetryFirstSync",
     (const DmArgument[]){{"provider", "o", false}, {"options", "a{sv}", false}, {NULL}},
     on_retry_first_sync,
     "Tries a first sync that has failed again, unless the organisation blocks that; a session is "
     "asked for too. The provider is one of the device or of the caller's own tree.",
     DM_ACTION_RETRY_FIRST_SYNC, true,
     (const DmMethodError[]){
         {DM_BUS_ERROR_PREFIX "NotFound", NO_PROVIDER " Or it has no first sync."},
         {DM_BUS_ERROR_PREFIX "BadRequest", "The first sync has not failed."},
         {DBUS_ERROR_ACCESS_DENIED, "The organisation blocks it."},
         NOT_STORED,
         {NULL}}},
    {"CollectLogs",
     (const DmArgument[]){{"options", "a{sv}", false}, {"archive", "h", true}, {NULL}},
     on_collect_logs,
     "A tar archive for the help desk, with nothing secret in it: a descriptor that can be read, "
     "of a file that nobody else can open. For users only while a server sets the button that "
     "allows it.",
     DM_ACTION_COLLECT_LOGS, true,
     (const DmMethodError[]){
         {DBUS_ERROR_ACCESS_DENIED, "The organisation does not let users collect logs."},
         {DBUS_ERROR_LIMITS_EXCEEDED, "Too many archives are being made."},
         {DM_BUS_ERROR_PREFIX "DeviceFull", "There is no room for the archive."},
         {DM_BUS_ERROR_PREFIX "Storage", "The archive cannot be written."},
         {NULL}}},
    {"Reload", (const DmArgument[]){{"options", "a{sv}", false}, {NULL}}, on_reload,
     "Reads the configuration file again, here and in the broker; if it cannot be used the old one "
     "stays in force.",
     DM_ACTION_RELOAD, true,
     (const DmMethodError[]){
         {DM_BUS_ERROR_PREFIX "BadRequest", "The file has an error; the message says where."},
         {DM_BUS_ERROR_PREFIX "NotFound", "The file is not there."},
         {DBUS_ERROR_ACCESS_DENIED, "The service may not read the file."},
         {DM_BUS_ERROR_PREFIX "Failed", "The file cannot be read, or is too large."},
         {NULL}}},
    {NULL},
};

static const DmProperty properties[] = {
    {"Version", "s", DM_READ_PUBLIC, DM_EMITS_CONST, G_STRUCT_OFFSET(DmState, manager.version),
     dm_property_append_text, "The version of the service."},
    {"Managed", "b", DM_READ_PUBLIC, DM_EMITS_VALUE, G_STRUCT_OFFSET(DmState, manager.is_managed),
     dm_property_append_bool, "Whether the device is enrolled with any organisation."},
    {"Health", "s", DM_READ_PUBLIC, DM_EMITS_VALUE, G_STRUCT_OFFSET(DmState, manager.health),
     dm_property_append_text,
     "`ok`; `degraded`: the last write found no room on the disk; `read-only`: the disk failed, "
     "and nothing is written until the service starts again."},
    {"Providers", "ao", DM_READ_PUBLIC, DM_EMITS_VALUE, 0, append_providers,
     "The providers of the device tree."},
    {NULL},
};

const DmInterface dm_interface_manager = {
    .name = DM_BUS_INTERFACE_MANAGER,
    .is_on = is_on,
    .methods = methods,
    .properties = properties,
    .load = load,
    .is_own = true,
    .doc = "The service as a whole, and what can be asked of it.",
};
