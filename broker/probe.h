/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "broker/config.h"
#include "broker/findings.h"
#include "broker/keys.h"

/* A look at one server address, without a session: its name, the connection, TLS as sessions have
 * it (chain, host name, pins, revocation, the client certificate), an HTTP answer (HEAD), and its
 * clock. */
typedef struct DmProbe DmProbe;

/* Starts on `context`; `done` is called once, never before this returns, when its findings are
 * added: "server" or one of "address", "resolve", "connect", "tls", "certificate", "answer", and
 * "clock". All but the text is borrowed, and outlives it. */
DmProbe *dm_probe_new(const char *provider, const char *address, const DmConfig *config,
                      const DmKeyPair *keys, DmFindings *findings, GMainContext *context,
                      void (*done)(gpointer data), gpointer data);

/* Whether `done` has been called. */
bool dm_probe_is_done(const DmProbe *probe);

/* "host:port" for messages, and whose it is; borrowed. */
const char *dm_probe_get_host(const DmProbe *probe);
const char *dm_probe_get_provider(const DmProbe *probe);

/* NULL is fine. */
void dm_probe_free(DmProbe *probe);
