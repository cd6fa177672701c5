/* SPDX-License-Identifier: MIT */
#include "cli/client.h"
#include "cli/import.h"
#include "cli/input.h"
#include "cli/run.h"
#include "common/account.h"
#include "common/i18n.h"
#include "common/uri.h"
#include "dbus/node-names.h"
#include "syncml/provisioning.h"

/* provision: the document is parsed here, checked by the service, and applied in one commit. */

typedef struct {
    const DmArguments *arguments;
    DmPrinter *printer;
    DmTreeClient *client;
    DmProvisioning *document;
    const char *name; /* of the file */
    char *thumbprint; /* of the certificate, once it is imported */
} Job;

static void
job_clear(Job *job)
{
    g_clear_pointer(&job->client, dm_tree_client_free);
    g_clear_pointer(&job->document, dm_provisioning_free);
    g_clear_pointer(&job->thumbprint, g_free);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Job, job_clear)

static const DmProvisioningSetting *
get_setting(const Job *job, guint index)
{
    return &g_array_index(job->document->settings, DmProvisioningSetting, index);
}

/* The whole's result comes after those of the settings. */
static DmStatus
get_whole(const Job *job, const DmReply *reply)
{
    return dm_reply_get(reply, job->document->settings->len)->status;
}

/* Enrolment hands a document's certificates over; a person gives the files. */
static void
warn_of_certificates(DmProvisioning *document)
{
    for (guint i = 0; i < document->certificates->len; i++) {
        const DmProvisioningCertificate *certificate = document->certificates->pdata[i];

        g_ptr_array_add(
            document->warnings,
            g_strdup_printf(_("certificate %s of store %s is left out: give the device's "
                              "own by --certificate, and trust an authority by ca-file "
                              "in the configuration"),
                            certificate->thumbprint, certificate->store));
    }
}

static bool
read_document(Job *job, DmExit *ret_exit)
{
    const char *path = job->arguments->words[0];
    g_autoptr(GError) error = NULL;
    g_autoptr(GString) bytes = dm_input_read(path, DM_PROVISIONING_MAX_BYTES, &error);

    if (bytes == NULL) {
        *ret_exit = dm_printer_fail(job->printer, DM_EXIT_FAILURE, "%s", error->message);
        return false;
    }
    job->document = dm_provisioning_parse(bytes->str, bytes->len, &error);
    if (job->document == NULL) {
        *ret_exit =
            dm_printer_fail(job->printer, DM_EXIT_FAILURE, "%s: %s", job->name, error->message);
        return false;
    }
    warn_of_certificates(job->document);
    for (guint i = 0; i < job->document->warnings->len; i++)
        dm_printer_warn("%s: %s", job->name, (char *)job->document->warnings->pdata[i]);
    return true;
}

/* Calls Provision. NULL: said why, exit code in `*ret_exit`. */
static DmReply *
call_provision(Job *job, guint flags, DmExit *ret_exit)
{
    const DmProvisioning *document = job->document;
    g_autofree DmCommand *commands = g_new0(DmCommand, document->settings->len + 1);
    g_autoptr(GError) error = NULL;

    for (guint i = 0; i < document->settings->len; i++)
        commands[i] = get_setting(job, i)->command;
    DBusMessage *call = dm_tree_call_new_provision(
        document->provider_id, document->account, commands, document->settings->len, flags, &error);
    return dm_client_call(job->client, call, g_steal_pointer(&error), document->settings->len + 1,
                          job->printer, ret_exit);
}

/* Says on standard error which settings made `whole`, and which are only left out. */
static gsize
say_settings(const Job *job, const DmReply *reply, DmStatus whole)
{
    gsize n_culprits = 0;

    for (guint i = 0; i < job->document->settings->len; i++) {
        const DmProvisioningSetting *setting = get_setting(job, i);
        DmStatus status = dm_reply_get(reply, i)->status;
        bool is_culprit = status == whole;

        if (dm_status_is_good(status) || status == DM_STATUS_NOT_EXECUTED ||
            status == DM_STATUS_ROLLED_BACK)
            continue;
        dm_printer_complain("%s:%u: parm %s: %d %s%s", job->name, setting->line, setting->parm,
                            (int)status, dm_status_to_text(status),
                            is_culprit ? "" : _(" (left out)"));
        n_culprits += is_culprit ? 1 : 0;
    }
    return n_culprits;
}

static char *
make_provider_uri(const char *provider_id)
{
    GString *loc_uri = g_string_new(DM_CLIENT_TREE);

    g_string_append_printf(loc_uri, "/%s/", dm_node_name(DM_NAME_PROVIDERS));
    dm_uri_append_escaped(loc_uri, provider_id);
    return g_string_free(loc_uri, FALSE);
}

