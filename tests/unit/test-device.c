/* SPDX-License-Identifier: MIT */

#include "broker/device.h"
#include "tests/unit/add-test.h"
#include "tests/unit/fixture.h"

#include <glib/gstdio.h>
#include <string.h>

typedef struct {
    char *root;
    DmDevice *device;
} Fixture;

static void
put_file(Fixture *fixture, const char *path, const char *text)
{
    g_autofree char *name = g_build_filename(fixture->root, path, NULL);
    g_autofree char *folder = g_path_get_dirname(name);

    g_assert_cmpint(g_mkdir_with_parents(folder, 0700), ==, 0);
    g_assert_true(g_file_set_contents(name, text, -1, NULL));
}

static void
set_up(Fixture *fixture, gconstpointer data)
{
    fixture->root = g_dir_make_tmp("dm-device-XXXXXX", NULL);
    g_assert_nonnull(fixture->root);
    fixture->device = dm_device_new(fixture->root, "DEV-1");
}

static void
tear_down(Fixture *fixture, gconstpointer data)
{
    dm_device_free(fixture->device);
    fixture_remove(fixture->root);
    g_free(fixture->root);
}

/* A verb's answer: the status, and its items as "LocURI|format|data" lines in `*ret_items`. */
static DmStatus
apply(const Fixture *fixture, DmVerb verb, const char *loc_uri, char **ret_items)
{
    g_autoptr(DmReply) reply = dm_reply_new(1);
    GString *items = g_string_new(NULL);
    const DmResult *result;
    DmUri uri;

    g_assert_cmpint(dm_uri_parse(loc_uri, &uri), ==, DM_STATUS_OK);
    g_assert_true(dm_device_has(&uri));
    dm_device_apply(fixture->device, verb, &uri, reply);
    g_assert_cmpuint(dm_reply_get_size(reply), ==, 1);
    result = dm_reply_get(reply, 0);
    for (guint i = 0; i < result->n_items; i++) {
        const DmResultItem *item = &dm_reply_get_items(reply, 0)[i];

        g_string_append_printf(items, "%s|%s|%s\n", item->loc_uri, dm_format_to_name(item->format),
                               item->data ? item->data : "-");
    }
    if (ret_items)
        *ret_items = g_string_free(items, FALSE);
    else
        g_string_free(items, TRUE);
    return result->status;
}

static void
assert_get(const Fixture *fixture, const char *loc_uri, const char *expected)
{
    g_autofree char *items = NULL;

    g_assert_cmpint(apply(fixture, DM_VERB_GET, loc_uri, &items), ==, DM_STATUS_OK);
    g_assert_cmpstr(items, ==, expected);
}

static void
assert_status(const Fixture *fixture, DmVerb verb, const char *loc_uri, DmStatus expected)
{
    g_autofree char *items = NULL;

    g_assert_cmpint(apply(fixture, verb, loc_uri, &items), ==, expected);
    g_assert_cmpstr(items, ==, "");
}

static void
test_from_system(Fixture *fixture, gconstpointer data)
{
    put_file(fixture, "sys/class/dmi/id/sys_vendor", "Example GmbH\n");
    put_file(fixture, "sys/class/dmi/id/product_name", "Model 7 \n");
    put_file(fixture, "sys/class/dmi/id/product_version", "rev. B\n");
    put_file(fixture, "sys/class/dmi/id/bios_version", "1.23\n");
    put_file(fixture, "etc/os-release",
             "NAME=Debian\nPRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nVERSION_ID=\"12\"\n");
    put_file(fixture, "proc/meminfo", "MemTotal:       16252928 kB\nMemFree: 1 kB\n");
    put_file(fixture, "proc/sys/kernel/hostname", "host7\n");
    put_file(fixture, "etc/machine-info", "PRETTY_HOSTNAME=\"Anna's laptop\"\n");

    assert_get(fixture, "./DevInfo/DevId", "./DevInfo/DevId|chr|DEV-1\n");
    assert_get(fixture, "./DevInfo/Man", "./DevInfo/Man|chr|Example GmbH\n");
    assert_get(fixture, "./DevInfo/Mod", "./DevInfo/Mod|chr|Model 7\n");
    assert_get(fixture, "./DevInfo/DmV", "./DevInfo/DmV|chr|1.3\n");
    assert_get(fixture, "./DevDetail/FwV", "./DevDetail/FwV|chr|1.23\n");
    assert_get(fixture, "./DevDetail/SwV", "./DevDetail/SwV|chr|12\n");
    assert_get(fixture, "./DevDetail/HwV", "./DevDetail/HwV|chr|rev. B\n");
    assert_get(fixture, "./DevDetail/DevTyp", "./DevDetail/DevTyp|chr|Model 7\n");
    assert_get(fixture, "./DevDetail/OEM", "./DevDetail/OEM|chr|Example GmbH\n");
    assert_get(fixture, "./DevDetail/Ext/Microsoft/OSPlatform",
               "./DevDetail/Ext/Microsoft/OSPlatform|chr|Debian GNU/Linux 12 (bookworm)\n");
    assert_get(fixture, "./DevDetail/Ext/Microsoft/TotalRAM",
               "./DevDetail/Ext/Microsoft/TotalRAM|int|15872\n");
    assert_get(fixture, "./DevDetail/Ext/Microsoft/DNSComputerName",
               "./DevDetail/Ext/Microsoft/DNSComputerName|chr|host7\n");
    assert_get(fixture, "./DevDetail/Ext/Microsoft/DeviceName",
               "./DevDetail/Ext/Microsoft/DeviceName|chr|Anna's laptop\n");
}

