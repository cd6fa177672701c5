/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>
#include <openssl/types.h>
#include <stdbool.h>

#include "broker/key.h"
#include "broker/revocation.h"

/* What a TLS connection to a server demands and presents (protocol.md section 4): TLS 1.2, whom to
 * trust, host name, pins and revocation, all of them checked in the handshake before the client
 * certificate is shown. */
typedef struct DmTls DmTls;

/* `pins` as dm_pins_parse(), or NULL. `key` is borrowed, and outlives it. */
typedef struct {
    const char *ca_file;  /* NULL: those that the system trusts */
    const char *crl_file; /* revocation lists, for every certificate of a chain; NULL: none */
    GBytes *pins;
    DmRevocation revocation;
    const DmKey *key; /* the device's; NULL: it has none to show */
    GBytes *chain;    /* its certificate and those behind it, PEM, the leaf first */
} DmTlsOptions;

/* Reads the files. NULL and DM_ERROR TLS: one cannot be read, or holds no certificate or list; the
 * message names it and the setting. */
DmTls *dm_tls_new(const DmTlsOptions *options, GError **error);
void dm_tls_free(DmTls *tls);

/* Sets up `context` for connections to whatever host was set last; lives as long as they do. False:
 * OpenSSL does not take the device's certificate and key. */
bool dm_tls_apply(DmTls *tls, SSL_CTX *context);

/* The host that the next handshake must prove to be: a name, or an address without brackets. */
void dm_tls_set_host(DmTls *tls, const char *host);

/* Why the last handshake was refused, in words that follow "HOST:PORT: "; NULL: not by these
 * checks. */
const char *dm_tls_get_refusal(const DmTls *tls);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(DmTls, dm_tls_free)
