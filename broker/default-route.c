/* SPDX-License-Identifier: MIT */

#include "broker/default-route.h"

#include <errno.h>
#include <glib-unix.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/source.h"

#define BUFFER_BYTES 32768

/* A machine with so many routes is on the network, whatever they are. */
#define MAX_MESSAGES 4096

struct DmDefaultRoute {
    int fd;
    GSource *source;
    void (*func)(gpointer data);
    gpointer data;
};

/* -1 where there is no such socket. */
static int
open_netlink(guint groups)
{
    const struct sockaddr_nl address = {.nl_family = AF_NETLINK, .nl_groups = groups};
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);

    if (fd >= 0 && bind(fd, (const struct sockaddr *)&address, sizeof address) < 0) {
        close(fd);
        return -1;
    }
    return fd;
}

/* Whether it is a route to everywhere that leads somewhere. */
static bool
is_default(const struct nlmsghdr *header)
{
    const struct rtmsg *route = NLMSG_DATA(header);

    return header->nlmsg_type == RTM_NEWROUTE &&
           header->nlmsg_len >= NLMSG_LENGTH(sizeof(struct rtmsg)) && route->rtm_dst_len == 0 &&
           route->rtm_type == RTN_UNICAST && route->rtm_table != RT_TABLE_LOCAL;
}

typedef enum {
    READ_MORE,
    READ_FOUND,
    READ_DONE,
} Read;

/* What one datagram of a dump says. */
static Read
read_routes(int fd)
{
    g_autofree char *buffer = g_malloc(BUFFER_BYTES);
    gssize size = recv(fd, buffer, BUFFER_BYTES, 0);
    const struct nlmsghdr *header = (gpointer)buffer;

    if (size <= 0)
        return READ_FOUND; /* it cannot be known */
    for (guint rest = (guint)size; NLMSG_OK(header, rest); header = NLMSG_NEXT(header, rest)) {
        if (header->nlmsg_type == NLMSG_DONE)
            return READ_DONE;
        if (header->nlmsg_type == NLMSG_ERROR || is_default(header))
            return READ_FOUND;
    }
    return READ_MORE;
}

/* The kernel answers a dump within send() and recv(): nothing is waited for. */
static bool
has_default(int family)
{
    struct {
        struct nlmsghdr header;
        struct rtmsg route;
    } request = {
        .header = {.nlmsg_len = NLMSG_LENGTH(sizeof(struct rtmsg)),
                   .nlmsg_type = RTM_GETROUTE,
                   .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
        .route = {.rtm_family = (unsigned char)family},
    };
    int fd = open_netlink(0);
    Read found = READ_MORE;

    if (fd < 0)
        return true;
    if (send(fd, &request, request.header.nlmsg_len, 0) < 0)
        found = READ_FOUND;
    for (guint n = 0; found == READ_MORE; n++)
        found = n < MAX_MESSAGES ? read_routes(fd) : READ_FOUND;
    close(fd);
    return found == READ_FOUND;
}

bool
dm_default_route_is_there(void)
{
    return has_default(AF_INET) || has_default(AF_INET6);
}

/* -- changes -------------------------------------------------------------------------------------
 */

static gboolean
on_readable(int fd, GIOCondition condition, gpointer data)
{
    const DmDefaultRoute *watch = data;
    char buffer[BUFFER_BYTES / 8];

    /* What has changed is asked anew, for some of it may be lost; so it need not be read whole. */
    while (recv(fd, buffer, sizeof buffer, MSG_TRUNC) >= 0 || errno == ENOBUFS)
        ;
    watch->func(watch->data);
    return G_SOURCE_CONTINUE;
}

DmDefaultRoute *
dm_default_route_watch(GMainContext *context, void (*func)(gpointer data), gpointer data)
{
    int fd = open_netlink(RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE);
    DmDefaultRoute *watch;

    if (fd < 0)
        return NULL;
    watch = g_new0(DmDefaultRoute, 1);
    watch->fd = fd;
    watch->func = func;
    watch->data = data;
    watch->source = g_unix_fd_source_new(fd, G_IO_IN);
    g_source_set_static_name(watch->source, "default route");
    g_source_set_callback(watch->source, G_SOURCE_FUNC(on_readable), watch, NULL);
    g_source_attach(watch->source, context);
    return watch;
}

void
dm_default_route_free(DmDefaultRoute *watch)
{
    if (!watch)
        return;
    dm_source_drop(&watch->source);
    close(watch->fd);
    g_free(watch);
}
