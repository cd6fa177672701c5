/* SPDX-License-Identifier: MIT */

/* What only the tree and the process that runs its sessions say to each other. */

#include <string.h>

#include "common/error.h"
#include "dbus/tree-call.h"
#include "dbus/wire.h"

/* Thumbprints of one provider: the active certificate's, and of those that it may still need. */
#define MAX_THUMBPRINTS 8

/* A uid_t of all ones is nobody. */
#define MAX_UID ((gint64)G_MAXUINT32 - 1)

/* -- files ---------------------------------------------------------------------------------------
 */

static bool
is_file_name(const char *name)
{
    gsize length = strlen(name);

    return length > 0 && length <= DM_TREE_MAX_FILE_NAME && name[0] != '.' &&
           strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789.-") == length;
}

static bool
append_file(DBusMessageIter *array, const DmTreeFile *file)
{
    DBusMessageIter fields, bytes;

    return dbus_message_iter_open_container(array, DBUS_TYPE_STRUCT, NULL, &fields) &&
           dbus_message_iter_append_basic(&fields, DBUS_TYPE_STRING, &file->name) &&
           dbus_message_iter_open_container(&fields, DBUS_TYPE_ARRAY, "y", &bytes) &&
           dbus_message_iter_append_fixed_array(&bytes, DBUS_TYPE_BYTE, &file->data,
                                                (int)file->size) &&
           dbus_message_iter_close_container(&fields, &bytes) &&
           dbus_message_iter_close_container(array, &fields);
}

static bool
check_files(const DmTreeFile *files, gsize n_files, GError **error)
{
    for (gsize i = 0; i < n_files; i++) {
        if (!is_file_name(files[i].name)) {
            g_set_error(error, DM_ERROR, DM_ERROR_INVALID,
                        "HandLogs: a file's name is not of a to z, 0 to 9, . and -");
            return false;
        }
        if (files[i].size > DM_TREE_MAX_FILE || n_files > DM_TREE_MAX_FILES) {
            g_set_error(error, DM_ERROR, DM_ERROR_TOO_LARGE,
                        "HandLogs: more than %d files, or one of more than %d bytes",
                        DM_TREE_MAX_FILES, DM_TREE_MAX_FILE);
            return false;
        }
    }
    return true;
}

DBusMessage *
dm_tree_call_new_hand_logs(const char *request, const DmTreeFile *files, gsize n_files,
                           GError **error)
{
    g_autoptr(DBusMessage) call = NULL;
    DBusMessageIter iter, array;
    bool good;

    if (!dbus_validate_utf8(request, NULL)) {
        g_set_error(error, DM_ERROR, DM_ERROR_INVALID, "HandLogs: the request is not valid UTF-8");
        return NULL;
    }
    if (!check_files(files, n_files, error))
        return NULL;
    call = dm_tree_client_new_call("HandLogs");
    dbus_message_iter_init_append(call, &iter);
    good = dbus_message_iter_append_basic(&iter, DBUS_TYPE_STRING, &request) &&
           dbus_message_iter_open_container(&iter, DBUS_TYPE_ARRAY, "(say)", &array);
    for (gsize i = 0; good && i < n_files; i++)
        good = append_file(&array, &files[i]);
    /* Fails only for want of memory, which ends the process as everywhere. */
    if (!good || !dbus_message_iter_close_container(&iter, &array))
        g_error("out of memory");
    return g_steal_pointer(&call);
}

