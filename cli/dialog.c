/* SPDX-License-Identifier: MIT */
#include "cli/dialog.h"

#include <fcntl.h>
#include <glib-unix.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROGRAM "pkttyagent"
#define READY_MS 5000

struct DmDialog {
    GPid pid;
};

/* The program says that it is registered by closing the descriptor, or ends without. */
static void
wait_until_ready(int fd)
{
    struct pollfd item = {.fd = fd, .events = POLLIN};

    (void)poll(&item, 1, READY_MS);
}

DmDialog *
dm_dialog_new(void)
{
    int ends[2];
    GPid pid = 0;

    if (geteuid() == 0 || isatty(STDIN_FILENO) != 1 || isatty(STDERR_FILENO) != 1)
        return NULL;
    if (!g_unix_open_pipe(ends, FD_CLOEXEC, NULL))
        return NULL;

    g_autofree char *notify = g_strdup_printf("%d", ends[1]);
    g_autofree char *process = g_strdup_printf("%d", (int)getpid());
    const char *argv[] = {PROGRAM, "--notify-fd", notify, "--fallback", "--process", process, NULL};
    bool started = g_spawn_async_with_pipes_and_fds(
        NULL, argv, NULL,
        G_SPAWN_SEARCH_PATH | G_SPAWN_DO_NOT_REAP_CHILD | G_SPAWN_CHILD_INHERITS_STDIN, NULL, NULL,
        -1, -1, -1, &ends[1], &ends[1], 1, &pid, NULL, NULL, NULL, NULL);

    close(ends[1]);
    if (started)
        wait_until_ready(ends[0]);
    close(ends[0]);
    if (!started)
        return NULL;
    DmDialog *dialog = g_new0(DmDialog, 1);
    dialog->pid = pid;
    return dialog;
}

void
dm_dialog_free(DmDialog *dialog)
{
    if (dialog == NULL)
        return;
    /* It restores the terminal when it is told to end. */
    kill(dialog->pid, SIGTERM);
    (void)waitpid(dialog->pid, NULL, 0);
    g_spawn_close_pid(dialog->pid);
    g_free(dialog);
}
