/* SPDX-License-Identifier: MIT */
#include "desktop/cache.h"

struct DmCache {
    GHashTable *objects; /* path → interface → property → GVariant */
};

static GHashTable *
new_table(GDestroyNotify free_value)
{
    return g_hash_table_new_full(g_str_hash, g_str_equal, g_free, free_value);
}

DmCache *
dm_cache_new(void)
{
    DmCache *cache = g_new(DmCache, 1);

    cache->objects = new_table((GDestroyNotify)g_hash_table_unref);
    return cache;
}

void
dm_cache_free(DmCache *cache)
{
    if (cache == NULL)
        return;
    g_hash_table_unref(cache->objects);
    g_free(cache);
}

static gboolean
is_other(gpointer key, gpointer value, gpointer path)
{
    return !g_str_equal(key, path);
}

void
dm_cache_keep(DmCache *cache, const char *path)
{
    g_hash_table_foreach_remove(cache->objects, is_other, (gpointer)path);
}

static GHashTable *
find_properties(const DmCache *cache, const char *path, const char *interface)
{
    GHashTable *interfaces = path != NULL ? g_hash_table_lookup(cache->objects, path) : NULL;

    return interfaces != NULL ? g_hash_table_lookup(interfaces, interface) : NULL;
}

bool
dm_cache_has(const DmCache *cache, const char *path, const char *interface)
{
    return find_properties(cache, path, interface) != NULL;
}

GVariant *
dm_cache_find(const DmCache *cache, const char *path, const char *interface, const char *property)
{
    GHashTable *values = find_properties(cache, path, interface);

    return values != NULL ? g_hash_table_lookup(values, property) : NULL;
}

void
dm_cache_put(DmCache *cache, const char *path, const char *interface, GVariant *properties)
{
    GHashTable *interfaces = g_hash_table_lookup(cache->objects, path);
    GHashTable *values = new_table((GDestroyNotify)g_variant_unref);
    GVariantIter iter;
    const char *name;
    GVariant *value;

    if (interfaces == NULL) {
        interfaces = new_table((GDestroyNotify)g_hash_table_unref);
        g_hash_table_insert(cache->objects, g_strdup(path), interfaces);
    }
    g_variant_iter_init(&iter, properties);
    while (g_variant_iter_next(&iter, "{&sv}", &name, &value))
        g_hash_table_insert(values, g_strdup(name), value);
    g_hash_table_insert(interfaces, g_strdup(interface), values);
}

void
dm_cache_put_object(DmCache *cache, const char *path, GVariant *interfaces)
{
    GVariantIter iter;
    const char *interface;
    GVariant *properties;

    g_variant_iter_init(&iter, interfaces);
    while (g_variant_iter_next(&iter, "{&s@a{sv}}", &interface, &properties)) {
        dm_cache_put(cache, path, interface, properties);
        g_variant_unref(properties);
    }
}

bool
dm_cache_change(DmCache *cache, const char *path, const char *interface, GVariant *changed)
{
    GHashTable *values = find_properties(cache, path, interface);
    GVariantIter iter;
    const char *name;
    GVariant *value;

    if (values == NULL)
        return false;
    g_variant_iter_init(&iter, changed);
    while (g_variant_iter_next(&iter, "{&sv}", &name, &value))
        g_hash_table_insert(values, g_strdup(name), value);
    return true;
}

void
dm_cache_remove(DmCache *cache, const char *path, const char *const *interfaces)
{
    GHashTable *known = g_hash_table_lookup(cache->objects, path);

    if (known == NULL)
        return;
    for (; *interfaces != NULL; interfaces++)
        g_hash_table_remove(known, *interfaces);
    if (g_hash_table_size(known) == 0)
        g_hash_table_remove(cache->objects, path);
}

const char *
dm_cache_find_path(const DmCache *cache, const char *prefix, const char *interface,
                   const char *property, const char *text)
{
    GHashTableIter iter;
    gpointer path;

    g_hash_table_iter_init(&iter, cache->objects);
    while (g_hash_table_iter_next(&iter, &path, NULL)) {
        GVariant *value =
            g_str_has_prefix(path, prefix) ? dm_cache_find(cache, path, interface, property) : NULL;

        if (value != NULL && g_variant_is_of_type(value, G_VARIANT_TYPE_STRING) &&
            g_str_equal(g_variant_get_string(value, NULL), text))
            return path;
    }
    return NULL;
}
