/* SPDX-License-Identifier: MIT */

/* dmclient-omadm.so and its siblings: the tree as a management object of an OMA-DM client. Built
 * once for each base, DM_OMADM_BASE, since a host takes one subtree from a file, and the loader one
 * file from an inode. Everything is the tree's own answer; nothing is kept here. */

#include "hosts/omadm.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/uri.h"
#include "dbus/tree-call.h"
#include "hosts/tree-client.h"

/* Where a user's tree is served: whose it is, a uid; anything else is nobody's. Without it the
 * host's own user's, if that is not root: a host does not say in whose session it runs. */
#define ENV_UID "DMCLIENT_UID"
#define USER_PREFIX "./User/"

/* Below it come providers: whose the commands on them are. */
#define PROVIDERS "/Provider/"

/* Everyone everything: who may what is the tree's to say, by its statuses. Add comes last: hosts
 * cut the list at the entry they look for, and then miss those after it. */
#define ACL "Get=*&Replace=*&Delete=*&Exec=*&Add=*"

/* Text that no value may hold (V7), in the place of text that cannot be sent: the tree refuses it
 * with the code that belongs there, after whatever else is wrong with the command. */
#define NOT_TEXT "\x01"
#define NOT_FORMAT "?"

/* Most bytes of a URI that are looked at; longer than any that the tree takes (A1). */
#define MAX_URI 8192

/* -- statuses ------------------------------------------------------------------------------------
 */

/* 200 is 0; all others are the server's business. */
static int
code_of(DmStatus status)
{
    return status == DM_STATUS_OK ? 0 : (int)status;
}

/* For want of the tree: 503 may be tried again, the others not. */
static int
code_of_errno(int error)
{
    switch (error) {
    case EACCES:
        return DM_STATUS_PERMISSION_DENIED;
    case EINVAL:
        return DM_STATUS_BAD_REQUEST;
    case EMSGSIZE:
        return DM_STATUS_TOO_LARGE;
    case ENOENT:
    case ECONNREFUSED:
    case ECONNRESET:
    case ETIMEDOUT:
        return DM_STATUS_UNAVAILABLE;
    default:
        return DM_STATUS_FAILED;
    }
}

/* -- what the host says --------------------------------------------------------------------------
 */

/* 0, or what is wrong with a URI before the tree is asked. */
static int
check_uri(const char *uri)
{
    if (uri == NULL)
        return DM_STATUS_BAD_REQUEST;
    if (strnlen(uri, MAX_URI + 1) > MAX_URI)
        return DM_STATUS_URI_TOO_LONG;
    return dbus_validate_utf8(uri, NULL) ? 0 : DM_STATUS_BAD_REQUEST;
}

static char *
copy_bytes(const char *bytes, size_t size)
{
    char *copy = malloc(size + 1);

    if (copy != NULL) {
        memcpy(copy, bytes, size);
        copy[size] = '\0';
    }
    return copy;
}

/* Data of a command: a copy with a NUL, or what the tree will refuse; NULL is none. */
static int
copy_data(const char *data, size_t size, char **ret_copy)
{
    char *copy = NULL;

    if (data != NULL && size > DM_TREE_MAX_CALL)
        return DM_STATUS_TOO_LARGE;
    if (data != NULL) {
        copy = copy_bytes(data, size);
        if (copy == NULL)
            return DM_STATUS_FAILED;
        if (memchr(copy, '\0', size) != NULL || !dbus_validate_utf8(copy, NULL)) {
            free(copy);
            copy = copy_bytes(NOT_TEXT, strlen(NOT_TEXT));
            if (copy == NULL)
                return DM_STATUS_FAILED;
        }
    }
    *ret_copy = copy;
    return 0;
}

/* -- one command ---------------------------------------------------------------------------------
 */

/* Runs one command; its status, or what stands for it where the tree cannot be had. Without
 * `ret_reply` nobody wants to see more. */
static int
run(DmHostTree *tree, const DmCommand *command, DmHostReply *ret_reply)
{
    DmHostReply reply = {0};
    int error = dm_host_tree_apply(tree, command, 1, &reply);
    int status;

    if (error != 0)
        return code_of_errno(error);
    status = (int)reply.results[0].status;
    if (ret_reply != NULL)
        *ret_reply = reply;
    else
        dm_host_reply_clear(&reply);
    return status;
}

/* Reads a node: 200 and a reply with one item, or another status and none. */
static int
get(DmHostTree *tree, const char *uri, DmHostReply *ret_reply)
{
    const DmCommand command = {.verb = DM_VERB_GET, .loc_uri = uri};
    DmHostReply reply = {0};
    int status = run(tree, &command, &reply);

    if (status == DM_STATUS_OK && reply.results[0].n_items == 1) {
        *ret_reply = reply;
        return status;
    }
    dm_host_reply_clear(&reply);
    return status == DM_STATUS_OK ? DM_STATUS_FAILED : status;
}

/* -- outcomes ------------------------------------------------------------------------------------
 */

