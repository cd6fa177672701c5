/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "broker/revocation.h"
#include "broker/route-table.h"

/* The broker's part of the configuration file (design section 7): the groups [broker] and [routes],
 * and allow-http of [tree]. common/config-keys.def has the keys, dmclient.conf(5) what they mean.
 */
#define DM_CONFIG_USER_AGENT "MSFT OMA DM Client/1.2.0.1 dmclient/" DM_VERSION
#define DM_CONFIG_MAX_BYTES 65536

typedef struct {
    char *ca_file;      /* NULL: the system's */
    char *tls_crl_file; /* NULL: none */
    DmRevocation revocation;
    GBytes *pins; /* as dm_pins_parse(); NULL: none */
    char *proxy;  /* NULL: none */
    char *user_agent;
    guint connect_timeout_s;
    guint request_timeout_s;
    guint stall_timeout_s;
    guint session_timeout_s;
    guint max_messages;
    guint keep_alive_interval_s;
    guint network_wait_s;
    bool require_signing;
    guint minimum_security_mode;
    char *crl_file; /* NULL: none */
    bool allow_http;
    bool demands_credentials; /* of the server, in the SyncML layer (protocol.md section 5) */
    DmRouteTable *routes;     /* other trees (protocol.md section 7) */
    char *push_service;       /* its name on the bus; NULL: none */
    GPtrArray *warnings; /* char*: keys of [broker] that nobody knows, "FILE: [broker] KEY …" */
} DmConfig;

/* The defaults alone. Counted: whoever works with one while another takes its place has a
 * reference. */
DmConfig *dm_config_new(void);
DmConfig *dm_config_ref(DmConfig *config);
void dm_config_unref(DmConfig *config); /* NULL is fine */

/* Parses `size` bytes of a configuration file; `name` is its name for messages. NULL and DM_ERROR
 * INVALID (the message names file, key and what it must be) or TOO_LARGE. */
DmConfig *dm_config_parse(const char *bytes, gsize size, const char *name, GError **error);

/* Reads the file at `path`; without one the defaults, unless it `must_exist` (somebody named it).
 * NULL and DM_ERROR as dm_config_parse(), NOT_FOUND or DENIED. */
DmConfig *dm_config_load(const char *path, bool must_exist, GError **error);

/* Reads the file again, and puts what it says in the place of `*config`. One that is wrong is said,
 * in the log and as `*problem` (else NULL; both are replaced), and the old one stays. */
void dm_config_reload(DmConfig **config, const char *path, bool must_exist, char **problem);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(DmConfig, dm_config_unref)
