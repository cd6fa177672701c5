/* SPDX-License-Identifier: MIT */
#include "plugin/polkit.h"

#include "tests/unit/polkit-fixture.h"

#define OURS(f) dbus_bus_get_unique_name((f)->connection)

/* -- what polkit says ---------------------------------------------------------------------------
 */

static void
test_question(Fixture *f, gconstpointer data)
{
    const Check *check;

    f->to_machine = FAKE_YES;
    g_assert_cmpint(ask(f, true), ==, DM_VERDICT_YES);
    g_assert_cmpuint(f->n_freed, ==, 1);
    g_assert_cmpuint(f->checks->len, ==, 1);
    check = f->checks->pdata[0];
    g_assert_cmpstr(check->kind, ==, "system-bus-name");
    g_assert_cmpstr(check->key, ==, "name");
    g_assert_cmpstr(check->sender, ==, dbus_bus_get_unique_name(f->caller));
    g_assert_cmpstr(check->action, ==, "org.dmclient.DMClient1.read-identity");
    g_assert_cmpuint(check->n_details, ==, 0);
    g_assert_cmpuint(check->flags, ==, 0);
    g_assert_cmpstr(check->cancellation, ==, "");
}

/* Nobody is remembered: each verdict is polkit's of now. */
static void
test_verdicts(Fixture *f, gconstpointer data)
{
    f->to_person = FAKE_YES;
    f->to_machine = FAKE_YES;
    g_assert_cmpint(ask(f, false), ==, DM_VERDICT_YES);
    f->to_machine = 0;
    g_assert_cmpint(ask(f, false), ==, DM_VERDICT_NO);
    g_assert_cmpint(ask(f, true), ==, DM_VERDICT_NO);
    f->to_machine = FAKE_CHALLENGE;
    g_assert_cmpint(ask(f, false), ==, DM_VERDICT_CHALLENGE);
    /* No person was asked so far. */
    for (guint i = 0; i < f->checks->len; i++)
        g_assert_cmpuint(((const Check *)f->checks->pdata[i])->flags, ==, 0);
    g_assert_cmpuint(f->checks->len, ==, 4);
    g_assert_cmpuint(n_warnings, ==, 0);
}

/* Counts the signals that the bus sends us about others. */
static DBusHandlerResult
count_signals(DBusConnection *connection, DBusMessage *message, void *data)
{
    if (dbus_message_is_signal(message, DBUS_INTERFACE_DBUS, "NameOwnerChanged") ||
        dbus_message_is_signal(message, FAKE_INTERFACE, "Changed"))
        (*(guint *)data)++;
    return DBUS_HANDLER_RESULT_NOT_YET_HANDLED;
}

/* How many such signals come when a caller leaves, the authority changes and says so. */
static guint
count_when_all_changes(Fixture *f)
{
    g_autofree char *name = g_strdup(dbus_bus_get_unique_name(f->caller));
    guint n_signals = 0;

    dbus_connection_add_filter(f->connection, count_signals, &n_signals, NULL);
    close_peer(g_steal_pointer(&f->caller));
    while (dbus_bus_name_has_owner(f->authority, name, NULL))
        continue;
    send_changed(f->authority);
    g_assert_cmpint(dbus_bus_release_name(f->authority, FAKE_NAME, NULL), ==,
                    DBUS_RELEASE_NAME_REPLY_RELEASED);
    /* What the bus has sent before its answer to this is dispatched before the loop is idle. */
    settle(f->connection);
    while (dbus_connection_get_dispatch_status(f->connection) == DBUS_DISPATCH_DATA_REMAINS)
        g_main_context_iteration(NULL, TRUE);
    dbus_connection_remove_filter(f->connection, count_signals, &n_signals);
    return n_signals;
}

