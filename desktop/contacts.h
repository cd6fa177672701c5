/* SPDX-License-Identifier: MIT */
#pragma once

#include <adwaita.h>

#include "desktop/model.h"

/* Ways to an organisation, as it wrote them: to open where they pass desktop/link.h, to copy in any
 * case. */

#define DM_TYPE_CONTACT_ROW (dm_contact_row_get_type())
G_DECLARE_FINAL_TYPE(DmContactRow, dm_contact_row, DM, CONTACT_ROW, AdwActionRow)

/* Shows a link by its text (empty: the address stands for it), with the host it leads to; without
 * an address the row is hidden. */
void dm_contact_row_set_link(DmContactRow *row, const char *text, const char *address);

/* Phone, web site and mail of a provider; hidden if there is none of them. */
#define DM_TYPE_CONTACTS (dm_contacts_get_type())
G_DECLARE_FINAL_TYPE(DmContacts, dm_contacts, DM, CONTACTS, AdwPreferencesGroup)

void dm_contacts_refresh(DmContacts *contacts, const DmModel *model, const char *provider);
