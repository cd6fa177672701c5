/* SPDX-License-Identifier: MIT */

#include "common/status.h"

#include <string.h>

#define ERROR_PREFIX "org.dmclient.DMClient1.Error."

typedef struct {
    DmStatus status;
    const char *dbus_error;
    const char *text;
} StatusRow;

static const StatusRow rows[] = {
#define DM_STATUS(code, id, name, text) {DM_STATUS_##id, ERROR_PREFIX name, text},
#include "common/status.def"
#undef DM_STATUS
};

static const StatusRow *
find(unsigned code)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if ((unsigned)rows[i].status == code)
            return &rows[i];
    return NULL;
}

bool
dm_status_is_good(DmStatus status)
{
    return status >= DM_STATUS_OK && status <= DM_STATUS_CHUNK_ACCEPTED;
}

bool
dm_status_is_known(unsigned code)
{
    return find(code) != NULL;
}

const char *
dm_status_to_name(DmStatus status)
{
    const StatusRow *row = find(status);

    return row == NULL ? NULL : row->dbus_error + strlen(ERROR_PREFIX);
}

const char *
dm_status_to_text(DmStatus status)
{
    const StatusRow *row = find(status);

    return row == NULL ? NULL : row->text;
}

const char *
dm_status_to_dbus_error(DmStatus status)
{
    const StatusRow *row = find(status);

    return row == NULL ? NULL : row->dbus_error;
}

bool
dm_status_from_dbus_error(const char *name, DmStatus *ret_status)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (strcmp(rows[i].dbus_error, name) == 0) {
            *ret_status = rows[i].status;
            return true;
        }
    }
    return false;
}