static void
test_person(Fixture *f, gconstpointer data)
{
    static const struct {
        guint answer;
        DmVerdict verdict;
    } cases[] = {
        {FAKE_YES, DM_VERDICT_YES},
        {0, DM_VERDICT_NO},
        /* Nobody is there whom polkit could ask. */
        {FAKE_CHALLENGE, DM_VERDICT_CHALLENGE},
    };

    f->to_machine = FAKE_CHALLENGE;
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        const Check *check;

        f->to_person = cases[i].answer;
        g_assert_cmpint(ask(f, true), ==, cases[i].verdict);
        g_assert_cmpuint(f->checks->len, ==, 2 * (i + 1));
        check = f->checks->pdata[2 * i + 1];
        g_assert_cmpuint(check->flags, ==, 1);
        g_assert_cmpstr(check->cancellation, !=, "");
        g_assert_cmpstr(check->sender, ==, dbus_bus_get_unique_name(f->caller));
        g_assert_cmpuint(dm_polkit_get_n_asked(f->polkit), ==, 0);
    }
    settle(f->connection);
    g_assert_cmpuint(f->cancelled->len, ==, 0);
    g_assert_cmpuint(n_warnings, ==, 0);
    /* The callers are not watched any more, polkit is. */
    g_assert_cmpuint(count_when_all_changes(f), ==, 2);
    g_assert_cmpuint(f->n_changed, ==, 2);
}

/* -- no answer ----------------------------------------------------------------------------------
 */

static void
test_slow(Fixture *f, gconstpointer data)
{
    f->is_holding = true;
    dm_polkit_set_limits(f->polkit, 20, 1000000);
    g_assert_cmpint(ask(f, true), ==, DM_VERDICT_NONE);
    g_assert_cmpint(ask(f, true), ==, DM_VERDICT_NONE);
    g_assert_cmpuint(n_warnings, ==, 1);
    g_assert_cmpuint(dm_polkit_get_n_asked(f->polkit), ==, 0);
    /* An answer that is too late is one to nobody. */
    WAIT_UNTIL(f->checks->len == 2);
    fake_answer(f->checks->pdata[1], FAKE_YES);
    f->is_holding = false;
    dm_polkit_set_limits(f->polkit, DM_POLKIT_ANSWER_MS, DM_POLKIT_PERSON_MS);
    g_assert_cmpint(ask(f, true), ==, DM_VERDICT_NO);
    g_assert_cmpuint(f->n_answers, ==, 3);
}

/* The limit of what a machine decides is not that of the person. */
static void
test_slow_person(Fixture *f, gconstpointer data)
{
    const char *id;

    f->is_holding = true;
    dm_polkit_set_limits(f->polkit, DM_POLKIT_ANSWER_MS, 20);
    g_assert_true(check_of(f, dbus_bus_get_unique_name(f->caller), 1000, true));
    fake_answer(wait_for_check(f, 0), FAKE_CHALLENGE);
    id = wait_for_check(f, 1)->cancellation;
    WAIT_UNTIL(f->cancelled->len == 1);
    WAIT_UNTIL(f->n_answers == 1);
    g_assert_cmpint(f->verdict, ==, DM_VERDICT_NO);
    g_assert_cmpstr(f->cancelled->pdata[0], ==, id);
    g_assert_cmpuint(n_warnings, ==, 0);
}

static void
test_caller_leaves(Fixture *f, gconstpointer data)
{
    g_autofree char *stranger = g_strdup(dbus_bus_get_unique_name(f->stranger));

    f->is_holding = true;
    /* Another dialog stays as it is. */
    g_assert_true(check_of(f, stranger, 1001, true));
    fake_answer(wait_for_check(f, 0), FAKE_CHALLENGE);
    wait_for_check(f, 1);
    g_assert_true(check_of(f, dbus_bus_get_unique_name(f->caller), 1000, true));
    fake_answer(wait_for_check(f, 2), FAKE_CHALLENGE);
    wait_for_check(f, 3);
    close_peer(g_steal_pointer(&f->caller));
    WAIT_UNTIL(f->n_answers == 1);
    g_assert_cmpint(f->verdict, ==, DM_VERDICT_NO);
    WAIT_UNTIL(f->cancelled->len == 1);
    g_assert_cmpstr(f->cancelled->pdata[0], ==, wait_for_check(f, 3)->cancellation);
    g_assert_cmpstr(wait_for_check(f, 1)->cancellation, !=, wait_for_check(f, 3)->cancellation);
    fake_answer(wait_for_check(f, 1), FAKE_YES);
    WAIT_UNTIL(f->n_answers == 2);
    g_assert_cmpint(f->verdict, ==, DM_VERDICT_YES);
    g_assert_cmpuint(dm_polkit_get_n_asked(f->polkit), ==, 0);
}

