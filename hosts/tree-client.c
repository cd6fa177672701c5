/* SPDX-License-Identifier: MIT */

#include "hosts/tree-client.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "common/paths.h"
#include "dbus/names.h"
#include "dbus/tree-call.h"
#include "hosts/peer.h"
#include "hosts/tree-wire.h"

#define MAX_ERROR 512
#define MAX_PATH 512

/* "host-", 32 hex digits. */
#define MAX_SESSION 40

/* How often a call is sent over again because the connection was lost. */
#define MAX_TRIES 3

/* What the bus takes to refuse is less. */
#define SLOW_START_MS 1000

/* Most bytes of a message of the bus daemon. */
#define MAX_BUS_MESSAGE 65536

#define DEFAULT_BUS_ADDRESS "unix:path=/var/run/dbus/system_bus_socket"

#define LIBDBUS_FILE "libdbus-1.so.3"

struct DmHostTree {
    DmPeer peer;
    int64_t uid;
    char path[MAX_PATH];       /* of the socket */
    char session[MAX_SESSION]; /* id for exactly-once */
    uint64_t message;          /* of the last one that writes */
    int64_t start_again_ms;    /* before then the bus is not asked once more */
    char error[MAX_ERROR];
};

/* -- errors --------------------------------------------------------------------------------------
 */

