/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>
#include <string.h>

#include "common/error.h"
#include "syncml/reader.h"

/* What the tests of the reader share. */

#define HEADER                                                                                     \
    "<SyncHdr><VerDTD>1.2</VerDTD><VerProto>DM/1.2</VerProto><SessionID>1</SessionID>"             \
    "<MsgID>2</MsgID></SyncHdr>"
#define MESSAGE(body)                                                                              \
    "<SyncML xmlns=\"SYNCML:SYNCML1.2\">" HEADER "<SyncBody>" body "</SyncBody></SyncML>"

/* From bytes without a NUL after them, so that a read too far is seen. */
static inline DmMessage *
read_bytes(const char *bytes, gsize size, DmReadMode mode, GError **error)
{
    g_autofree char *exact = g_memdup2(bytes, size);

    return dm_reader_parse(exact, size, mode, error);
}

static inline DmMessage *
read_good(const char *text, DmReadMode mode)
{
    g_autoptr(GError) error = NULL;
    DmMessage *message = read_bytes(text, strlen(text), mode, &error);

    g_assert_no_error(error);
    g_assert_nonnull(message);
    return message;
}

static inline void
assert_refused(const char *bytes, gsize size, DmReadMode mode, int code, const char *cause)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(DmMessage) message = read_bytes(bytes, size, mode, &error);

    g_assert_null(message);
    g_assert_error(error, DM_ERROR, code);
    g_assert_true(g_utf8_validate(error->message, -1, NULL));
    if (strstr(error->message, cause) == NULL)
        g_error("\"%s\" does not say \"%s\"", error->message, cause);
}

/* A sample of tests/data/syncml. */
static inline GBytes *
load(const char *name)
{
    g_autofree char *path = g_build_filename(g_getenv("DM_TEST_DATA"), "syncml", name, NULL);
    g_autoptr(GError) error = NULL;
    char *bytes;
    gsize size;

    g_file_get_contents(path, &bytes, &size, &error);
    g_assert_no_error(error);
    return g_bytes_new_take(bytes, size);
}
