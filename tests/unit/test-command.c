/* SPDX-License-Identifier: MIT */

#include "common/command.h"

#include <string.h>

static DmCommand
entry(DmVerb verb, guint span)
{
    return (DmCommand){.verb = verb, .span = span};
}

static void
test_verbs(void)
{
    for (int i = DM_VERB_ADD; i <= DM_VERB_RESULTS; i++)
        g_assert_cmpint(dm_verb_from_name(dm_verb_to_name((DmVerb)i)), ==, i);
    g_assert_cmpint(dm_verb_from_name("add"), ==, DM_VERB_NONE);
    g_assert_cmpint(dm_verb_from_name(""), ==, DM_VERB_NONE);
    g_assert_cmpint(dm_verb_from_name("Final"), ==, DM_VERB_NONE);
}

static void
test_good_batches(void)
{
    const DmCommand flat[] = {entry(DM_VERB_ADD, 0), entry(DM_VERB_GET, 0)};
    const DmCommand nested[] = {entry(DM_VERB_SEQUENCE, 3), entry(DM_VERB_ATOMIC, 1),
                                entry(DM_VERB_ADD, 0), entry(DM_VERB_GET, 0),
                                entry(DM_VERB_ATOMIC, 0)};

    g_assert_true(dm_batch_is_valid(NULL, 0));
    g_assert_true(dm_batch_is_valid(flat, G_N_ELEMENTS(flat)));
    g_assert_true(dm_batch_is_valid(nested, G_N_ELEMENTS(nested)));
}

static void
test_hostile_batches(void)
{
    const DmCommand past_end[] = {entry(DM_VERB_ATOMIC, 2), entry(DM_VERB_ADD, 0)};
    const DmCommand past_parent[] = {entry(DM_VERB_ATOMIC, 1), entry(DM_VERB_ATOMIC, 1),
                                     entry(DM_VERB_ADD, 0)};
    const DmCommand huge[] = {entry(DM_VERB_ATOMIC, G_MAXUINT), entry(DM_VERB_ADD, 0)};
    const DmCommand leaf_span[] = {entry(DM_VERB_ADD, 1), entry(DM_VERB_ADD, 0)};
    DmCommand deep[DM_BATCH_MAX_DEPTH + 2];

    g_assert_false(dm_batch_is_valid(past_end, G_N_ELEMENTS(past_end)));
    g_assert_false(dm_batch_is_valid(past_parent, G_N_ELEMENTS(past_parent)));
    g_assert_false(dm_batch_is_valid(huge, G_N_ELEMENTS(huge)));
    g_assert_false(dm_batch_is_valid(leaf_span, G_N_ELEMENTS(leaf_span)));
    for (guint i = 0; i < G_N_ELEMENTS(deep); i++)
        deep[i] = entry(DM_VERB_ATOMIC, (guint)G_N_ELEMENTS(deep) - 1 - i);
    g_assert_false(dm_batch_is_valid(deep, G_N_ELEMENTS(deep)));
    g_assert_true(dm_batch_is_valid(deep + 1, G_N_ELEMENTS(deep) - 1));
}

static DmReply *
example(void)
{
    DmReply *reply = dm_reply_new(2);

    dm_reply_add(reply, DM_STATUS_OK);
    dm_reply_add_item(reply, "./a", DM_FORMAT_NODE, "b/c", 3);
    dm_reply_add_item(reply, "./a/b", DM_FORMAT_NULL, NULL, 0);
    dm_reply_add(reply, DM_STATUS_NOT_FOUND);
    dm_reply_add(reply, DM_STATUS_OK);
    dm_reply_add_item(reply, "./a/c", DM_FORMAT_CHR, "Zürich", strlen("Zürich"));
    return reply;
}

static void
check_example(const DmReply *reply)
{
    const DmResultItem *items = dm_reply_get_items(reply, 0);

    g_assert_cmpuint(dm_reply_get_size(reply), ==, 3);
    g_assert_cmpuint(dm_reply_get(reply, 0)->n_items, ==, 2);
    g_assert_cmpstr(items[0].data, ==, "b/c");
    g_assert_cmpint(items[0].format, ==, DM_FORMAT_NODE);
    g_assert_cmpstr(items[1].loc_uri, ==, "./a/b");
    g_assert_null(items[1].data);
    g_assert_cmpint(dm_reply_get(reply, 1)->status, ==, DM_STATUS_NOT_FOUND);
    g_assert_null(dm_reply_get_items(reply, 1));
    g_assert_cmpstr(dm_reply_get_items(reply, 2)->data, ==, "Zürich");
}

static void
test_reply_survives_the_store(void)
{
    g_autoptr(DmReply) reply = example();
    g_autoptr(GBytes) bytes = dm_reply_to_bytes(reply);
    g_autoptr(DmReply) back = dm_reply_from_bytes(bytes);

    check_example(reply);
    g_assert_nonnull(back);
    check_example(back);
}

static void
test_damaged_reply_is_refused(void)
{
    g_autoptr(DmReply) reply = example();
    g_autoptr(GBytes) bytes = dm_reply_to_bytes(reply);
    gsize size = g_bytes_get_size(bytes);

    for (gsize cut = 1; cut < size; cut++) {
        g_autoptr(GBytes) part = g_bytes_new_from_bytes(bytes, 0, cut);
        g_autoptr(DmReply) back = dm_reply_from_bytes(part);

        /* A cut may leave fewer results, never one that was not there. */
        if (back != NULL)
            g_assert_cmpuint(dm_reply_get_size(back), <, 3);
    }
}

static void
test_set_status(void)
{
    g_autoptr(DmReply) reply = example();

    dm_reply_set_status(reply, 0, DM_STATUS_ROLLED_BACK, true);
    g_assert_null(dm_reply_get_items(reply, 0));
    g_assert_cmpint(dm_reply_get(reply, 0)->status, ==, DM_STATUS_ROLLED_BACK);
    g_assert_cmpstr(dm_reply_get_items(reply, 2)->loc_uri, ==, "./a/c");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/command/verbs-both-ways", test_verbs);
    g_test_add_func("/command/spans-that-fit", test_good_batches);
    g_test_add_func("/command/hostile-spans-are-refused", test_hostile_batches);
    g_test_add_func("/command/reply-survives-the-store", test_reply_survives_the_store);
    g_test_add_func("/command/damaged-reply-is-refused", test_damaged_reply_is_refused);
    g_test_add_func("/command/set-status-drops-items", test_set_status);
    return g_test_run();
}
