/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <string.h>

/* The tests' own copy of the facts of each node (tests/data/nodes.csv), independent of the node
 * table that it is held against. */

typedef struct {
    char *path;
    char *format;
    char *ops;
    char *occurrence;
    char *fallback; /* "" none, "empty" the empty string */
    char *allowed;
    char *roots;
} Fact;

/* The next field of a CSV line, quotes taken off; `*line` goes on behind it. */
static inline char *
next_field(const char **line)
{
    GString *field = g_string_new(NULL);
    bool quoted = **line == '"';

    *line += quoted;
    while (**line != '\0' && (quoted || **line != ',')) {
        bool is_quote = quoted && **line == '"';

        if (is_quote && (*line)[1] != '"') {
            quoted = false;
            (*line)++;
            continue;
        }
        g_string_append_c(field, **line);
        *line += is_quote ? 2 : 1;
    }
    if (**line == ',')
        (*line)++;
    return g_string_free(field, FALSE);
}

static inline void
fact_free(gpointer data)
{
    Fact *fact = data;

    g_free(fact->path);
    g_free(fact->format);
    g_free(fact->ops);
    g_free(fact->occurrence);
    g_free(fact->fallback);
    g_free(fact->allowed);
    g_free(fact->roots);
    g_free(fact);
}

static inline Fact *
parse_fact(const char *line)
{
    Fact *fact = g_new0(Fact, 1);

    fact->path = next_field(&line);
    fact->format = next_field(&line);
    fact->ops = next_field(&line);
    fact->occurrence = next_field(&line);
    g_free(next_field(&line)); /* scope */
    fact->fallback = next_field(&line);
    fact->allowed = next_field(&line);
    fact->roots = next_field(&line);
    return fact;
}

static inline GPtrArray *
read_facts(void)
{
    g_autofree char *path = g_build_filename(g_getenv("DM_TEST_DATA"), "nodes.csv", NULL);
    g_autofree char *text = NULL;
    g_autoptr(GError) error = NULL;
    g_auto(GStrv) lines = NULL;
    GPtrArray *facts = g_ptr_array_new_with_free_func(fact_free);

    g_file_get_contents(path, &text, NULL, &error);
    g_assert_no_error(error);
    lines = g_strsplit(text, "\n", -1);
    for (gsize i = 1; lines[i] != NULL && (lines[i + 1] != NULL || *lines[i] != '\0'); i++)
        g_ptr_array_add(facts, parse_fact(lines[i]));
    return facts;
}

static inline bool
ends_with(const Fact *fact, const char *name)
{
    return g_str_has_suffix(fact->path, name);
}

static inline bool
is_format(const Fact *fact, const char *format)
{
    return strcmp(fact->format, format) == 0;
}

static inline bool
is_interior(const Fact *fact)
{
    return is_format(fact, "node");
}

static inline bool
is_provider(const Fact *fact)
{
    return strcmp(fact->path, "Provider/{ProviderID}") == 0;
}

static inline bool
is_below_provider(const Fact *fact)
{
    return g_str_has_prefix(fact->path, "Provider/{ProviderID}/");
}

static inline bool
is_in_user_trees(const Fact *fact)
{
    return strcmp(fact->roots, "both") == 0;
}

/* Below an interior node that can be absent while the provider is there. */
static inline bool
can_be_orphan(const Fact *fact)
{
    static const char *const parents[] = {"/Poll/", "/Push/", "/CustomEnrollmentCompletePage/",
                                          "/FirstSyncStatus/"};

    for (gsize i = 0; i < G_N_ELEMENTS(parents); i++)
        if (strstr(fact->path, parents[i]) != NULL)
            return true;
    return false;
}

/* V9: what local root writes and servers only read. */
static inline bool
is_client_filled(const Fact *fact)
{
    static const char *const names[] = {
        "UpdateManagementServiceAddress",           "Provider/{ProviderID}/ExchangeID",
        "Provider/{ProviderID}/PublisherDeviceID",  "Provider/{ProviderID}/SignedEntDMID",
        "Provider/{ProviderID}/CertRenewTimeStamp", "Provider/{ProviderID}/AADDeviceID",
        "Provider/{ProviderID}/EnrollmentType",     "Provider/{ProviderID}/Push/ChannelURI",
        "Provider/{ProviderID}/Push/Status",        NULL,
    };

    return g_strv_contains(names, fact->path);
}

/* Whether the table lets a server do that, or V3 and V9 local root. */
static inline bool
may(const Fact *fact, const char *verb, bool is_root)
{
    g_auto(GStrv) ops = g_strsplit(fact->ops, " ", -1);

    if (g_strv_contains((const char *const *)ops, verb))
        return true;
    if (!is_root)
        return false;
    if (is_provider(fact))
        return strcmp(verb, "Delete") == 0; /* V3 */
    return is_client_filled(fact) && strcmp(verb, "Exec") != 0;
}

/* Whether a Get of the leaf answers while it is unset (V4). */
static inline bool
has_fallback(const Fact *fact)
{
    return *fact->fallback != '\0' || is_format(fact, "null") || ends_with(fact, "Push/ChannelURI");
}

/* Rows that nobody can set are what they are. */
static inline bool
can_be_set(const Fact *fact)
{
    return may(fact, "Replace", true);
}

/* HWDevID is set by what the machine is. */
static inline bool
is_hw_dev_id(const Fact *fact)
{
    return ends_with(fact, "HWDevID");
}

/* The row's LocURI, of provider A. */
static inline char *
make_uri(const Fact *fact, bool is_user)
{
    g_auto(GStrv) parts = g_strsplit(fact->path, "{ProviderID}", 2);
    g_autofree char *path = g_strjoinv("A", parts);

    return g_strdup_printf("./%s/Vendor/MSFT/DMClient%s%s", is_user ? "User" : "Device",
                           *path == '\0' ? "" : "/", path);
}
