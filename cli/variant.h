/* SPDX-License-Identifier: MIT */
#pragma once

#include <dbus/dbus.h>
#include <glib.h>

/* The value at `iter` with all that is in it, as GLib has values. A new reference that is not
 * floating; NULL if a file descriptor is in it. libdbus has checked types, depth and UTF-8 when the
 * message arrived. */
GVariant *dm_variant_from_iter(DBusMessageIter *iter);