/* Notes the sentence, and returns the code. */
static int fail(DmHostTree *tree, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static int
fail(DmHostTree *tree, int code, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(tree->error, sizeof tree->error, format, arguments);
    va_end(arguments);
    return code;
}

/* What went wrong with the connection, in words. */
static int
fail_with(DmHostTree *tree, int code)
{
    switch (code) {
    case EACCES:
        return fail(tree, code, "%s: only root and dmclient-broker may use the tree", tree->path);
    case ETIMEDOUT:
        return fail(tree, code,
                    "%s: the tree does not answer in time: see whether dmclient-agent runs",
                    tree->path);
    case ECONNRESET:
        return fail(
            tree, code,
            "%s: the tree hangs up: it takes root and dmclient-broker only, and not many at "
            "a time",
            tree->path);
    case EINVAL:
        return fail(tree, code, "a text is not valid UTF-8 or holds a NUL, or a span is not valid");
    case EMSGSIZE:
        return fail(tree, code, "the commands are too large for one message");
    case EPROTO:
        return fail(tree, code, "%s: what answers there is not the tree", tree->path);
    case ENOMEM:
        return fail(tree, code, "out of memory");
    default:
        return fail(tree, code, "%s: system error %d", tree->path, code);
    }
}

static bool
is_nobody(int code)
{
    return code == ENOENT || code == ECONNREFUSED;
}

/* -- starting the agent --------------------------------------------------------------------------
 */

static DBusMessage *
new_bus_call(const char *method)
{
    return dbus_message_new_method_call(DBUS_SERVICE_DBUS, DBUS_PATH_DBUS, DBUS_INTERFACE_DBUS,
                                        method);
}

/* Calls the bus; where it refuses, its words into the tree's error and EPROTO. */
static int
call_bus(DmHostTree *tree, DmPeer *bus, DBusMessage *call, int64_t deadline_ms)
{
    DBusError error = DBUS_ERROR_INIT;
    DBusMessage *answer = NULL;
    int code = call != NULL ? dm_peer_call(bus, call, deadline_ms, &answer) : ENOMEM;

    if (code == 0 && dbus_set_error_from_message(&error, answer)) {
        code = fail(tree, EPROTO, "%s", error.message);
        dbus_error_free(&error);
    } else if (code != 0) {
        (void)fail(tree, code, "the system bus does not answer (system error %d)", code);
    }
    if (answer != NULL)
        dbus_message_unref(answer);
    if (call != NULL)
        dbus_message_unref(call);
    return code;
}

static int
call_start(DmHostTree *tree, DmPeer *bus, int64_t deadline_ms)
{
    DBusMessage *call = new_bus_call("StartServiceByName");
    const char *name = DM_BUS_NAME;
    dbus_uint32_t flags = 0;

    if (call != NULL && !dbus_message_append_args(call, DBUS_TYPE_STRING, &name, DBUS_TYPE_UINT32,
                                                  &flags, DBUS_TYPE_INVALID)) {
        dbus_message_unref(call);
        call = NULL;
    }
    return call_bus(tree, bus, call, deadline_ms);
}

/* Connects to one address of the bus; ENOENT if it is none that is understood here. */
static int
open_bus(DmPeer *bus, DBusAddressEntry *address, int64_t deadline_ms)
{
    const char *path = dbus_address_entry_get_value(address, "path");
    const char *abstract = dbus_address_entry_get_value(address, "abstract");
    char name[MAX_PATH];

    if (strcmp(dbus_address_entry_get_method(address), "unix") != 0)
        return ENOENT;
    if (path != NULL)
        return dm_peer_open(bus, path, MAX_BUS_MESSAGE, deadline_ms);
    if (abstract == NULL || (size_t)snprintf(name, sizeof name, "@%s", abstract) >= sizeof name)
        return ENOENT;
    return dm_peer_open(bus, name, MAX_BUS_MESSAGE, deadline_ms);
}

static int
find_bus(DmHostTree *tree, DmPeer *bus, int64_t deadline_ms)
{
    const char *address = secure_getenv("DBUS_SYSTEM_BUS_ADDRESS");
    DBusAddressEntry **entries = NULL;
    int n = 0, code = ENOENT;

    if (address == NULL || *address == '\0')
        address = DEFAULT_BUS_ADDRESS;
    if (!dbus_validate_utf8(address, NULL) || !dbus_parse_address(address, &entries, &n, NULL))
        return fail(tree, EINVAL, "DBUS_SYSTEM_BUS_ADDRESS is not an address");
    for (int i = 0; i < n && code != 0; i++)
        code = open_bus(bus, entries[i], deadline_ms);
    dbus_address_entries_free(entries);
    if (code != 0)
        return fail(tree, code, "there is no system bus (system error %d)", code);
    return 0;
}

/* Asks the bus to start the agent, which has its name when the tree is served. */
static int
start_agent(DmHostTree *tree, int64_t deadline_ms)
{
    DmPeer bus = DM_PEER_INIT;
    int code = find_bus(tree, &bus, deadline_ms);

    if (code == 0)
        code = call_bus(tree, &bus, new_bus_call("Hello"), deadline_ms);
    if (code == 0)
        code = call_start(tree, &bus, deadline_ms);
    dm_peer_close(&bus);
    return code;
}

/* -- connecting ----------------------------------------------------------------------------------
 */

static int
check_hello(DmHostTree *tree, DBusMessage *answer)
{
    DBusError error = DBUS_ERROR_INIT;
    dbus_uint32_t version = 0;
    const char *product = NULL;
    int code = 0;

    if (dbus_set_error_from_message(&error, answer)) {
        code = fail(tree, EPROTONOSUPPORT, "%s: %s", tree->path, error.message);
        dbus_error_free(&error);
    } else if (!dbus_message_get_args(answer, NULL, DBUS_TYPE_UINT32, &version, DBUS_TYPE_STRING,
                                      &product, DBUS_TYPE_INVALID)) {
        code = fail_with(tree, EPROTO);
    } else if (version != DM_TREE_VERSION) {
        code = fail(tree, EPROTONOSUPPORT,
                    "%s: speaks version %u of the tree's interface, and %d is needed", tree->path,
                    version, DM_TREE_VERSION);
    }
    return code;
}

/* Connects and says Hello; ECONNRESET is also how a server refuses a uid. */
static int
open_tree(DmHostTree *tree, int64_t deadline_ms)
{
    DBusMessage *call = NULL, *answer = NULL;
    int code = dm_tree_wire_new_hello(&call);

    if (code == 0)
        code = dm_peer_open(&tree->peer, tree->path, DM_TREE_MAX_ANSWER, deadline_ms);
    if (code == 0)
        code = dm_peer_call(&tree->peer, call, deadline_ms, &answer);
    if (code != 0) {
        (void)fail_with(tree, code);
    } else {
        code = check_hello(tree, answer);
        dbus_message_unref(answer);
        if (code != 0)
            dm_peer_close(&tree->peer);
    }
    if (call != NULL)
        dbus_message_unref(call);
    return code;
}

/* Connects, and where nobody serves the tree has the agent started first. Where that failed slowly
 * the bus is not asked again for a while: a host with many commands would wait as long for each. */
static int
connect_tree(DmHostTree *tree)
{
    int64_t now_ms = dm_peer_now_ms(), deadline_ms = now_ms + DM_HOST_START_MS;
    int code, start_code;
    char why[MAX_ERROR];

    if (tree->peer.fd >= 0)
        return 0;
    code = open_tree(tree, deadline_ms);
    if (!is_nobody(code))
        return code;
    if (now_ms < tree->start_again_ms)
        return fail(tree, code,
                    "%s: nobody serves the tree, and the system bus could not start it just now: "
                    "start dmclient-agent, or name its socket (" DM_ENV_SOCKET ")",
                    tree->path);
    start_code = start_agent(tree, deadline_ms);
    if (start_code == 0)
        code = open_tree(tree, deadline_ms);
    if (code == 0)
        return 0;
    if (dm_peer_now_ms() - now_ms > SLOW_START_MS)
        tree->start_again_ms = dm_peer_now_ms() + DM_HOST_START_MS;
    if (!is_nobody(code))
        return code;
    (void)snprintf(why, sizeof why, "%s",
                   start_code != 0 ? tree->error : "it runs, and serves another socket");
    return fail(tree, code,
                "%.200s: nobody serves the tree, and the system bus could not start it (%.150s): "
                "start dmclient-agent, or name its socket (" DM_ENV_SOCKET ")",
                tree->path, why);
}

/* -- calls ---------------------------------------------------------------------------------------
 */

/* Sends `call`, again where the connection is lost: the caller has seen to it that this is safe. */
static int
call_tree(DmHostTree *tree, DBusMessage *call, DBusMessage **ret_answer)
{
    int code = ECONNRESET;

    for (int i = 0; i < MAX_TRIES && code == ECONNRESET; i++) {
        code = connect_tree(tree);
        if (code != 0)
            continue;
        code = dm_peer_call(&tree->peer, call, dm_peer_now_ms() + DM_HOST_CALL_MS, ret_answer);
        if (code != 0)
            (void)fail_with(tree, code);
    }
    return code;
}

/* EPROTO and the tree's own sentence where it refused the call. */
static int
check_answer(DmHostTree *tree, DBusMessage *answer)
{
    DBusError error = DBUS_ERROR_INIT;

    if (!dbus_set_error_from_message(&error, answer))
        return 0;
    (void)fail(tree, EPROTO, "%s: the tree refuses: %s", tree->path, error.message);
    dbus_error_free(&error);
    return EPROTO;
}

static bool
only_reads(const DmCommand *commands, size_t n_commands)
{
    for (size_t i = 0; i < n_commands; i++) {
        if (commands[i].verb != DM_VERB_GET)
            return false;
    }
    return true;
}

static int
apply(DmHostTree *tree, const char *session, uint64_t message, const DmCommand *commands,
      size_t n_commands, DmHostReply *ret_reply)
{
    DBusMessage *call = NULL, *answer = NULL;
    int code = dm_tree_wire_new_apply(session, message, tree->uid, commands, n_commands, &call);

    if (code != 0)
        return fail_with(tree, code);
    code = call_tree(tree, call, &answer);
    dbus_message_unref(call);
    if (code != 0)
        return code;
    code = check_answer(tree, answer);
    if (code == 0) {
        code = dm_tree_wire_read_reply(answer, n_commands, ret_reply);
        if (code != 0)
            (void)fail_with(tree, code);
    }
    dbus_message_unref(answer);
    return code;
}

int
dm_host_tree_apply(DmHostTree *tree, const DmCommand *commands, size_t n_commands,
                   DmHostReply *ret_reply)
{
    if (only_reads(commands, n_commands))
        return apply(tree, "", 0, commands, n_commands, ret_reply);
    return apply(tree, tree->session, ++tree->message, commands, n_commands, ret_reply);
}

int
dm_host_tree_apply_once(DmHostTree *tree, const char *session, const DmCommand *commands,
                        size_t n_commands, DmHostReply *ret_reply)
{
    return apply(tree, session, 1, commands, n_commands, ret_reply);
}

int
dm_host_tree_report_outcome(DmHostTree *tree, const char *provider, bool is_user,
                            const char *loc_uri, DmStatus status, const char *reason)
{
    DBusMessage *call = NULL, *answer = NULL;
    int code =
        dm_tree_wire_new_report(provider, is_user ? tree->uid : -1, loc_uri, status, reason, &call);

    if (code != 0)
        return fail_with(tree, code);
    /* The last outcome stands: to report it twice is to report it once. */
    code = call_tree(tree, call, &answer);
    dbus_message_unref(call);
    if (code != 0)
        return code;
    code = check_answer(tree, answer);
    dbus_message_unref(answer);
    return code;
}

const char *
dm_host_tree_get_error(const DmHostTree *tree)
{
    return tree->error;
}

/* -- life ----------------------------------------------------------------------------------------
 */

/* libdbus keeps messages for the next use and never frees them at the end: unloaded with a module
 * it would lose them, each time. Does nothing where it is linked into the process for good. */
static void
keep_libdbus(void)
{
    void *file = dlopen(LIBDBUS_FILE, RTLD_NOW | RTLD_NOLOAD | RTLD_NODELETE);

    if (file != NULL)
        (void)dlclose(file);
}

/* An id that no other client ever has. */
static int
make_session(char session[MAX_SESSION])
{
    unsigned char random[16];
    size_t size;

    if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random)
        return -1;
    size = (size_t)snprintf(session, MAX_SESSION, "host-");
    for (size_t i = 0; i < sizeof random; i++)
        size += (size_t)snprintf(session + size, MAX_SESSION - size, "%02x", random[i]);
    return 0;
}

