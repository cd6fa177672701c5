/* SPDX-License-Identifier: MIT */

/* A plug-in of another version of the interface, for test-loader. */

#include "plugin/plugin.h"

__attribute__((visibility("default"))) const DmPlugin *dm_plugin_get(void);

static const DmPlugin plugin = {
    .size = sizeof plugin,
    .abi = DM_PLUGIN_ABI + 1,
    .name = "other",
    .version = "9",
};

const DmPlugin *
dm_plugin_get(void)
{
    return &plugin;
}
