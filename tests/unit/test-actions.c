/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "plugin/access.h"
#include "tests/unit/fixture.h"

/* policy/org.dmclient.DMClient1.policy: what polkit is told of the actions that plugin/access.h
 * asks about (security.md section 2). */

static const struct {
    const char *id, *any, *inactive, *active;
} expected[] = {
    {"org.dmclient.DMClient1.sync", "no", "no", "yes"},
    {"org.dmclient.DMClient1.retry-first-sync", "no", "no", "yes"},
    {"org.dmclient.DMClient1.collect-logs", "no", "no", "auth_self_keep"},
    {"org.dmclient.DMClient1.read-identity", "auth_admin_keep", "auth_admin_keep", "yes"},
    {"org.dmclient.DMClient1.read-details", "auth_admin_keep", "auth_admin_keep",
     "auth_admin_keep"},
    {"org.dmclient.DMClient1.disconnect", "auth_admin", "auth_admin", "auth_admin"},
    {"org.dmclient.DMClient1.reload", "auth_admin", "auth_admin", "auth_admin"},
};

/* -- the file -----------------------------------------------------------------------------------
 */

/* Text of the file by "ACTION/ELEMENT" or "ACTION/ELEMENT/LANGUAGE or KEY"; of elements outside an
 * action ACTION is empty. */
typedef struct {
    GHashTable *texts;
    GPtrArray *actions; /* ids, in order */
    char *key;          /* of the element whose text comes next */
} File;

static void
on_start(GMarkupParseContext *context, const char *element, const char **names, const char **values,
         gpointer data, GError **error)
{
    File *file = data;
    const char *action = "", *more = NULL;

    if (strcmp(element, "action") == 0)
        g_ptr_array_add(file->actions, g_strdup(values[0]));
    else if (names[0] != NULL)
        more = values[0];
    if (file->actions->len > 0)
        action = file->actions->pdata[file->actions->len - 1];
    g_free(file->key);
    file->key = more != NULL ? g_strdup_printf("%s/%s/%s", action, element, more)
                             : g_strdup_printf("%s/%s", action, element);
}

static void
on_text(GMarkupParseContext *context, const char *text, gsize length, gpointer data, GError **error)
{
    File *file = data;
    char *copy = g_strstrip(g_strndup(text, length));

    /* The same twice would leave it to polkit which of them holds. */
    if (*copy == '\0')
        g_free(copy);
    else
        g_assert_true(g_hash_table_insert(file->texts, g_strdup(file->key), copy));
}

static void
setup(File *file, gconstpointer data)
{
    static const GMarkupParser parser = {.start_element = on_start, .text = on_text};
    g_autofree char *path = g_build_filename(g_getenv("DM_TEST_DATA"), "..", "..", "policy",
                                             "org.dmclient.DMClient1.policy", NULL);
    g_autoptr(GMarkupParseContext) context = g_markup_parse_context_new(&parser, 0, file, NULL);
    g_autoptr(GError) error = NULL;
    g_autofree char *text = NULL;
    gsize length;

    file->texts = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    file->actions = g_ptr_array_new_with_free_func(g_free);
    g_file_get_contents(path, &text, &length, &error);
    g_assert_no_error(error);
    g_markup_parse_context_parse(context, text, (gssize)length, &error);
    g_assert_no_error(error);
    g_assert_true(g_markup_parse_context_end_parse(context, &error));
}

static void
teardown(File *file, gconstpointer data)
{
    g_hash_table_unref(file->texts);
    g_ptr_array_unref(file->actions);
    g_free(file->key);
}

static const char *
find(const File *file, const char *action, const char *element)
{
    g_autofree char *key = g_strdup_printf("%s/%s", action, element);

    return g_hash_table_lookup(file->texts, key);
}

/* -- the rules ----------------------------------------------------------------------------------
 */

/* What the code asks about is what the file has, and nothing else. */
static void
test_same_actions(File *file, gconstpointer data)
{
    g_assert_cmpuint(file->actions->len, ==, DM_ACTION_N);
    g_assert_cmpuint(G_N_ELEMENTS(expected), ==, DM_ACTION_N);
    for (DmAction action = 0; action < DM_ACTION_N; action++)
        g_assert_true(g_ptr_array_find_with_equal_func(file->actions, dm_action_to_id(action),
                                                       g_str_equal, NULL));
}

static void
test_defaults(File *file, gconstpointer data)
{
    for (guint i = 0; i < G_N_ELEMENTS(expected); i++) {
        const char *id = expected[i].id;

        g_assert_cmpstr(find(file, id, "allow_any"), ==, expected[i].any);
        g_assert_cmpstr(find(file, id, "allow_inactive"), ==, expected[i].inactive);
        g_assert_cmpstr(find(file, id, "allow_active"), ==, expected[i].active);
    }
}

/* Without it polkit refuses each question of a service that is not root. */
static void
test_owner(File *file, gconstpointer data)
{
    for (guint i = 0; i < G_N_ELEMENTS(expected); i++)
        g_assert_cmpstr(find(file, expected[i].id, "annotate/org.freedesktop.policykit.owner"), ==,
                        "unix-user:dmclient");
}

/* What a person is shown is there in each language, and is not the same in all. */
static void
test_texts(File *file, gconstpointer data)
{
    static const char *const elements[] = {"description", "message"};

    g_assert_nonnull(find(file, "", "vendor"));
    g_assert_nonnull(find(file, "", "icon_name"));
    for (guint i = 0; i < G_N_ELEMENTS(expected) * 2; i++) {
        const char *id = expected[i / 2].id, *element = elements[i % 2];
        g_autofree char *german_key = g_strdup_printf("%s/de", element);
        g_autofree char *arabic_key = g_strdup_printf("%s/ar", element);
        const char *english = find(file, id, element);
        const char *german = find(file, id, german_key);
        const char *arabic = find(file, id, arabic_key);

        g_assert_true(english != NULL && german != NULL && arabic != NULL);
        g_assert_cmpstr(english, !=, german);
        g_assert_true(g_str_is_ascii(english));
        g_assert_cmpint(g_unichar_get_script(g_utf8_get_char(arabic)), ==, G_UNICODE_SCRIPT_ARABIC);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define ADD(path, function) g_test_add("/actions/" path, File, NULL, setup, function, teardown)
    ADD("are-those-that-are-asked-about", test_same_actions);
    ADD("defaults", test_defaults);
    ADD("belong-to-the-service", test_owner);
    ADD("texts-in-three-languages", test_texts);
    return g_test_run();
}
