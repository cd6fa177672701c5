/* SPDX-License-Identifier: MIT */

#include "broker/package.h"

#include <string.h>

#include "syncml/reader.h"

static const DmPackage package = {"7", "the-device", "https://a.example/", 1};

static DmMessage *
write_and_read(const DmPackageFirst *first)
{
    g_autoptr(DmDevice) device = dm_device_new("/nonexistent", "the-device");
    g_autoptr(GBytes) bytes = dm_package_write_first(&package, device, first);
    gsize size;
    const char *text = g_bytes_get_data(bytes, &size);
    DmMessage *message = dm_reader_parse(text, size, DM_READ_MESSAGE, NULL);

    g_assert_nonnull(message);
    g_assert_true(message->final);
    g_assert_cmpuint(dm_message_get_size(message), ==, dm_package_count_first(first));
    return message;
}

static void
assert_alert(const DmMessage *message, gsize index, const char *code)
{
    const DmElement *element = dm_message_get(message, index);

    g_assert_cmpint(element->verb, ==, DM_VERB_ALERT);
    g_assert_cmpstr(element->data, ==, code);
}

static const char *
get_login_status(const DmMessage *message)
{
    const DmElement *element = dm_message_get(message, 1);
    const DmItem *item = dm_message_get_item(message, element, 0);

    assert_alert(message, 1, "1224");
    g_assert_cmpstr(item->type, ==, "com.microsoft/MDM/LoginStatus");
    return item->data;
}

static void
test_first(void)
{
    const DmPackageFirst ordinary = {.login_status = "none"};
    const DmPackageFirst asked = {.login_status = "user", .asked = true};
    g_autoptr(DmMessage) one = write_and_read(&ordinary);
    g_autoptr(DmMessage) two = write_and_read(&asked);

    assert_alert(one, 0, "1201");
    g_assert_cmpstr(get_login_status(one), ==, "none");
    g_assert_cmpstr(dm_message_get(one, 2)->name, ==, "Replace");
    assert_alert(two, 0, "1200");
    g_assert_cmpstr(get_login_status(two), ==, "user");
}

static void
test_unenrolment(void)
{
    const DmPackageFirst first = {.login_status = "others", .unenrols = true};
    g_autoptr(DmMessage) message = write_and_read(&first);
    const DmItem *item = dm_message_get_item(message, dm_message_get(message, 2), 0);

    assert_alert(message, 0, "1201");
    g_assert_cmpstr(get_login_status(message), ==, "others");
    assert_alert(message, 2, "1226");
    g_assert_cmpstr(item->type, ==, "com.microsoft:mdm.unenrollment.userrequest");
    g_assert_cmpstr(item->format, ==, "int");
    g_assert_cmpstr(item->data, ==, "1");
    g_assert_cmpstr(dm_message_get(message, 3)->name, ==, "Replace");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/package/protocol-1-package-1", test_first);
    g_test_add_func("/package/E2-the-device-is-leaving", test_unenrolment);
    return g_test_run();
}
