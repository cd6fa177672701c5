/* SPDX-License-Identifier: MIT */
#pragma once

/* Names on the bus and on the tree socket (design section 5). Includes nothing: desktop programs
 * use it too. */

#define DM_BUS_NAME "org.dmclient.DMClient1"
#define DM_BUS_ROOT "/org/dmclient/DMClient1"
#define DM_BUS_INTERFACE "org.dmclient.DMClient1" /* the root; a node's is this, a dot, its name   \
                                                   */
#define DM_BUS_INTERFACE_PROVIDER DM_BUS_INTERFACE ".Provider"
#define DM_BUS_INTERFACE_MANAGER DM_BUS_INTERFACE ".Manager"
#define DM_BUS_INTERFACE_SESSION DM_BUS_INTERFACE ".Session"
#define DM_BUS_INTERFACE_PROGRESS DM_BUS_INTERFACE ".Progress"
#define DM_BUS_ERROR_PREFIX DM_BUS_INTERFACE ".Error."

/* The tree socket: peer-to-peer D-Bus, one object. dbus/tree-call.h has the calls. */
#define DM_TREE_PATH "/org/dmclient/Tree1"
#define DM_TREE_INTERFACE "org.dmclient.Tree1"
#define DM_TREE_VERSION 1

/* Where things are when nothing says otherwise, and what says otherwise. */
#define DM_DEFAULT_SOCKET "/run/dmclient/tree"
#define DM_DEFAULT_STATE_DIR "/var/lib/dmclient"
#define DM_DEFAULT_CONFIG "/etc/dmclient/dmclient.conf"
#define DM_ENV_SOCKET "DMCLIENT_SOCKET"
#define DM_ENV_STATE_DIR "DMCLIENT_STATE_DIR"
#define DM_ENV_CONFIG "DMCLIENT_CONFIG"
