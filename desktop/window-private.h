/* SPDX-License-Identifier: MIT */
#pragma once

#include "desktop/banner.h"
#include "desktop/memory.h"
#include "desktop/pages.h"
#include "desktop/window.h"

/* Shared by desktop/window.c, which shows, and desktop/window-actions.c, which does. */

struct _DmWindow {
    AdwApplicationWindow parent_instance;
    AdwToastOverlay *toasts;
    AdwWindowTitle *title;
    GtkWidget *back;
    DmBanner *old;
    DmBanner *outcome;
    GtkStack *pages;
    AdwStatusPage *message;
    GtkLabel *reason;
    GtkWidget *again;
    DmPageList *list;
    DmPageOrganisation *organisation;
    DmPageSetup *setup;
    DmPageDone *done;
    DmPageTransparency *transparency;

    DmModel *model;
    DmMemory *memory;
    GCancellable *cancellable; /* of calls under way */
    char *provider;            /* the path of the one that is shown, or NULL */
    char *wanted;              /* the path of one to be shown when it is known, or NULL */
    GHashTable *left;          /* char*: whose setting up the user has seen enough of */
    GHashTable *syncing;       /* char*: of which a sync was asked for here */
    guint clock;
};

/* Shows what there is now. */
void dm_window_refresh(DmWindow *window);

/* Shows a page of the provider that is shown. */
void dm_window_show_page(DmWindow *window, const char *page);

/* Shows the page of the provider that matters now. */
void dm_window_open(DmWindow *window, const char *provider);

/* Back to where this page was opened from; the list of providers, or nothing. */
void dm_window_go_back(DmWindow *window);

/* The user has seen enough of the page. */
void dm_window_leave(DmWindow *window);

/* The actions "win.…". */
void dm_window_install_actions(GtkWidgetClass *class);
