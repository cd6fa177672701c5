/* SPDX-License-Identifier: MIT */

/* A JSON library of another maker: the same names, other functions. A module that calls one of them
 * has ended its host. */

#include <stdlib.h>

#include "hosts/mmi-json.h"

#define CLASH(name)                                                                                \
    void clash_##name(void) __asm__("json_" #name);                                                \
    __attribute__((visibility("default"))) void clash_##name(void)                                 \
    {                                                                                              \
        abort();                                                                                   \
    }

DM_MMI_JSON_FUNCTIONS(CLASH)
