/* SPDX-License-Identifier: MIT */

#include "broker/package.h"

#include <string.h>

#define ALERT_SERVER_ASKED 1200
#define ALERT_CLIENT_STARTED 1201
#define ALERT_GENERIC 1224
#define ALERT_CLIENT_EVENT 1226
#define LOGIN_STATUS "com.microsoft/MDM/LoginStatus"
#define UNENROLMENT "com.microsoft:mdm.unenrollment.userrequest"
#define REQUEST_PENDING "Reversed-Domain-Name:com.microsoft.mdm.requestpending"
#define FIRST_CMD_ID 2

/* Alert 1222 or Final, and the end tags. */
#define TAIL_BYTES 128

/* The Status of an Alert 1222, which may come beside an answer. */
#define URGENT_BYTES 768

static const char *const dev_info[] = {"DevInfo/DevId", "DevInfo/Man", "DevInfo/Mod", "DevInfo/DmV",
                                       "DevInfo/Lang"};

static void
begin(const DmPackage *package, guint first_cmd_id, DmWriter *writer)
{
    g_autofree char *msg_id = g_strdup_printf("%u", package->message);
    const DmHeader header = {
        .present = true,
        .ver_dtd = "1.2",
        .ver_proto = "DM/1.2",
        .session_id = package->session_id,
        .msg_id = msg_id,
        .target_uri = package->address,
        .source_uri = package->dev_id,
        .source_name = package->user_name,
        .cred = package->cred,
        .max_msg_size = package->message == 1 ? -1 : DM_MESSAGE_MAX_BYTES,
        .max_obj_size = -1,
    };

    dm_writer_begin(writer, &header, first_cmd_id);
}

void
dm_package_begin(const DmPackage *package, DmWriter *writer)
{
    begin(package, package->message == 1 ? FIRST_CMD_ID : 1, writer);
}

static void
write_alerts(const DmPackageFirst *first, DmWriter *writer)
{
    const DmItem login = {.type = LOGIN_STATUS,
                          .size = -1,
                          .data = first->login_status,
                          .data_size = strlen(first->login_status)};
    static const DmItem unenrolment = {
        .type = UNENROLMENT, .format = "int", .size = -1, .data = "1", .data_size = 1};

    dm_writer_alert(writer, first->asked ? ALERT_SERVER_ASKED : ALERT_CLIENT_STARTED, NULL);
    dm_writer_alert(writer, ALERT_GENERIC, &login);
    if (first->unenrols)
        dm_writer_alert(writer, ALERT_CLIENT_EVENT, &unenrolment);
}

guint
dm_package_count_first(const DmPackageFirst *first)
{
    return first->unenrols ? 4 : 3;
}

GBytes *
dm_package_write_first(const DmPackage *package, const DmDevice *device,
                       const DmPackageFirst *first)
{
    g_autoptr(DmWriter) writer = dm_writer_new();
    DmItem items[G_N_ELEMENTS(dev_info)] = {{0}};
    char *texts[2 * G_N_ELEMENTS(dev_info) + 1] = {NULL};
    GBytes *bytes;

    dm_package_begin(package, writer);
    if (first->challenge)
        dm_writer_status(writer, first->challenge, "0", "SyncHdr", NULL, 0, NULL,
                         first->challenge_status);
    write_alerts(first, writer);
    for (gsize i = 0; i < G_N_ELEMENTS(dev_info); i++) {
        char *value = dm_device_get(device, dev_info[i]);

        texts[2 * i] = g_strconcat("./", dev_info[i], NULL);
        texts[2 * i + 1] = value ? value : g_strdup("");
        items[i].source_uri = texts[2 * i];
        items[i].size = -1;
        items[i].data = texts[2 * i + 1];
        items[i].data_size = strlen(texts[2 * i + 1]);
    }
    dm_writer_replace(writer, items, G_N_ELEMENTS(items));
    bytes = dm_writer_end(writer, true);
    for (gsize i = 0; texts[i]; i++)
        g_free(texts[i]);
    return bytes;
}

/* All that stands before the answers. */
static void
begin_answer(const DmPackage *package, const DmPackageAnswer *answer, DmWriter *writer)
{
    dm_package_begin(package, writer);
    if (answer->chal || !answer->is_silent)
        dm_writer_status(writer, answer->msg_ref, "0", "SyncHdr", NULL, 0, answer->chal,
                         answer->header_status);
}

static gsize
subtract(gsize size, gsize less)
{
    return size - MIN(size, less);
}

gsize
dm_package_get_room(const DmPackage *package, const DmPackageAnswer *answer)
{
    g_autoptr(DmWriter) writer = dm_writer_new();

    begin_answer(package, answer, writer);
    return subtract(answer->max_size, dm_writer_get_size(writer) + TAIL_BYTES + URGENT_BYTES);
}

GBytes *
dm_package_write_answer(const DmPackage *package, const DmPackageAnswer *answer, DmOutbox *outbox,
                        bool *ret_is_whole)
{
    const gsize limit = subtract(answer->max_size, TAIL_BYTES);
    const bool is_empty = dm_outbox_is_empty(outbox);
    g_autoptr(DmWriter) writer = dm_writer_new();
    DmAnswerProgress progress;
    gsize before;

    begin_answer(package, answer, writer);
    before = dm_writer_get_size(writer);
    progress = dm_outbox_write(outbox, limit, writer);
    if (before > limit ||
        (!is_empty && progress == DM_ANSWER_PART && dm_writer_get_size(writer) == before))
        return NULL;
    *ret_is_whole = progress == DM_ANSWER_WHOLE;
    if (*ret_is_whole && !answer->is_final)
        dm_writer_alert(writer, DM_ALERT_NEXT_MESSAGE, NULL);
    return dm_writer_end(writer, *ret_is_whole && answer->is_final);
}

GBytes *
dm_package_write_pending(const DmPackage *package)
{
    static const DmItem pending = {
        .type = REQUEST_PENDING, .size = -1, .data = "1", .data_size = 1};
    g_autoptr(DmWriter) writer = dm_writer_new();

    begin(package, FIRST_CMD_ID, writer);
    dm_writer_alert(writer, ALERT_GENERIC, &pending);
    return dm_writer_end(writer, false);
}

GBytes *
dm_package_write_abort(const DmPackage *package, const char *msg_ref, unsigned status)
{
    g_autoptr(DmWriter) writer = dm_writer_new();

    dm_package_begin(package, writer);
    dm_writer_status(writer, msg_ref, "0", "SyncHdr", NULL, 0, NULL, status);
    dm_writer_alert(writer, DM_ALERT_ABORT, NULL);
    return dm_writer_end(writer, true);
}
