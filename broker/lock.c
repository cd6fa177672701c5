/* SPDX-License-Identifier: MIT */

#include "broker/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <stdbool.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "broker/directory.h"
#include "common/error.h"
#include "common/source.h"

#define NAME "sessions.lock"

/* Beyond every provider's. */
#define DAEMON_OFFSET ((off_t)1 << 62)

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

/* Of the open file, not of the process: closing some other descriptor does not lose it. */
static struct flock
make_lock(off_t offset)
{
    return (struct flock){.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = offset, .l_len = 1};
}

static int
open_file(const char *path, GError **error)
{
    g_auto(DmDirectory) directory = DM_DIRECTORY_INIT;
    int fd;

    if (!dm_directory_open(path, true, &directory, error))
        return -1;
    fd = openat(directory.fd, NAME, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd >= 0 && dm_directory_give(&directory, fd))
        return fd;
    dm_directory_fail(path, NAME, error);
    if (fd >= 0)
        close(fd);
    return -1;
}

/* `busy` is what is said where somebody else has it. */
static int
take(const char *path, off_t offset, const char *busy, GError **error)
{
    struct flock lock = make_lock(offset);
    int fd = open_file(path, error);

    if (fd < 0 || fcntl(fd, F_OFD_SETLK, &lock) == 0)
        return fd;
    if (errno == EAGAIN || errno == EACCES)
        g_set_error_literal(error, DM_ERROR, DM_ERROR_BUSY, busy);
    else
        dm_directory_fail(path, NAME, error);
    close(fd);
    return -1;
}

int
dm_lock_take(const char *directory, const char *provider, GError **error)
{
    g_autofree char *busy = g_strdup_printf(
        "a session with provider %s is running already: wait for its end", provider);

    return take(directory, offset_of(provider), busy, error);
}

int
dm_lock_take_daemon(const char *directory, GError **error)
{
    g_autofree char *busy = g_strdup_printf(
        "%s: another dmclient-broker runs the sessions of this directory already: stop that one "
        "first, or name another directory (--key-dir)",
        directory);

    return take(directory, DAEMON_OFFSET, busy, error);
}

bool
dm_lock_has_daemon(const char *directory)
{
    g_autofree char *path = g_build_filename(directory, NAME, NULL);
    struct flock lock = make_lock(DAEMON_OFFSET);
    int fd = open(path, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
    bool is_taken;

    if (fd < 0)
        return false;
    is_taken = fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
    close(fd);
    return is_taken;
}

/* -- waiting -------------------------------------------------------------------------------------
 */

struct DmLockWatch {
    int fd;      /* of the file, to look at the lock: closing it would be an event */
    int inotify; /* of closings of the file */
    off_t offset;
    GSource *source;
    void (*func)(gpointer data);
    gpointer data;
};

static bool
is_free(const DmLockWatch *watch)
{
    struct flock lock = make_lock(watch->offset);

    return fcntl(watch->fd, F_OFD_GETLK, &lock) == 0 && lock.l_type == F_UNLCK;
}

static gboolean
on_closed(int fd, GIOCondition condition, gpointer data)
{
    DmLockWatch *watch = data;
    char events[4096];

    /* What they say does not matter: the lock does. */
    while (read(fd, events, sizeof events) > 0)
        continue;
    if (!is_free(watch))
        return G_SOURCE_CONTINUE;
    dm_source_drop(&watch->source);
    watch->func(watch->data);
    return G_SOURCE_REMOVE;
}

/* The lock may have been let go of before it was watched. */
static gboolean
on_idle(gpointer data)
{
    DmLockWatch *watch = data;
    g_autoptr(GMainContext) context = g_main_context_ref(g_source_get_context(watch->source));

    dm_source_drop(&watch->source);
    if (is_free(watch)) {
        watch->func(watch->data);
        return G_SOURCE_REMOVE;
    }
    watch->source = g_unix_fd_source_new(watch->inotify, G_IO_IN);
    g_source_set_callback(watch->source, G_SOURCE_FUNC(on_closed), watch, NULL);
    g_source_attach(watch->source, context);
    return G_SOURCE_REMOVE;
}

DmLockWatch *
dm_lock_watch_new(const char *directory, const char *provider, GMainContext *context,
                  void (*func)(gpointer data), gpointer data, GError **error)
{
    g_autofree char *path = g_build_filename(directory, NAME, NULL);
    g_autoptr(DmLockWatch) watch = g_new0(DmLockWatch, 1);

    watch->offset = offset_of(provider);
    watch->func = func;
    watch->data = data;
    watch->inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    watch->fd = open_file(directory, error);
    if (watch->fd < 0)
        return NULL;
    if (watch->inotify < 0 || inotify_add_watch(watch->inotify, path, IN_CLOSE_WRITE) < 0) {
        dm_directory_fail(directory, NAME, error);
        return NULL;
    }
    watch->source = g_idle_source_new();
    g_source_set_callback(watch->source, on_idle, watch, NULL);
    g_source_attach(watch->source, context);
    return g_steal_pointer(&watch);
}

void
dm_lock_watch_free(DmLockWatch *watch)
{
    if (!watch)
        return;
    dm_source_drop(&watch->source);
    if (watch->inotify >= 0)
        close(watch->inotify);
    if (watch->fd >= 0)
        close(watch->fd);
    g_free(watch);
}
