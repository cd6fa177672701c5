/* SPDX-License-Identifier: MIT */

/* A client on bare libdbus, for tests: what it reads is printed as JSON of busctl's form.
 *
 *   bus-client call PATH INTERFACE METHOD [STRING…]   {"type": signature, "data": [arguments]};
 *                                                     an error's name on standard error, exit 1
 *   bus-client watch                                  "ready", then a line for each signal of the
 *                                                     service, until standard input ends
 */

#include <dbus/dbus.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SERVICE "org.dmclient.DMClient1"
#define TIMEOUT_MS 30000

static void print_value(DBusMessageIter *iter);

static void
print_string(const char *text)
{
    putchar('"');
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\')
            printf("\\%c", *text);
        else if ((unsigned char)*text < 0x20)
            printf("\\u%04x", (unsigned)*text);
        else
            putchar(*text);
    }
    putchar('"');
}

static void
print_signature(DBusMessageIter *iter)
{
    char *signature = dbus_message_iter_get_signature(iter);

    print_string(signature);
    dbus_free(signature);
}

/* Elements of a container between `open` and `close`; of a dictionary with their keys. */
static void
print_container(DBusMessageIter *iter, char open, char close)
{
    DBusMessageIter inner;
    bool first = true;

    dbus_message_iter_recurse(iter, &inner);
    putchar(open);
    for (; dbus_message_iter_get_arg_type(&inner) != DBUS_TYPE_INVALID;
         dbus_message_iter_next(&inner), first = false) {
        if (!first)
            putchar(',');
        print_value(&inner);
    }
    putchar(close);
}

static void
print_entry(DBusMessageIter *iter)
{
    DBusMessageIter entry;

    dbus_message_iter_recurse(iter, &entry);
    print_value(&entry);
    putchar(':');
    dbus_message_iter_next(&entry);
    print_value(&entry);
}

static void
print_variant(DBusMessageIter *iter)
{
    DBusMessageIter variant;

    dbus_message_iter_recurse(iter, &variant);
    printf("{\"type\":");
    print_signature(&variant);
    printf(",\"data\":");
    print_value(&variant);
    putchar('}');
}

static void
print_value(DBusMessageIter *iter)
{
    DBusBasicValue value;
    int type = dbus_message_iter_get_arg_type(iter);

    if (type == DBUS_TYPE_ARRAY) {
        bool is_dict = dbus_message_iter_get_element_type(iter) == DBUS_TYPE_DICT_ENTRY;

        print_container(iter, is_dict ? '{' : '[', is_dict ? '}' : ']');
        return;
    }
    if (type == DBUS_TYPE_STRUCT) {
        print_container(iter, '[', ']');
        return;
    }
    if (type == DBUS_TYPE_DICT_ENTRY) {
        print_entry(iter);
        return;
    }
    if (type == DBUS_TYPE_VARIANT) {
        print_variant(iter);
        return;
    }
    dbus_message_iter_get_basic(iter, &value);
    if (type == DBUS_TYPE_BOOLEAN)
        printf("%s", value.bool_val ? "true" : "false");
    else if (type == DBUS_TYPE_INT32)
        printf("%d", value.i32);
    else if (type == DBUS_TYPE_UINT32)
        printf("%u", value.u32);
    else if (type == DBUS_TYPE_UINT64)
        printf("%llu", (unsigned long long)value.u64);
    else
        print_string(value.str);
}

static void
print_arguments(DBusMessage *message)
{
    DBusMessageIter iter;
    bool first = true;

    printf("\"type\":\"%s\",\"data\":[", dbus_message_get_signature(message));
    dbus_message_iter_init(message, &iter);
    for (; dbus_message_iter_get_arg_type(&iter) != DBUS_TYPE_INVALID;
         dbus_message_iter_next(&iter), first = false) {
        if (!first)
            putchar(',');
        print_value(&iter);
    }
    putchar(']');
}

static int
call(DBusConnection *connection, char **words)
{
    DBusMessage *message = dbus_message_new_method_call(SERVICE, words[0], words[1], words[2]);
    DBusError error = DBUS_ERROR_INIT;
    DBusMessage *reply;

    for (char **word = words + 3; *word != NULL; word++)
        dbus_message_append_args(message, DBUS_TYPE_STRING, word, DBUS_TYPE_INVALID);
    reply = dbus_connection_send_with_reply_and_block(connection, message, TIMEOUT_MS, &error);
    dbus_message_unref(message);
    if (reply == NULL) {
        fprintf(stderr, "%s\n", error.name);
        dbus_error_free(&error);
        return EXIT_FAILURE;
    }
    putchar('{');
    print_arguments(reply);
    printf("}\n");
    dbus_message_unref(reply);
    return EXIT_SUCCESS;
}

static void
print_signals(DBusConnection *connection)
{
    DBusMessage *message;

    while ((message = dbus_connection_pop_message(connection)) != NULL) {
        const char *path = dbus_message_get_path(message);

        if (dbus_message_get_type(message) == DBUS_MESSAGE_TYPE_SIGNAL && path != NULL &&
            strncmp(path, "/org/dmclient/", strlen("/org/dmclient/")) == 0) {
            printf("{\"path\":\"%s\",\"member\":\"%s\",", path, dbus_message_get_member(message));
            print_arguments(message);
            printf("}\n");
        }
        dbus_message_unref(message);
    }
    fflush(stdout);
}

static int
watch(DBusConnection *connection)
{
    struct pollfd fds[] = {{.fd = STDIN_FILENO, .events = POLLIN}, {.events = POLLIN}};
    DBusError error = DBUS_ERROR_INIT;

    dbus_bus_add_match(connection, "type='signal',sender='" SERVICE "'", &error);
    if (dbus_error_is_set(&error) || !dbus_connection_get_unix_fd(connection, &fds[1].fd))
        return EXIT_FAILURE;
    printf("ready\n");
    fflush(stdout);
    for (;;) {
        print_signals(connection);
        if (poll(fds, 2, -1) < 0 || fds[0].revents != 0)
            return EXIT_SUCCESS;
        if (!dbus_connection_read_write(connection, 0))
            return EXIT_FAILURE;
    }
}

int
main(int argc, char **argv)
{
    DBusConnection *connection = dbus_bus_get_private(DBUS_BUS_SYSTEM, NULL);
    int code = 64;

    if (connection == NULL) {
        fprintf(stderr, "no bus\n");
        return EXIT_FAILURE;
    }
    if (argc >= 5 && strcmp(argv[1], "call") == 0)
        code = call(connection, argv + 2);
    else if (argc == 2 && strcmp(argv[1], "watch") == 0)
        code = watch(connection);
    dbus_connection_close(connection);
    dbus_connection_unref(connection);
    return code;
}
