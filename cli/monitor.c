/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "cli/run.h"
#include "common/error.h"
#include "common/i18n.h"
#include "common/paths.h"

/* Longest line that the broker sends: an event's text has at most what a journal's line has, and is
 * in it twice. */
#define MAX_LINE 65536

/* How wide a provider's name is shown, so that lines stand below each other. */
#define PROVIDER_COLUMNS 12

static char *
find_socket(void)
{
    const char *state_dir = g_getenv(DM_ENV_STATE_DIR);

    if (state_dir != NULL && *state_dir != '\0')
        return g_build_filename(state_dir, DM_STATE_KEY_DIR, DM_MONITOR_SOCKET, NULL);
    return g_build_filename(DM_DEFAULT_KEY_DIR, DM_MONITOR_SOCKET, NULL);
}

static int
fail_connect(const char *path, GError **error)
{
    if (errno == EACCES || errno == EPERM)
        g_set_error(error, DM_ERROR, DM_ERROR_DENIED,
                    _("%s: only root may watch sessions; 'sudo dmclientctl monitor' does"), path);
    else if (errno == ENOENT || errno == ECONNREFUSED || errno == ENOTDIR || errno == EPIPE ||
             errno == ECONNRESET)
        g_set_error(error, DM_ERROR, DM_ERROR_DISCONNECTED,
                    _("dmclient-broker does not run (nobody serves %s); 'systemctl start "
                      "dmclient-broker' starts it"),
                    path);
    else
        g_set_error(error, DM_ERROR, DM_ERROR_FAILED, "%s: %s", path, g_strerror(errno));
    return -1;
}

/* The connection, with the request said; -1 on failure. */
static int
connect_broker(const char *path, const char *request, GError **error)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (g_strlcpy(address.sun_path, path, sizeof address.sun_path) >= sizeof address.sun_path)
        errno = ENAMETOOLONG;
    else if (fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof address) == 0 &&
             send(fd, request, strlen(request), MSG_NOSIGNAL) == (gssize)strlen(request))
        return fd;
    (void)fail_connect(path, error);
    if (fd >= 0)
        close(fd);
    return -1;
}

/* -- one line ------------------------------------------------------------------------------------
 */

static const char *
get_text(JsonObject *event, const char *member)
{
    return json_object_get_string_member_with_default(event, member, "");
}

/* Whether the line is an event in a form that is known. */
static bool
is_event(JsonObject *event)
{
    JsonNode *kind = json_object_get_member(event, "event");

    return kind != NULL && JSON_NODE_HOLDS_VALUE(kind) &&
           json_node_get_value_type(kind) == G_TYPE_STRING;
}

static char *
format_time(const char *text)
{
    g_autoptr(GDateTime) time = g_date_time_new_from_iso8601(text, NULL);
    g_autoptr(GDateTime) local = time == NULL ? NULL : g_date_time_to_local(time);
    g_autofree char *seconds = local == NULL ? NULL : g_date_time_format(local, "%H:%M:%S");

    if (seconds == NULL)
        return g_strdup(text);
    return g_strdup_printf("%s.%03d", seconds, g_date_time_get_microsecond(local) / 1000);
}

/* What is not of a session: how watching itself goes. */
static void
print_note(DmPrinter *printer, JsonObject *event)
{
    g_autofree char *text = NULL;

    if (g_str_equal(get_text(event, "event"), "watching"))
        text = g_strdup_printf(_("Watching dmclient-broker %s; Ctrl+C ends it."),
                               get_text(event, "version"));
    else
        text = g_strdup_printf(_("Whole messages, secrets among them, go to %s until %s."),
                               get_text(event, "path"), get_text(event, "until"));
    dm_printer_append_escaped(printer->out, text, "");
    g_string_append_c(printer->out, '\n');
}