/* Whoever asks and leaves at once does not fill the log. */
static void
test_caller_has_left(Fixture *f, gconstpointer data)
{
    const Check *check;
    DBusMessage *reply;

    f->is_holding = true;
    g_assert_true(check_of(f, dbus_bus_get_unique_name(f->caller), 1000, true));
    check = wait_for_check(f, 0);
    reply = dbus_message_new_error(check->message, DBUS_ERROR_NAME_HAS_NO_OWNER,
                                   "Could not get UID of name ':1.9999': no such name");
    dbus_connection_send(f->authority, reply, NULL);
    dbus_message_unref(reply);
    WAIT_UNTIL(f->n_answers == 1);
    g_assert_cmpint(f->verdict, ==, DM_VERDICT_NO);
    g_assert_cmpuint(f->checks->len, ==, 1);
    g_assert_cmpuint(n_warnings, ==, 0);
}

static void
test_no_polkit(Fixture *f, gconstpointer data)
{
    f->to_machine = FAKE_YES;
    g_assert_cmpint(ask(f, true), ==, DM_VERDICT_NONE);
    g_assert_cmpint(ask(f, false), ==, DM_VERDICT_NONE);
    g_assert_cmpuint(n_warnings, ==, 1);
    own_name(f->authority);
    WAIT_UNTIL(f->n_changed == 1);
    g_assert_cmpint(ask(f, false), ==, DM_VERDICT_YES);
    g_assert_cmpint(dbus_bus_release_name(f->authority, FAKE_NAME, NULL), ==,
                    DBUS_RELEASE_NAME_REPLY_RELEASED);
    WAIT_UNTIL(f->n_changed == 2);
    g_assert_cmpint(ask(f, false), ==, DM_VERDICT_NONE);
    g_assert_cmpuint(n_warnings, ==, 2);
}

/* Started by the question itself: the bus tells who it is before the answer comes. */
static void
test_starts_with_the_question(Fixture *f, gconstpointer data)
{
    f->to_machine = FAKE_YES;
    g_assert_true(check_of(f, dbus_bus_get_unique_name(f->caller), 1000, false));
    dbus_connection_flush(f->connection);
    settle(f->connection);
    g_assert_cmpuint(f->n_answers, ==, 0);
    own_name(f->authority);
    WAIT_UNTIL(f->n_answers == 1);
    g_assert_cmpint(f->verdict, ==, DM_VERDICT_YES);
}

/* -- who answers --------------------------------------------------------------------------------
 */

/* A reply to a check as if it were from the authority. */
static void
forge_reply(const Check *check, DBusConnection *stranger)
{
    Check forged = *check;

    forged.connection = stranger;
    fake_answer(&forged, FAKE_YES);
    settle(stranger);
}

static void
test_forged_reply(Fixture *f, gconstpointer data)
{
    f->is_holding = true;
    g_assert_true(check_of(f, dbus_bus_get_unique_name(f->caller), 1000, true));
    forge_reply(wait_for_check(f, 0), f->stranger);
    WAIT_UNTIL(f->n_answers == 1);
    g_assert_cmpint(f->verdict, ==, DM_VERDICT_NONE);
    g_assert_cmpuint(n_warnings, ==, 1);

    /* The same while a person is asked: the dialog does not stay open. */
    g_assert_true(check_of(f, dbus_bus_get_unique_name(f->caller), 1000, true));
    fake_answer(wait_for_check(f, 1), FAKE_CHALLENGE);
    forge_reply(wait_for_check(f, 2), f->stranger);
    WAIT_UNTIL(f->n_answers == 2 && f->cancelled->len == 1);
    g_assert_cmpint(f->verdict, ==, DM_VERDICT_NONE);
    g_assert_cmpstr(f->cancelled->pdata[0], ==, wait_for_check(f, 2)->cancellation);

    f->is_holding = false;
    f->to_machine = FAKE_YES;
    g_assert_cmpint(ask(f, false), ==, DM_VERDICT_YES);
}

