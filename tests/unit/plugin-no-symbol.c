/* SPDX-License-Identifier: MIT */

/* A shared object that is no plug-in, for test-loader. */

__attribute__((visibility("default"))) int dm_not_a_plugin(void);

int
dm_not_a_plugin(void)
{
    return 1;
}
