/* SPDX-License-Identifier: MIT */

#include "broker/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "broker/directory.h"
#include "common/error.h"

#define NAME "sessions.lock"

/* Where in the file the provider's byte is: 62 bits of its name's digest, so that no two meet. */
static off_t
offset_of(const char *provider)
{
    g_autoptr(GChecksum) checksum = g_checksum_new(G_CHECKSUM_SHA256);
    guint8 digest[32];
    gsize size = sizeof(digest);
    guint64 offset;

    g_checksum_update(checksum, (const guchar *)provider, -1);
    g_checksum_get_digest(checksum, digest, &size);
    memcpy(&offset, digest, sizeof(offset));
    return (off_t)(offset >> 2);
}

int
dm_lock_take(const char *path, const char *provider, GError **error)
{
    g_auto(DmDirectory) directory = DM_DIRECTORY_INIT;
    /* Of the open file, not of the process: closing some other descriptor does not lose it. */
    struct flock lock = {
        .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = offset_of(provider), .l_len = 1};
    int fd;

    if (!dm_directory_open(path, true, &directory, error))
        return -1;
    fd = openat(directory.fd, NAME, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0) {
        dm_directory_fail(path, NAME, error);
        return -1;
    }
    if (dm_directory_give(&directory, fd) && fcntl(fd, F_OFD_SETLK, &lock) == 0)
        return fd;
    if (errno == EAGAIN || errno == EACCES)
        g_set_error(error, DM_ERROR, DM_ERROR_BUSY,
                    "a session with provider %s is running already: wait for its end", provider);
    else
        dm_directory_fail(path, NAME, error);
    close(fd);
    return -1;
}
