/* SPDX-License-Identifier: MIT */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/error.h"
#include "tree/store-private.h"

/* Who holds the lock, as its file says: "PID PROGRAM". Only for the message: what holds is the
 * kernel's lock, which goes with the process. */
static char *
read_holder(int fd)
{
    char text[64];
    ssize_t size = pread(fd, text, sizeof(text) - 1, 0);
    guint64 pid;
    char *end;

    if (size <= 0)
        return g_strdup("another process");
    text[size] = '\0';
    pid = g_ascii_strtoull(text, &end, 10);
    if (pid == 0 || *end != ' ')
        return g_strdup("another process");
    end++;
    end[strcspn(end, "\n")] = '\0';
    for (char *c = end; *c != '\0'; c++)
        if (!g_ascii_isprint(*c))
            *c = '?';
    return g_strdup_printf("process %" G_GUINT64_FORMAT " (%s)", pid, end);
}

/* A disk too full for these few bytes must not keep the tree from being read (G6): then the message
 * to a second owner names nobody. */
static void
write_holder(int fd)
{
    g_autofree char *text =
        g_strdup_printf("%ld %.40s\n", (long)getpid(), program_invocation_short_name);

    if (ftruncate(fd, 0) != 0 || pwrite(fd, text, strlen(text), 0) < 0)
        return;
}

int
dm_store_lock_take(const char *directory, GError **error)
{
    /* An OFD lock: it belongs to this descriptor, so that it also holds against a second opener in
     * the same process and does not go when another descriptor of the file is closed. */
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    g_autofree char *path = g_build_filename(directory, DM_STORE_LOCK_FILE, NULL);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

    if (fd < 0) {
        dm_store_fail_errno(errno, path, "opening the lock", error);
        return -1;
    }
    if (fcntl(fd, F_OFD_SETLK, &lock) != 0) {
        int number = errno;
        g_autofree char *holder = NULL;

        if (number == EAGAIN || number == EACCES) {
            holder = read_holder(fd);
            g_set_error(error, DM_ERROR, DM_ERROR_BUSY,
                        "%s is in use by %s: stop that one first, or use another state directory",
                        directory, holder);
        } else {
            dm_store_fail_errno(number, path, "locking", error);
        }
        close(fd);
        return -1;
    }
    write_holder(fd);
    return fd;
}

void
dm_store_lock_release(int fd, bool tidy)
{
    if (fd < 0)
        return;
    /* The file stays: removing it would let two openers lock two files of the same name. */
    if (tidy && ftruncate(fd, 0) != 0)
        errno = 0;
    close(fd);
}
