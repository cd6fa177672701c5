/* SPDX-License-Identifier: MIT */

#include "broker/directory.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/error.h"

bool
dm_directory_fail(const char *path, const char *name, GError **error)
{
    int code = errno;
    DmErrorCode what = DM_ERROR_STORAGE;

    if (code == ENOSPC || code == EDQUOT)
        what = DM_ERROR_FULL;
    else if (code == EACCES || code == EPERM || code == EROFS || code == ELOOP || code == ENOTDIR)
        what = DM_ERROR_DENIED;
    else if (code == ENOENT)
        what = DM_ERROR_NOT_FOUND;
    g_set_error(error, DM_ERROR, (gint)what, "%s%s%s: %s", path, *name ? "/" : "", name,
                g_strerror(code));
    return false;
}

bool
dm_directory_open(const char *path, bool create, DmDirectory *ret_directory, GError **error)
{
    g_auto(DmDirectory) directory = DM_DIRECTORY_INIT;
    struct stat status;

    if (create && g_mkdir_with_parents(path, 0700) < 0)
        return dm_directory_fail(path, "", error);
    directory.fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (directory.fd < 0 || fstat(directory.fd, &status) < 0)
        return dm_directory_fail(path, "", error);
    if ((status.st_mode & 077) != 0 || (status.st_uid != geteuid() && geteuid() != 0)) {
        g_set_error(error, DM_ERROR, DM_ERROR_DENIED,
                    "%s: keys are kept only where nobody else can look: make it yours, and chmod "
                    "0700",
                    path);
        return false;
    }
    ret_directory->fd = directory.fd;
    ret_directory->uid = status.st_uid;
    ret_directory->gid = status.st_gid;
    directory.fd = -1;
    return true;
}

void
dm_directory_clear(DmDirectory *directory)
{
    if (directory->fd >= 0)
        close(directory->fd);
    directory->fd = -1;
}

bool
dm_directory_give(const DmDirectory *directory, int fd)
{
    return geteuid() != 0 || fchown(fd, directory->uid, directory->gid) == 0;
}
