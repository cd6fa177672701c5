/* SPDX-License-Identifier: MIT */

/* A batch as one message (rules section 3): each command in document order, Atomic and Sequence,
 * judgement, one commit. */

#include "common/error.h"
#include "tree/apply-verbs.h"
#include "tree/query.h"
#include "tree/replies.h"
#include "tree/transaction.h"
#include "tree/tree.h"
#include "tree/unenroll-private.h"

typedef struct {
    DmTransaction *transaction;
    const DmCommand *commands;
    guint n;
    DmReply *reply;
    gsize answered;   /* bytes, see tree/query.h */
    DmProvider *exec; /* what the last Exec would unenrol */
    bool is_stopped;  /* the session ends with an Exec that has run (E2) */
} Batch;

static bool
is_write(DmVerb verb)
{
    return verb == DM_VERB_ADD || verb == DM_VERB_REPLACE || verb == DM_VERB_DELETE;
}

static bool
is_verb_of_ours(DmVerb verb)
{
    return is_write(verb) || verb == DM_VERB_GET || verb == DM_VERB_EXEC;
}

/* Carries out one command that is neither Atomic nor Sequence. */
static DmStatus
run_command(Batch *batch, guint index)
{
    const DmCommand *command = &batch->commands[index];
    DmTransaction *transaction = batch->transaction;
    DmTarget target;
    DmStatus status;

    if (!is_verb_of_ours(command->verb))
        return command->verb == DM_VERB_NONE ? DM_STATUS_BAD_REQUEST : DM_STATUS_NOT_IMPLEMENTED;
    status = dm_target_find(transaction, command, &target);
    if (status != DM_STATUS_OK)
        return status;
    dm_transaction_set_command(transaction, index);
    if (command->verb == DM_VERB_GET)
        return dm_query_answer(transaction, &target, command, batch->reply, &batch->answered);
    if (command->verb == DM_VERB_ADD)
        return dm_apply_add(transaction, &target, command);
    if (command->verb == DM_VERB_REPLACE)
        return dm_apply_replace(transaction, &target, command);
    if (command->verb == DM_VERB_DELETE)
        return dm_apply_delete(transaction, &target);
    return dm_apply_check_exec(transaction, &target, command, &batch->exec);
}

static DmStatus
get_status(const Batch *batch, guint index)
{
    return dm_reply_get(batch->reply, index)->status;
}

static void
set_status(Batch *batch, guint index, DmStatus status)
{
    if (get_status(batch, index) != status)
        dm_reply_set_status(batch->reply, index, status, status != DM_STATUS_OK);
}

/* Carries out an Exec that may run: nothing after it is run if a server asked for it (E2). */
static void
exec(Batch *batch)
{
    dm_transaction_request_unenroll(batch->transaction, batch->exec);
    batch->is_stopped = dm_transaction_get_context(batch->transaction)->provider != NULL;
}

/* -- Atomic (M2) --------------------------------------------------------------------------------
 */

/* Exec is validated first; the one that may not run fails it before anything has changed. */
static bool
validate_execs(Batch *batch, guint first, guint end)
{
    for (guint i = first; i < end; i++) {
        DmStatus status;

        if (batch->commands[i].verb != DM_VERB_EXEC)
            continue;
        status = run_command(batch, i);
        if (status != DM_STATUS_OK) {
            set_status(batch, i, status);
            return false;
        }
    }
    return true;
}

static DmStatus
run_in_atomic(Batch *batch, guint index)
{
    DmVerb verb = batch->commands[index].verb;

    if (verb == DM_VERB_SEQUENCE)
        return DM_STATUS_OK; /* its members follow, each for itself */
    if (verb == DM_VERB_GET || verb == DM_VERB_ATOMIC)
        return DM_STATUS_FAILED;
    return run_command(batch, index);
}

/* Runs what is inside; Exec last. False: one failed, and has its code. */
static bool
run_members(Batch *batch, guint first, guint end, DmMark mark)
{
    guint last;
    DmStatus status;

    for (guint i = first; i < end; i++) {
        if (batch->commands[i].verb == DM_VERB_EXEC)
            continue;
        status = run_in_atomic(batch, i);
        set_status(batch, i, status);
        if (status != DM_STATUS_OK)
            return false;
    }
    if (!dm_transaction_judge(batch->transaction, mark, &last, &status)) {
        set_status(batch, last, status);
        return false;
    }
    for (guint i = first; i < end && !batch->is_stopped; i++) {
        if (batch->commands[i].verb != DM_VERB_EXEC)
            continue;
        /* It was validated before; what came between removes no provider. */
        status = run_command(batch, i);
        set_status(batch, i, status);
        if (status != DM_STATUS_OK)
            return false;
        exec(batch);
    }
    return true;
}

static void
run_atomic(Batch *batch, guint index)
{
    guint end = index + 1 + batch->commands[index].span;
    DmMark mark = dm_transaction_mark(batch->transaction);

    for (guint i = index + 1; i < end; i++)
        dm_reply_add(batch->reply, DM_STATUS_NOT_EXECUTED);
    if (validate_execs(batch, index + 1, end) && run_members(batch, index + 1, end, mark)) {
        dm_transaction_settle(batch->transaction, mark);
        return;
    }
    dm_transaction_roll_back(batch->transaction, mark);
    set_status(batch, index, DM_STATUS_ATOMIC_FAILED);
    for (guint i = index + 1; i < end; i++)
        if (get_status(batch, i) == DM_STATUS_OK)
            set_status(batch, i, DM_STATUS_ROLLED_BACK);
}

/* -- the message --------------------------------------------------------------------------------
 */

