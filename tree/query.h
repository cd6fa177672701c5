/* SPDX-License-Identifier: MIT */
#pragma once

#include "tree/target.h"

/* Get, on leaves and interior nodes, and the queries of A3. */

/* How many bytes the answers of one message may hold: a message of a thousand commands that each
 * ask for everything costs memory otherwise (G7). */
#define DM_QUERY_MAX_BYTES (8 * 1024 * 1024)

/* Answers a Get of `target` with items of the last result of `reply`; the LocURI in them is as the
 * command has it (A3). `*answered` counts the bytes of the message's answers. OK, NOT_FOUND, or
 * SIZE_TOO_BIG when they would be over the cap: then nothing is added. */
DmStatus dm_query_answer(DmTransaction *transaction, const DmTarget *target,
                         const DmCommand *command, DmReply *reply, gsize *answered);
