/* SPDX-License-Identifier: MIT */

#include "broker/monitor.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "broker/recorder.h"
#include "common/paths.h"
#include "tests/unit/fixture.h"

typedef struct {
    char *directory;
    DmJournal *journal;
    DmMonitor *monitor;
} Fixture;

static void
set_up(Fixture *fixture, gconstpointer data)
{
    fixture->directory = g_dir_make_tmp("dm-monitor-XXXXXX", NULL);
    fixture->journal = dm_journal_new();
    fixture->monitor = dm_monitor_new(fixture->directory, fixture->journal, NULL);
}

static void
tear_down(Fixture *fixture, gconstpointer data)
{
    g_autofree char *path = g_build_filename(fixture->directory, DM_MONITOR_SOCKET, NULL);

    dm_monitor_free(fixture->monitor);
    g_assert_false(g_file_test(path, G_FILE_TEST_EXISTS));
    dm_journal_free(fixture->journal);
    fixture_remove(fixture->directory);
    g_free(fixture->directory);
}

static void
run_idle(void)
{
    while (g_main_context_iteration(NULL, FALSE))
        continue;
}

/* A connection that has said `request`, which the monitor has taken. */
static int
watch(const Fixture *fixture, const char *request)
{
    g_autofree char *path = g_build_filename(fixture->directory, DM_MONITOR_SOCKET, NULL);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct stat status;

    g_assert_cmpint(stat(path, &status), ==, 0);
    g_assert_cmpuint(status.st_mode & 07777, ==, 0600);
    g_strlcpy(address.sun_path, path, sizeof address.sun_path);
    g_assert_cmpint(connect(fd, (const struct sockaddr *)&address, sizeof address), ==, 0);
    g_assert_cmpint(send(fd, request, strlen(request), 0), ==, (gssize)strlen(request));
    run_idle();
    return fd;
}

/* All that can be read now; `*ret_is_cut`: and then the end. */
static char *
take(int fd, bool *ret_is_cut)
{
    GString *text = g_string_new(NULL);
    char buffer[4096];
    gssize n;

    while ((n = recv(fd, buffer, sizeof buffer, MSG_DONTWAIT)) > 0)
        g_string_append_len(text, buffer, n);
    *ret_is_cut = n == 0 || errno == ECONNRESET;
    return g_string_free(text, FALSE);
}

static void
test_events(Fixture *fixture, gconstpointer data)
{
    g_autoptr(GBytes) message = g_bytes_new_static("<secret/>", 9);
    g_autofree char *text = NULL;
    g_auto(GStrv) lines = NULL;
    bool is_cut;
    int fd;

    dm_journal_add(fixture->journal, "P", "before");
    fd = watch(fixture, "watch\n");
    dm_journal_add(fixture->journal, "P\"", "id 00112233445566778899aabbccddeeff\n\033[2J");
    dm_journal_add_message(fixture->journal, "P", DM_MESSAGE_RECEIVED, 2, message);
    dm_journal_add_command(fixture->journal, "P", "Get", "./a\"b", 404);
    dm_journal_add_command(fixture->journal, "P", "no command", NULL, 400);
    text = take(fd, &is_cut);
    g_assert_false(is_cut);
    lines = g_strsplit(text, "\n", -1);
    g_assert_cmpuint(g_strv_length(lines), ==, 6);
    g_assert_cmpstr(lines[0], ==, "{\"event\":\"watching\",\"version\":\"" DM_VERSION "\"}");
    g_assert_true(g_str_has_prefix(lines[1], "{\"event\":\"note\",\"time\":\"2"));
    g_assert_true(g_str_has_suffix(
        lines[1], "\"provider\":\"P\\\"\",\"text\":\"id [id]\\\\x0a\\\\x1b[2J\"}"));
    g_assert_nonnull(strstr(lines[2], "{\"event\":\"received\""));
    g_assert_true(g_str_has_suffix(lines[2], "\"message\":2,\"bytes\":9}"));
    g_assert_true(
        g_str_has_suffix(lines[3], "\"verb\":\"Get\",\"locuri\":\"./a\\\"b\",\"status\":404}"));
    g_assert_nonnull(strstr(lines[4], "\"locuri\":null"));
    g_assert_null(strstr(text, "secret"));
    close(fd);
}

static void
test_raw(Fixture *fixture, gconstpointer data)
{
    g_autofree char *file = g_build_filename(fixture->directory, DM_RECORDER_FILE, NULL);
    g_autofree char *text = NULL;
    g_autofree char *failed = NULL;
    bool is_cut;
    int fd;

    chmod(fixture->directory, 0755);
    fd = watch(fixture, "raw\n");
    failed = take(fd, &is_cut);
    g_assert_nonnull(strstr(failed, "\n{\"event\":\"error\",\"text\":\""));
    g_assert_false(is_cut);
    close(fd);
    chmod(fixture->directory, 0700);
    fd = watch(fixture, "raw\n");
    text = take(fd, &is_cut);
    g_assert_nonnull(strstr(text, "{\"event\":\"raw\",\"path\":\""));
    g_assert_nonnull(strstr(text, file));
    close(fd);
}

