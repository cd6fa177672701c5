/* SPDX-License-Identifier: MIT */
#pragma once

/* Words of the bus's vocabulary (docs/dbus.md) in the user's language: states of sessions, phases
 * and categories of a first sync, healths, origins. One that is not known is itself. */
const char *dm_words_translate(const char *word);
