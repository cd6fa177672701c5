/* SPDX-License-Identifier: MIT */
#pragma once

#include <adwaita.h>

/* A sentence above the pages, with a next step where there is one. Screen readers say it when it
 * appears. */

typedef enum { DM_BANNER_GOOD, DM_BANNER_BAD } DmBannerKind;

#define DM_TYPE_BANNER (dm_banner_get_type())
G_DECLARE_FINAL_TYPE(DmBanner, dm_banner, DM, BANNER, AdwBin)

/* Shows plain text. With `action`, which is called by a button `label` (a mnemonic in it), nobody
 * can dismiss it; without, both NULL, there is a button for that. */
void dm_banner_show(DmBanner *banner, DmBannerKind kind, const char *text, const char *label,
                    const char *action);
void dm_banner_hide(DmBanner *banner);
