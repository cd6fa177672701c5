/* SPDX-License-Identifier: MIT */

/* bench-osconfig MODULE SOCKET LOCURI [N]: what MmiGet costs OSConfig, against the project's own
 * tree call for the same nodes, LOCURI, on a connection that is kept open, as the module's is. */

#include <dlfcn.h>
#include <glib.h>
#include <stdlib.h>

#include "dbus/tree-call.h"
#include "tests/bench/bench.h"

#define ROUNDS 9
#define N_CALLS 200

typedef struct {
    int (*get)(void *session, const char *component, const char *object, char **payload, int *size);
    void *session;
    DmTreeClient *client;
    DmCommand command;
} Bench;

static void
open_module(Bench *bench, const char *path)
{
    void *file = dlopen(path, RTLD_NOW);
    void *(*open)(const char *client, const unsigned int max_payload_bytes) = NULL;

    if (file == NULL)
        g_error("%s", dlerror());
    *(void **)&open = dlsym(file, "MmiOpen");
    *(void **)&bench->get = dlsym(file, "MmiGet");
    bench->session = open("bench", 0);
    if (bench->session == NULL)
        g_error("%s: no session", path);
}

static void
get_by_module(const Bench *bench)
{
    char *payload = NULL;
    int size = 0, error = bench->get(bench->session, "DMClient", "providers", &payload, &size);

    if (error != 0)
        g_error("MmiGet: %s", g_strerror(error));
    free(payload);
}

static void
get_directly(const Bench *bench)
{
    const DmContext context = {.uid = -1};
    g_autoptr(DBusMessage) call = dm_tree_call_new_apply(&context, &bench->command, 1, NULL);
    g_autoptr(DBusMessage) answer = dm_tree_client_call(bench->client, call, NULL);
    g_autoptr(DmReply) reply = answer != NULL ? dm_tree_call_read_reply(answer, NULL) : NULL;

    if (reply == NULL || dm_reply_get(reply, 0)->status != DM_STATUS_OK)
        g_error("%s: no answer", bench->command.loc_uri);
}

int
main(int argc, char **argv)
{
    guint n = dm_bench_get_count(argc, argv, 4, N_CALLS);
    double figures[2][ROUNDS], cpu[2][ROUNDS];
    void (*const calls[])(const Bench *bench) = {get_by_module, get_directly};
    g_autoptr(GError) error = NULL;
    Bench bench = {0};

    if (argc < 4)
        g_error("usage: bench-osconfig MODULE SOCKET LOCURI [N]");
    bench.command = (DmCommand){.verb = DM_VERB_GET, .loc_uri = argv[3]};
    g_setenv("DMCLIENT_SOCKET", argv[2], TRUE);
    bench.client = dm_tree_client_new(argv[2], 5000, &error);
    if (bench.client == NULL)
        g_error("%s", error->message);
    open_module(&bench, argv[1]);
    for (guint i = 0; i < 2 * ROUNDS; i++) {
        double cpu_s = dm_bench_cpu_s(), wall_s = dm_bench_wall_s();

        for (guint j = 0; j < n; j++)
            calls[i % 2](&bench);
        figures[i % 2][i / 2] = (dm_bench_wall_s() - wall_s) * 1e6 / n;
        cpu[i % 2][i / 2] = (dm_bench_cpu_s() - cpu_s) * 1e6 / n;
    }
    dm_tree_client_free(bench.client);
    dm_bench_print("osconfig-get", dm_bench_median(figures[0], ROUNDS), "us",
                   dm_bench_median(figures[1], ROUNDS));
    dm_bench_print("osconfig-get-cpu", dm_bench_median(cpu[0], ROUNDS), "us",
                   dm_bench_median(cpu[1], ROUNDS));
    return 0;
}
