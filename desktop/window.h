/* SPDX-License-Identifier: MIT */
#pragma once

#include <adwaita.h>

#include "desktop/model.h"

/* The one window: it shows the page that the state of the service calls for, live. */

#define DM_TYPE_WINDOW (dm_window_get_type())
G_DECLARE_FINAL_TYPE(DmWindow, dm_window, DM, WINDOW, AdwApplicationWindow)

/* References the model, and starts it. */
DmWindow *dm_window_new(GtkApplication *application, DmModel *model);

/* Shows a page of a provider, a path, as soon as that is known: "setup" while it has something to
 * tell, otherwise the page that matters now. */
void dm_window_lead_to(DmWindow *window, const char *page, const char *provider);
