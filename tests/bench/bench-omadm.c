/* SPDX-License-Identifier: MIT */

/* bench-omadm MODULE SOCKET URI [N]: what a value costs an OMA-DM client by the module's getFunc,
 * against the project's own tree call for the same node on the same connection kept open. */

#include <dlfcn.h>
#include <glib.h>
#include <stdlib.h>

#include "dbus/tree-call.h"
#include "hosts/omadm.h"
#include "tests/bench/bench.h"

#define ROUNDS 9
#define N_CALLS 2000

/* Takes N calls once: the wall clock and the CPU of this process, in µs a call. */
typedef struct {
    double wall_us;
    double cpu_us;
} Figure;

static Figure
measure(void (*call)(gpointer data), gpointer data, guint n)
{
    double cpu = dm_bench_cpu_s(), wall = dm_bench_wall_s();

    for (guint i = 0; i < n; i++)
        call(data);
    return (Figure){.wall_us = (dm_bench_wall_s() - wall) * 1e6 / n,
                    .cpu_us = (dm_bench_cpu_s() - cpu) * 1e6 / n};
}

/* -- by the module -------------------------------------------------------------------------------
 */

typedef struct {
    omadm_mo_interface_t *interface;
    void *session;
    char *uri;
} Module;

static void
open_module(Module *module, const char *path)
{
    void *file = dlopen(path, RTLD_NOW);
    omadm_mo_interface_t *(*get)(void) = NULL;

    if (file != NULL)
        *(void **)&get = dlsym(file, "omadm_get_mo_interface");
    if (get == NULL)
        g_error("%s: no module", path);
    module->interface = get();
    if (module->interface->initFunc(&module->session) != 0)
        g_error("%s: no session", path);
}

static void
close_module(Module *module)
{
    module->interface->closeFunc(module->session);
    free(module->interface->base_uri);
    free(module->interface);
}

static void
get_by_module(gpointer data)
{
    Module *module = data;
    dmtree_node_t node = {.uri = module->uri};
    int status = module->interface->getFunc(&node, module->session);

    if (status != 0)
        g_error("%s: status %d", module->uri, status);
    free(node.format);
    free(node.type);
    free(node.data_buffer);
}

/* -- directly ------------------------------------------------------------------------------------
 */

typedef struct {
    DmTreeClient *client;
    DmCommand command;
} Direct;

static void
get_directly(gpointer data)
{
    Direct *direct = data;
    const DmContext context = {.uid = -1};
    g_autoptr(DBusMessage) call = dm_tree_call_new_apply(&context, &direct->command, 1, NULL);
    g_autoptr(DBusMessage) answer = dm_tree_client_call(direct->client, call, NULL);
    g_autoptr(DmReply) reply = answer != NULL ? dm_tree_call_read_reply(answer, NULL) : NULL;

    if (reply == NULL || dm_reply_get(reply, 0)->status != DM_STATUS_OK)
        g_error("%s: no answer", direct->command.loc_uri);
}

int
main(int argc, char **argv)
{
    guint n = dm_bench_get_count(argc, argv, 4, N_CALLS);
    double ours[ROUNDS], ours_cpu[ROUNDS], floors[ROUNDS], floors_cpu[ROUNDS];
    g_autoptr(GError) error = NULL;
    Module module = {0};
    Direct direct = {0};

    if (argc < 4)
        g_error("usage: bench-omadm MODULE SOCKET URI [N]");
    module.uri = argv[3];
    direct.command = (DmCommand){.verb = DM_VERB_GET, .loc_uri = argv[3]};
    g_setenv("DMCLIENT_SOCKET", argv[2], TRUE);
    direct.client = dm_tree_client_new(argv[2], 5000, &error);
    if (direct.client == NULL)
        g_error("%s", error->message);
    open_module(&module, argv[1]);
    for (guint i = 0; i < ROUNDS; i++) {
        Figure figure = measure(get_by_module, &module, n);

        ours[i] = figure.wall_us;
        ours_cpu[i] = figure.cpu_us;
        figure = measure(get_directly, &direct, n);
        floors[i] = figure.wall_us;
        floors_cpu[i] = figure.cpu_us;
    }
    close_module(&module);
    dm_tree_client_free(direct.client);
    dm_bench_print("omadm-get", dm_bench_median(ours, ROUNDS), "us",
                   dm_bench_median(floors, ROUNDS));
    dm_bench_print("omadm-get-cpu", dm_bench_median(ours_cpu, ROUNDS), "us",
                   dm_bench_median(floors_cpu, ROUNDS));
    return 0;
}
