/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib/gi18n.h>

/* Translations (domain DM_TEXT_DOMAIN, catalogues in po/): `_()` marks and translates, `N_()` only
 * marks, `ngettext()` has plurals; a comment "Translators:" in front of one reaches translators.
 * What programs read (JSON, status codes, names of nodes, log) is never translated. */

#define DM_TEXT_DOMAIN "dmclient"

/* Takes the user's locale and finds the catalogues: below the directory that the environment
 * variable DM_ENV_LOCALE_DIR names, otherwise where they are installed. Once, first in main(). */
void dm_i18n_init(void);
