/* SPDX-License-Identifier: MIT */

#include "plugin/socket-path.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/error.h"

static bool
fail(GError **error, const char *path, int cause, const char *what)
{
    g_set_error(error, DM_ERROR,
                cause == EACCES || cause == EPERM ? DM_ERROR_DENIED : DM_ERROR_FAILED, "%s: %s: %s",
                path, what, g_strerror(cause));
    return false;
}

/* "dmclient-agent (pid 42)" for the process at the other end of `fd`. */
static char *
name_peer(int fd)
{
    struct ucred peer = {0};
    socklen_t size = sizeof peer;
    g_autofree char *path = NULL;
    g_autofree char *name = NULL;

    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0 || peer.pid <= 0)
        return g_strdup("another process");
    path = g_strdup_printf("/proc/%d/comm", (int)peer.pid);
    if (!g_file_get_contents(path, &name, NULL, NULL))
        return g_strdup_printf("pid %d", (int)peer.pid);
    return g_strdup_printf("%s (pid %d)", g_strchomp(name), (int)peer.pid);
}

/* A socket is alive if it lets us connect, or would if its queue were not full. */
static bool
clear_socket(const char *path, int fd, const struct sockaddr_un *address, GError **error)
{
    g_autofree char *peer = NULL;

    if (connect(fd, (const struct sockaddr *)address, sizeof *address) < 0 && errno != EAGAIN) {
        if (errno == ENOENT || (errno == ECONNREFUSED && unlink(path) == 0))
            return true;
        return fail(error, path, errno, "cannot replace the socket");
    }
    peer = name_peer(fd);
    g_set_error(error, DM_ERROR, DM_ERROR_BUSY,
                "%s: %s serves the tree here already; stop it, or choose another socket", path,
                peer);
    return false;
}

bool
dm_socket_path_clear(const char *path, GError **error)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct stat st;
    bool cleared;
    int fd;

    if (strlen(path) >= sizeof address.sun_path) {
        g_set_error(error, DM_ERROR, DM_ERROR_INVALID,
                    "%s: too long for a socket, which may have %" G_GSIZE_FORMAT " bytes", path,
                    sizeof address.sun_path - 1);
        return false;
    }
    if (lstat(path, &st) < 0)
        return errno == ENOENT || fail(error, path, errno, "cannot look at the socket");
    if (!S_ISSOCK(st.st_mode)) {
        g_set_error(error, DM_ERROR, DM_ERROR_DENIED,
                    "%s: this is not a socket; move it away, or choose another path", path);
        return false;
    }
    memcpy(address.sun_path, path, strlen(path) + 1);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return fail(error, path, errno, "cannot make a socket");
    cleared = clear_socket(path, fd, &address, error);
    close(fd);
    return cleared;
}
