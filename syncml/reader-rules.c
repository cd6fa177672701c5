/* SPDX-License-Identifier: MIT */

#include "syncml/reader-rules.h"

#include "syncml/message.h"

#define TEXT(kind, type, field) STATE_TEXT, KIND_##kind, offsetof(type, field)
#define FLAG(state, type, field) state, KIND_FLAG, offsetof(type, field)
#define PLAIN(state) state, KIND_NONE, 0

/* MetInf is the DTD's wrapper, which hardly anyone sends. */
const Rule dm_reader_rules[STATE_N][DM_TAG_N] =
    {
        [STATE_HEADER] =
            {
                [DM_TAG_VER_DTD] = {TEXT(TRIM, DmHeader, ver_dtd)},
                [DM_TAG_VER_PROTO] = {TEXT(TRIM, DmHeader, ver_proto)},
                [DM_TAG_SESSION_ID] = {TEXT(ID, DmHeader, session_id)},
                [DM_TAG_MSG_ID] = {TEXT(ID, DmHeader, msg_id)},
                [DM_TAG_TARGET] = {PLAIN(STATE_HEADER_TARGET)},
                [DM_TAG_SOURCE] = {PLAIN(STATE_HEADER_SOURCE)},
                [DM_TAG_RESP_URI] = {TEXT(TRIM, DmHeader, resp_uri)},
                [DM_TAG_NO_RESP] = {FLAG(STATE_SKIP, DmHeader, no_resp)},
                [DM_TAG_CRED] = {FLAG(STATE_CRED, DmHeader, cred.present)},
                [DM_TAG_META] = {PLAIN(STATE_HEADER_META)},
            },
        [STATE_HEADER_TARGET] =
            {
                [DM_TAG_LOC_URI] = {TEXT(TRIM, DmHeader, target_uri)},
                [DM_TAG_LOC_NAME] = {TEXT(TRIM, DmHeader, target_name)},
            },
        [STATE_HEADER_SOURCE] =
            {
                [DM_TAG_LOC_URI] = {TEXT(TRIM, DmHeader, source_uri)},
                [DM_TAG_LOC_NAME] = {TEXT(TRIM, DmHeader, source_name)},
            },
        [STATE_HEADER_META] =
            {
                [DM_TAG_MET_INF] = {PLAIN(STATE_HEADER_META)},
                [DM_TAG_MAX_MSG_SIZE] = {TEXT(INT, DmHeader, max_msg_size)},
                [DM_TAG_MAX_OBJ_SIZE] = {TEXT(INT, DmHeader, max_obj_size)},
            },
        [STATE_CRED] =
            {
                [DM_TAG_META] = {PLAIN(STATE_CRED_META)},
                [DM_TAG_DATA] = {TEXT(TRIM, DmHeader, cred.data)},
            },
        [STATE_CRED_META] =
            {
                [DM_TAG_MET_INF] = {PLAIN(STATE_CRED_META)},
                [DM_TAG_FORMAT] = {TEXT(TRIM, DmHeader, cred.format)},
                [DM_TAG_TYPE] = {TEXT(TRIM, DmHeader, cred.type)},
            },
        [STATE_CONTAINER] =
            {
                [DM_TAG_CMD_ID] = {TEXT(ID, DmElement, cmd_id)},
                [DM_TAG_NO_RESP] = {FLAG(STATE_SKIP, DmElement, no_resp)},
            },
        [STATE_COMMAND] =
            {
                [DM_TAG_CMD_ID] = {TEXT(ID, DmElement, cmd_id)},
                [DM_TAG_NO_RESP] = {FLAG(STATE_SKIP, DmElement, no_resp)},
                [DM_TAG_MSG_REF] = {TEXT(ID, DmElement, msg_ref)},
                [DM_TAG_CMD_REF] = {TEXT(ID, DmElement, cmd_ref)},
                [DM_TAG_CMD] = {TEXT(TRIM, DmElement, cmd)},
                [DM_TAG_TARGET_REF] = {TEXT(REF, DmElement, target_refs)},
                [DM_TAG_SOURCE_REF] = {TEXT(REF, DmElement, source_refs)},
                [DM_TAG_CHAL] = {FLAG(STATE_CHAL, DmElement, chal.present)},
                [DM_TAG_DATA] = {TEXT(TRIM, DmElement, data)},
                [DM_TAG_CORRELATOR] = {TEXT(TEXT, DmElement, correlator)},
                [DM_TAG_META] = {PLAIN(STATE_COMMAND_META)},
                [DM_TAG_ITEM] = {STATE_ITEM, KIND_ITEM, 0},
            },
        [STATE_COMMAND_META] =
            {
                [DM_TAG_MET_INF] = {PLAIN(STATE_COMMAND_META)},
                [DM_TAG_FORMAT] = {TEXT(TRIM, CommandMeta, format)},
                [DM_TAG_TYPE] = {TEXT(TRIM, CommandMeta, type)},
                [DM_TAG_SIZE] = {TEXT(INT, CommandMeta, size)},
            },
        [STATE_CHAL] = {[DM_TAG_META] = {PLAIN(STATE_CHAL_META)}},
        [STATE_CHAL_META] =
            {
                [DM_TAG_MET_INF] = {PLAIN(STATE_CHAL_META)},
                [DM_TAG_FORMAT] = {TEXT(TRIM, DmElement, chal.format)},
                [DM_TAG_TYPE] = {TEXT(TRIM, DmElement, chal.type)},
                [DM_TAG_NEXT_NONCE] = {TEXT(TRIM, DmElement, chal.next_nonce)},
            },
        [STATE_ITEM] =
            {
                [DM_TAG_TARGET] = {PLAIN(STATE_ITEM_TARGET)},
                [DM_TAG_SOURCE] = {PLAIN(STATE_ITEM_SOURCE)},
                [DM_TAG_META] = {PLAIN(STATE_ITEM_META)},
                [DM_TAG_DATA] = {TEXT(DATA, DmItem, data)},
                [DM_TAG_MORE_DATA] = {FLAG(STATE_SKIP, DmItem, more_data)},
            },
        [STATE_ITEM_TARGET] =
            {
                [DM_TAG_LOC_URI] = {TEXT(TRIM, DmItem, target_uri)},
                [DM_TAG_LOC_NAME] = {TEXT(TRIM, DmItem, target_name)},
            },
        [STATE_ITEM_SOURCE] =
            {
                [DM_TAG_LOC_URI] = {TEXT(TRIM, DmItem, source_uri)},
                [DM_TAG_LOC_NAME] = {TEXT(TRIM, DmItem, source_name)},
            },
        [STATE_ITEM_META] =
            {
                [DM_TAG_MET_INF] = {PLAIN(STATE_ITEM_META)},
                [DM_TAG_FORMAT] = {TEXT(TRIM, DmItem, format)},
                [DM_TAG_TYPE] = {TEXT(TRIM, DmItem, type)},
                [DM_TAG_MARK] = {TEXT(TRIM, DmItem, mark)},
                [DM_TAG_SIZE] = {TEXT(INT, DmItem, size)},
            },
};

const guint8 dm_reader_places[STATE_N] = {
    [STATE_CONTAINER] = PLACE_ELEMENT,
    [STATE_COMMAND] = PLACE_ELEMENT,
    [STATE_CHAL] = PLACE_ELEMENT,
    [STATE_CHAL_META] = PLACE_ELEMENT,
    [STATE_COMMAND_META] = PLACE_COMMAND_META,
    [STATE_ITEM] = PLACE_ITEM,
    [STATE_ITEM_TARGET] = PLACE_ITEM,
    [STATE_ITEM_SOURCE] = PLACE_ITEM,
    [STATE_ITEM_META] = PLACE_ITEM,
};
