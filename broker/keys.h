/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "broker/key.h"
#include "common/paths.h"

/* Certificates and keys of the enrolments: PEM files by thumbprint (SHA-256 of the certificate,
 * lower-case hex) in the broker's directory, 0700 with files 0600 (design section 2, security.md
 * section 4). */

#define DM_KEYS_DEFAULT_DIRECTORY DM_DEFAULT_KEY_DIR
#define DM_KEYS_MAX_BYTES 65536

/* A certificate, with those of its chain behind it, and its key: PEM. The key is wiped on free. */
typedef struct {
    GBytes *certificate;
    GBytes *key;
    DmKey *private_key; /* the two of them, to sign and decrypt with */
    gint64 expires_us;  /* µs since the epoch */
} DmKeyPair;

void dm_key_pair_clear(DmKeyPair *pair);

/* Puts a certificate's file (PEM or DER) and its key into `directory`, made 0700 if absent: key
 * first, each on disk before it has its name. `key` is a file (likewise, not encrypted), or leads
 * to a key in a token (broker/token.h: a URI, or a file in TSS2 PEM), which stays there: what is
 * kept is what leads to it. `*ret_thumbprint` is for g_free(). Only their time changes when they
 * are there already. False and DM_ERROR: CERTIFICATE (unreadable, not what they should be, or not a
 * pair; the message names the file), DENIED (the directory), FULL, STORAGE. */
bool dm_keys_import(const char *directory, const char *certificate_path, const char *key,
                    char **ret_thumbprint, GError **error);

/* Loads the pair of `thumbprint`. False and DM_ERROR: CERTIFICATE (absent, readable by others, not
 * a pair; the message names the file and the next step), DENIED (the directory). */
bool dm_keys_load(const char *directory, const char *thumbprint, DmKeyPair *ret_pair,
                  GError **error);

/* Removes the pair of `thumbprint`, if its files are from before `before_us` (µs since the epoch;
 * an import counts): those that came later belong to another enrolment. True too if there is none.
 * False and DM_ERROR: CERTIFICATE (no thumbprint), DENIED, STORAGE. */
bool dm_keys_remove(const char *directory, const char *thumbprint, gint64 before_us,
                    GError **error);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(DmKeyPair, dm_key_pair_clear)
