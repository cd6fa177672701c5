/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>
#include <stdbool.h>

/* What the program remembers of this user from one time to the next: the size of its window, and
 * which pages were shown. A key file below XDG_STATE_HOME; without it, or with one that cannot be
 * read or written, everything is as at the first time. */
typedef struct DmMemory DmMemory;

/* Never fails. Free with dm_memory_free(). */
DmMemory *dm_memory_open(void);
void dm_memory_free(DmMemory *memory);

/* Whether the page of the finished enrolment with a provider was shown already. */
bool dm_memory_get_shown(const DmMemory *memory, const char *provider);
void dm_memory_set_shown(DmMemory *memory, const char *provider, bool is_shown);

/* The window as it was; the sizes stay what they are if nothing is known. Pixels. */
void dm_memory_get_window(const DmMemory *memory, int *width, int *height, bool *is_maximized);
void dm_memory_set_window(DmMemory *memory, int width, int height, bool is_maximized);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(DmMemory, dm_memory_free)
