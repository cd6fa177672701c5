/* SPDX-License-Identifier: MIT */

/* Drives a tree over a store from outside, for test_tree.py: the end of an enrolment, of a first
 * sync, and of a session. Ends without closing, as a kill would have it. What begins or ends a
 * session says on standard output how that went: "begun", "ended", or what kept it from that. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/error.h"
#include "tree/session.h"
#include "tree/unenroll.h"

#define P "./Device/Vendor/MSFT/DMClient/Provider/P"
#define USER_P "./User/Vendor/MSFT/DMClient/Provider/P"
#define POLICY "./Vendor/MSFT/Policy/A"

enum { EXIT_TREE = 1, EXIT_OPEN = 2, EXIT_USAGE = 64 };

static void
fail(const char *what, const GError *error)
{
    (void)fprintf(stderr, "%s: %s\n", what, error != NULL ? error->message : "refused");
    exit(EXIT_TREE);
}

static void
run(DmTree *tree, const char *session, const DmCommand *commands, gsize n)
{
    const DmContext context = {
        .session = session, .message = 1, .provider = session != NULL ? "P" : NULL, .uid = 1000};
    g_autoptr(DmReply) reply = dm_tree_apply(tree, &context, commands, n);

    for (gsize i = 0; i < n; i++)
        if (dm_reply_get(reply, i)->status != DM_STATUS_OK)
            fail(commands[i].loc_uri, NULL);
}

static DmCommand
command(DmVerb verb, const char *loc_uri, const char *data)
{
    return (DmCommand){.verb = verb,
                       .loc_uri = loc_uri,
                       .data = data,
                       .data_size = data != NULL ? strlen(data) : 0};
}

/* Provider P in both trees, whose server has finished and waits for one policy. */
static void
fill(DmTree *tree)
{
    const DmCommand by_root[] = {
        command(DM_VERB_ADD, P, NULL),
        command(DM_VERB_REPLACE, P "/ManagementServiceAddress", "https://one.example"),
    };
    const DmCommand by_server[] = {
        command(DM_VERB_ADD, USER_P, NULL),
        command(DM_VERB_ADD, USER_P "/FirstSyncStatus", NULL),
        command(DM_VERB_REPLACE, P "/FirstSyncStatus/ExpectedPolicies", POLICY),
        command(DM_VERB_REPLACE, P "/FirstSyncStatus/ServerHasFinishedProvisioning", "true"),
    };
    g_auto(DmSessionStart) start = {0};
    g_autoptr(GError) error = NULL;

    run(tree, NULL, by_root, G_N_ELEMENTS(by_root));
    if (!dm_session_begin(tree, "P", "schedule", &start, &error))
        fail("begin", error);
    run(tree, start.token, by_server, G_N_ELEMENTS(by_server));
}

/* The server ends the enrolment; the clean-up waits for the last session. */
static void
exec(DmTree *tree)
{
    const DmCommand commands[] = {
        command(DM_VERB_REPLACE, P "/UPN", "last"),
        command(DM_VERB_EXEC, P "/Unenroll", NULL),
    };

    run(tree, "driver", commands, G_N_ELEMENTS(commands));
}

static void
report(DmTree *tree)
{
    g_autoptr(GError) error = NULL;

    if (!dm_session_report_outcome(tree, "P", -1, POLICY, DM_STATUS_OK, "", &error))
        fail("outcome", error);
}

static void
finish(DmTree *tree)
{
    g_autoptr(GError) error = NULL;

    if (!dm_tree_finish_unenroll(tree, "P", &error))
        fail("finish", error);
}

/* Says what became of a step that the disk may refuse. */
static void
say(const DmTree *tree, const char *done, const GError *error)
{
    const char *what = error == NULL                                        ? done
                       : g_error_matches(error, DM_ERROR, DM_ERROR_FULL)    ? "full"
                       : g_error_matches(error, DM_ERROR, DM_ERROR_STORAGE) ? "storage"
                                                                            : error->message;
    g_autofree char *line = g_strdup_printf("%s %s\n", what, dm_tree_get_health(tree));

    if (write(STDOUT_FILENO, line, strlen(line)) < 0)
        exit(EXIT_USAGE);
}

static void
begin(DmTree *tree)
{
    g_auto(DmSessionStart) start = {0};
    g_autoptr(GError) error = NULL;

    (void)dm_session_begin(tree, "P", "user", &start, &error);
    say(tree, "begun", error);
}

static void
end(DmTree *tree)
{
    const DmHistoryCommand commands[] = {{"Replace", 200, 2}, {"Get", 404, 1}};
    DmSessionReport what = DM_SESSION_REPORT_INIT;
    g_autoptr(GError) error = NULL;

    what.ended = 1;
    what.address = "https://one.example";
    what.messages_sent = 2;
    what.commands = commands;
    what.n_commands = G_N_ELEMENTS(commands);
    (void)dm_session_report(tree, "P", &what, &error);
    say(tree, "ended", error);
}

/* As many sessions as are kept, so that the next end forgets one. */
static void
end_many(DmTree *tree)
{
    for (int i = 0; i < DM_HISTORY_MAX; i++) {
        begin(tree);
        end(tree);
    }
}

static void
do_nothing(DmTree *tree)
{
}

int
main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*func)(DmTree *tree);
    } commands[] = {
        {"fill", fill},       {"exec", exec},   {"finish", finish}, {"outcome", report},
        {"open", do_nothing}, {"begin", begin}, {"end", end},       {"end-many", end_many},
    };
    const char *boot_id = g_getenv("DM_TEST_BOOT_ID");
    const DmTreeOptions options = {.boot_id = boot_id != NULL ? boot_id : "driver"};
    g_autoptr(GError) error = NULL;
    DmStore *store;
    DmTree *tree;

    if (argc < 3)
        return EXIT_USAGE;
    store = dm_store_open(argv[1], &error);
    tree = store != NULL ? dm_tree_new(store, &options, &error) : NULL;
    if (tree == NULL) {
        (void)fprintf(stderr, "%s\n", error->message);
        return EXIT_OPEN;
    }
    for (int arg = 2; arg < argc; arg++)
        for (gsize i = 0; i < G_N_ELEMENTS(commands); i++)
            if (strcmp(commands[i].name, argv[arg]) == 0)
                commands[i].func(tree);
    _exit(EXIT_SUCCESS);
}