static void
test_wrong_requests(Fixture *fixture, gconstpointer data)
{
    static const char *const requests[] = {"\n", "watch \n", "0123456789abcdef",
                                           "0123456789abcdefghijklmnop\n", "watch\nwatch\n"};

    for (gsize i = 0; i < G_N_ELEMENTS(requests); i++) {
        int fd = watch(fixture, requests[i]);
        g_autofree char *text = NULL;
        bool is_cut;

        if (i == 4) { /* one line is all that is said */
            g_assert_cmpint(send(fd, "x", 1, 0), ==, 1);
            run_idle();
        }
        text = take(fd, &is_cut);
        g_assert_true(is_cut);
        close(fd);
    }
}

/* Whoever does not read is cut off, and the others are not held up. */
static void
test_not_reading(Fixture *fixture, gconstpointer data)
{
    g_autofree char *wide = g_strnfill(900, 'x');
    int silent = watch(fixture, "watch\n");
    int reading = watch(fixture, "watch\n");
    g_autofree char *text = NULL;
    gsize n_read = 0;
    bool is_cut;

    for (guint i = 0; i < 4000; i++) {
        g_autofree char *got = NULL;

        dm_journal_add(fixture->journal, "P", "%s", wide);
        got = take(reading, &is_cut);
        g_assert_false(is_cut);
        n_read += strlen(got);
    }
    g_assert_cmpuint(n_read, >, 4000 * 900);
    run_idle();
    text = take(silent, &is_cut);
    g_assert_true(is_cut);
    g_assert_cmpuint(strlen(text), <, 2 * DM_MONITOR_MAX_PENDING);
    close(silent);
    close(reading);
}

static void
test_slow(Fixture *fixture, gconstpointer data)
{
    g_autofree char *wide = g_strnfill(900, 'x');
    int fd = watch(fixture, "watch\n");
    gsize n_lines = 0;
    bool is_cut = false;

    /* More than a socket holds, less than what may wait. */
    for (guint i = 0; i < 1000; i++)
        dm_journal_add(fixture->journal, "P", "%s", wide);
    for (guint i = 0; i < 100; i++) {
        g_autofree char *text = take(fd, &is_cut);

        for (const char *c = text; *c != '\0'; c++)
            n_lines += *c == '\n';
        run_idle();
    }
    g_assert_false(is_cut);
    g_assert_cmpuint(n_lines, ==, 1001);
    close(fd);
}

static void
test_too_many(Fixture *fixture, gconstpointer data)
{
    int fds[DM_MONITOR_MAX_WATCHERS + 1];
    bool is_cut;

    for (gsize i = 0; i < G_N_ELEMENTS(fds); i++) {
        g_autofree char *text = NULL;

        fds[i] = watch(fixture, "watch\n");
        text = take(fds[i], &is_cut);
        g_assert_true((*text != '\0') == (i < DM_MONITOR_MAX_WATCHERS));
    }
    close(fds[0]);
    run_idle();
    close(fds[DM_MONITOR_MAX_WATCHERS]);
    fds[0] = watch(fixture, "watch\n");
    {
        g_autofree char *text = take(fds[0], &is_cut);

        g_assert_cmpstr(text, !=, "");
    }
    for (gsize i = 0; i < DM_MONITOR_MAX_WATCHERS; i++)
        close(fds[i]);
}

static void
test_nowhere(void)
{
    g_autoptr(DmJournal) journal = dm_journal_new();
    g_autofree char *deep = g_strnfill(120, 'd');
    DmMonitor *monitor;

    monitor = dm_monitor_new("/nonexistent", journal, NULL);
    dm_monitor_free(monitor);
    monitor = dm_monitor_new(deep, journal, NULL);
    dm_monitor_free(monitor);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    /* It warns, as it should. */
    (void)g_log_set_always_fatal(G_LOG_LEVEL_CRITICAL | G_LOG_FATAL_MASK);
#define ADD(name, func) g_test_add("/monitor/" name, Fixture, NULL, set_up, func, tear_down)
    ADD("events-are-redacted-lines", test_events);
    ADD("raw-names-its-file", test_raw);
    ADD("what-is-no-request", test_wrong_requests);
    ADD("who-does-not-read", test_not_reading);
    ADD("who-reads-late", test_slow);
    ADD("no-more-than-a-few", test_too_many);
#undef ADD
    g_test_add_func("/monitor/nowhere-to-listen", test_nowhere);
    return g_test_run();
}
