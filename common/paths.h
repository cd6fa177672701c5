/* SPDX-License-Identifier: MIT */
#pragma once

/* Where things are when nothing says otherwise, and the environment variables that say otherwise
 * (design section 7). An option of a program goes before the variable, the variable before the
 * default. */

#define DM_DEFAULT_SOCKET "/run/dmclient/tree"
#define DM_DEFAULT_STATE_DIR "/var/lib/dmclient"
#define DM_DEFAULT_CONFIG "/etc/dmclient/dmclient.conf"

#define DM_ENV_SOCKET "DMCLIENT_SOCKET"
#define DM_ENV_STATE_DIR "DMCLIENT_STATE_DIR"
#define DM_ENV_CONFIG "DMCLIENT_CONFIG"
/* Catalogues of texts that are not installed, LANGUAGE/LC_MESSAGES/dmclient.mo below it. */
#define DM_ENV_LOCALE_DIR "DMCLIENT_LOCALE_DIR"
