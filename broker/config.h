/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "broker/revocation.h"

/* The broker's part of the configuration file (design section 7): a key file with the groups
 *
 *   [broker]
 *   ca-file=/etc/…/ca.pem        the only certificates to trust; default: the system's
 *   tls-crl-file=/etc/…/tls.pem  revocation lists (PEM): then every certificate of a server's chain
 *                                must be covered by one that is in force, or the server is refused
 *   revocation=off               of the OCSP answer that a server brings along: "off": none is
 *                                asked for; "if-stapled": one that comes must be good, none is
 *                                fine; "require": one must come, and be good
 *   pins=sha256/…;sha256/…       SHA-256 of public keys (SubjectPublicKeyInfo), base64: a server's
 *                                chain must have one of them; two to 16
 *   proxy=http://HOST:PORT       the way to all servers (HTTP CONNECT); default: none, whatever the
 *                                environment says
 *   user-agent=…                 the whole header; default DM_CONFIG_USER_AGENT
 *   connect-timeout=15           seconds, 1 to 120
 *   request-timeout=120          seconds, 1 to 600
 *   stall-timeout=30             seconds under 100 B/s that end a request, 1 to 600
 *   session-timeout=600          seconds from the first answer, 1 to 3600
 *   max-messages=64              that are sent in one session, 2 to 1000
 *   require-signing=false        every request is signed, whatever the server says (S2)
 *   minimum-security-mode=0      0 to 3: no server gets less application-layer security (S4)
 *   crl-file=/etc/…/crls.pem     CRLs, and their issuers, to look servers' certificates up in (S4)
 *   demand-server-credentials=false   every server must present those of the SyncML layer
 *   [tree]
 *   allow-http=false             http addresses on the loopback interface, for tests (L1)
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
    bool require_signing;
    guint minimum_security_mode;
    char *crl_file; /* NULL: none */
    bool allow_http;
    bool demands_credentials; /* of the server, in the SyncML layer (protocol.md section 5) */
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
