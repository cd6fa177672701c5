/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <string.h>

#include "tests/unit/certificate-text.h"
#include "tree/tree.h"

/* A tree in memory, a clock that stands still, and commands in one line, for the tests of tree/. */

#define ROOT "./Vendor/MSFT/DMClient"
#define PROVIDER_A ROOT "/Provider/A"
#define USER_A "./User/Vendor/MSFT/DMClient/Provider/A"
#define ADDRESS "https://a.example/mdm"

#define CERTIFICATE_PEM                                                                            \
    "-----BEGIN CERTIFICATE-----\n"                                                                \
    "MIIBdDCCARmgAwIBAgIUPrLUNhp1hOGvUzjcSySWMTh0L84wCgYIKoZIzj0EAwIw\n"                           \
    "DzENMAsGA1UEAwwEdW5pdDAeFw0yNjExMjMwMjQ5MjlaFw0zNjExMjAwMjQ5Mjla\n"                           \
    "MA8xDTALBgNVBAMMBHVuaXQwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAAQ/Zcar\n"                           \
    "7iLiANl9E79+2568TRvc2tpgnRwuq1ZBfI84kEd3SmISbHfzH9iEH5MhALwgebnR\n"                           \
    "ljSX48w5kTjt5J7Fo1MwUTAdBgNVHQ4EFgQUew5wu7YKmKg8f9eQJLxGydmLfNgw\n"                           \
    "HwYDVR0jBBgwFoAUew5wu7YKmKg8f9eQJLxGydmLfNgwDwYDVR0TAQH/BAUwAwEB\n"                           \
    "/zAKBggqhkjOPQQDAgNJADBGAiEAlW61N8iGNBjXQ8cInqJMhLJvkjhhTGUKNnbl\n"                           \
    "9opEtDwCIQDANOeOuKq05cQBvL13nGVXwmPRqKAAPTjQrRHkqmW3FQ==\n"                                   \
    "-----END CERTIFICATE-----\n"

#define YEAR_2030_US (G_GINT64_CONSTANT(1893456000) * G_USEC_PER_SEC)
#define YEAR_2040_US (G_GINT64_CONSTANT(2208988800) * G_USEC_PER_SEC)

static inline gint64
fixture_now_us(gpointer data)
{
    return *(const gint64 *)data;
}

/* A clock at `*now_us`. */
static inline DmClock
fixture_clock(gint64 *now_us)
{
    return (DmClock){.wall_us = fixture_now_us, .boot_us = fixture_now_us, .data = now_us};
}

/* The commands of a batch. */
#define ITEM(VERB, URI, FORMAT, DATA)                                                              \
    {                                                                                              \
        .verb = DM_VERB_##VERB, .loc_uri = (URI), .format = (FORMAT), .data = (DATA),              \
        .data_size = fixture_size(DATA)                                                            \
    }
#define ADD(URI, DATA) ITEM(ADD, URI, NULL, DATA)
#define GET(URI) ITEM(GET, URI, NULL, NULL)
#define REPLACE(URI, DATA) ITEM(REPLACE, URI, NULL, DATA)
#define DELETE(URI) ITEM(DELETE, URI, NULL, NULL)
#define EXEC(URI, DATA) ITEM(EXEC, URI, NULL, DATA)
#define ATOMIC(SPAN)                                                                               \
    {                                                                                              \
        .verb = DM_VERB_ATOMIC, .span = (SPAN)                                                     \
    }
#define SEQUENCE(SPAN)                                                                             \
    {                                                                                              \
        .verb = DM_VERB_SEQUENCE, .span = (SPAN)                                                   \
    }

static inline gsize
fixture_size(const char *data)
{
    return data == NULL ? 0 : strlen(data);
}

static inline DmReply *
fixture_apply(DmTree *tree, const char *provider, gint64 uid, const DmCommand *commands, gsize n)
{
    const DmContext context = {.provider = provider, .uid = uid};
    DmReply *reply = dm_tree_apply(tree, &context, commands, n);

    g_assert_cmpuint(dm_reply_get_size(reply), ==, n);
    return reply;
}

/* Runs commands of local root (provider NULL) or of a server. */
#define APPLY(TREE, PROVIDER, COMMANDS)                                                            \
    fixture_apply(TREE, PROVIDER, -1, COMMANDS, G_N_ELEMENTS(COMMANDS))

/* One command, and how it ended. */
static inline DmStatus
fixture_run(DmTree *tree, const char *provider, DmCommand command)
{
    g_autoptr(DmReply) reply = fixture_apply(tree, provider, -1, &command, 1);

    return dm_reply_get(reply, 0)->status;
}

