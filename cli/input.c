/* SPDX-License-Identifier: MIT */
#include "cli/input.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "common/error.h"
#include "common/i18n.h"

#define CHUNK_BYTES 65536

const char *
dm_input_name(const char *path)
{
    return strcmp(path, "-") == 0 ? _("standard input") : path;
}

static void
set_errno(GError **error, const char *path, int number)
{
    DmErrorCode code = DM_ERROR_FAILED;

    if (number == ENOENT)
        code = DM_ERROR_NOT_FOUND;
    else if (number == EACCES || number == EPERM)
        code = DM_ERROR_DENIED;
    g_set_error(error, DM_ERROR, code, "%s: %s", dm_input_name(path), g_strerror(number));
}

/* Reads to the end, or until one byte over the cap. */
static bool
read_all(int fd, const char *path, gsize max_bytes, GString *bytes, GError **error)
{
    g_autofree char *chunk = g_malloc(CHUNK_BYTES);

    while (bytes->len <= max_bytes) {
        ssize_t n = read(fd, chunk, CHUNK_BYTES);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            set_errno(error, path, errno);
            return false;
        }
        if (n == 0)
            return true;
        g_string_append_len(bytes, chunk, n);
    }
    g_set_error(error, DM_ERROR, DM_ERROR_TOO_LARGE, _("%s: larger than %zu bytes; split it"),
                dm_input_name(path), max_bytes);
    return false;
}

GString *
dm_input_read(const char *path, gsize max_bytes, GError **error)
{
    bool is_stdin = strcmp(path, "-") == 0;
    int fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    GString *bytes = NULL;

    if (fd < 0) {
        set_errno(error, path, errno);
        return NULL;
    }
    bytes = g_string_new(NULL);
    if (!read_all(fd, path, max_bytes, bytes, error)) {
        g_string_free(bytes, TRUE);
        bytes = NULL;
    }
    if (!is_stdin)
        close(fd);
    return bytes;
}