/* Only the authority says that verdicts changed, and only the bus who the authority is. */
static void
test_forged_signals(Fixture *f, gconstpointer data)
{
    const char *name = FAKE_NAME, *before = "", *after = dbus_bus_get_unique_name(f->stranger);
    DBusMessage *signal =
        dbus_message_new_signal(DBUS_PATH_DBUS, DBUS_INTERFACE_DBUS, "NameOwnerChanged");

    dbus_message_append_args(signal, DBUS_TYPE_STRING, &name, DBUS_TYPE_STRING, &before,
                             DBUS_TYPE_STRING, &after, DBUS_TYPE_INVALID);
    dbus_message_set_destination(signal, OURS(f));
    dbus_connection_send(f->stranger, signal, NULL);
    dbus_message_unref(signal);
    signal = dbus_message_new_signal(FAKE_PATH, FAKE_INTERFACE, "Changed");
    dbus_message_set_destination(signal, OURS(f));
    dbus_connection_send(f->stranger, signal, NULL);
    dbus_message_unref(signal);
    send_changed(f->stranger);
    settle(f->stranger);
    send_changed(f->authority);
    WAIT_UNTIL(f->n_changed > 0);
    g_assert_cmpuint(f->n_changed, ==, 1);

    f->is_holding = true;
    g_assert_true(check_of(f, dbus_bus_get_unique_name(f->caller), 1000, false));
    forge_reply(wait_for_check(f, 0), f->stranger);
    WAIT_UNTIL(f->n_answers == 1);
    g_assert_cmpint(f->verdict, ==, DM_VERDICT_NONE);
}

/* A new authority is believed, and the one before not any more. */
static void
test_another_authority(Fixture *f, gconstpointer data)
{
    DBusConnection *second = open_authority(f);

    f->is_holding = true;
    g_assert_true(check_of(f, dbus_bus_get_unique_name(f->caller), 1000, false));
    wait_for_check(f, 0);
    own_name(second);
    fake_answer(wait_for_check(f, 0), FAKE_YES);
    WAIT_UNTIL(f->n_answers == 1);
    g_assert_cmpint(f->verdict, ==, DM_VERDICT_NONE);
    g_assert_cmpuint(f->n_changed, ==, 1);

    f->is_holding = false;
    f->to_machine = FAKE_YES;
    g_assert_cmpint(ask(f, false), ==, DM_VERDICT_YES);
    g_assert_true(((const Check *)f->checks->pdata[1])->connection == second);
    send_changed(f->authority);
    settle(f->authority);
    send_changed(second);
    WAIT_UNTIL(f->n_changed > 1);
    g_assert_cmpuint(f->n_changed, ==, 2);

    /* It ends in the midst of a question. */
    f->is_holding = true;
    g_assert_true(check_of(f, dbus_bus_get_unique_name(f->caller), 1000, false));
    wait_for_check(f, 2);
    close_authority(f, second);
    WAIT_UNTIL(f->n_answers == 3);
    g_assert_cmpint(f->verdict, ==, DM_VERDICT_NONE);
    g_assert_cmpuint(f->n_changed, ==, 3);
}

/* -- malformed answers --------------------------------------------------------------------------
 */

