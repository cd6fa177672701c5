/* SPDX-License-Identifier: MIT */

#include "broker/recorder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "broker/directory.h"
#include "common/clock.h"
#include "common/error.h"
#include "common/log.h"
#include "common/timer.h"

/* How long its file stays after the hour. */
#define HOURS_KEPT 23

struct DmRecorder {
    char *directory, *path;
    DmJournal *journal;
    DmTimer *timer;
    gint64 hour_us;
    int fd; /* -1: nothing is recorded */
    gsize size;
    gint64 until_us; /* wall clock */
};

static void
remove_file(const char *path)
{
    g_autoptr(GError) error = NULL;

    if (unlink(path) < 0 && errno != ENOENT && errno != ENOTDIR &&
        !dm_directory_fail(path, "", &error))
        dm_log_warning("recorded messages could not be removed", "DM_CAUSE", error->message);
}

static void
stop(DmRecorder *recorder, const char *why)
{
    if (recorder->fd < 0)
        return;
    dm_journal_set_record(recorder->journal, NULL, NULL);
    close(recorder->fd);
    recorder->fd = -1;
    dm_log_warning("messages are not recorded any more", "DM_PATH", recorder->path, "DM_CAUSE",
                   why);
}

/* First the end of the recording, then that of its file. */
static void
on_due(gpointer data)
{
    DmRecorder *recorder = data;

    if (recorder->fd < 0) {
        remove_file(recorder->path);
        return;
    }
    stop(recorder, "the hour is over");
    dm_timer_set(recorder->timer,
                 dm_clock_boot_us(dm_clock_system()) + HOURS_KEPT * recorder->hour_us);
}

static bool
write_all(int fd, const char *bytes, gsize size)
{
    while (size > 0) {
        gssize n = write(fd, bytes, size);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        bytes += n;
        size -= (gsize)n;
    }
    return true;
}

static void
on_message(const char *provider, DmMessageWay way, guint number, GBytes *message, gpointer data)
{
    DmRecorder *recorder = data;
    g_autoptr(GDateTime) now = g_date_time_new_now_utc();
    g_autofree char *time = g_date_time_format(now, "%Y-%m-%dT%H:%M:%SZ");
    g_autofree char *name = dm_log_escape(provider);
    gsize size = 0;
    const char *bytes = g_bytes_get_data(message, &size);
    g_autofree char *head =
        g_strdup_printf("=== %s %s: message %u %s, %" G_GSIZE_FORMAT " bytes ===\n", time, name,
                        number, way == DM_MESSAGE_SENT ? "sent" : "received", size);
    gsize whole = strlen(head) + size + 1;

    if (recorder->size + whole > DM_RECORDER_MAX_BYTES) {
        stop(recorder, "the file is as large as it may be");
        return;
    }
    recorder->size += whole;
    if (!write_all(recorder->fd, head, strlen(head)) || !write_all(recorder->fd, bytes, size) ||
        !write_all(recorder->fd, "\n", 1))
        stop(recorder, g_strerror(errno));
}

static int
make_file(const char *path, GError **error)
{
    g_auto(DmDirectory) directory = DM_DIRECTORY_INIT;
    int fd;

    if (!dm_directory_open(path, false, &directory, error))
        return -1;
    (void)unlinkat(directory.fd, DM_RECORDER_FILE, 0);
    fd = openat(directory.fd, DM_RECORDER_FILE,
                O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd >= 0 && dm_directory_give(&directory, fd))
        return fd;
    dm_directory_fail(path, DM_RECORDER_FILE, error);
    if (fd >= 0)
        close(fd);
    return -1;
}

bool
dm_recorder_start(DmRecorder *recorder, const char **ret_path, gint64 *ret_until_us, GError **error)
{
    const DmClock *clock = dm_clock_system();

    if (recorder->fd < 0) {
        recorder->fd = make_file(recorder->directory, error);
        if (recorder->fd < 0)
            return false;
        recorder->size = 0;
        recorder->until_us = dm_clock_wall_us(clock) + recorder->hour_us;
        dm_timer_set(recorder->timer, dm_clock_boot_us(clock) + recorder->hour_us);
        dm_journal_set_record(recorder->journal, on_message, recorder);
        dm_log_warning("whole messages are recorded for an hour, as root asked for", "DM_PATH",
                       recorder->path);
    }
    *ret_path = recorder->path;
    *ret_until_us = recorder->until_us;
    return true;
}

DmRecorder *
dm_recorder_new(const char *directory, DmJournal *journal, gint64 hour_us, GMainContext *context)
{
    DmRecorder *recorder = g_new0(DmRecorder, 1);

    recorder->directory = g_strdup(directory);
    recorder->path = g_build_filename(directory, DM_RECORDER_FILE, NULL);
    recorder->journal = journal;
    recorder->hour_us = hour_us;
    recorder->timer = dm_timer_new(context, on_due, recorder);
    recorder->fd = -1;
    remove_file(recorder->path);
    return recorder;
}

void
dm_recorder_free(DmRecorder *recorder)
{
    if (!recorder)
        return;
    stop(recorder, "dmclient-broker ends");
    dm_timer_free(recorder->timer);
    g_free(recorder->directory);
    g_free(recorder->path);
    g_free(recorder);
}
