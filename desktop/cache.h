/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>
#include <stdbool.h>

/* Objects of the bus with the values of their properties, by path, interface and name. */
typedef struct DmCache DmCache;

DmCache *dm_cache_new(void);
void dm_cache_free(DmCache *cache);

/* Removes all objects but that one. */
void dm_cache_keep(DmCache *cache, const char *path);

bool dm_cache_has(const DmCache *cache, const char *path, const char *interface);

/* Borrowed until the next change; NULL if it is not there, or `path` is NULL. */
GVariant *dm_cache_find(const DmCache *cache, const char *path, const char *interface,
                        const char *property);

/* What `properties`, a{sv}, has is all that the interface has from now on. */
void dm_cache_put(DmCache *cache, const char *path, const char *interface, GVariant *properties);

/* The same for interfaces, a{sa{sv}}; others of the object stay. */
void dm_cache_put_object(DmCache *cache, const char *path, GVariant *interfaces);

/* Takes new values, a{sv}, of some properties; false, and nothing done, if there is no such
 * interface. */
bool dm_cache_change(DmCache *cache, const char *path, const char *interface, GVariant *changed);

/* Removes interfaces, and an object with its last. */
void dm_cache_remove(DmCache *cache, const char *path, const char *const *interfaces);

/* The path of an object below `prefix` that has that text in a property; NULL if none has. Borrowed
 * until the next change. */
const char *dm_cache_find_path(const DmCache *cache, const char *prefix, const char *interface,
                               const char *property, const char *text);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(DmCache, dm_cache_free)
