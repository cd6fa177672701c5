/* SPDX-License-Identifier: MIT */
#include "plugin/archive.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/error.h"

#define BLOCK 512

struct DmArchive {
    GByteArray *bytes;
    gint64 mtime_s;
};

/* The header of one file (POSIX.1-1988 ustar). Numbers are octal text. */
typedef struct {
    char name[100];
    char mode[8];
    char uid[8];
    char gid[8];
    char size[12];
    char mtime[12];
    char checksum[8];
    char type;
    char link[100];
    char magic[6];
    char version[2];
    char user[32];
    char group[32];
    char rest[183];
} Header;
G_STATIC_ASSERT(sizeof(Header) == BLOCK);

DmArchive *
dm_archive_new(gint64 mtime_s)
{
    DmArchive *archive = g_new0(DmArchive, 1);

    archive->bytes = g_byte_array_new();
    archive->mtime_s = MAX(mtime_s, 0);
    return archive;
}

void
dm_archive_free(DmArchive *archive)
{
    if (archive == NULL)
        return;
    g_byte_array_unref(archive->bytes);
    g_free(archive);
}

static void
fill_header(Header *header, const char *name, gsize size, gint64 mtime_s)
{
    unsigned sum = 0;

    memset(header, 0, sizeof *header);
    g_strlcpy(header->name, name, sizeof header->name);
    g_snprintf(header->mode, sizeof header->mode, "%07o", 0600U);
    g_snprintf(header->uid, sizeof header->uid, "%07o", 0U);
    g_snprintf(header->gid, sizeof header->gid, "%07o", 0U);
    g_snprintf(header->size, sizeof header->size, "%011" G_GINT64_MODIFIER "o", (guint64)size);
    g_snprintf(header->mtime, sizeof header->mtime, "%011" G_GINT64_MODIFIER "o",
               (guint64)mtime_s & 077777777777);
    header->type = '0';
    memcpy(header->magic, "ustar", sizeof header->magic);
    memcpy(header->version, "00", sizeof header->version);
    g_strlcpy(header->user, "root", sizeof header->user);
    g_strlcpy(header->group, "root", sizeof header->group);
    /* The sum is of the header with blanks in its own place. */
    memset(header->checksum, ' ', sizeof header->checksum);
    for (gsize i = 0; i < sizeof *header; i++)
        sum += ((const unsigned char *)header)[i];
    g_snprintf(header->checksum, sizeof header->checksum, "%06o", sum & 0777777);
}

static void
append_zeros(GByteArray *bytes, gsize size)
{
    gsize old = bytes->len;

    g_byte_array_set_size(bytes, (guint)(old + size));
    memset(bytes->data + old, 0, size);
}

bool
dm_archive_add(DmArchive *archive, const char *name, const char *bytes, gsize size)
{
    gsize padding = (BLOCK - size % BLOCK) % BLOCK;
    Header header;

    g_assert(strlen(name) < sizeof header.name);
    /* Two more blocks end an archive. */
    if (size > DM_ARCHIVE_MAX ||
        archive->bytes->len + size + padding + 3 * (gsize)BLOCK > DM_ARCHIVE_MAX)
        return false;
    fill_header(&header, name, size, archive->mtime_s);
    g_byte_array_append(archive->bytes, (const guint8 *)&header, sizeof header);
    g_byte_array_append(archive->bytes, (const guint8 *)bytes, (guint)size);
    append_zeros(archive->bytes, padding);
    return true;
}

/* -- to a file ----------------------------------------------------------------------------------
 */

static int
fail(int number, const char *directory, GError **error)
{
    int code = DM_ERROR_STORAGE;

    if (number == ENOSPC || number == EDQUOT)
        code = DM_ERROR_FULL;
    else if (number == EACCES || number == EPERM || number == EROFS || number == ELOOP)
        code = DM_ERROR_DENIED;
    g_set_error(error, DM_ERROR, code, "%s: cannot make an archive there: %s", directory,
                g_strerror(number));
    return -1;
}

/* Whoever was killed between making a file and taking its name away left it. */
static void
remove_leftovers(const char *directory)
{
    g_autoptr(GDir) dir = g_dir_open(directory, 0, NULL);
    const char *name;

    while (dir != NULL && (name = g_dir_read_name(dir)) != NULL) {
        g_autofree char *path = g_build_filename(directory, name, NULL);

        (void)unlink(path);
    }
}

static bool
write_all(int fd, const guint8 *bytes, gsize size)
{
    while (size > 0) {
        ssize_t n = write(fd, bytes, size);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return false;
        bytes += n;
        size -= (gsize)n;
    }
    return true;
}

int
dm_archive_to_fd(DmArchive *archive, const char *directory, GError **error)
{
    g_autofree char *path = g_build_filename(directory, "archive-XXXXXX", NULL);
    int writing, reading = -1, number = 0;

    if (mkdir(directory, 0700) < 0 && errno != EEXIST)
        return fail(errno, directory, error);
    remove_leftovers(directory);
    writing = mkostemp(path, O_CLOEXEC);
    if (writing < 0)
        return fail(errno, directory, error);
    append_zeros(archive->bytes, (gsize)2 * BLOCK);
    /* What is handed out is open for reading only. */
    if (write_all(writing, archive->bytes->data, archive->bytes->len))
        reading = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (reading < 0)
        number = errno;
    (void)unlink(path);
    (void)close(writing);
    return reading >= 0 ? reading : fail(number, directory, error);
}
