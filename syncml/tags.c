/* SPDX-License-Identifier: MIT */

#include "syncml/tags.h"

#include <string.h>

/* A perfect hash: first, middle and last byte and the size tell all names apart, and this factor,
 * found by search, sends each to a slot of its own. test-reader looks every name up; a new name
 * that lands on a taken slot does not compile (-Woverride-init), and asks for another factor. */
#define HASH_FACTOR 0xb73b6063u
#define HASH_BITS 7

static const DmTagInfo none = {"", 0, DM_TAG_NONE, DM_VERB_NONE};

static const DmTagInfo slots[1 << HASH_BITS] = {
    [1] = {"Target", 6, DM_TAG_TARGET, DM_VERB_NONE},
    [4] = {"Copy", 4, DM_TAG_COPY, DM_VERB_COPY},
    [6] = {"Cmd", 3, DM_TAG_CMD, DM_VERB_NONE},
    [10] = {"Get", 3, DM_TAG_GET, DM_VERB_GET},
    [11] = {"Meta", 4, DM_TAG_META, DM_VERB_NONE},
    [25] = {"Source", 6, DM_TAG_SOURCE, DM_VERB_NONE},
    [27] = {"Final", 5, DM_TAG_FINAL, DM_VERB_NONE},
    [28] = {"LocName", 7, DM_TAG_LOC_NAME, DM_VERB_NONE},
    [29] = {"Put", 3, DM_TAG_PUT, DM_VERB_PUT},
    [31] = {"VerDTD", 6, DM_TAG_VER_DTD, DM_VERB_NONE},
    [32] = {"SourceRef", 9, DM_TAG_SOURCE_REF, DM_VERB_NONE},
    [33] = {"Item", 4, DM_TAG_ITEM, DM_VERB_NONE},
    [35] = {"Size", 4, DM_TAG_SIZE, DM_VERB_NONE},
    [38] = {"SyncML", 6, DM_TAG_SYNCML, DM_VERB_NONE},
    [41] = {"Search", 6, DM_TAG_SEARCH, DM_VERB_SEARCH},
    [46] = {"SyncBody", 8, DM_TAG_SYNC_BODY, DM_VERB_NONE},
    [48] = {"Format", 6, DM_TAG_FORMAT, DM_VERB_NONE},
    [49] = {"Mark", 4, DM_TAG_MARK, DM_VERB_NONE},
    [51] = {"Atomic", 6, DM_TAG_ATOMIC, DM_VERB_ATOMIC},
    [54] = {"NextNonce", 9, DM_TAG_NEXT_NONCE, DM_VERB_NONE},
    [55] = {"TargetRef", 9, DM_TAG_TARGET_REF, DM_VERB_NONE},
    [56] = {"Delete", 6, DM_TAG_DELETE, DM_VERB_DELETE},
    [60] = {"Replace", 7, DM_TAG_REPLACE, DM_VERB_REPLACE},
    [63] = {"MoreData", 8, DM_TAG_MORE_DATA, DM_VERB_NONE},
    [67] = {"Add", 3, DM_TAG_ADD, DM_VERB_ADD},
    [68] = {"MsgID", 5, DM_TAG_MSG_ID, DM_VERB_NONE},
    [71] = {"Alert", 5, DM_TAG_ALERT, DM_VERB_ALERT},
    [74] = {"Cred", 4, DM_TAG_CRED, DM_VERB_NONE},
    [75] = {"MaxObjSize", 10, DM_TAG_MAX_OBJ_SIZE, DM_VERB_NONE},
    [81] = {"Exec", 4, DM_TAG_EXEC, DM_VERB_EXEC},
    [82] = {"Data", 4, DM_TAG_DATA, DM_VERB_NONE},
    [84] = {"Chal", 4, DM_TAG_CHAL, DM_VERB_NONE},
    [86] = {"Type", 4, DM_TAG_TYPE, DM_VERB_NONE},
    [87] = {"CmdID", 5, DM_TAG_CMD_ID, DM_VERB_NONE},
    [89] = {"CmdRef", 6, DM_TAG_CMD_REF, DM_VERB_NONE},
    [94] = {"Sync", 4, DM_TAG_SYNC, DM_VERB_SYNC},
    [95] = {"NoResp", 6, DM_TAG_NO_RESP, DM_VERB_NONE},
    [98] = {"MetInf", 6, DM_TAG_MET_INF, DM_VERB_NONE},
    [101] = {"Correlator", 10, DM_TAG_CORRELATOR, DM_VERB_NONE},
    [106] = {"Results", 7, DM_TAG_RESULTS, DM_VERB_RESULTS},
    [108] = {"SessionID", 9, DM_TAG_SESSION_ID, DM_VERB_NONE},
    [109] = {"MsgRef", 6, DM_TAG_MSG_REF, DM_VERB_NONE},
    [110] = {"RespURI", 7, DM_TAG_RESP_URI, DM_VERB_NONE},
    [112] = {"VerProto", 8, DM_TAG_VER_PROTO, DM_VERB_NONE},
    [114] = {"MaxMsgSize", 10, DM_TAG_MAX_MSG_SIZE, DM_VERB_NONE},
    [117] = {"LocURI", 6, DM_TAG_LOC_URI, DM_VERB_NONE},
    [119] = {"Status", 6, DM_TAG_STATUS, DM_VERB_STATUS},
    [120] = {"Map", 3, DM_TAG_MAP, DM_VERB_MAP},
    [122] = {"Sequence", 8, DM_TAG_SEQUENCE, DM_VERB_SEQUENCE},
    [127] = {"SyncHdr", 7, DM_TAG_SYNC_HDR, DM_VERB_NONE},
};

const DmTagInfo *
dm_tag_find(const char *name)
{
    gsize size = strlen(name);
    const DmTagInfo *info;
    guint32 key;

    if (size == 0)
        return &none;
    key = (guint32)(guchar)name[0] | (guint32)(guchar)name[size / 2] << 8 |
          (guint32)(guchar)name[size - 1] << 16 | (guint32)size << 24;
    info = &slots[(guint32)(key * HASH_FACTOR) >> (32 - HASH_BITS)];
    if (info->size != size || memcmp(info->name, name, size) != 0)
        return &none;
    return info;
}
