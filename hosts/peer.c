/* SPDX-License-Identifier: MIT */

#include "hosts/peer.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

/* Most bytes of a line of the peer while authenticating. */
#define MAX_LINE 256
#define FIRST_ROOM 4096

/* Most bytes of room that are kept for the next message. */
#define KEPT_ROOM 65536

/* Where a descriptor may stand: a host that has closed its standard ones may still write there. */
#define FIRST_FD 3

int64_t
dm_peer_now_ms(void)
{
    struct timespec now = {0};

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void
dm_peer_close(DmPeer *peer)
{
    if (peer->fd >= 0)
        (void)close(peer->fd);
    free(peer->input);
    *peer = (DmPeer)DM_PEER_INIT;
}

/* -- bytes ---------------------------------------------------------------------------------------
 */

/* Waits until the socket is ready for `events`, or broken. */
static int
wait_for(const DmPeer *peer, short events, int64_t deadline_ms)
{
    struct pollfd fd = {.fd = peer->fd, .events = events};

    for (;;) {
        int64_t left_ms = deadline_ms - dm_peer_now_ms();
        int n;

        if (left_ms <= 0)
            return ETIMEDOUT;
        n = poll(&fd, 1, left_ms < INT_MAX ? (int)left_ms : INT_MAX);
        if (n > 0)
            return 0;
        if (n < 0 && errno != EINTR)
            return errno;
    }
}

static bool
is_gone(int error)
{
    return error == EPIPE || error == ECONNRESET || error == ENOTCONN;
}

static int
write_all(const DmPeer *peer, const char *bytes, size_t size, int64_t deadline_ms)
{
    while (size > 0) {
        ssize_t n = send(peer->fd, bytes, size, MSG_NOSIGNAL | MSG_DONTWAIT);
        int error;

        if (n >= 0) {
            bytes += n;
            size -= (size_t)n;
        } else if (errno == EAGAIN) {
            error = wait_for(peer, POLLOUT, deadline_ms);
            if (error != 0)
                return error;
        } else if (errno != EINTR) {
            return is_gone(errno) ? ECONNRESET : errno;
        }
    }
    return 0;
}

/* Makes room for `room` bytes of input in all. */
static int
make_room(DmPeer *peer, size_t room)
{
    char *input;

    if (room <= peer->input_room)
        return 0;
    input = realloc(peer->input, room);
    if (input == NULL)
        return ENOMEM;
    peer->input = input;
    peer->input_room = room;
    return 0;
}

/* Reads what is there, at least one byte, into the room that is left. */
static int
read_some(DmPeer *peer, int64_t deadline_ms)
{
    for (;;) {
        ssize_t n = recv(peer->fd, peer->input + peer->input_size,
                         peer->input_room - peer->input_size, MSG_DONTWAIT);
        int error;

        if (n > 0) {
            peer->input_size += (size_t)n;
            return 0;
        }
        if (n == 0 || is_gone(errno))
            return ECONNRESET;
        if (errno == EAGAIN) {
            error = wait_for(peer, POLLIN, deadline_ms);
            if (error != 0)
                return error;
        } else if (errno != EINTR) {
            return errno;
        }
    }
}

/* -- connecting ----------------------------------------------------------------------------------
 */

static int
make_address(const char *path, struct sockaddr_un *ret_address, socklen_t *ret_size)
{
    size_t size = strlen(path);

    if (size == 0 || size >= sizeof ret_address->sun_path)
        return ENAMETOOLONG;
    *ret_address = (struct sockaddr_un){.sun_family = AF_UNIX};
    memcpy(ret_address->sun_path, path, size);
    if (*path == '@')
        ret_address->sun_path[0] = '\0';
    *ret_size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + size + (*path != '@'));
    return 0;
}

static int
open_socket(int *ret_fd)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int other;

    if (fd < 0)
        return errno;
    if (fd < FIRST_FD) {
        other = fcntl(fd, F_DUPFD_CLOEXEC, FIRST_FD);
        (void)close(fd);
        if (other < 0)
            return errno;
        fd = other;
    }
    *ret_fd = fd;
    return 0;
}

/* A full backlog makes connect() wait, for as long as SO_SNDTIMEO says. */
static int
connect_until(const DmPeer *peer, const char *path, int64_t deadline_ms)
{
    struct sockaddr_un address;
    socklen_t size;
    int error = make_address(path, &address, &size);

    if (error != 0)
        return error;
    for (;;) {
        int64_t left_ms = deadline_ms - dm_peer_now_ms();
        struct timeval left = {.tv_sec = left_ms / 1000, .tv_usec = left_ms % 1000 * 1000};

        if (left_ms <= 0)
            return ETIMEDOUT;
        if (setsockopt(peer->fd, SOL_SOCKET, SO_SNDTIMEO, &left, sizeof left) < 0)
            return errno;
        if (connect(peer->fd, (const struct sockaddr *)&address, size) == 0 || errno == EISCONN)
            return 0;
        if (errno == EAGAIN)
            return ETIMEDOUT;
        if (errno != EINTR)
            return errno == EPERM ? EACCES : errno;
    }
}

/* Reads a line up to "\r\n", which it leaves out, into the input. */
static int
read_line(DmPeer *peer, int64_t deadline_ms)
{
    int error = make_room(peer, MAX_LINE);

    while (error == 0) {
        char *end;

        error = read_some(peer, deadline_ms);
        end = error == 0 ? memmem(peer->input, peer->input_size, "\r\n", 2) : NULL;
        if (end != NULL) {
            *end = '\0';
            return 0;
        }
        if (error == 0 && peer->input_size == MAX_LINE)
            error = EPROTO;
    }
    return error;
}