/* A reply whose body is built after `signature`, every truth in it true, every text "yes". */
static void
append_all(DBusMessageIter *iter, DBusSignatureIter *signature)
{
    static const dbus_bool_t truth = TRUE;
    static const char *const text = "yes";

    if (dbus_signature_iter_get_current_type(signature) == DBUS_TYPE_INVALID)
        return;
    do {
        int type = dbus_signature_iter_get_current_type(signature);
        DBusSignatureIter inner;
        DBusMessageIter container;
        g_autofree char *contained = NULL;

        if (type == DBUS_TYPE_BOOLEAN || type == DBUS_TYPE_UINT32) {
            dbus_message_iter_append_basic(iter, type, &truth);
        } else if (type == DBUS_TYPE_STRING) {
            dbus_message_iter_append_basic(iter, type, &text);
        } else if (type == DBUS_TYPE_VARIANT) {
            dbus_message_iter_open_container(iter, type, "b", &container);
            dbus_message_iter_append_basic(&container, DBUS_TYPE_BOOLEAN, &truth);
            dbus_message_iter_close_container(iter, &container);
        } else {
            char *of_inner;

            dbus_signature_iter_recurse(signature, &inner);
            of_inner = dbus_signature_iter_get_signature(&inner);
            contained = g_strdup(type == DBUS_TYPE_ARRAY ? of_inner : NULL);
            dbus_free(of_inner);
            dbus_message_iter_open_container(iter, type, contained, &container);
            append_all(&container, &inner);
            dbus_message_iter_close_container(iter, &container);
        }
    } while (dbus_signature_iter_next(signature));
}

static void
test_malformed(Fixture *f, gconstpointer data)
{
    /* The last is well formed, but contradicts itself: authorised, and would be with more. */
    static const char *const shapes[] = {
        "",           "b",         "bb",         "bba{ss}",    "(bb)",        "(b)",
        "(bba{ss})b", "(bba{sb})", "(bbas)",     "(uba{ss})",  "(uua{ss})",   "(bbb)",
        "v",          "s",         "a(bba{ss})", "(bba{ss}b)", "((bb)a{ss})", "(bba{ss})",
    };

    f->is_holding = true;
    for (guint i = 0; i < G_N_ELEMENTS(shapes); i++) {
        const Check *check;
        DBusMessage *reply;
        DBusMessageIter iter;
        DBusSignatureIter signature;

        g_assert_true(check_of(f, dbus_bus_get_unique_name(f->caller), 1000, true));
        check = wait_for_check(f, i);
        reply = dbus_message_new_method_return(check->message);
        dbus_message_iter_init_append(reply, &iter);
        dbus_signature_iter_init(&signature, shapes[i]);
        append_all(&iter, &signature);
        g_assert_cmpstr(dbus_message_get_signature(reply), ==, shapes[i]);
        dbus_connection_send(f->authority, reply, NULL);
        dbus_message_unref(reply);
        WAIT_UNTIL(f->n_answers == i + 1);
        g_assert_cmpint(f->verdict, ==, DM_VERDICT_NONE);
    }
    g_assert_cmpuint(n_warnings, ==, 1);
}

/* What an error says is nothing but an error. */
static void
test_errors(Fixture *f, gconstpointer data)
{
    static const char *const names[] = {
        "org.freedesktop.PolicyKit1.Error.Failed",
        "org.freedesktop.PolicyKit1.Error.NotAuthorized",
        "org.freedesktop.PolicyKit1.Error.Cancelled",
        DBUS_ERROR_NO_REPLY,
        DBUS_ERROR_SERVICE_UNKNOWN,
    };

    f->is_holding = true;
    for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *text = g_strnfill(100000, 'x');
        const Check *check;
        DBusMessage *reply;

        g_assert_true(check_of(f, dbus_bus_get_unique_name(f->caller), 1000, true));
        check = wait_for_check(f, i);
        reply = dbus_message_new_error(check->message, names[i], i % 2 == 0 ? text : NULL);
        dbus_connection_send(f->authority, reply, NULL);
        dbus_message_unref(reply);
        WAIT_UNTIL(f->n_answers == i + 1);
        g_assert_cmpint(f->verdict, ==, DM_VERDICT_NONE);
    }
    g_assert_cmpuint(f->checks->len, ==, G_N_ELEMENTS(names));
    g_assert_cmpuint(n_warnings, ==, 1);
}

/* -- the end ------------------------------------------------------------------------------------
 */

