/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>

#include "plugin/interface.h"

/* The interfaces on the bus as a reference for people: the parts of docs/dbus.md that the tables
 * have (design section 5). Each appends Markdown. */

/* A section for each interface of ours, and one for those that the D-Bus specification has. */
void dm_reference_append_interfaces(GString *out, const DmNodeInterfaces *interfaces);
void dm_reference_append_standard(GString *out);

/* The read classes, the polkit actions with their defaults (security.md section 2), the errors. */
void dm_reference_append_reads(GString *out);
void dm_reference_append_actions(GString *out);
void dm_reference_append_errors(GString *out);
