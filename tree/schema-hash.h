/* SPDX-License-Identifier: MIT */
#pragma once

#include <endian.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* The hash of the node table: shared by the tool that searches a seed without collisions when the
 * project is built (tree/gen-schema.c) and by the look-up (tree/schema.c). No GLib here: the tool
 * runs on the machine that builds. */

#define DM_SCHEMA_TABLE_SIZE 256
#define DM_SCHEMA_TABLE_FREE 255

/* The place of the child of row `parent` called by `size` bytes of `name`. */
static inline unsigned
dm_schema_hash(uint32_t seed, unsigned parent, const char *name, size_t size)
{
    uint64_t hash = ((uint64_t)seed << 32) ^ ((uint64_t)parent << 8) ^ size;
    uint64_t word;

    /* Eight bytes a step: names are long, and this runs for each segment of each command. */
    for (; size >= sizeof word; name += sizeof word, size -= sizeof word) {
        memcpy(&word, name, sizeof word);
        hash = (hash ^ le64toh(word)) * UINT64_C(0x9e3779b97f4a7c15);
        hash ^= hash >> 29;
    }
    word = 0;
    for (size_t i = 0; i < size; i++)
        word |= (uint64_t)(unsigned char)name[i] << (8 * i);
    hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
    return (unsigned)(hash >> 56);
}
