/* SPDX-License-Identifier: MIT */
#pragma once

#include <adwaita.h>
#include <stdbool.h>

#include "desktop/model.h"

/* The pages of the window. Each shows what the model has of a provider, a path, whenever it is told
 * to, and asks for something by an action of the window ("win.…"). */

#define DM_TYPE_PAGE_LIST (dm_page_list_get_type())
G_DECLARE_FINAL_TYPE(DmPageList, dm_page_list, DM, PAGE_LIST, AdwBin)
void dm_page_list_refresh(DmPageList *page, const DmModel *model);

#define DM_TYPE_PAGE_ORGANISATION (dm_page_organisation_get_type())
G_DECLARE_FINAL_TYPE(DmPageOrganisation, dm_page_organisation, DM, PAGE_ORGANISATION, AdwBin)
/* `is_asked`: a session was asked for here, and has not ended. */
void dm_page_organisation_refresh(DmPageOrganisation *page, const DmModel *model,
                                  const char *provider, bool is_asked);

#define DM_TYPE_PAGE_SETUP (dm_page_setup_get_type())
G_DECLARE_FINAL_TYPE(DmPageSetup, dm_page_setup, DM, PAGE_SETUP, AdwBin)
void dm_page_setup_refresh(DmPageSetup *page, const DmModel *model, const char *provider);

#define DM_TYPE_PAGE_DONE (dm_page_done_get_type())
G_DECLARE_FINAL_TYPE(DmPageDone, dm_page_done, DM, PAGE_DONE, AdwBin)
void dm_page_done_refresh(DmPageDone *page, const DmModel *model, const char *provider);

/* Whether there is such a page to show for the provider. */
bool dm_page_done_exists(const DmModel *model, const char *provider);

#define DM_TYPE_PAGE_TRANSPARENCY (dm_page_transparency_get_type())
G_DECLARE_FINAL_TYPE(DmPageTransparency, dm_page_transparency, DM, PAGE_TRANSPARENCY, AdwBin)
void dm_page_transparency_refresh(DmPageTransparency *page, const DmModel *model,
                                  const char *provider);

/* The provider's name. Borrowed until the next change of the model. */
const char *dm_page_get_name(const DmModel *model, const char *provider);
