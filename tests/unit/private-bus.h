/* SPDX-License-Identifier: MIT */
#pragma once

#include <dbus/dbus.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/fixture.h"

/* A message bus of the test's own, which it may kill and start again at the same address, and
 * waiting for what must happen with a deadline instead of sleeping. */

typedef struct {
    char *dir;
    char *address;
    GPid pid; /* 0: not running */
} PrivateBus;

/* The daemon does not outlive a test that aborts. */
static inline void
private_bus_on_child(gpointer data)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
}

static inline void
private_bus_start(PrivateBus *bus)
{
    g_autofree char *config = g_build_filename(bus->dir, "bus.conf", NULL);
    g_autofree char *option = g_strdup_printf("--config-file=%s", config);
    char *argv[] = {(char[]){"dbus-daemon"}, option, (char[]){"--nofork"},
                    (char[]){"--print-address=1"}, NULL};
    g_autoptr(GError) error = NULL;
    char first;
    int out;

    g_assert_cmpint(bus->pid, ==, 0);
    g_spawn_async_with_pipes(NULL, argv, NULL,
                             G_SPAWN_SEARCH_PATH | G_SPAWN_DO_NOT_REAP_CHILD |
                                 G_SPAWN_STDERR_TO_DEV_NULL,
                             private_bus_on_child, NULL, &bus->pid, NULL, &out, NULL, &error);
    g_assert_no_error(error);
    /* It prints its address when it listens. */
    g_assert_cmpint(read(out, &first, 1), ==, 1);
    close(out);
}

static inline void
private_bus_stop(PrivateBus *bus)
{
    if (bus->pid == 0)
        return;
    kill(bus->pid, SIGKILL);
    waitpid(bus->pid, NULL, 0);
    bus->pid = 0;
}

/* The directory and address; the daemon itself is not started yet. */
static inline void
private_bus_init(PrivateBus *bus)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *config = NULL, *text = NULL;

    bus->pid = 0;
    bus->dir = g_dir_make_tmp("dm-bus-XXXXXX", &error);
    g_assert_no_error(error);
    bus->address = g_strdup_printf("unix:path=%s/bus", bus->dir);
    config = g_build_filename(bus->dir, "bus.conf", NULL);
    text = g_strdup_printf("<!DOCTYPE busconfig PUBLIC '-//freedesktop//DTD D-Bus Bus "
                           "Configuration 1.0//EN'\n"
                           " 'http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd'>\n"
                           "<busconfig><type>session</type><listen>%s</listen>"
                           "<policy context='default'><allow send_destination='*'/>"
                           "<allow receive_sender='*'/><allow own='*'/></policy></busconfig>\n",
                           bus->address);
    g_file_set_contents(config, text, -1, &error);
    g_assert_no_error(error);
}

static inline void
private_bus_clear(PrivateBus *bus)
{
    g_autofree char *config = g_build_filename(bus->dir, "bus.conf", NULL);
    g_autofree char *socket = g_build_filename(bus->dir, "bus", NULL);

    private_bus_stop(bus);
    g_unlink(config);
    g_unlink(socket);
    g_rmdir(bus->dir);
    g_free(bus->dir);
    g_free(bus->address);
}

/* Runs the default context until `condition` of `data` holds; fails after the deadline. */
static inline void
wait_until(bool (*condition)(gpointer data), gpointer data)
{
    WAIT_UNTIL(condition(data));
}