static void
run_batch(Batch *batch)
{
    for (guint i = 0; i < batch->n;) {
        DmVerb verb = batch->commands[i].verb;

        if (batch->is_stopped) {
            dm_reply_add(batch->reply, DM_STATUS_NOT_EXECUTED);
            i++;
            continue;
        }
        dm_reply_add(batch->reply, DM_STATUS_OK);
        if (verb == DM_VERB_ATOMIC) {
            run_atomic(batch, i);
            i += 1 + batch->commands[i].span;
            continue;
        }
        /* A Sequence is 200 once begun; its members follow in order, each for itself (M3). */
        if (verb != DM_VERB_SEQUENCE)
            set_status(batch, i, run_command(batch, i));
        if (verb == DM_VERB_EXEC && get_status(batch, i) == DM_STATUS_OK)
            exec(batch);
        i++;
    }
}

/* V8: where a topic refuses, the last command that wrote it is undone alone; until all may stand.
 */
static void
judge_batch(Batch *batch)
{
    const DmMark start = {0};
    guint command;
    DmStatus status;

    while (!dm_transaction_judge(batch->transaction, start, &command, &status)) {
        dm_transaction_undo(batch->transaction, command);
        set_status(batch, command, status);
    }
}

/* Whether a write of the message was accepted, or only Exec and Get. */
static bool
has_good_write(const Batch *batch)
{
    for (guint i = 0; i < batch->n; i++)
        if (is_write(batch->commands[i].verb) && get_status(batch, i) == DM_STATUS_OK)
            return true;
    return false;
}

/* M4: what a command ends with when the disk fails. */
static DmStatus
to_failed_status(DmVerb verb, DmStatus status, bool is_full)
{
    if (status != DM_STATUS_OK)
        return status;
    if (is_write(verb))
        return is_full ? DM_STATUS_DEVICE_FULL : DM_STATUS_STORAGE;
    return verb == DM_VERB_EXEC ? DM_STATUS_FAILED : DM_STATUS_OK;
}

/* The reply when nothing could be written: what was changed is taken back already, and each Get is
 * answered again from what is on disk (M4). */
static void
fail_batch(Batch *batch, bool is_full)
{
    g_autoptr(DmReply) before = batch->reply;
    guint atomic = 0;
    guint atomic_end = 0;

    batch->reply = dm_reply_new(batch->n);
    batch->answered = 0;
    for (guint i = 0; i < batch->n; i++) {
        const DmCommand *command = &batch->commands[i];
        DmStatus status = dm_reply_get(before, i)->status;
        DmStatus now = to_failed_status(command->verb, status, is_full);

        dm_reply_add(batch->reply, now);
        if (command->verb == DM_VERB_GET && status == DM_STATUS_OK)
            set_status(batch, i, run_command(batch, i));
        if (command->verb == DM_VERB_ATOMIC && i >= atomic_end) {
            atomic = i;
            atomic_end = i + 1 + command->span;
        }
        if (i < atomic_end && now != status)
            set_status(batch, atomic, DM_STATUS_ATOMIC_FAILED);
    }
}

/* Puts the message on disk and tells; the reply is final afterwards. */
static void
commit_batch(Batch *batch, const DmContext *context)
{
    DmTransaction *transaction = batch->transaction;
    DmTree *tree = dm_transaction_get_tree(transaction);
    g_autoptr(GError) error = NULL;
    bool is_changed, is_good;

    dm_transaction_set_command(transaction, DM_COMMAND_NONE);
    dm_transaction_note_outcomes(transaction, batch->commands, batch->n, batch->reply);
    dm_transaction_note_schedules(transaction);
    dm_transaction_decide_first_syncs(transaction);
    if (batch->is_stopped)
        dm_reply_set_stop(batch->reply);
    is_changed = dm_transaction_collect(transaction) > 0;
    if (is_changed)
        is_good = dm_transaction_write(transaction, batch->reply, &error);
    else /* G5: with the disk gone even a write that changes nothing is refused */
        is_good =
            tree->store == NULL || !dm_store_is_read_only(tree->store) || !has_good_write(batch);
    if (!is_good) {
        dm_transaction_roll_back(transaction, (DmMark){0});
        fail_batch(batch, g_error_matches(error, DM_ERROR, DM_ERROR_FULL));
        is_changed = false;
    }
    dm_replies_keep(tree, context, batch->reply, is_changed && tree->store != NULL);
    if (is_changed)
        dm_transaction_tell(transaction);
}

DmReply *
dm_tree_apply(DmTree *tree, const DmContext *context, const DmCommand *commands, gsize n_commands)
{
    Batch batch = {.transaction = tree->transaction, .commands = commands, .n = (guint)n_commands};
    DmReply *reply;

    if (n_commands > DM_BATCH_MAX || !dm_batch_is_valid(commands, n_commands))
        return dm_replies_new(n_commands, DM_STATUS_BAD_REQUEST);
    reply = dm_replies_find(tree, context, n_commands);
    if (reply != NULL)
        return reply;
    if (dm_unenroll_is_over(tree, context)) {
        reply = dm_replies_new(n_commands, DM_STATUS_NOT_EXECUTED);
        dm_reply_set_stop(reply);
        return reply;
    }

    batch.reply = dm_reply_new(n_commands);
    dm_transaction_begin(batch.transaction, context);
    run_batch(&batch);
    judge_batch(&batch);
    commit_batch(&batch, context);
    dm_transaction_end(batch.transaction);
    /* Effects after the message. Where the disk fails it stays pending. */
    if (context->provider == NULL && batch.exec != NULL)
        (void)dm_tree_finish_unenrolls(tree, dm_clock_boot_us(tree->options.clock), NULL);
    return batch.reply;
}