static void
test_never_made_up(Fixture *fixture, gconstpointer data)
{
    static const char *const absent[] = {
        "./DevInfo/Man",
        "./DevInfo/Mod",
        "./DevDetail/FwV",
        "./DevDetail/SwV",
        "./DevDetail/HwV",
        "./DevDetail/OEM",
        "./DevInfo/Nothing",
        "./DevDetail/Ext/Microsoft/TotalRAM",
        "./DevInfo/Man/Below",
        "./DevDetail/Ext/Microsoft/DeviceName",
        /* An encoded "/" is part of a name (A2), and such a name there is none. */
        "./DevDetail/Ext%2FMicrosoft/LocalTime",
    };

    for (gsize i = 0; i < G_N_ELEMENTS(absent); i++)
        assert_status(fixture, DM_VERB_GET, absent[i], DM_STATUS_NOT_FOUND);
    g_assert_null(dm_device_get(fixture->device, "DevInfo/Man"));

    /* What cannot be shown in a message is no value either. */
    put_file(fixture, "sys/class/dmi/id/sys_vendor", "\xff\xfe\n");
    put_file(fixture, "sys/class/dmi/id/product_name", "   \n");
    assert_status(fixture, DM_VERB_GET, "./DevInfo/Man", DM_STATUS_NOT_FOUND);
    assert_status(fixture, DM_VERB_GET, "./DevInfo/Mod", DM_STATUS_NOT_FOUND);
    put_file(fixture, "proc/meminfo", "MemTotal: lots\n");
    assert_status(fixture, DM_VERB_GET, "./DevDetail/Ext/Microsoft/TotalRAM", DM_STATUS_NOT_FOUND);
}

static void
test_read_only(Fixture *fixture, gconstpointer data)
{
    static const DmVerb verbs[] = {DM_VERB_ADD, DM_VERB_REPLACE, DM_VERB_DELETE, DM_VERB_EXEC};

    for (gsize i = 0; i < G_N_ELEMENTS(verbs); i++) {
        assert_status(fixture, verbs[i], "./DevInfo/DmV", DM_STATUS_NOT_ALLOWED);
        assert_status(fixture, verbs[i], "./DevInfo/Man", DM_STATUS_NOT_ALLOWED);
        assert_status(fixture, verbs[i], "./DevDetail/URI", DM_STATUS_NOT_ALLOWED);
        assert_status(fixture, verbs[i], "./DevInfo", DM_STATUS_NOT_ALLOWED);
        assert_status(fixture, verbs[i], "./DevInfo/Nothing", DM_STATUS_NOT_FOUND);
    }
}

static void
test_interior(Fixture *fixture, gconstpointer data)
{
    /* Only children that have a value are there. */
    assert_get(fixture, "./DevInfo", "./DevInfo|node|DevId/DmV/Lang\n");
    assert_get(fixture, "./DevDetail/URI", "./DevDetail/URI|node|MaxDepth/MaxTotLen/MaxSegLen\n");
    assert_get(fixture, "./DevDetail/Ext", "./DevDetail/Ext|node|Microsoft\n");
    put_file(fixture, "sys/class/dmi/id/sys_vendor", "Example\n");
    assert_get(fixture, "./DevInfo", "./DevInfo|node|DevId/Man/DmV/Lang\n");
    assert_get(fixture, "./Device/DevInfo", "./DevInfo|node|DevId/Man/DmV/Lang\n");
}

static void
test_queries(Fixture *fixture, gconstpointer data)
{
    assert_get(fixture, "./DevDetail/URI?list=Struct",
               "./DevDetail/URI|node|-\n./DevDetail/URI/MaxDepth|chr|-\n"
               "./DevDetail/URI/MaxTotLen|chr|-\n./DevDetail/URI/MaxSegLen|chr|-\n");
    assert_get(fixture, "./DevDetail/URI?list=StructData",
               "./DevDetail/URI|node|-\n./DevDetail/URI/MaxDepth|chr|16\n"
               "./DevDetail/URI/MaxTotLen|chr|1024\n./DevDetail/URI/MaxSegLen|chr|0\n");
    assert_get(fixture, "./DevDetail/LrgObj?prop=Format", "./DevDetail/LrgObj|chr|bool\n");
    assert_get(fixture, "./DevDetail/LrgObj?prop=Name", "./DevDetail/LrgObj|chr|LrgObj\n");
    assert_get(fixture, "./DevDetail/LrgObj?prop=Type", "./DevDetail/LrgObj|chr|text/plain\n");
    assert_status(fixture, DM_VERB_GET, "./DevInfo/DmV?prop=ACL", DM_STATUS_NOT_SUPPORTED);
    assert_status(fixture, DM_VERB_GET, "./DevInfo?list=TNDS", DM_STATUS_NOT_SUPPORTED);
    assert_status(fixture, DM_VERB_GET, "./DevInfo/None?list=Struct", DM_STATUS_NOT_FOUND);
}

