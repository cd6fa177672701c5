/* SPDX-License-Identifier: MIT */

/* The plug-in's own binary interface (plugin/plugin.h): the one symbol of dmclient.so. */

#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "plugin/service.h"

struct DmPluginInstance {
    DmService *service;
};

/* Every field up to here has been there since the first version of the interface. */
#define MIN_HOST_SIZE (offsetof(DmPluginHost, data) + sizeof(void *))

/* What the host gave, with fields that it does not know as 0. */
static DmService *
start(const DmPluginHost *host, GError **error)
{
    DmPluginHost full = {0};

    if (host->size < MIN_HOST_SIZE) {
        g_set_error(error, DM_ERROR, DM_ERROR_VERSION,
                    "the host's description has %zu bytes, and %zu are needed: build the host with "
                    "the plug-in's own plugin.h",
                    host->size, (size_t)MIN_HOST_SIZE);
        return NULL;
    }
    memcpy(&full, host, MIN(host->size, sizeof full));
    if (full.state_dir == NULL || *full.state_dir == '\0') {
        g_set_error_literal(error, DM_ERROR, DM_ERROR_INVALID, "the host names no state directory");
        return NULL;
    }
    return dm_service_new(&full, error);
}

static DmPluginInstance *
open_instance(const DmPluginHost *host, char **ret_error)
{
    g_autoptr(GError) error = NULL;
    DmService *service = start(host, &error);
    DmPluginInstance *instance;

    if (service == NULL) {
        if (ret_error != NULL)
            *ret_error = strdup(error->message);
        return NULL;
    }
    instance = g_new0(DmPluginInstance, 1);
    instance->service = service;
    return instance;
}

static void
close_instance(DmPluginInstance *instance)
{
    if (instance == NULL)
        return;
    dm_service_free(instance->service);
    g_free(instance);
}

static const DmPlugin plugin = {
    .size = sizeof plugin,
    .abi = DM_PLUGIN_ABI,
    .name = "dmclient",
    .version = DM_VERSION,
    .open = open_instance,
    .close = close_instance,
};

__attribute__((visibility("default"))) const DmPlugin *dm_plugin_get(void);

const DmPlugin *
dm_plugin_get(void)
{
    return &plugin;
}
