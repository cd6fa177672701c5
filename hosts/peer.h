/* SPDX-License-Identifier: MIT */
#pragma once

#include <dbus/dbus.h>
#include <stddef.h>
#include <stdint.h>

/* A D-Bus connection for code that is a guest in its process: libdbus makes and checks the
 * messages, the socket is our own. libdbus's own connections would ignore SIGPIPE for the whole
 * process, block in connecting and authenticating for as long as the peer likes, and keep locks
 * and slots that outlive the guest; this one has a deadline for each step and leaves nothing. No
 * thread, no signal, no global state; one user at a time.
 *
 * Functions return 0 or an errno value: ENOENT, ECONNREFUSED (nobody listens), EACCES, ECONNRESET
 * (the peer closed the connection), ETIMEDOUT, EPROTO (not D-Bus, or not such as is
 * wanted), ENOMEM, or what the kernel says. Times are milliseconds of dm_peer_now_ms(). */
typedef struct {
    int fd; /* -1: none */
    dbus_uint32_t serial;
    size_t max_message; /* bytes; a longer one that comes is EPROTO */
    char *input;        /* bytes that came and are no whole message yet */
    size_t input_size;
    size_t input_room;
} DmPeer;

#define DM_PEER_INIT                                                                               \
    {                                                                                              \
        .fd = -1                                                                                   \
    }

/* A clock that only goes forward. */
int64_t dm_peer_now_ms(void);

/* Connects to a unix socket, a path or "@name" for an abstract one, and authenticates as this
 * process's effective user. `peer` is closed before and, where it fails, afterwards. */
int dm_peer_open(DmPeer *peer, const char *path, size_t max_message, int64_t deadline_ms);

/* Sends the call and waits for what answers it, a return or an error, for dbus_message_unref();
 * other messages that come meanwhile are dropped. Closes the connection where it fails. */
int dm_peer_call(DmPeer *peer, DBusMessage *call, int64_t deadline_ms, DBusMessage **ret_answer);

void dm_peer_close(DmPeer *peer);
