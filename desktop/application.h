/* SPDX-License-Identifier: MIT */
#pragma once

#include <adwaita.h>

#define DM_VIEWER_ID "org.dmclient.Viewer"

/* The program: one instance a session, started by its name on the session bus too. */

#define DM_TYPE_APPLICATION (dm_application_get_type())
G_DECLARE_FINAL_TYPE(DmApplication, dm_application, DM, APPLICATION, AdwApplication)

/* Free with g_object_unref(). */
DmApplication *dm_application_new(void);