DmHostTree *
dm_host_tree_new(int64_t uid)
{
    const char *path = secure_getenv(DM_ENV_SOCKET);
    DmHostTree *tree = calloc(1, sizeof *tree);

    if (tree == NULL)
        return NULL;
    tree->peer = (DmPeer)DM_PEER_INIT;
    tree->uid = uid;
    if (path == NULL || *path == '\0')
        path = DM_DEFAULT_SOCKET;
    (void)snprintf(tree->path, sizeof tree->path, "%s", path);
    if (make_session(tree->session) < 0) {
        free(tree);
        return NULL;
    }
    keep_libdbus();
    return tree;
}

void
dm_host_tree_free(DmHostTree *tree)
{
    if (tree == NULL)
        return;
    dm_peer_close(&tree->peer);
    free(tree);
}

const char *
dm_host_format_to_name(DmFormat format)
{
    static const char *const names[] = {
        [DM_FORMAT_CHR] = "chr",   [DM_FORMAT_INT] = "int",     [DM_FORMAT_BOOL] = "bool",
        [DM_FORMAT_NODE] = "node", [DM_FORMAT_NULL] = "null",   [DM_FORMAT_B64] = "b64",
        [DM_FORMAT_XML] = "xml",   [DM_FORMAT_FLOAT] = "float", [DM_FORMAT_DATE] = "date",
        [DM_FORMAT_TIME] = "time",
    };

    return names[format];
}
