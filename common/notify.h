/* SPDX-License-Identifier: MIT */
#pragma once

/* Tells the service manager `state` ("READY=1") if $NOTIFY_SOCKET says that it listens: the
 * datagram of sd_notify(3), without its library. Errors are passed over: nobody needs to listen. */
void dm_notify(const char *state);
