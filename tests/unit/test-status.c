/* SPDX-License-Identifier: MIT */

#include "common/status.h"

#include <glib.h>

/* protocol.md section 2, last line. */
static const unsigned codes[] = {200, 202, 212, 213, 214, 215, 216, 400, 401, 403, 404,
                                 405, 406, 407, 412, 413, 414, 415, 416, 418, 420, 424,
                                 425, 500, 501, 503, 505, 507, 510, 513, 516, 517};

static void
test_every_code_is_known(void)
{
    for (guint i = 0; i < G_N_ELEMENTS(codes); i++) {
        DmStatus back = 0;
        g_autofree char *name = NULL;

        g_assert_true(dm_status_is_known(codes[i]));
        g_assert_nonnull(dm_status_to_text((DmStatus)codes[i]));
        name = g_strconcat("org.dmclient.DMClient1.Error.", dm_status_to_name((DmStatus)codes[i]),
                           NULL);
        g_assert_cmpstr(dm_status_to_dbus_error((DmStatus)codes[i]), ==, name);
        g_assert_true(dm_status_from_dbus_error(name, &back));
        g_assert_cmpuint(back, ==, codes[i]);
    }
}

static void
test_unknown_code(void)
{
    DmStatus status = DM_STATUS_OK;

    g_assert_false(dm_status_is_known(0));
    g_assert_false(dm_status_is_known(299));
    g_assert_null(dm_status_to_text((DmStatus)299));
    g_assert_null(dm_status_to_name((DmStatus)299));
    g_assert_false(dm_status_from_dbus_error("org.dmclient.DMClient1.Error.Nothing", &status));
    g_assert_false(dm_status_from_dbus_error("org.freedesktop.DBus.Error.Failed", &status));
    g_assert_cmpint(status, ==, DM_STATUS_OK);
}

static void
test_design_names(void)
{
    g_assert_cmpstr(dm_status_to_name(DM_STATUS_NOT_FOUND), ==, "NotFound");
    g_assert_cmpstr(dm_status_to_name(DM_STATUS_NOT_ALLOWED), ==, "NotAllowed");
    g_assert_cmpstr(dm_status_to_name(DM_STATUS_EXISTS), ==, "Exists");
    g_assert_cmpstr(dm_status_to_name(DM_STATUS_STORAGE), ==, "Storage");
}

static void
test_which_are_good(void)
{
    for (guint i = 0; i < G_N_ELEMENTS(codes); i++)
        g_assert_cmpint(dm_status_is_good((DmStatus)codes[i]), ==, codes[i] < 214);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/status/protocol-2-every-code-is-known", test_every_code_is_known);
    g_test_add_func("/status/unknown-code-has-no-name", test_unknown_code);
    g_test_add_func("/status/design-5-names", test_design_names);
    g_test_add_func("/status/2xx-but-cancelled-is-good", test_which_are_good);
    return g_test_run();
}
