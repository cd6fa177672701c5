/* SPDX-License-Identifier: MIT */
#include "cli/client.h"

#include "common/error.h"
#include "common/i18n.h"
#include "common/paths.h"

#define CONNECT_TIMEOUT_MS 10000

DmTreeClient *
dm_client_open(const DmArguments *arguments, DmPrinter *printer, DmExit *ret_exit)
{
    const char *path = dm_arguments_get(arguments, DM_OPTION_SOCKET, DM_DEFAULT_SOCKET);
    g_autoptr(GError) error = NULL;
    DmTreeClient *client = dm_tree_client_new(path, CONNECT_TIMEOUT_MS, &error);
    DmExit code = DM_EXIT_FAILURE;

    if (client != NULL)
        return client;
    if (g_error_matches(error, DM_ERROR, DM_ERROR_NOT_FOUND) ||
        g_error_matches(error, DM_ERROR, DM_ERROR_DISCONNECTED))
        code = DM_EXIT_NOT_RUNNING;
    else if (g_error_matches(error, DM_ERROR, DM_ERROR_DENIED))
        code = DM_EXIT_DENIED;
    *ret_exit = dm_printer_fail(printer, code, "%s", error->message);
    return NULL;
}

static DmExit
exit_of_call(const GError *error)
{
    if (g_error_matches(error, DM_ERROR, DM_ERROR_NOT_FOUND))
        return DM_EXIT_NOT_FOUND;
    if (g_error_matches(error, DM_ERROR, DM_ERROR_DENIED))
        return DM_EXIT_DENIED;
    return DM_EXIT_FAILURE;
}

DmReply *
dm_client_call(DmTreeClient *client, DBusMessage *call, GError *error, gsize n_results,
               DmPrinter *printer, DmExit *ret_exit)
{
    g_autoptr(GError) failure = error;
    g_autoptr(DBusMessage) answer = NULL;

    if (call != NULL) {
        answer = dm_tree_client_call(client, call, &failure);
        dbus_message_unref(call);
    }
    g_autoptr(DmReply) reply = answer == NULL ? NULL : dm_tree_call_read_reply(answer, &failure);

    if (reply == NULL) {
        *ret_exit = dm_printer_fail(printer, exit_of_call(failure), "%s", failure->message);
        return NULL;
    }
    if (dm_reply_get_size(reply) != n_results) {
        *ret_exit = dm_printer_fail(printer, DM_EXIT_FAILURE,
                                    _("the service answered %zu results to %zu commands; are "
                                      "service and command line of one version?"),
                                    dm_reply_get_size(reply), n_results);
        return NULL;
    }
    return g_steal_pointer(&reply);
}

DmReply *
dm_client_apply(const DmArguments *arguments, const char *session, const char *provider,
                const DmCommand *batch, gsize n_batch, DmPrinter *printer, DmExit *ret_exit)
{
    DmContext context = {.session = session, .message = 1, .provider = provider, .uid = -1};
    g_autoptr(GError) error = NULL;

    if (!dm_arguments_get_user(arguments, &context.uid, &error)) {
        *ret_exit = dm_printer_fail(printer, DM_EXIT_USAGE, "%s", error->message);
        return NULL;
    }
    g_autoptr(DmTreeClient) client = dm_client_open(arguments, printer, ret_exit);
    if (client == NULL)
        return NULL;
    DBusMessage *call = dm_tree_call_new_apply(&context, batch, n_batch, &error);
    return dm_client_call(client, call, g_steal_pointer(&error), n_batch, printer, ret_exit);
}

DmReply *
dm_client_run(const DmArguments *arguments, const DmCommand *command, DmPrinter *printer,
              DmExit *ret_exit)
{
    return dm_client_apply(arguments, NULL, NULL, command, 1, printer, ret_exit);
}

/* The next step after a refusal, where there is one. */
static const char *
find_hint(DmStatus status)
{
    static const struct {
        DmStatus status;
        const char *hint;
    } hints[] = {
        {DM_STATUS_BAD_REQUEST, N_("The LocURI or the value is not what the node takes.")},
        {DM_STATUS_NOT_FOUND, N_("'dmclientctl tree' shows the nodes there are.")},
        {DM_STATUS_NOT_ALLOWED, N_("The node does not take this command, or not in its present "
                                   "state; ./User needs --user.")},
        {DM_STATUS_INCOMPLETE, N_("The node needs DATA.")},
        {DM_STATUS_TOO_LARGE, N_("The value is longer than the node may hold.")},
        {DM_STATUS_BAD_FORMAT, N_("The value does not read as the node's format.")},
        {DM_STATUS_SIZE_TOO_BIG, N_("The answer would be too large: ask for a part of the tree.")},
        {DM_STATUS_EXISTS, N_("'dmclientctl replace' sets a node that is there already.")},
        {DM_STATUS_DEVICE_FULL, N_("Nothing was changed: make room on the disk.")},
        {DM_STATUS_STORAGE,
         N_("Nothing was changed: the disk failed; the service is read-only until it restarts.")},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(hints); i++)
        if (hints[i].status == status)
            return _(hints[i].hint);
    return NULL;
}

DmExit
dm_client_say_refused(const char *node, DmStatus status)
{
    const char *hint = find_hint(status);
    const char *text = dm_status_to_text(status);

    dm_printer_complain("%d %s: %s", (int)status, text == NULL ? "unknown status" : text, node);
    if (hint != NULL)
        dm_printer_complain("%s", hint);
    return dm_exit_from_status(status);
}
