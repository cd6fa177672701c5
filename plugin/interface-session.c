/* SPDX-License-Identifier: MIT */
#include "dbus/names.h"
#include "plugin/interface.h"

/* ….Session on each provider of the device tree: how the sessions with its server go. */

static bool
is_on(const DmObject *object)
{
    return object->node == DM_NODE_PROVIDER && object->scope == DM_SCOPE_DEVICE;
}

static void
load(const DmTree *tree, const DmObject *object, DmState *state)
{
    state->session = dm_session_get_info(object->provider);
}

static void
append_state(DmBody *body, const DmProperty *property, const void *data)
{
    const DmState *state = data;

    dm_body_append_text(body, dm_session_state_to_name(state->session.state));
}

#define TEXT(name, field)                                                                          \
    {                                                                                              \
        name, "s", DM_READ_PUBLIC, DM_EMITS_VALUE, G_STRUCT_OFFSET(DmState, session.field),        \
            dm_property_append_text                                                                \
    }
#define TIME(name, field)                                                                          \
    {                                                                                              \
        name, "t", DM_READ_PUBLIC, DM_EMITS_VALUE, G_STRUCT_OFFSET(DmState, session.field),        \
            dm_property_append_time                                                                \
    }

static const DmProperty properties[] = {
    {"State", "s", DM_READ_PUBLIC, DM_EMITS_VALUE, 0, append_state},
    TIME("LastAttempt", last_attempt_us),
    TIME("LastSuccess", last_success_us),
    TIME("NextScheduled", next_us),
    TEXT("LastError", last_error),
    TEXT("LastErrorMessage", last_error_message),
    TEXT("Origin", origin),
    TIME("CertificateExpires", certificate_expires_us),
    TEXT("ServerHost", server_host),
    TIME("UnenrollDeadline", unenroll_deadline_us),
    {NULL},
};

const DmInterface dm_interface_session = {
    .name = DM_BUS_INTERFACE_SESSION,
    .is_on = is_on,
    .properties = properties,
    .load = load,
    .is_own = true,
};
