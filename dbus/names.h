/* SPDX-License-Identifier: MIT */
#pragma once

/* Names on the bus and on the tree socket (design section 5). Includes nothing: desktop programs
 * use it too. */

#define DM_BUS_NAME "org.dmclient.DMClient1"
/* The broker's, which exports nothing: the name is there to be activated, and to be seen. */
#define DM_BUS_BROKER_NAME DM_BUS_NAME ".Broker"
#define DM_BUS_ROOT "/org/dmclient/DMClient1"
/* The root's interface; a node's is this, a dot, its name. */
#define DM_BUS_INTERFACE "org.dmclient.DMClient1"
#define DM_BUS_INTERFACE_PROVIDER DM_BUS_INTERFACE ".Provider"
#define DM_BUS_INTERFACE_MANAGER DM_BUS_INTERFACE ".Manager"
#define DM_BUS_INTERFACE_SESSION DM_BUS_INTERFACE ".Session"
#define DM_BUS_INTERFACE_PROGRESS DM_BUS_INTERFACE ".Progress"
#define DM_BUS_ERROR_PREFIX DM_BUS_INTERFACE ".Error."

/* Segment of the path in front of a user's uid: DM_BUS_ROOT "/User/1000/Provider/…". */
#define DM_BUS_USER "User"

/* The tree socket: peer-to-peer D-Bus, one object. dbus/tree-call.h has the calls. */
#define DM_TREE_PATH "/org/dmclient/Tree1"
#define DM_TREE_INTERFACE "org.dmclient.Tree1"
#define DM_TREE_VERSION 1
