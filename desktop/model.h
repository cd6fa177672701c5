/* SPDX-License-Identifier: MIT */
#pragma once

#include <gio/gio.h>
#include <stdbool.h>

/* What the bus shows of the service, kept up to date: one GetManagedObjects, then signals. Nothing
 * is read that is not there, and nothing waits: what changes is told by the signal "changed", once
 * for all that came together. Knows no widget. */

typedef enum {
    DM_MODEL_CONNECTING, /* nothing is known yet */
    DM_MODEL_READY,
    DM_MODEL_STALE, /* the service has gone; what is here is what it showed last */
    DM_MODEL_NO_BUS,
    DM_MODEL_NO_SERVICE,
    DM_MODEL_DENIED,
    DM_MODEL_FAILED, /* dm_model_get_message() has more */
} DmModelState;

#define DM_TYPE_MODEL (dm_model_get_type())
G_DECLARE_FINAL_TYPE(DmModel, dm_model, DM, MODEL, GObject)

/* Nothing is connected before dm_model_start(). Free with g_object_unref(). */
DmModel *dm_model_new(void);

/* Connects to the system bus and reads everything; also again, after a state that is not READY.
 * The service is started if the bus can. */
void dm_model_start(DmModel *model);

DmModelState dm_model_get_state(const DmModel *model);

/* What the bus said when it failed, for people; "" if nothing. Borrowed until the next change. */
const char *dm_model_get_message(const DmModel *model);

/* NULL before it is connected. Borrowed. */
GDBusConnection *dm_model_get_bus(const DmModel *model);

/* Paths of the providers of the device tree, by name; never NULL, ends with NULL. Borrowed until
 * the next change. */
const char *const *dm_model_get_providers(const DmModel *model);

/* The path of the part of a provider in the tree of the user who runs this, or NULL. Borrowed until
 * the next change. */
const char *dm_model_find_user_part(const DmModel *model, const char *provider);

/* Whether the object is there and has the interface. */
bool dm_model_has(const DmModel *model, const char *path, const char *interface);

/* The value of a property if it is there and of that type, NULL otherwise. Borrowed until the next
 * change. */
GVariant *dm_model_find(const DmModel *model, const char *path, const char *interface,
                        const char *property, const char *type);

/* The same by type: "", 0 and false where there is none. A string is borrowed until the next
 * change. */
const char *dm_model_get_string(const DmModel *model, const char *path, const char *interface,
                                const char *property);
gint64 dm_model_get_time(const DmModel *model, const char *path, const char *interface,
                         const char *property);

/* Has everything read anew: what the caller may read has become more. */
void dm_model_reload(DmModel *model);
