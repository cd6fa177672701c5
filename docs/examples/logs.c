/* SPDX-License-Identifier: MIT */
/* logs FILE: writes the archive for the help desk to a file. */

#include <gio/gio.h>
#include <gio/gunixfdlist.h>
#include <gio/gunixinputstream.h>
#include <stdlib.h>

#define NAME "org.dmclient.DMClient1"

/* The archive, to be read; NULL on error. */
static GInputStream *
collect_logs(GError **error)
{
    g_autoptr(GDBusConnection) bus = g_bus_get_sync(G_BUS_TYPE_SYSTEM, NULL, error);
    g_autoptr(GUnixFDList) descriptors = NULL;
    g_autoptr(GVariant) reply = NULL;
    gint32 index;
    int fd;

    if (bus == NULL)
        return NULL;
    reply = g_dbus_connection_call_with_unix_fd_list_sync(
        bus, NAME, "/org/dmclient/DMClient1", NAME ".Manager", "CollectLogs",
        g_variant_new("(a{sv})", NULL), G_VARIANT_TYPE("(h)"),
        G_DBUS_CALL_FLAGS_ALLOW_INTERACTIVE_AUTHORIZATION, G_MAXINT, NULL, &descriptors, NULL,
        error);
    if (reply == NULL)
        return NULL;
    g_variant_get(reply, "(h)", &index);
    fd = g_unix_fd_list_get(descriptors, index, error);
    return fd >= 0 ? g_unix_input_stream_new(fd, TRUE) : NULL;
}

static gboolean
copy(GInputStream *in, const char *path, GError **error)
{
    g_autoptr(GFile) file = g_file_new_for_commandline_arg(path);
    g_autoptr(GFileOutputStream) out =
        g_file_replace(file, NULL, FALSE, G_FILE_CREATE_PRIVATE, NULL, error);

    return out != NULL &&
           g_output_stream_splice(G_OUTPUT_STREAM(out), in, G_OUTPUT_STREAM_SPLICE_CLOSE_TARGET,
                                  NULL, error) >= 0;
}

int
main(int argc, char **argv)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GInputStream) archive = NULL;

    if (argc != 2) {
        g_printerr("usage: logs FILE\n");
        return EXIT_FAILURE;
    }
    archive = collect_logs(&error);
    if (archive == NULL || !copy(archive, argv[1], &error)) {
        g_dbus_error_strip_remote_error(error);
        g_printerr("%s\n", error->message);
        return EXIT_FAILURE;
    }
    return EXIT_SUCCESS;
}