static void
print_event(DmPrinter *printer, JsonObject *event)
{
    g_autofree char *time = NULL;
    g_autofree char *line = NULL;

    if (!json_object_has_member(event, "time")) {
        print_note(printer, event);
        return;
    }
    time = format_time(get_text(event, "time"));
    line = g_strdup_printf("%s  %-*s  %s", time, PROVIDER_COLUMNS, get_text(event, "provider"),
                           get_text(event, "text"));
    dm_printer_append_escaped(printer->out, line, "");
    g_string_append_c(printer->out, '\n');
}

/* The event as it came, with the schema in front. */
static void
print_json(DmPrinter *printer, JsonObject *event)
{
    g_autoptr(JsonBuilder) builder = dm_printer_json_begin();
    JsonObjectIter iter;
    const char *name;
    JsonNode *value;

    json_object_iter_init(&iter, event);
    while (json_object_iter_next(&iter, &name, &value)) {
        json_builder_set_member_name(builder, name);
        json_builder_add_value(builder, json_node_copy(value));
    }
    printer->lines = true;
    dm_printer_json_end(printer, builder);
}

/* False if it is no event, or cannot be written: then there is nothing more to watch for. */
static bool
take_line(DmPrinter *printer, const char *line, GError **error)
{
    g_autoptr(JsonParser) parser = json_parser_new();
    JsonNode *root;

    if (json_parser_load_from_data(parser, line, -1, NULL)) {
        root = json_parser_get_root(parser);
        if (root != NULL && JSON_NODE_HOLDS_OBJECT(root) && is_event(json_node_get_object(root))) {
            JsonObject *event = json_node_get_object(root);

            if (g_str_equal(get_text(event, "event"), "error")) {
                g_set_error(error, DM_ERROR, DM_ERROR_FAILED, _("messages cannot be recorded: %s"),
                            get_text(event, "text"));
                return false;
            }
            if (printer->json)
                print_json(printer, event);
            else
                print_event(printer, event);
            if (dm_printer_flush(printer))
                return true;
            g_set_error(error, DM_ERROR, DM_ERROR_STORAGE, _("standard output cannot be written"));
            return false;
        }
    }
    g_set_error(error, DM_ERROR, DM_ERROR_FAILED,
                _("dmclient-broker says what is not known here; is it of the same version as "
                  "dmclientctl?"));
    return false;
}

/* -- all of them ---------------------------------------------------------------------------------
 */

/* Prints what comes until there is no more, which is always an error. */
static void
watch(int fd, DmPrinter *printer, GError **error)
{
    g_autoptr(GString) received = g_string_new(NULL);
    char buffer[4096];
    gssize n;

    while ((n = recv(fd, buffer, sizeof buffer, 0)) > 0 || (n < 0 && errno == EINTR)) {
        char *end;

        if (n < 0)
            continue;
        g_string_append_len(received, buffer, n);
        while ((end = strchr(received->str, '\n')) != NULL) {
            *end = '\0';
            if (!take_line(printer, received->str, error))
                return;
            g_string_erase(received, 0, end - received->str + 1);
        }
        if (received->len > MAX_LINE || strlen(received->str) != received->len) {
            g_set_error(error, DM_ERROR, DM_ERROR_FAILED, _("dmclient-broker sends no lines"));
            return;
        }
    }
    g_set_error(error, DM_ERROR, DM_ERROR_DISCONNECTED,
                _("dmclient-broker has ended, or took this program for one that does not read"));
}

DmExit
dm_run_monitor(const DmArguments *arguments, DmPrinter *printer)
{
    const char *request = arguments->values[DM_OPTION_RAW] != NULL ? "raw\n" : "watch\n";
    g_autofree char *path = find_socket();
    g_autoptr(GError) error = NULL;
    int fd = connect_broker(path, request, &error);
    DmExit code = DM_EXIT_FAILURE;

    if (fd >= 0) {
        watch(fd, printer, &error);
        close(fd);
    }
    if (error->code == DM_ERROR_DENIED)
        code = DM_EXIT_DENIED;
    else if (error->code == DM_ERROR_DISCONNECTED)
        code = DM_EXIT_NOT_RUNNING;
    return dm_printer_fail(printer, code, "%s", error->message);
}
