/* SPDX-License-Identifier: MIT */

/* The tree socket's wire, both ways: bytes become a D-Bus message as libdbus would take it from a
 * peer, which is then given to every reader, whatever its signature. */

#include <glib.h>
#include <stddef.h>
#include <stdint.h>

#include "dbus/tree-call.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
read_everything(DBusMessageIter *iter)
{
    DBusMessageIter copy = *iter;
    G_GNUC_UNUSED g_autoptr(GArray) commands = dm_wire_read_commands(&copy);
    g_autoptr(DmReply) reply = NULL;
    g_autoptr(GHashTable) strings = NULL;
    g_auto(DmTreeSession) session = {0};
    g_autoptr(GArray) files = NULL;
    g_autoptr(GArray) dues = NULL;
    g_autoptr(GPtrArray) providers = NULL;
    DmTreeReport report;

    copy = *iter;
    reply = dm_wire_read_reply(&copy);
    copy = *iter;
    strings = dm_wire_read_strings(&copy);
    copy = *iter;
    (void)dm_wire_read_session(&copy, &session);
    copy = *iter;
    (void)dm_wire_read_report(&copy, &report);
    copy = *iter;
    files = dm_wire_read_files(&copy);
    copy = *iter;
    dues = dm_wire_read_dues(&copy);
    copy = *iter;
    providers = dm_wire_read_providers(&copy);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autoptr(DBusMessage) message = NULL;
    DmTreeSyncRequest request;
    g_autoptr(GPtrArray) inspection = NULL;
    const char *health = NULL;
    DBusMessageIter iter;

    if (size > G_MAXINT)
        return 0;
    message = dbus_message_demarshal((const char *)data, (int)size, NULL);
    if (message == NULL)
        return 0;
    (void)dm_wire_read_sync_request(message, &request);
    inspection = dm_wire_read_inspection(message, &health);
    if (!dbus_message_iter_init(message, &iter))
        return 0;
    do {
        read_everything(&iter);
    } while (dbus_message_iter_next(&iter));
    return 0;
}