GArray *
dm_wire_read_files(DBusMessageIter *iter)
{
    g_autoptr(GArray) files = g_array_new(FALSE, FALSE, sizeof(DmTreeFile));
    DBusMessageIter array;

    if (!dm_wire_has_signature(iter, "a(say)"))
        return NULL;
    dbus_message_iter_recurse(iter, &array);
    while (dbus_message_iter_get_arg_type(&array) != DBUS_TYPE_INVALID) {
        DBusMessageIter fields, bytes;
        DmTreeFile file = {NULL};
        int size = 0;

        dbus_message_iter_recurse(&array, &fields);
        dm_wire_next_basic(&fields, &file.name);
        dbus_message_iter_recurse(&fields, &bytes);
        dbus_message_iter_get_fixed_array(&bytes, &file.data, &size);
        file.size = (gsize)size;
        if (files->len == DM_TREE_MAX_FILES || file.size > DM_TREE_MAX_FILE ||
            !is_file_name(file.name))
            return NULL;
        g_array_append_val(files, file);
        dbus_message_iter_next(&array);
    }
    return g_steal_pointer(&files);
}

/* -- providers -----------------------------------------------------------------------------------
 */

static void
provider_free(gpointer data)
{
    DmTreeProvider *provider = data;

    g_strfreev(provider->thumbprints);
    g_free(provider);
}

static GStrv
read_strings(DBusMessageIter *iter, guint max)
{
    g_autoptr(GStrvBuilder) builder = g_strv_builder_new();
    DBusMessageIter array;
    guint n = 0;

    dbus_message_iter_recurse(iter, &array);
    while (dbus_message_iter_get_arg_type(&array) != DBUS_TYPE_INVALID) {
        const char *text;

        if (n++ == max)
            return NULL;
        dm_wire_next_basic(&array, &text);
        g_strv_builder_add(builder, text);
    }
    return g_strv_builder_end(builder);
}

GPtrArray *
dm_wire_read_providers(DBusMessageIter *iter)
{
    g_autoptr(GPtrArray) providers = g_ptr_array_new_with_free_func(provider_free);
    DBusMessageIter array;

    if (!dm_wire_has_signature(iter, "a(suas)"))
        return NULL;
    dbus_message_iter_recurse(iter, &array);
    while (dbus_message_iter_get_arg_type(&array) != DBUS_TYPE_INVALID) {
        DmTreeProvider *provider = g_new0(DmTreeProvider, 1);
        DBusMessageIter fields;

        g_ptr_array_add(providers, provider);
        dbus_message_iter_recurse(&array, &fields);
        dm_wire_next_basic(&fields, &provider->id);
        dm_wire_next_basic(&fields, &provider->n_addresses);
        provider->thumbprints = read_strings(&fields, MAX_THUMBPRINTS);
        if (provider->thumbprints == NULL)
            return NULL;
        dbus_message_iter_next(&array);
    }
    return g_steal_pointer(&providers);
}

static void
addresses_free(gpointer data)
{
    DmTreeAddresses *one = data;

    g_strfreev(one->addresses);
    g_free(one);
}

GPtrArray *
dm_wire_read_inspection(DBusMessage *answer, const char **ret_health)
{
    g_autoptr(GPtrArray) all = g_ptr_array_new_with_free_func(addresses_free);
    DBusMessageIter iter, array;

    if (!dbus_message_has_signature(answer, "a(sas)s"))
        return NULL;
    dbus_message_iter_init(answer, &iter);
    dbus_message_iter_recurse(&iter, &array);
    while (dbus_message_iter_get_arg_type(&array) != DBUS_TYPE_INVALID) {
        DmTreeAddresses *one = g_new0(DmTreeAddresses, 1);
        DBusMessageIter fields;

        g_ptr_array_add(all, one);
        dbus_message_iter_recurse(&array, &fields);
        dm_wire_next_basic(&fields, &one->id);
        one->addresses = read_strings(&fields, DM_TREE_MAX_ADDRESSES);
        if (one->addresses == NULL)
            return NULL;
        dbus_message_iter_next(&array);
    }
    dbus_message_iter_next(&iter);
    dbus_message_iter_get_basic(&iter, ret_health);
    return g_steal_pointer(&all);
}

/* -- push ----------------------------------------------------------------------------------------
 */

