/* SPDX-License-Identifier: MIT */

#include "broker/recorder.h"

#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>

#include "tests/unit/fixture.h"

static void
say(DmJournal *journal, const char *text)
{
    g_autoptr(GBytes) bytes = g_bytes_new(text, strlen(text));

    dm_journal_add_message(journal, "P", DM_MESSAGE_SENT, 3, bytes);
}

static void
test_record(void)
{
    g_autofree char *directory = g_dir_make_tmp("dm-recorder-XXXXXX", NULL);
    g_autofree char *left = g_build_filename(directory, DM_RECORDER_FILE, NULL);
    g_autoptr(DmJournal) journal = dm_journal_new();
    g_autoptr(DmRecorder) recorder = NULL;
    g_autofree char *text = NULL;
    const char *path = NULL, *again = NULL;
    gint64 until_us = 0, same_us = 0;
    GStatBuf status;

    /* What an earlier process left is gone; nothing is written before somebody asks. */
    g_assert_true(g_file_set_contents(left, "canary", -1, NULL));
    recorder = dm_recorder_new(directory, journal, DM_RECORDER_HOUR_US, NULL);
    g_assert_false(g_file_test(left, G_FILE_TEST_EXISTS));
    say(journal, "<before/>");
    g_assert_false(g_file_test(left, G_FILE_TEST_EXISTS));

    g_assert_true(dm_recorder_start(recorder, &path, &until_us, NULL));
    g_assert_cmpstr(path, ==, left);
    g_assert_cmpint(until_us - g_get_real_time(), >, DM_RECORDER_HOUR_US - 60000000);
    g_assert_cmpint(until_us - g_get_real_time(), <=, DM_RECORDER_HOUR_US);
    g_assert_cmpint(g_stat(path, &status), ==, 0);
    g_assert_cmpuint(status.st_mode & 07777, ==, 0600);
    say(journal, "<one>secret</one>");
    /* A second one neither begins anew nor prolongs it. */
    g_assert_true(dm_recorder_start(recorder, &again, &same_us, NULL));
    g_assert_cmpint(same_us, ==, until_us);
    say(journal, "<two/>");
    g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
    g_assert_true(g_regex_match_simple(
        "^=== \\S+Z P: message 3 sent, 17 bytes ===\n<one>secret</one>\n=== .* ===\n<two/>\n$",
        text, 0, 0));
    g_free(text);
    text = dm_journal_to_text(journal);
    g_assert_null(strstr(text, "secret"));

    /* Its end leaves the file, and nothing more is written. */
    g_clear_pointer(&recorder, dm_recorder_free);
    say(journal, "<three/>");
    g_free(text);
    g_assert_true(g_file_get_contents(left, &text, NULL, NULL));
    g_assert_null(strstr(text, "three"));
    fixture_remove(directory);
}

/* Waits until the timer, the one source there is, has had its turn. */
static void
wait_for_turn(void)
{
    while (!g_main_context_iteration(NULL, TRUE)) {
    }
}

/* After the hour nothing is written, after the day there is nothing left; both with short hours. */
static void
test_the_end(void)
{
    g_autofree char *directory = g_dir_make_tmp("dm-recorder-XXXXXX", NULL);
    g_autoptr(DmJournal) journal = dm_journal_new();
    g_autoptr(DmRecorder) recorder = dm_recorder_new(directory, journal, 20000, NULL);
    g_autofree char *text = NULL;
    const char *path = NULL;
    gint64 until_us = 0;

    g_assert_true(dm_recorder_start(recorder, &path, &until_us, NULL));
    say(journal, "<one/>");
    wait_for_turn();
    say(journal, "<late/>");
    g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
    g_assert_nonnull(strstr(text, "<one/>"));
    g_assert_null(strstr(text, "<late/>"));
    wait_for_turn();
    g_assert_false(g_file_test(path, G_FILE_TEST_EXISTS));
    fixture_remove(directory);
}

static void
test_refused(void)
{
    g_autoptr(DmJournal) journal = dm_journal_new();
    g_autoptr(DmRecorder) recorder =
        dm_recorder_new("/nonexistent/x", journal, DM_RECORDER_HOUR_US, NULL);
    g_autoptr(GError) error = NULL;
    const char *path = NULL;
    gint64 until_us = 0;

    g_assert_false(dm_recorder_start(recorder, &path, &until_us, &error));
    g_assert_nonnull(strstr(error->message, "/nonexistent/x"));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    /* It warns, as it should. */
    (void)g_log_set_always_fatal(G_LOG_LEVEL_CRITICAL | G_LOG_FATAL_MASK);
    g_test_add_func("/recorder/whole-messages-for-an-hour", test_record);
    g_test_add_func("/recorder/an-hour-and-a-day", test_the_end);
    g_test_add_func("/recorder/refused", test_refused);
    return g_test_run();
}