static int
from_hex(char digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    if (digit >= 'a' && digit <= 'f')
        return digit - 'a' + 10;
    return digit >= 'A' && digit <= 'F' ? digit - 'A' + 10 : -1;
}

/* Decodes `size` bytes of a URI's segment (A2) in place of `room`; false if it is none. */
static bool
decode_segment(const char *segment, size_t size, char *buffer, size_t room)
{
    size_t n = 0;

    for (size_t i = 0; i < size; i++) {
        int high, low;

        if (n + 1 >= room)
            return false;
        if (segment[i] != '%') {
            buffer[n++] = segment[i];
            continue;
        }
        if (size - i < 3)
            return false;
        high = from_hex(segment[i + 1]);
        low = from_hex(segment[i + 2]);
        if (high < 0 || low < 0 || high + low == 0)
            return false;
        buffer[n++] = (char)(high * 16 + low);
        i += 2;
    }
    buffer[n] = '\0';
    return n > 0 && dbus_validate_utf8(buffer, NULL);
}

/* Tells the provider below which a server has set or run something how that went (F6): it may wait
 * for it. The tree sees it only of its own sessions. Nothing depends on whether it was heard, so a
 * tree that cannot be had is not waited for once more. */
static void
report(DmHostTree *tree, const char *uri, int status)
{
    char provider[DM_URI_MAX_BYTES + 1];
    const char *segment;

    if (status == DM_STATUS_UNAVAILABLE ||
        strncmp(uri, DM_OMADM_BASE PROVIDERS, strlen(DM_OMADM_BASE PROVIDERS)) != 0)
        return;
    segment = uri + strlen(DM_OMADM_BASE PROVIDERS);
    if (decode_segment(segment, strcspn(segment, "/?"), provider, sizeof provider))
        (void)dm_host_tree_report_outcome(
            tree, provider, strncmp(DM_OMADM_BASE, USER_PREFIX, strlen(USER_PREFIX)) == 0, uri,
            (DmStatus)status, "");
}

/* -- the callbacks -------------------------------------------------------------------------------
 */

static int64_t
find_uid(void)
{
    const char *text = secure_getenv(ENV_UID);
    unsigned long uid;
    char *end;

    if (text == NULL)
        return getuid() != 0 ? (int64_t)getuid() : -1;
    if (!isdigit((unsigned char)*text))
        return -1;
    errno = 0;
    uid = strtoul(text, &end, 10);
    return errno == 0 && *end == '\0' && uid < UINT32_MAX ? (int64_t)uid : -1;
}

/* Connects to nothing yet: where the tree cannot be had its commands fail, and not the session. */
static int
on_init(void **data)
{
    DmHostTree *tree;

    if (data == NULL)
        return DM_STATUS_FAILED;
    tree = dm_host_tree_new(find_uid());
    *data = tree;
    return tree != NULL ? 0 : DM_STATUS_FAILED;
}

static void
on_close(void *data)
{
    dm_host_tree_free(data);
}

/* Whether a leaf that is not set could be: for Replace its parent is enough (V2), and hosts refuse
 * to replace what is not there. A format that there is not comes to be refused after row, verb and
 * parent have been found good, and before anything is changed. */
static int
ask_replace(DmHostTree *tree, const char *uri)
{
    const DmCommand command = {
        .verb = DM_VERB_REPLACE, .loc_uri = uri, .format = NOT_FORMAT, .data = ""};

    return run(tree, &command, NULL);
}

static int
on_is_node(const char *uri, omadmtree_node_kind_t *kind, void *data)
{
    DmHostReply reply = {0};
    int status = check_uri(uri);

    if (data == NULL || kind == NULL)
        return DM_STATUS_FAILED;
    if (status != 0)
        return status;
    status = get(data, uri, &reply);
    if (status == DM_STATUS_OK) {
        *kind = reply.results[0].items[0].format == DM_FORMAT_NODE ? OMADM_NODE_IS_INTERIOR
                                                                   : OMADM_NODE_IS_LEAF;
        dm_host_reply_clear(&reply);
        return 0;
    }
    if (status != DM_STATUS_NOT_FOUND)
        return status;
    *kind =
        ask_replace(data, uri) == DM_STATUS_BAD_FORMAT ? OMADM_NODE_IS_LEAF : OMADM_NODE_NOT_EXIST;
    return 0;
}

/* The tree has no name as a kind of management object. */
static int
on_find_urn(const char *urn, char ***uris, void *data)
{
    if (uris != NULL)
        *uris = NULL;
    return DM_STATUS_NOT_FOUND;
}

/* Fills the node; false, and nothing in it, without memory. */
static bool
fill_node(dmtree_node_t *node, const DmResultItem *item)
{
    char *format = strdup(dm_host_format_to_name(item->format));
    char *buffer = copy_bytes(item->data != NULL ? item->data : "", item->data_size);
    char *type = item->format != DM_FORMAT_NODE ? strdup("text/plain") : NULL;

    if (format == NULL || buffer == NULL || (type == NULL && item->format != DM_FORMAT_NODE)) {
        free(format);
        free(buffer);
        free(type);
        return false;
    }
    node->format = format;
    node->type = type;
    node->data_buffer = buffer;
    node->data_size = (unsigned int)item->data_size;
    return true;
}