/* SASL of the D-Bus specification: EXTERNAL, the uid as hex of its digits. A peer says nothing
 * more until BEGIN has come. */
static int
authenticate(DmPeer *peer, int64_t deadline_ms)
{
    char uid[16], hello[64] = "\0AUTH EXTERNAL ";
    size_t size = sizeof "\0AUTH EXTERNAL " - 1;
    int error;

    (void)snprintf(uid, sizeof uid, "%u", (unsigned)geteuid());
    for (const char *digit = uid; *digit != '\0'; digit++)
        size += (size_t)snprintf(hello + size, sizeof hello - size, "%02x", (unsigned)*digit);
    size += (size_t)snprintf(hello + size, sizeof hello - size, "\r\n");
    error = write_all(peer, hello, size, deadline_ms);
    if (error == 0)
        error = read_line(peer, deadline_ms);
    if (error != 0)
        return error;
    if (strncmp(peer->input, "REJECTED", strlen("REJECTED")) == 0)
        return EACCES;
    if (strncmp(peer->input, "OK ", strlen("OK ")) != 0)
        return EPROTO;
    peer->input_size = 0;
    return write_all(peer, "BEGIN\r\n", strlen("BEGIN\r\n"), deadline_ms);
}

int
dm_peer_open(DmPeer *peer, const char *path, size_t max_message, int64_t deadline_ms)
{
    int error;

    dm_peer_close(peer);
    peer->max_message = max_message;
    error = open_socket(&peer->fd);
    if (error == 0)
        error = connect_until(peer, path, deadline_ms);
    if (error == 0)
        error = authenticate(peer, deadline_ms);
    if (error != 0)
        dm_peer_close(peer);
    return error;
}

/* -- messages ------------------------------------------------------------------------------------
 */

/* How many bytes the message at the front of the input has in all; 0 where that is not known yet.
 */
static int
find_size(const DmPeer *peer, size_t *ret_size)
{
    int size = 0;

    if (peer->input_size > 0)
        size = dbus_message_demarshal_bytes_needed(peer->input, (int)peer->input_size);
    if (size < 0 || (size_t)size > peer->max_message)
        return EPROTO;
    *ret_size = (size_t)size;
    return 0;
}

/* Takes the message of `size` bytes from the front of the input. */
static int
take_message(DmPeer *peer, size_t size, DBusMessage **ret_message)
{
    DBusError error = DBUS_ERROR_INIT;
    DBusMessage *message = dbus_message_demarshal(peer->input, (int)size, &error);
    bool no_memory = dbus_error_has_name(&error, DBUS_ERROR_NO_MEMORY);

    dbus_error_free(&error);
    if (message == NULL)
        return no_memory ? ENOMEM : EPROTO;
    peer->input_size -= size;
    memmove(peer->input, peer->input + size, peer->input_size);
    if (peer->input_size == 0 && peer->input_room > KEPT_ROOM) {
        free(peer->input);
        peer->input = NULL;
        peer->input_room = 0;
    }
    *ret_message = message;
    return 0;
}

static int
read_message(DmPeer *peer, int64_t deadline_ms, DBusMessage **ret_message)
{
    for (;;) {
        size_t size = 0;
        int error = find_size(peer, &size);

        if (error == 0 && size > 0 && peer->input_size >= size)
            return take_message(peer, size, ret_message);
        if (error == 0)
            error = make_room(peer, size > FIRST_ROOM ? size : FIRST_ROOM);
        if (error == 0)
            error = read_some(peer, deadline_ms);
        if (error != 0)
            return error;
    }
}

static int
send_message(DmPeer *peer, DBusMessage *message, int64_t deadline_ms)
{
    char *bytes = NULL;
    int size = 0, error;

    if (!dbus_message_marshal(message, &bytes, &size))
        return ENOMEM;
    error = write_all(peer, bytes, (size_t)size, deadline_ms);
    dbus_free(bytes);
    return error;
}

static bool
is_answer(DBusMessage *message, dbus_uint32_t serial)
{
    int type = dbus_message_get_type(message);

    return (type == DBUS_MESSAGE_TYPE_METHOD_RETURN || type == DBUS_MESSAGE_TYPE_ERROR) &&
           dbus_message_get_reply_serial(message) == serial;
}

static int
read_answer(DmPeer *peer, dbus_uint32_t serial, int64_t deadline_ms, DBusMessage **ret_answer)
{
    for (;;) {
        DBusMessage *message = NULL;
        int error = read_message(peer, deadline_ms, &message);

        if (error != 0)
            return error;
        if (is_answer(message, serial)) {
            *ret_answer = message;
            return 0;
        }
        dbus_message_unref(message);
    }
}

int
dm_peer_call(DmPeer *peer, DBusMessage *call, int64_t deadline_ms, DBusMessage **ret_answer)
{
    /* A message that has been sent is locked, its serial with it: each sending takes a copy. */
    DBusMessage *copy = dbus_message_copy(call);
    dbus_uint32_t serial = ++peer->serial != 0 ? peer->serial : ++peer->serial;
    int error = ENOMEM;

    if (copy != NULL) {
        dbus_message_set_serial(copy, serial);
        error = send_message(peer, copy, deadline_ms);
        dbus_message_unref(copy);
    }
    if (error == 0)
        error = read_answer(peer, serial, deadline_ms, ret_answer);
    if (error != 0)
        dm_peer_close(peer);
    return error;
}
