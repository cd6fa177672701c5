/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>

/* polkit's dialog on a terminal, for whoever has no desktop that shows one (ssh, a text console):
 * pkttyagent, which polkit brings with it. It steps aside where a desktop is there. */
typedef struct DmDialog DmDialog;

/* Starts it, and waits until polkit knows of it. NULL where it is of no use: not on a terminal, as
 * root, or it is not installed; then polkit asks as best it can. */
DmDialog *dm_dialog_new(void);

/* Ends it. NULL is fine. */
void dm_dialog_free(DmDialog *dialog);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(DmDialog, dm_dialog_free)