GArray *
dm_wire_read_pushes(DBusMessageIter *iter)
{
    g_autoptr(GArray) pushes = g_array_new(FALSE, FALSE, sizeof(DmTreePush));
    DBusMessageIter array;

    if (!dm_wire_has_signature(iter, "a(sssu)"))
        return NULL;
    dbus_message_iter_recurse(iter, &array);
    while (dbus_message_iter_get_arg_type(&array) != DBUS_TYPE_INVALID) {
        DBusMessageIter fields;
        DmTreePush push;
        dbus_uint32_t status;

        dbus_message_iter_recurse(&array, &fields);
        dm_wire_next_basic(&fields, &push.provider);
        dm_wire_next_basic(&fields, &push.pfn);
        dm_wire_next_basic(&fields, &push.channel_uri);
        dm_wire_next_basic(&fields, &status);
        push.status = status;
        g_array_append_val(pushes, push);
        dbus_message_iter_next(&array);
    }
    return g_steal_pointer(&pushes);
}

/* -- logins --------------------------------------------------------------------------------------
 */

DBusMessage *
dm_tree_call_new_note_login(guint32 uid, bool is_new)
{
    DBusMessage *call = dm_tree_client_new_call("NoteLogin");
    dbus_uint32_t wire_uid = uid;
    dbus_bool_t wire_is_new = is_new;

    dbus_message_append_args(call, DBUS_TYPE_UINT32, &wire_uid, DBUS_TYPE_BOOLEAN, &wire_is_new,
                             DBUS_TYPE_INVALID);
    return call;
}

GStrv
dm_tree_call_read_login(DBusMessage *answer)
{
    g_autoptr(GStrvBuilder) builder = g_strv_builder_new();
    DBusMessageIter iter, array;

    if (!dbus_message_has_signature(answer, "as"))
        return NULL;
    dbus_message_iter_init(answer, &iter);
    dbus_message_iter_recurse(&iter, &array);
    while (dbus_message_iter_get_arg_type(&array) != DBUS_TYPE_INVALID) {
        const char *provider;

        dm_wire_next_basic(&array, &provider);
        g_strv_builder_add(builder, provider);
    }
    return g_strv_builder_end(builder);
}

/* -- dues ----------------------------------------------------------------------------------------
 */

GArray *
dm_wire_read_dues(DBusMessageIter *iter)
{
    g_autoptr(GArray) dues = g_array_new(FALSE, FALSE, sizeof(DmTreeDue));
    DBusMessageIter array;

    if (!dm_wire_has_signature(iter, "a(sxs)"))
        return NULL;
    dbus_message_iter_recurse(iter, &array);
    while (dbus_message_iter_get_arg_type(&array) != DBUS_TYPE_INVALID) {
        DBusMessageIter fields;
        DmTreeDue due;

        dbus_message_iter_recurse(&array, &fields);
        dm_wire_next_basic(&fields, &due.provider);
        dm_wire_next_basic(&fields, &due.due_us);
        dm_wire_next_basic(&fields, &due.reason);
        g_array_append_val(dues, due);
        dbus_message_iter_next(&array);
    }
    return g_steal_pointer(&dues);
}

/* -- signals -------------------------------------------------------------------------------------
 */

bool
dm_wire_read_sync_request(DBusMessage *signal, DmTreeSyncRequest *ret_request)
{
    DmTreeSyncRequest request;
    DBusMessageIter iter;
    dbus_int64_t uid;

    if (!dbus_message_has_signature(signal, "sssx"))
        return false;
    dbus_message_iter_init(signal, &iter);
    dm_wire_next_basic(&iter, &request.provider);
    dm_wire_next_basic(&iter, &request.session);
    dm_wire_next_basic(&iter, &request.origin);
    dm_wire_next_basic(&iter, &uid);
    if (uid < -1 || uid > MAX_UID)
        return false;
    request.uid = uid;
    *ret_request = request;
    return true;
}
