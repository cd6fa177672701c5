/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "syncml/message.h"

/* Writes SyncML 1.2 in DTD order, namespace SYNCML:SYNCML1.2 at the root and syncml:metinf at
 * Meta's children, text escaped. CmdIDs count up by themselves. Text given must be valid
 * (dm_text_is_valid). */
typedef struct DmWriter DmWriter;

DmWriter *dm_writer_new(void);
void dm_writer_free(DmWriter *writer);

/* Opens SyncML, writes the header, opens SyncBody; the first CmdID will be `first_cmd_id`. Without
 * it (a SyncBody of its own): dm_writer_begin_body(). */
void dm_writer_begin(DmWriter *writer, const DmHeader *header, guint first_cmd_id);
void dm_writer_begin_body(DmWriter *writer, guint first_cmd_id);

/* A Status for command `cmd` with CmdID `cmd_ref` ("" if it had none) of message `msg_ref`;
 * `target_refs` and `chal` may be NULL. */
void dm_writer_status(DmWriter *writer, const char *msg_ref, const char *cmd_ref, const char *cmd,
                      const char *const *target_refs, gsize n_target_refs,
                      const DmAuthElement *chal, unsigned code);

/* A Results with `n_items` items. Format is written unless chr. */
void dm_writer_results(DmWriter *writer, const char *msg_ref, const char *cmd_ref,
                       const DmResultItem *items, gsize n_items);

/* The same in steps, when the items do not stand in one array; at least one item. */
void dm_writer_begin_results(DmWriter *writer, const char *msg_ref, const char *cmd_ref);
void dm_writer_add_results(DmWriter *writer, const DmResultItem *items, gsize n_items);
void dm_writer_end_results(DmWriter *writer);

/* An item of it whose data is `size` bytes from `offset` on. `total` not negative: the size of the
 * whole, for Meta. `has_more`: with MoreData. */
void dm_writer_add_results_chunk(DmWriter *writer, const DmResultItem *item, gsize offset,
                                 gsize size, gint64 total, bool has_more);

/* How many bytes at the beginning of `text` are whole characters that take at most `limit` bytes
 * when they are written. */
gsize dm_writer_fit_text(const char *text, gsize size, gsize limit);

/* An Alert with `code` and one item, or none when `item` is NULL. */
void dm_writer_alert(DmWriter *writer, unsigned code, const DmItem *item);

/* A Replace of the device's own (DevInfo): `n_items` items with source_uri and data. */
void dm_writer_replace(DmWriter *writer, const DmItem *items, gsize n_items);

/* The element as it was read, with its own CmdID, refs and items: for round trips and tests. Atomic
 * and Sequence with what is inside them. */
void dm_writer_element(DmWriter *writer, const DmMessage *message, gsize index);

/* Bytes written so far: what a server's MaxMsgSize is held against. */
gsize dm_writer_get_size(const DmWriter *writer);

/* Where a writer is, to go back to. */
typedef struct {
    gsize size;
    guint cmd_id;
} DmWriterMark;

DmWriterMark dm_writer_get_mark(const DmWriter *writer);

/* Takes back what was written since, inside the same body. */
void dm_writer_go_back(DmWriter *writer, DmWriterMark mark);

/* Closes everything, with Final before if `final`, and returns the bytes. The writer is empty then.
 */
GBytes *dm_writer_end(DmWriter *writer, bool final);

/* A whole message (or fragment, as a SyncBody) back to bytes. */
GBytes *dm_writer_write_message(const DmMessage *message);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(DmWriter, dm_writer_free)
