/* SPDX-License-Identifier: MIT */

#include "broker/probe.h"

#include <stdbool.h>

#include "broker/address.h"
#include "broker/http.h"
#include "broker/transport.h"
#include "common/error.h"
#include "common/source.h"

/* The difference of clocks that schedules and certificates do not feel, and the one that breaks
 * them, in seconds. */
#define SMALL_SKEW_S 300
#define LARGE_SKEW_S 86400

#define NEXT_CLOCK "Set this machine's clock: 'timedatectl status' says whether it is kept right."

struct DmProbe {
    char *provider, *address, *host;
    const DmConfig *config;
    DmFindings *findings;
    DmTransport *transport; /* NULL: there is none to be had */
    GSource *idle;
    GError *error; /* why there is none */
    bool is_done;
    void (*done)(gpointer data);
    gpointer data;
};

/* How the reasons that the transport gives are called, and what can be done. */
static const struct {
    DmErrorCode code;
    const char *id;
    const char *next;
} failures[] = {
    {DM_ERROR_RESOLVE, "resolve",
     "Look whether this machine resolves the name ('getent hosts NAME'); else correct its DNS, or "
     "the server address."},
    {DM_ERROR_CONNECT, "connect",
     "Look whether the server runs, and whether a firewall or a proxy ([broker] proxy) is in "
     "between."},
    {DM_ERROR_TIMEOUT, "connect",
     "Look whether the server runs, and whether a firewall or a proxy ([broker] proxy) is in "
     "between."},
    {DM_ERROR_TLS, "tls",
     "Compare the server's certificate with what [broker] demands (ca-file, pins, tls-crl-file, "
     "revocation) and this machine's clock; ask the server's administrator whether the client "
     "certificate is known there."},
    {DM_ERROR_CERTIFICATE, "certificate",
     "Run 'dmclientctl provision FILE --certificate CERT --key KEY' as root again."},
    {DM_ERROR_INVALID, "address",
     "Correct the server address: 'dmclientctl tree' shows it, 'dmclientctl replace' sets it."},
};

static void
add_failure(DmProbe *probe, const GError *error)
{
    const char *id = "answer";
    const char *next = "Ask the server's administrator.";

    for (gsize i = 0; i < G_N_ELEMENTS(failures); i++) {
        if (g_error_matches(error, DM_ERROR, (gint)failures[i].code)) {
            id = failures[i].id;
            next = failures[i].next;
        }
    }
    dm_findings_add(probe->findings, DM_LEVEL_ERROR, id, probe->provider, next, "%s",
                    error->message);
}

static void
add_clock(DmProbe *probe, gint64 date_s)
{
    gint64 skew_s = date_s - g_get_real_time() / G_USEC_PER_SEC;
    gint64 far_s = ABS(skew_s);

    if (date_s < 0)
        return;
    if (far_s <= SMALL_SKEW_S)
        dm_findings_add(probe->findings, DM_LEVEL_OK, "clock", probe->provider, NULL,
                        "the clocks of %s and this machine agree", probe->host);
    else
        dm_findings_add(probe->findings, far_s > LARGE_SKEW_S ? DM_LEVEL_ERROR : DM_LEVEL_WARNING,
                        "clock", probe->provider, NEXT_CLOCK,
                        "this machine's clock is %" G_GINT64_FORMAT " s %s that of %s", far_s,
                        skew_s > 0 ? "behind" : "ahead of", probe->host);
}

/* A server of POSTs may well refuse to be asked otherwise. */
static bool
is_refusal(unsigned status)
{
    return status == 401 || status == 403 || status == 404 || status == 407 || status == 408 ||
           status == 429 || (status >= 500 && status != 501);
}

static void
add_answer(DmProbe *probe, const DmTransportAnswer *answer)
{
    g_autoptr(GError) refusal = NULL;
    const DmConfig *config = probe->config;

    if (!dm_address_is_https(probe->address))
        dm_findings_add(probe->findings, DM_LEVEL_WARNING, "tls", probe->provider,
                        "Use https; http is for tests only.", "%s is spoken to without TLS",
                        probe->host);
    dm_findings_add(probe->findings, DM_LEVEL_OK, "server", probe->provider, NULL,
                    "%s answers, and is trusted (by %s, %s, revocation %s%s)", probe->host,
                    config->ca_file ? config->ca_file : "the system's authorities",
                    config->pins ? "pinned" : "no pins", dm_revocation_to_name(config->revocation),
                    config->tls_crl_file ? " and by lists" : "");
    if (is_refusal(answer->status)) {
        refusal = dm_http_new_error(answer);
        dm_findings_add(probe->findings, DM_LEVEL_WARNING, "answer", probe->provider,
                        "Ask the server's administrator.", "%s", refusal->message);
    }
    add_clock(probe, answer->date_s);
}

static void
finish(DmProbe *probe)
{
    probe->is_done = true;
    probe->done(probe->data);
}

static void
on_answer(const DmTransportAnswer *answer, const GError *error, gpointer data)
{
    DmProbe *probe = data;

    if (answer)
        add_answer(probe, answer);
    else
        add_failure(probe, error);
    finish(probe);
}

static gboolean
on_idle(gpointer data)
{
    DmProbe *probe = data;

    g_clear_pointer(&probe->idle, g_source_unref);
    add_failure(probe, probe->error);
    finish(probe);
    return G_SOURCE_REMOVE;
}

DmProbe *
dm_probe_new(const char *provider, const char *address, const DmConfig *config,
             const DmKeyPair *keys, DmFindings *findings, GMainContext *context,
             void (*done)(gpointer data), gpointer data)
{
    DmProbe *probe = g_new0(DmProbe, 1);
    const DmTransportOptions options = {
        .tls = {.ca_file = config->ca_file,
                .crl_file = config->tls_crl_file,
                .pins = config->pins,
                .revocation = config->revocation,
                .key = keys->private_key,
                .chain = keys->certificate},
        .user_agent = config->user_agent,
        .proxy = config->proxy,
        .connect_timeout_s = config->connect_timeout_s,
        .request_timeout_s = config->request_timeout_s,
        .stall_timeout_s = config->stall_timeout_s,
        .allow_http = config->allow_http,
    };

    probe->provider = g_strdup(provider);
    probe->address = g_strdup(address);
    probe->host = dm_address_describe(address);
    probe->config = config;
    probe->findings = findings;
    probe->done = done;
    probe->data = data;
    probe->transport = dm_transport_new(&options, context, &probe->error);
    if (probe->transport) {
        dm_transport_post(probe->transport, address, NULL, NULL, on_answer, probe);
        return probe;
    }
    probe->idle = g_idle_source_new();
    g_source_set_callback(probe->idle, on_idle, probe, NULL);
    g_source_attach(probe->idle, context);
    return probe;
}

bool
dm_probe_is_done(const DmProbe *probe)
{
    return probe->is_done;
}

const char *
dm_probe_get_host(const DmProbe *probe)
{
    return probe->host;
}

const char *
dm_probe_get_provider(const DmProbe *probe)
{
    return probe->provider;
}

void
dm_probe_free(DmProbe *probe)
{
    if (!probe)
        return;
    dm_source_drop(&probe->idle);
    dm_transport_free(probe->transport);
    g_clear_error(&probe->error);
    g_free(probe->provider);
    g_free(probe->address);
    g_free(probe->host);
    g_free(probe);
}
