/* SPDX-License-Identifier: MIT */
#include "common/i18n.h"

#include <locale.h>
#include <stdlib.h>

#include "common/paths.h"

void
dm_i18n_init(void)
{
    const char *directory = secure_getenv(DM_ENV_LOCALE_DIR);

    setlocale(LC_ALL, "");
    bindtextdomain(DM_TEXT_DOMAIN,
                   directory == NULL || *directory == '\0' ? DM_LOCALE_DIR : directory);
    /* GLib's strings are UTF-8, whatever the locale's are. */
    bind_textdomain_codeset(DM_TEXT_DOMAIN, "UTF-8");
    textdomain(DM_TEXT_DOMAIN);
}