static const DmProvisioningAddress *
get_address(const Job *job, guint index)
{
    return &g_array_index(job->document->addresses, DmProvisioningAddress, index);
}

/* Whether the service refuses the provider for that address alone. */
static bool
is_refused(const Job *job, const char *address)
{
    const char *id = job->document->provider_id;
    g_autoptr(GHashTable) account = dm_account_new();
    g_autoptr(GError) error = NULL;
    DmExit code;

    g_hash_table_insert(account, g_strdup(DM_ACCOUNT_ADDRESS), g_strdup(address));
    DBusMessage *call =
        dm_tree_call_new_provision(id, account, NULL, 0, DM_TREE_PROVISION_CHECK, &error);
    g_autoptr(DmReply) reply =
        dm_client_call(job->client, call, g_steal_pointer(&error), 1, job->printer, &code);
    return reply != NULL && !dm_status_is_good(dm_reply_get(reply, 0)->status);
}

/* Which address made `whole`; all of them where each is good by itself, as when they are too many.
 */
static void
say_addresses(const Job *job, DmStatus whole)
{
    guint n = job->document->addresses->len;
    g_autofree bool *refused = g_new0(bool, n);
    guint n_refused = 0;

    for (guint i = 0; i < n; i++) {
        refused[i] = n == 1 || is_refused(job, get_address(job, i)->address);
        n_refused += refused[i] ? 1 : 0;
    }
    for (guint i = 0; i < n; i++) {
        if (!refused[i] && n_refused > 0)
            continue;
        dm_printer_complain(_("%s:%u: parm %s: %d %s: an address is an https URL "
                              "with a host, without user and fragment; at most 16 of 2048 bytes"),
                            job->name, get_address(job, i)->line, DM_ACCOUNT_ADDRESS, (int)whole,
                            dm_status_to_text(whole));
    }
}

/* What made `whole` when no setting did: the provider's name, or the address, which is no setting
 * but part of the account. */
static void
say_account(const Job *job, DmStatus whole)
{
    const char *id = job->document->provider_id;
    g_autofree char *loc_uri = make_provider_uri(id);
    const char *text = dm_status_to_text(whole);
    DmUri uri;

    if (dm_uri_parse(loc_uri, &uri) != DM_STATUS_OK)
        dm_printer_complain(_("%s: provider '%s': %d %s: that cannot be the name of a node"),
                            job->name, id, (int)whole, text);
    else if (job->document->addresses->len > 0)
        say_addresses(job, whole);
    else
        dm_printer_complain(_("%s: provider '%s': %d %s: the document names no server address "
                              "(%s)"),
                            job->name, id, (int)whole, text, DM_ACCOUNT_ADDRESS);
}

/* Says why the document was refused as a whole. */
static void
say_refused(const Job *job, const DmReply *reply)
{
    DmStatus whole = get_whole(job, reply);
    const char *id = job->document->provider_id;
    g_autofree char *loc_uri = make_provider_uri(id);

    if (whole == DM_STATUS_EXISTS)
        dm_printer_complain(_("%s: provider '%s': 418 already exists; 'dmclientctl delete %s' "
                              "removes it"),
                            job->name, id, loc_uri);
    else if (whole == DM_STATUS_DEVICE_FULL || whole == DM_STATUS_STORAGE)
        dm_client_say_refused(job->name, whole);
    else if (say_settings(job, reply, whole) == 0)
        say_account(job, whole);
    dm_printer_complain(_("Nothing was applied."));
}

static void
print_json(const Job *job, const DmReply *reply, bool applied)
{
    g_autoptr(JsonBuilder) builder = dm_printer_json_begin();
    const DmProvisioning *document = job->document;

    dm_json_add_string(builder, "provider", document->provider_id);
    dm_json_add_string(builder, "address",
                       g_hash_table_lookup(document->account, DM_ACCOUNT_ADDRESS));
    dm_json_add_int(builder, "address_line",
                    document->addresses->len == 0 ? 0 : get_address(job, 0)->line);
    dm_json_add_bool(builder, "applied", applied);
    dm_json_add_status(builder, get_whole(job, reply));
    dm_json_add_string(builder, "certificate", job->thumbprint);
    json_builder_set_member_name(builder, "warnings");
    json_builder_begin_array(builder);
    for (guint i = 0; i < document->warnings->len; i++)
        json_builder_add_string_value(builder, document->warnings->pdata[i]);
    json_builder_end_array(builder);
    json_builder_set_member_name(builder, "settings");
    json_builder_begin_array(builder);
    for (guint i = 0; i < document->settings->len; i++) {
        const DmProvisioningSetting *setting = get_setting(job, i);

        json_builder_begin_object(builder);
        dm_json_add_int(builder, "line", setting->line);
        dm_json_add_string(builder, "parm", setting->parm);
        dm_json_add_string(builder, "loc_uri", setting->command.loc_uri);
        dm_json_add_string(builder, "data", setting->command.data);
        dm_json_add_status(builder, dm_reply_get(reply, i)->status);
        json_builder_end_object(builder);
    }
    json_builder_end_array(builder);
    dm_printer_json_end(job->printer, builder);
}