static void
test_language(Fixture *fixture, gconstpointer data)
{
    assert_get(fixture, "./DevInfo/Lang", "./DevInfo/Lang|chr|en\n");
    put_file(fixture, "etc/default/locale", "#  File\nLANG=\"de_AT.UTF-8\"\n");
    assert_get(fixture, "./DevInfo/Lang", "./DevInfo/Lang|chr|de-AT\n");
    put_file(fixture, "etc/locale.conf", "LANG=ca_ES.UTF-8@valencia\n");
    assert_get(fixture, "./DevInfo/Lang", "./DevInfo/Lang|chr|ca-ES\n");
    put_file(fixture, "etc/locale.conf", "LANG=C.UTF-8\n");
    assert_get(fixture, "./DevInfo/Lang", "./DevInfo/Lang|chr|en\n");
}

static void
test_other_sources(Fixture *fixture, gconstpointer data)
{
    put_file(fixture, "sys/firmware/devicetree/base/model", "Board Model 4");
    put_file(fixture, "usr/lib/os-release", "VERSION_ID=41\n");
    put_file(fixture, "proc/sys/kernel/hostname", "host7\n");
    assert_get(fixture, "./DevInfo/Mod", "./DevInfo/Mod|chr|Board Model 4\n");
    assert_get(fixture, "./DevDetail/SwV", "./DevDetail/SwV|chr|41\n");
    assert_get(fixture, "./DevDetail/Ext/Microsoft/DeviceName",
               "./DevDetail/Ext/Microsoft/DeviceName|chr|host7\n");
}

static void
test_local_time(Fixture *fixture, gconstpointer data)
{
    g_autofree char *text = dm_device_get(fixture->device, "DevDetail/Ext/Microsoft/LocalTime");
    g_autoptr(GDateTime) when = g_date_time_new_from_iso8601(text, NULL);
    gint64 difference_us;

    g_assert_nonnull(when);
    difference_us = g_date_time_to_unix(when) * G_USEC_PER_SEC - g_get_real_time();
    g_assert_cmpint(ABS(difference_us), <, 60 * G_USEC_PER_SEC);
}

static void
test_login_status(Fixture *fixture, gconstpointer data)
{
    g_assert_cmpstr(dm_device_get_login_status(fixture->device), ==, "none");
    /* The login screen's user, a person who only has lingering services, a file that is none. */
    put_file(fixture, "run/systemd/users/112", "NAME=gdm\nSTATE=active\n");
    put_file(fixture, "run/systemd/users/1000", "NAME=anna\nSTATE=lingering\n");
    put_file(fixture, "run/systemd/users/.#1000", "STATE=active\n");
    g_assert_cmpstr(dm_device_get_login_status(fixture->device), ==, "none");
    put_file(fixture, "run/systemd/users/1001", "NAME=ben\nSTATE=online\n");
    g_assert_cmpstr(dm_device_get_login_status(fixture->device), ==, "others");
    put_file(fixture, "run/systemd/users/1001", "NAME=ben\nSTATE=closing\n");
    g_assert_cmpstr(dm_device_get_login_status(fixture->device), ==, "none");
    put_file(fixture, "run/systemd/users/1000", "NAME=anna\nSTATE=active\n");
    g_assert_cmpstr(dm_device_get_login_status(fixture->device), ==, "others");
}

static void
test_scope(Fixture *fixture, gconstpointer data)
{
    static const char *const others[] = {"./User/DevInfo/DevId", "./Vendor/MSFT/DMClient",
                                         "./devinfo/DevId", "."};

    for (gsize i = 0; i < G_N_ELEMENTS(others); i++) {
        DmUri uri;

        g_assert_cmpint(dm_uri_parse(others[i], &uri), ==, DM_STATUS_OK);
        g_assert_false(dm_device_has(&uri));
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("/device/protocol-7-from-the-running-system", test_from_system);
    ADD("/device/protocol-7-never-made-up-404", test_never_made_up);
    ADD("/device/protocol-7-other-verbs-are-405", test_read_only);
    ADD("/device/A4-interior-names-children", test_interior);
    ADD("/device/A3-queries", test_queries);
    ADD("/device/protocol-7-language", test_language);
    ADD("/device/protocol-7-other-sources", test_other_sources);
    ADD("/device/protocol-7-local-time", test_local_time);
    ADD("/device/protocol-1-login-status", test_login_status);
    ADD("/device/A1-A2-scope-and-case", test_scope);
    return g_test_run();
}