static int
on_get(dmtree_node_t *node, void *data)
{
    DmHostReply reply = {0};
    int status;

    if (data == NULL || node == NULL)
        return DM_STATUS_FAILED;
    status = check_uri(node->uri);
    if (status != 0)
        return status;
    status = get(data, node->uri, &reply);
    if (status != DM_STATUS_OK)
        return status;
    if (!fill_node(node, &reply.results[0].items[0]))
        status = DM_STATUS_FAILED;
    dm_host_reply_clear(&reply);
    return code_of((DmStatus)status);
}

/* The verb is not told. Data make it a Replace, which creates a leaf too (V2); where Replace is not
 * allowed it may have been an Add, and only that: an Add of what is there says what Replace said.
 */
static int
set(DmHostTree *tree, DmCommand *command)
{
    int status, added;

    command->verb = command->data != NULL ? DM_VERB_REPLACE : DM_VERB_ADD;
    status = run(tree, command, NULL);
    if (command->verb == DM_VERB_ADD || status != DM_STATUS_NOT_ALLOWED)
        return status;
    command->verb = DM_VERB_ADD;
    added = run(tree, command, NULL);
    return added == DM_STATUS_EXISTS ? status : added;
}

static int
on_set(const dmtree_node_t *node, void *data)
{
    DmCommand command = {0};
    char *copy = NULL;
    int status;

    if (data == NULL || node == NULL)
        return DM_STATUS_FAILED;
    status = check_uri(node->uri);
    if (status == 0)
        status = copy_data(node->data_buffer, node->data_size, &copy);
    if (status != 0)
        return status;
    command.loc_uri = node->uri;
    command.format = node->format;
    if (node->format != NULL &&
        (strnlen(node->format, MAX_URI) == MAX_URI || !dbus_validate_utf8(node->format, NULL)))
        command.format = NOT_FORMAT;
    command.data = copy;
    command.data_size = copy != NULL ? strlen(copy) : 0;
    status = set(data, &command);
    free(copy);
    report(data, node->uri, status);
    return code_of((DmStatus)status);
}

static int
on_get_acl(const char *uri, char **acl, void *data)
{
    if (acl == NULL)
        return DM_STATUS_FAILED;
    *acl = strdup(ACL);
    return *acl != NULL ? 0 : DM_STATUS_FAILED;
}

/* Accepted, and of no effect: hosts set one after an Add, and fail the Add where that fails. */
static int
on_set_acl(const char *uri, const char *acl, void *data)
{
    return 0;
}

/* No node has a name that may change. */
static int
on_rename(const char *from, const char *to, void *data)
{
    return DM_STATUS_NOT_ALLOWED;
}

static int
on_delete(const char *uri, void *data)
{
    const DmCommand command = {.verb = DM_VERB_DELETE, .loc_uri = uri};
    int status = check_uri(uri);

    if (data == NULL)
        return DM_STATUS_FAILED;
    if (status == 0)
        status = run(data, &command, NULL);
    return status != 0 ? code_of((DmStatus)status) : 0;
}

static int
on_exec(const char *uri, const char *data, const char *correlator, void *priv)
{
    DmCommand command = {.verb = DM_VERB_EXEC, .loc_uri = uri};
    char *copy = NULL;
    int status = check_uri(uri);

    if (priv == NULL)
        return DM_STATUS_FAILED;
    if (status == 0)
        status = copy_data(data, data != NULL ? strnlen(data, DM_TREE_MAX_CALL + 1) : 0, &copy);
    if (status != 0)
        return status;
    command.data = copy;
    command.data_size = copy != NULL ? strlen(copy) : 0;
    status = run(priv, &command, NULL);
    free(copy);
    report(priv, uri, status);
    return code_of((DmStatus)status);
}

__attribute__((visibility("default"))) omadm_mo_interface_t *
omadm_get_mo_interface(void)
{
    omadm_mo_interface_t *interface = malloc(sizeof *interface);
    char *base_uri = strdup(DM_OMADM_BASE);

    if (interface == NULL || base_uri == NULL) {
        free(interface);
        free(base_uri);
        return NULL;
    }
    *interface = (omadm_mo_interface_t){
        .base_uri = base_uri,
        .initFunc = on_init,
        .closeFunc = on_close,
        .isNodeFunc = on_is_node,
        .findURNFunc = on_find_urn,
        .getFunc = on_get,
        .setFunc = on_set,
        .getACLFunc = on_get_acl,
        .setACLFunc = on_set_acl,
        .renameFunc = on_rename,
        .deleteFunc = on_delete,
        .execFunc = on_exec,
    };
    return interface;
}