static void
test_freed(Fixture *f, gconstpointer data)
{
    f->is_holding = true;
    g_assert_true(check_of(f, dbus_bus_get_unique_name(f->caller), 1000, true));
    fake_answer(wait_for_check(f, 0), FAKE_CHALLENGE);
    wait_for_check(f, 1);
    g_assert_true(check_of(f, dbus_bus_get_unique_name(f->caller), 1000, false));
    for (guint i = 0; i < 2 * DM_POLKIT_MAX_ASKED; i++) {
        g_autofree char *name = g_strdup_printf(":9.%u", i);

        g_assert_true(check_of(f, name, i % 3, false));
    }
    wait_for_check(f, 1 + DM_POLKIT_MAX_ASKED - 1);
    g_clear_pointer(&f->polkit, dm_polkit_free);
    g_assert_cmpuint(f->n_freed, ==, 2 + 2 * DM_POLKIT_MAX_ASKED);
    g_assert_cmpuint(f->n_answers, ==, 0);
    f->n_freed = 0;
    WAIT_UNTIL(f->cancelled->len == 1);
    /* Nothing comes after it, neither answers nor signals; a new one finds everything again. */
    for (guint i = 1; i < f->checks->len; i++)
        fake_answer(f->checks->pdata[i], FAKE_YES);
    send_changed(f->authority);
    settle(f->authority);
    f->is_holding = false;
    f->to_machine = FAKE_YES;
    f->polkit = dm_polkit_new(f->connection, on_changed, f);
    g_assert_cmpint(ask(f, false), ==, DM_VERDICT_YES);
    g_assert_cmpuint(f->n_answers, ==, 1);
    g_assert_cmpuint(f->n_changed, ==, 0);
}

/* Nothing is watched any more. */
static void
test_freed_watches_nothing(Fixture *f, gconstpointer data)
{
    f->is_holding = true;
    g_assert_true(check_of(f, dbus_bus_get_unique_name(f->caller), 1000, true));
    fake_answer(wait_for_check(f, 0), FAKE_CHALLENGE);
    wait_for_check(f, 1);
    g_clear_pointer(&f->polkit, dm_polkit_free);
    settle(f->connection);
    g_assert_cmpuint(count_when_all_changes(f), ==, 0);
}

static void
test_bus_is_lost(Fixture *f, gconstpointer data)
{
    f->is_holding = true;
    g_assert_true(check_of(f, dbus_bus_get_unique_name(f->caller), 1000, true));
    fake_answer(wait_for_check(f, 0), FAKE_CHALLENGE);
    wait_for_check(f, 1);
    g_assert_true(check_of(f, dbus_bus_get_unique_name(f->caller), 1000, false));
    private_bus_stop(&f->bus);
    WAIT_UNTIL(f->polkit == NULL);
    g_assert_cmpuint(f->n_freed, ==, 2);
    g_assert_cmpuint(f->n_answers, <=, 2);
    g_assert_cmpuint(f->n_verdicts[DM_VERDICT_YES], ==, 0);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_log_set_writer_func(count_warnings, NULL, NULL);
    ADD("asks-as-the-interface-says", THERE, test_question);
    ADD("verdicts", THERE, test_verdicts);
    ADD("person-is-asked-where-it-takes-one", THERE, test_person);
    ADD("slow-is-no", THERE, test_slow);
    ADD("slow-person-is-no", THERE, test_slow_person);
    ADD("caller-that-leaves-closes-the-dialog", THERE, test_caller_leaves);
    ADD("caller-that-has-left", THERE, test_caller_has_left);
    ADD("absent-is-no", NULL, test_no_polkit);
    ADD("started-by-the-question", ACTIVATABLE, test_starts_with_the_question);
    ADD("forged-reply-is-no", THERE, test_forged_reply);
    ADD("forged-signals-are-nothing", THERE, test_forged_signals);
    ADD("another-authority", THERE, test_another_authority);
    ADD("malformed-is-no", THERE, test_malformed);
    ADD("errors-are-no", THERE, test_errors);
    ADD("freed-with-questions-under-way", THERE, test_freed);
    ADD("freed-watches-nothing", THERE, test_freed_watches_nothing);
    ADD("bus-is-lost", THERE, test_bus_is_lost);
    return g_test_run();
}
