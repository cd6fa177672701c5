/* SPDX-License-Identifier: MIT */

#include "tree/rules/identity.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "common/error.h"

#define MACHINE_ID_BYTES 16
#define MACHINE_ID_DIGITS (2 * MACHINE_ID_BYTES)

/* Made once, at random, for this purpose: other applications that derive an identifier from the
 * machine-id get another one. Changing it would make every device a new one to its servers. */
static const guint8 application_key[32] = {
    0xe4, 0x0b, 0x06, 0x56, 0x71, 0x5a, 0xf8, 0x4c, 0x99, 0x4e, 0x55, 0x1d, 0x01, 0x2c, 0x99, 0x48,
    0xbf, 0x40, 0xe3, 0x71, 0xde, 0xcb, 0xc0, 0x59, 0x35, 0x3b, 0x60, 0x27, 0xb3, 0xe9, 0x1a, 0x50,
};

/* The bytes of a machine-id: 32 hexadecimal digits, not all zero (machine-id(5)). */
static bool
parse(const char *text, guint8 bytes[MACHINE_ID_BYTES])
{
    guint8 any = 0;

    if (strlen(text) != MACHINE_ID_DIGITS)
        return false;
    for (gsize i = 0; i < MACHINE_ID_BYTES; i++) {
        int high = g_ascii_xdigit_value(text[2 * i]), low = g_ascii_xdigit_value(text[2 * i + 1]);

        if (high < 0 || low < 0)
            return false;
        bytes[i] = (guint8)(high << 4 | low);
        any |= bytes[i];
    }
    return any != 0;
}

char *
dm_identity_hw_dev_id(const char *machine_id)
{
    guint8 bytes[MACHINE_ID_BYTES];
    g_autofree char *digest = NULL;

    if (!parse(machine_id, bytes))
        return NULL;
    digest = g_compute_hmac_for_data(G_CHECKSUM_SHA256, application_key, sizeof(application_key),
                                     bytes, sizeof(bytes));
    return g_ascii_strup(digest, -1);
}

char *
dm_identity_read_hw_dev_id(const char *path, GError **error)
{
    char text[MACHINE_ID_DIGITS + 2] = "";
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    ssize_t size = fd >= 0 ? read(fd, text, sizeof(text) - 1) : -1;
    int number = errno;
    char *identifier;

    if (fd >= 0)
        close(fd);
    if (size < 0) {
        g_set_error(error, DM_ERROR, DM_ERROR_NOT_FOUND,
                    "%s: %s; systemd-machine-id-setup makes one", path, g_strerror(number));
        return NULL;
    }
    identifier = dm_identity_hw_dev_id(g_strchomp(text));
    if (identifier == NULL)
        g_set_error(error, DM_ERROR, DM_ERROR_INVALID,
                    "%s holds no machine-id (32 hexadecimal digits); systemd-machine-id-setup "
                    "makes one",
                    path);
    return identifier;
}