/* What each setting would do; the addresses first. */
static void
print_check(const Job *job, const DmReply *reply)
{
    for (guint i = 0; i < job->document->addresses->len; i++) {
        g_autofree char *shown =
            g_strdup_printf("%s = %s", DM_ACCOUNT_ADDRESS, get_address(job, i)->address);

        dm_printer_say(job->printer, _("line %u: %d %s: %s"), get_address(job, i)->line,
                       DM_STATUS_OK, dm_status_to_text(DM_STATUS_OK), shown);
    }
    for (guint i = 0; i < job->document->settings->len; i++) {
        const DmProvisioningSetting *setting = get_setting(job, i);
        DmStatus status = dm_reply_get(reply, i)->status;
        const char *data = setting->command.data;
        g_autofree char *shown =
            g_strdup_printf("%s%s%s", setting->command.loc_uri, data == NULL ? "" : " = ",
                            data == NULL ? "" : data);

        dm_printer_say(job->printer, _("line %u: %d %s: %s"), setting->line, (int)status,
                       dm_status_to_text(status), shown);
    }
    dm_printer_say(job->printer, _("Provider %s would be provisioned. Nothing was changed."),
                   job->document->provider_id);
}

static void
print_done(const Job *job, const DmReply *reply)
{
    guint n_taken = 0;

    for (guint i = 0; i < job->document->settings->len; i++)
        n_taken += dm_status_is_good(dm_reply_get(reply, i)->status) ? 1 : 0;

    dm_printer_say(job->printer,
                   ngettext("Provider %s is provisioned, with %u setting.",
                            "Provider %s is provisioned, with %u settings.", n_taken),
                   job->document->provider_id, n_taken);
    if (job->thumbprint != NULL)
        dm_printer_say(job->printer, _("Its certificate is %s."), job->thumbprint);
    dm_printer_say(job->printer, _("'dmclientctl status' shows how it goes on."));
}

/* The broker takes the certificate: after the check, so that a refused document leaves no key. */
static bool
import_certificate(Job *job, DmExit *ret_exit)
{
    const char *certificate = job->arguments->values[DM_OPTION_CERTIFICATE];
    g_autoptr(GError) error = NULL;

    if (certificate == NULL)
        return true;
    job->thumbprint =
        dm_import_certificate(certificate, job->arguments->values[DM_OPTION_KEY], &error);
    if (job->thumbprint == NULL) {
        *ret_exit = dm_printer_fail(job->printer, DM_EXIT_FAILURE, "%s", error->message);
        return false;
    }
    g_hash_table_replace(job->document->account, g_strdup(DM_ACCOUNT_THUMBPRINT),
                         g_strdup(job->thumbprint));
    return true;
}

/* Judges a reply and shows it: of the check alone, or of the commit. */
static DmExit
show(const Job *job, const DmReply *reply, bool committed)
{
    bool good = dm_status_is_good(get_whole(job, reply));

    if (!good)
        say_refused(job, reply);
    else
        say_settings(job, reply, DM_STATUS_OK);
    if (job->printer->json)
        print_json(job, reply, good && committed);
    else if (good && committed)
        print_done(job, reply);
    else if (good)
        print_check(job, reply);
    return good ? DM_EXIT_OK : DM_EXIT_FAILURE;
}

DmExit
dm_run_provision(const DmArguments *arguments, DmPrinter *printer)
{
    g_auto(Job) job = {.arguments = arguments, .printer = printer};
    DmExit code = DM_EXIT_OK;

    if ((arguments->values[DM_OPTION_CERTIFICATE] == NULL) !=
        (arguments->values[DM_OPTION_KEY] == NULL))
        return dm_printer_fail(printer, DM_EXIT_USAGE,
                               _("--certificate and --key belong together: give both or none"));
    job.name = dm_input_name(arguments->words[0]);
    if (!read_document(&job, &code))
        return code;
    job.client = dm_client_open(arguments, printer, &code);
    if (job.client == NULL)
        return code;

    g_autoptr(DmReply) check = call_provision(&job, DM_TREE_PROVISION_CHECK, &code);
    if (check == NULL)
        return code;
    if (arguments->values[DM_OPTION_CHECK] != NULL || !dm_status_is_good(get_whole(&job, check)))
        return show(&job, check, false);
    if (!import_certificate(&job, &code))
        return code;

    g_autoptr(DmReply) reply = call_provision(&job, 0, &code);
    return reply == NULL ? code : show(&job, reply, true);
}
