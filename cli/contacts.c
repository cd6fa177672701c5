/* SPDX-License-Identifier: MIT */
#include "cli/run.h"
#include "cli/snapshot.h"
#include "common/i18n.h"

/* help-contacts and page: a few texts of each provider, under one heading. */

typedef struct {
    DmNodeName node;
    const char *label;  /* for people */
    const char *member; /* for scripts */
} Text;

typedef struct {
    DmNodeName interior; /* the node that has them; DM_NAME_PROVIDER: the provider's own */
    const Text *texts;
    gsize n_texts;
    const char *missing; /* what to say when no provider has set any */
} Group;

static const Text contact_texts[] = {
    {DM_NAME_HELP_PHONE_NUMBER, N_("Phone"), "phone"},
    {DM_NAME_HELP_WEBSITE, N_("Web site"), "website"},
    {DM_NAME_HELP_EMAIL_ADDRESS, N_("E-mail"), "email"},
};

static const Text page_texts[] = {
    {DM_NAME_PAGE_TITLE, N_("Title"), "title"},
    {DM_NAME_PAGE_BODY_TEXT, N_("Text"), "body_text"},
    {DM_NAME_PAGE_HYPERLINK_TEXT, N_("Link"), "link_text"},
    {DM_NAME_PAGE_HYPERLINK_HREF, N_("Link leads to"), "link_href"},
};

static const Group contact_group = {
    .interior = DM_NAME_PROVIDER,
    .texts = contact_texts,
    .n_texts = G_N_ELEMENTS(contact_texts),
    .missing = N_("no help contacts are set; 'dmclientctl status' shows who manages this device"),
};

static const Group page_group = {
    .interior = DM_NAME_PAGE,
    .texts = page_texts,
    .n_texts = G_N_ELEMENTS(page_texts),
    .missing = N_("no page is set; 'dmclientctl status' shows how far the first sync is"),
};

/* Prints or adds the texts of one provider; whether it has any. */
static bool
show_provider(const Group *group, const DmSnapshot *snapshot, const DmSnapshotProvider *provider,
              DmPrinter *printer, JsonBuilder *builder)
{
    bool any = false;

    if (builder != NULL) {
        json_builder_begin_object(builder);
        dm_json_add_string(builder, "id", provider->id);
    }
    for (gsize i = 0; i < group->n_texts; i++) {
        const Text *text = &group->texts[i];
        g_autofree char *value =
            dm_snapshot_get_leaf(snapshot, provider, group->interior, text->node);

        if (builder != NULL)
            dm_json_add_string(builder, text->member, value);
        else if (value != NULL && !any) {
            if (printer->out->len > 0)
                g_string_append_c(printer->out, '\n');
            dm_printer_heading(printer, provider->id);
        }
        if (builder == NULL)
            dm_printer_field(printer, DM_STYLE_PLAIN, _(text->label), value);
        any = any || value != NULL;
    }
    if (builder != NULL)
        json_builder_end_object(builder);
    return any;
}

static DmExit
show(const Group *group, const DmArguments *arguments, DmPrinter *printer)
{
    DmExit code = DM_EXIT_OK;
    g_autoptr(DmSnapshot) snapshot = dm_snapshot_open(printer, NULL, &code);
    g_autoptr(JsonBuilder) builder = NULL;
    bool any = false;

    if (snapshot == NULL)
        return code;
    code = dm_snapshot_select(snapshot, arguments, printer);
    if (code != DM_EXIT_OK)
        return code;
    if (printer->json) {
        builder = dm_printer_json_begin();
        json_builder_set_member_name(builder, "providers");
        json_builder_begin_array(builder);
    }
    for (guint i = 0; i < snapshot->providers->len; i++)
        any |= show_provider(group, snapshot, snapshot->providers->pdata[i], printer, builder);
    if (!any)
        return dm_printer_fail(printer, DM_EXIT_NOT_FOUND, "%s", _(group->missing));
    if (printer->json) {
        json_builder_end_array(builder);
        dm_printer_json_end(printer, builder);
    }
    return DM_EXIT_OK;
}

DmExit
dm_run_help_contacts(const DmArguments *arguments, DmPrinter *printer)
{
    return show(&contact_group, arguments, printer);
}

DmExit
dm_run_page(const DmArguments *arguments, DmPrinter *printer)
{
    return show(&page_group, arguments, printer);
}
