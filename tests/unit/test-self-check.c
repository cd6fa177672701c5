/* SPDX-License-Identifier: MIT */

#include "broker/self-check.h"

#include <string.h>

#include "dbus/tree-call.h"

static DmSelfCheck
make_check(const DmConfig *config)
{
    return (DmSelfCheck){
        .socket = "/run/\"tree\"",
        .attends = true,
        .uses_bus = true,
        .bus_reason = "line\nfeed \\ back",
        .config = config,
        .config_path = "/etc/c",
        .key_directory = "/nonexistent",
    };
}

static void
test_text(void)
{
    g_autoptr(DmConfig) config = dm_config_new();
    DmSelfCheck check = make_check(config);
    g_autofree char *json = dm_self_check_to_json(&check);

    g_assert_nonnull(strstr(json, "\"socket\":{\"path\":\"/run/\\\"tree\\\"\",\"attends\":true}"));
    g_assert_nonnull(strstr(json, "\"problem\":\"line\\u000afeed \\\\ back\""));
    g_assert_nonnull(
        strstr(json, "\"config\":{\"path\":\"/etc/c\",\"error\":null,\"warnings\":[]}"));
    /* Nothing is made up: the tree did not say. */
    g_assert_nonnull(strstr(json, "\"providers\":null}\n"));
    g_ptr_array_add(config->warnings, g_strdup("one"));
    g_ptr_array_add(config->warnings, g_strdup("two"));
    g_free(json);
    json = dm_self_check_to_json(&check);
    g_assert_nonnull(strstr(json, "\"warnings\":[\"one\",\"two\"]"));
}

static void
test_certificates(void)
{
    static const char thumbprint[] =
        "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
    g_autoptr(DmConfig) config = dm_config_new();
    DmSelfCheck check = make_check(config);
    char *thumbprints[] = {(char *)(gpointer)thumbprint, NULL};
    DmTreeProvider provider = {"P", 3, thumbprints};
    g_autoptr(GPtrArray) providers = g_ptr_array_new();
    g_autofree char *json = NULL;

    g_ptr_array_add(providers, &provider);
    check.providers = providers;
    json = dm_self_check_to_json(&check);
    g_assert_nonnull(strstr(json, "\"providers\":[{\"id\":\"P\",\"addresses\":3,\"certificates\":[{"
                                  "\"present\":false,\"readable\":false,\"expires\":null,"));
    g_assert_null(strstr(json, thumbprint));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/self-check/text-is-escaped", test_text);
    g_test_add_func("/self-check/certificates-that-are-not-there", test_certificates);
    return g_test_run();
}
