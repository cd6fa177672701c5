/* SPDX-License-Identifier: MIT */
#include "cli/client.h"
#include "cli/input.h"
#include "cli/run.h"
#include "common/i18n.h"
#include "syncml/answer.h"
#include "syncml/reader.h"
#include "syncml/writer.h"

/* The SyncHdr's Status of a message with a header; a fragment has none. */
#define HEADER_STATUS 200

static DmMessage *
read_message(const char *path, DmPrinter *printer, DmExit *ret_exit)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GString) bytes = dm_input_read(path, DM_MESSAGE_MAX_BYTES, &error);
    DmMessage *message = NULL;

    if (bytes == NULL) {
        *ret_exit = dm_printer_fail(printer, DM_EXIT_FAILURE, "%s", error->message);
        return NULL;
    }
    message = dm_reader_parse(bytes->str, bytes->len, DM_READ_FRAGMENT, &error);
    if (message == NULL)
        *ret_exit = dm_printer_fail(printer, DM_EXIT_FAILURE, "%s: %s", dm_input_name(path),
                                    error->message);
    return message;
}

/* Sends the batch as one message of a session of its own: a resend never meets another's reply. */
static DmReply *
send_batch(const DmArguments *arguments, const DmCommand *batch, gsize n_batch, DmPrinter *printer,
           DmExit *ret_exit)
{
    g_autofree char *session = g_uuid_string_random();

    return dm_client_apply(arguments, session, arguments->values[DM_OPTION_SERVER], batch, n_batch,
                           printer, ret_exit);
}

static GBytes *
write_answer(const DmMessage *message, const DmAnswer *answer, const DmReply *reply)
{
    g_autoptr(DmWriter) writer = dm_writer_new();
    const DmHeader *header = &message->header;
    const char *msg_ref = header->present && header->msg_id != NULL ? header->msg_id : "1";

    dm_writer_begin_body(writer, 1);
    dm_answer_write(answer, reply, msg_ref, header->present ? HEADER_STATUS : 0, writer);
    return dm_writer_end(writer, message->final);
}

/* The answer with one element a line. Outside tags the writer puts no markup and no white space
 * between elements, so that a break between two tags changes no text. */
static GString *
indent(GBytes *answer)
{
    gsize size = 0;
    const char *bytes = g_bytes_get_data(answer, &size);
    GString *out = g_string_new(NULL);
    guint depth = 0;
    bool after_open = false;

    for (gsize i = 0; i < size; i++) {
        bool is_close = bytes[i] == '<' && i + 1 < size && bytes[i + 1] == '/';

        if (bytes[i] == '<') {
            depth -= is_close && depth > 0 ? 1 : 0;
            if (i > 0 && bytes[i - 1] == '>' && !(is_close && after_open))
                g_string_append_printf(out, "\n%*s", (int)(2 * depth), "");
            after_open = !is_close;
            depth += is_close ? 0 : 1;
        }
        g_string_append_c(out, bytes[i]);
        if (bytes[i] == '>' && i > 0 && bytes[i - 1] == '/' && after_open) {
            after_open = false;
            depth--;
        }
    }
    g_string_append_c(out, '\n');
    return out;
}

static void
print_json(DmPrinter *printer, const DmCommand *batch, gsize n_batch, const DmReply *reply,
           const char *syncml)
{
    g_autoptr(JsonBuilder) builder = dm_printer_json_begin();

    dm_json_add_string(builder, "syncml", syncml);
    json_builder_set_member_name(builder, "results");
    json_builder_begin_array(builder);
    for (gsize i = 0; i < n_batch; i++) {
        json_builder_begin_object(builder);
        dm_json_add_string(builder, "command", dm_verb_to_name(batch[i].verb));
        dm_json_add_string(builder, "loc_uri", batch[i].loc_uri);
        dm_json_add_status(builder, dm_reply_get(reply, i)->status);
        json_builder_end_object(builder);
    }
    json_builder_end_array(builder);
    dm_printer_json_end(printer, builder);
}

DmExit
dm_run_apply(const DmArguments *arguments, DmPrinter *printer)
{
    DmExit code = DM_EXIT_OK;
    const char *path = arguments->words[0];
    g_autoptr(DmMessage) message = read_message(path, printer, &code);
    gsize n_batch = 0;

    if (message == NULL)
        return code;
    g_autoptr(DmAnswer) answer = dm_answer_new(message);
    if (!dm_answer_has_commands(answer))
        return dm_printer_fail(printer, DM_EXIT_NOTHING, _("%s: holds no command: nothing to do"),
                               dm_input_name(path));

    const DmCommand *batch = dm_answer_get_batch(answer, &n_batch);
    g_autoptr(DmReply) reply = send_batch(arguments, batch, n_batch, printer, &code);
    if (reply == NULL)
        return code;

    g_autoptr(GBytes) bytes = write_answer(message, answer, reply);
    g_autoptr(GString) syncml = indent(bytes);
    if (printer->json)
        print_json(printer, batch, n_batch, reply, syncml->str);
    else
        dm_printer_raw(printer, syncml->str, syncml->len);

    gsize n_failures = dm_answer_count_failures(answer, reply);
    if (n_failures == 0)
        return DM_EXIT_OK;
    dm_printer_warn(_("%s: %zu of its commands did not succeed; the Status of each "
                      "says why"),
                    dm_input_name(path), n_failures);
    return DM_EXIT_FAILURE;
}
