/* SPDX-License-Identifier: MIT */

#include "broker/package.h"

#include <string.h>

#define ALERT_SERVER_ASKED 1200
#define ALERT_CLIENT_STARTED 1201
#define ALERT_NEXT_MESSAGE 1222
#define ALERT_ABORT 1223
#define ALERT_GENERIC 1224
#define ALERT_CLIENT_EVENT 1226
#define LOGIN_STATUS "com.microsoft/MDM/LoginStatus"
#define UNENROLMENT "com.microsoft:mdm.unenrollment.userrequest"
#define FIRST_CMD_ID 2

static const char *const dev_info[] = {"DevInfo/DevId", "DevInfo/Man", "DevInfo/Mod", "DevInfo/DmV",
                                       "DevInfo/Lang"};

void
dm_package_begin(const DmPackage *package, DmWriter *writer)
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

    dm_writer_begin(writer, &header, package->message == 1 ? FIRST_CMD_ID : 1);
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

GBytes *
dm_package_write_answer(const DmPackage *package, const DmAnswer *answer, const DmReply *reply,
                        const DmMessage *message, DmStatus header_status, const DmAuthElement *chal)
{
    const char *msg_id = message->header.msg_id;
    g_autoptr(DmWriter) writer = dm_writer_new();

    dm_package_begin(package, writer);
    if (chal)
        dm_writer_status(writer, msg_id, "0", "SyncHdr", NULL, 0, chal, header_status);
    dm_answer_write(answer, reply, msg_id, chal ? 0 : header_status, writer);
    if (!message->final)
        dm_writer_alert(writer, ALERT_NEXT_MESSAGE, NULL);
    return dm_writer_end(writer, message->final);
}

GBytes *
dm_package_write_abort(const DmPackage *package, const char *msg_ref, unsigned status)
{
    g_autoptr(DmWriter) writer = dm_writer_new();

    dm_package_begin(package, writer);
    dm_writer_status(writer, msg_ref, "0", "SyncHdr", NULL, 0, NULL, status);
    dm_writer_alert(writer, ALERT_ABORT, NULL);
    return dm_writer_end(writer, true);
}
