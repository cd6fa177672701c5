/* SPDX-License-Identifier: MIT */
#pragma once

#include "tests/unit/node-facts.h"
#include "tests/unit/tree-fixture.h"

/* Good and bad values for each node, written from the rules and tests/data/nodes.csv. */

typedef enum {
    VALUE_NONE,
    VALUE_SAMPLE, /* what a present leaf has */
    VALUE_OTHER,  /* another one that the row takes */
    VALUE_EMPTY,
    VALUE_LONG,     /* over the cap */
    VALUE_LONG_BAD, /* and no text either */
    VALUE_BAD,      /* not of the format */
    VALUE_RANGE,    /* out of range */
    VALUE_BROKEN,   /* pattern, enumeration or grammar not met */
    N_VALUES
} Value;

typedef struct {
    const Fact *fact;
    char *data[N_VALUES]; /* NULL: the row has none of that kind */
} Row;

static inline bool
is_address(const Fact *fact)
{
    return ends_with(fact, "/ManagementServiceAddress") || ends_with(fact, "AddressList");
}

static inline bool
is_certificate(const Fact *fact)
{
    return ends_with(fact, "/Cert0") || ends_with(fact, "/Cert1");
}

static inline bool
is_version(const Fact *fact)
{
    return ends_with(fact, "/SyncApplicationVersion");
}

static inline bool
is_list(const Fact *fact)
{
    return strstr(fact->path, "/Expected") != NULL;
}

static inline bool
is_update(const Fact *fact)
{
    return strcmp(fact->path, "UpdateManagementServiceAddress") == 0;
}

/* V7: the row's cap; 0 where the table names one for the entries only. */
static inline gsize
get_cap(const Fact *fact)
{
    static const char phrase[] = "at most ";
    const char *bytes;

    if (is_address(fact))
        return 0;
    if (strstr(fact->allowed, "64 KiB") != NULL)
        return 65536;
    bytes = strstr(fact->allowed, phrase);
    return bytes == NULL ? 1024 : (gsize)g_ascii_strtoull(bytes + strlen(phrase), NULL, 10);
}

static inline const char *
get_sample(const Fact *fact, bool other)
{
    if (is_format(fact, "bool"))
        return other ? "false" : "true";
    if (is_format(fact, "int"))
        return other ? "2" : "1";
    if (is_update(fact))
        return ADDRESS;
    if (is_address(fact) || ends_with(fact, "UpgradeTo"))
        return other ? "https://other.example" : ADDRESS;
    if (is_version(fact))
        return other ? "1.0" : "2.0";
    if (ends_with(fact, "EnrollmentType"))
        return other ? "Full" : "Device";
    if (is_certificate(fact))
        return other ? CERTIFICATE_PEM : CERTIFICATE_BASE64;
    if (is_format(fact, "null"))
        return "A"; /* E1: Data of the old node */
    return other ? "other" : "text";
}

/* A text of the row's format that its pattern, enumeration or grammar refuses; NULL: all good. */
static inline char *
make_broken(const Fact *fact)
{
    if (is_list(fact))
        return g_strnfill(1025, 'x'); /* F1: one item over 1,024 bytes */
    if (is_address(fact) || ends_with(fact, "UpgradeTo"))
        return g_strdup("https://user@a.example");
    if (is_update(fact))
        return g_strdup("https://unknown.example");
    if (is_version(fact) || ends_with(fact, "EnrollmentType") || is_certificate(fact))
        return g_strdup("what");
    return NULL;
}

static inline void
fill_row(Row *row, const Fact *fact)
{
    gsize cap = get_cap(fact);

    row->fact = fact;
    if (is_interior(fact))
        return;
    row->data[VALUE_SAMPLE] = g_strdup(get_sample(fact, false));
    if (is_format(fact, "null"))
        return;
    row->data[VALUE_OTHER] = g_strdup(get_sample(fact, true));
    row->data[VALUE_EMPTY] = g_strdup("");
    if (is_format(fact, "chr")) {
        row->data[VALUE_LONG] = cap == 0 ? NULL : g_strnfill(cap + 1, 'x');
        row->data[VALUE_LONG_BAD] = cap == 0 ? NULL : g_strnfill(cap + 1, '\x01');
        row->data[VALUE_BAD] = g_strdup("a\x01");
        row->data[VALUE_BROKEN] = make_broken(fact);
    } else {
        row->data[VALUE_BAD] = g_strdup("1x");
        if (is_format(fact, "int"))
            row->data[VALUE_RANGE] = g_strdup("99999999999999999999");
    }
}

static inline void
clear_row(Row *row)
{
    for (guint i = 0; i < N_VALUES; i++)
        g_free(row->data[i]);
}
