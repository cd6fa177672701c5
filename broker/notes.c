/* SPDX-License-Identifier: MIT */

#include "broker/notes.h"

#define MAX_JOURNAL_COMMANDS 256 /* of one message */

typedef struct {
    DmTally *tally;
    DmJournal *journal;
    const char *provider;
    guint n;
} Noting;

static void
note_command(DmVerb verb, const char *loc_uri, DmStatus status, gpointer data)
{
    Noting *noting = data;

    dm_tally_add(noting->tally, verb, status);
    if (noting->n++ < MAX_JOURNAL_COMMANDS)
        dm_journal_add_command(noting->journal, noting->provider,
                               verb == DM_VERB_NONE ? "no command" : dm_verb_to_name(verb), loc_uri,
                               (guint)status);
}

void
dm_notes_add(const DmAnswer *answer, const DmReply *reply, DmTally *tally, DmJournal *journal,
             const char *provider)
{
    Noting noting = {tally, journal, provider, 0};

    dm_answer_visit(answer, reply, note_command, &noting);
    if (noting.n > MAX_JOURNAL_COMMANDS)
        dm_journal_add(journal, provider, "  and %u commands more",
                       noting.n - MAX_JOURNAL_COMMANDS);
}
