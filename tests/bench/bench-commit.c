/* SPDX-License-Identifier: MIT */

/* Durable commits of a message that changes 1 leaf and 100 leaves, against appending 4 KiB and
 * fdatasync on the same file system; and opening a store with many providers (design section 10).
 * Usage: bench-commit DIRECTORY [ROUNDS] */

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/bench/bench.h"
#include "tree/tree.h"

#define N_ROUNDS 25
#define N_COMMITS 12
#define PREFIX "./Device/Vendor/MSFT/DMClient/Provider/"

static void
apply(DmTree *tree, const DmCommand *commands, gsize n)
{
    const DmContext root = {.uid = -1};
    g_autoptr(DmReply) reply = dm_tree_apply(tree, &root, commands, n);

    for (gsize i = 0; i < n; i++)
        if (dm_reply_get(reply, i)->status != DM_STATUS_OK)
            g_error("%s: %u", commands[i].loc_uri, dm_reply_get(reply, i)->status);
}

/* Replaces one text leaf in each of `n` providers. */
static void
commit(DmTree *tree, guint n, guint round)
{
    g_autofree DmCommand *commands = g_new0(DmCommand, n);
    g_autoptr(GPtrArray) texts = g_ptr_array_new_with_free_func(g_free);
    g_autofree char *data = g_strdup_printf("name %u", round);

    for (guint i = 0; i < n; i++) {
        char *loc_uri = g_strdup_printf(PREFIX "P%u/EntDeviceName", i);

        g_ptr_array_add(texts, loc_uri);
        commands[i] = (DmCommand){
            .verb = DM_VERB_REPLACE, .loc_uri = loc_uri, .data = data, .data_size = strlen(data)};
    }
    apply(tree, commands, n);
}

static double
measure_floor(const char *directory)
{
    static const char block[4096] = {1};
    g_autofree char *path = g_build_filename(directory, "floor", NULL);
    int fd = open(path, O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0600);
    double start = dm_bench_wall_s();

    for (guint i = 0; i < N_COMMITS; i++)
        if (write(fd, block, sizeof block) != sizeof block || fdatasync(fd) != 0)
            g_error("%s: cannot write", path);
    start = dm_bench_wall_s() - start;
    (void)close(fd);
    (void)unlink(path);
    return N_COMMITS / start;
}

static double
measure(DmTree *tree, guint n, guint *round)
{
    double start = dm_bench_wall_s();

    for (guint i = 0; i < N_COMMITS; i++)
        commit(tree, n, (*round)++);
    return N_COMMITS / (dm_bench_wall_s() - start);
}

static DmTree *
open_tree(const char *directory)
{
    const DmTreeOptions options = {0};
    g_autoptr(GError) error = NULL;
    DmStore *store = dm_store_open(directory, &error);
    DmTree *tree = store == NULL ? NULL : dm_tree_new(store, &options, &error);

    if (tree == NULL)
        g_error("%s", error->message);
    return tree;
}

int
main(int argc, char **argv)
{
    g_autofree char *state = NULL;
    g_autoptr(DmTree) tree = NULL;
    double floors[N_ROUNDS], one[N_ROUNDS], hundred[N_ROUNDS];
    const guint n_rounds = MIN(dm_bench_get_count(argc, argv, 2, N_ROUNDS), N_ROUNDS);
    guint round = 0;

    if (argc < 2) {
        g_printerr("usage: %s DIRECTORY [ROUNDS]\n", argv[0]);
        return 64;
    }
    state = g_build_filename(argv[1], "state", NULL);
    tree = open_tree(state);
    for (guint i = 0; i < 100; i++) {
        g_autofree char *loc_uri = g_strdup_printf(PREFIX "P%u", i);
        const DmCommand command = {.verb = DM_VERB_ADD, .loc_uri = loc_uri};

        apply(tree, &command, 1);
    }
    for (guint i = 0; i < n_rounds; i++) {
        floors[i] = measure_floor(argv[1]);
        one[i] = measure(tree, 1, &round);
        hundred[i] = measure(tree, 100, &round);
    }
    dm_bench_print("commit-1-leaf", dm_bench_median(one, n_rounds), "commits/s",
                   dm_bench_median(floors, n_rounds));
    dm_bench_print("commit-100-leaves", dm_bench_median(hundred, n_rounds), "commits/s",
                   dm_bench_median(floors, n_rounds));
    return 0;
}