static inline DmStatus
fixture_run_user(DmTree *tree, const char *provider, gint64 uid, DmCommand command)
{
    g_autoptr(DmReply) reply = fixture_apply(tree, provider, uid, &command, 1);

    return dm_reply_get(reply, 0)->status;
}

#define RUN(TREE, PROVIDER, ...) ((guint)fixture_run(TREE, PROVIDER, (DmCommand)__VA_ARGS__))
#define RUN_USER(TREE, PROVIDER, UID, ...)                                                         \
    ((guint)fixture_run_user(TREE, PROVIDER, UID, (DmCommand)__VA_ARGS__))

#define STATUS(REPLY, INDEX) ((guint)dm_reply_get(REPLY, INDEX)->status)

/* Fails unless a reply's statuses are exactly these. */
#define ASSERT_STATUSES(REPLY, ...)                                                                \
    do {                                                                                           \
        const guint expected_[] = {__VA_ARGS__};                                                   \
                                                                                                   \
        g_assert_cmpuint(dm_reply_get_size(REPLY), ==, G_N_ELEMENTS(expected_));                   \
        for (gsize i_ = 0; i_ < G_N_ELEMENTS(expected_); i_++)                                     \
            g_assert_cmpuint(STATUS(REPLY, i_), ==, expected_[i_]);                                \
    } while (0)

/* What Get answers as text; "404" and the like if it does not answer. Free with g_free(). */
static inline char *
fixture_read(DmTree *tree, const char *provider, gint64 uid, const char *uri)
{
    const DmCommand command = GET(uri);
    g_autoptr(DmReply) reply = fixture_apply(tree, provider, uid, &command, 1);
    const DmResultItem *items = dm_reply_get_items(reply, 0);

    if (dm_reply_get(reply, 0)->status != DM_STATUS_OK) {
        g_assert_null(items);
        return g_strdup_printf("%u", STATUS(reply, 0));
    }
    g_assert_cmpuint(dm_reply_get(reply, 0)->n_items, ==, 1);
    g_assert_cmpuint(items->data_size, ==, strlen(items->data));
    return g_strdup(items->data);
}

#define ASSERT_READS(TREE, URI, TEXT)                                                              \
    do {                                                                                           \
        g_autofree char *text_ = fixture_read(TREE, NULL, -1, URI);                                \
                                                                                                   \
        g_assert_cmpstr(text_, ==, TEXT);                                                          \
    } while (0)
#define ASSERT_USER_READS(TREE, UID, URI, TEXT)                                                    \
    do {                                                                                           \
        g_autofree char *text_ = fixture_read(TREE, NULL, UID, URI);                               \
                                                                                                   \
        g_assert_cmpstr(text_, ==, TEXT);                                                          \
    } while (0)

/* A tree in memory with the providers named, made by local root. */
static inline DmTree *
fixture_tree(const DmTreeOptions *options, const char *first, ...)
{
    g_autoptr(GError) error = NULL;
    DmTree *tree = dm_tree_new(NULL, options, &error);
    va_list names;

    g_assert_no_error(error);
    va_start(names, first);
    for (const char *name = first; name != NULL; name = va_arg(names, const char *)) {
        g_autoptr(GString) uri = g_string_new(NULL);

        dm_schema_append_loc_uri(uri, DM_SCOPE_DEVICE, DM_NODE_PROVIDER, name);
        g_assert_cmpuint(RUN(tree, NULL, ADD(uri->str, NULL)), ==, 200);
    }
    va_end(names);
    return tree;
}

/* -- listening ----------------------------------------------------------------------------------
 */

/* What a listener heard, a line a change: "value device A EntDMID"; a line "-" after each call. */
static inline void
fixture_listen(const DmChange *changes, gsize n, gpointer data)
{
    static const char *const kinds[] = {
        [DM_CHANGE_VALUE] = "value",       [DM_CHANGE_ADDED] = "added",
        [DM_CHANGE_REMOVED] = "removed",   [DM_CHANGE_SESSION] = "session",
        [DM_CHANGE_PROGRESS] = "progress",
    };
    GString *heard = data;

    for (gsize i = 0; i < n; i++) {
        const DmChange *change = &changes[i];
        g_autofree char *place = change->scope == DM_SCOPE_USER
                                     ? g_strdup_printf("user %u", change->uid)
                                     : g_strdup("device");

        g_string_append_printf(heard, "%s %s %s %s\n", kinds[change->kind], place,
                               change->provider == NULL ? "-" : change->provider,
                               dm_schema_get(change->node)->path);
    }
    g_string_append(heard, "-\n");
}
