/* SPDX-License-Identifier: MIT */

#include "tests/hosts/omadm-client.h"

#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define OK 200
#define NOT_FOUND 404
#define NOT_ALLOWED 405
#define EXISTS 418
#define DENIED 425
#define FAILED 500

/* -- the session ---------------------------------------------------------------------------------
 */

static void
free_interface(omadm_mo_interface_t *interface)
{
    if (interface == NULL)
        return;
    free(interface->base_uri);
    free(interface);
}

static bool
open_object(ClientObject *object, const char *path)
{
    omadm_mo_interface_t *(*get)(void);

    *object = (ClientObject){.file = dlopen(path, RTLD_LAZY)};
    if (object->file == NULL) {
        (void)fprintf(stderr, "%s\n", dlerror());
        return false;
    }
    *(void **)&get = dlsym(object->file, "omadm_get_mo_interface");
    object->interface = get != NULL ? get() : NULL;
    if (object->interface == NULL || object->interface->base_uri == NULL ||
        (object->interface->initFunc != NULL && object->interface->initFunc(&object->data) != 0)) {
        (void)fprintf(stderr, "%s: no interface\n", path);
        free_interface(object->interface);
        (void)dlclose(object->file);
        return false;
    }
    return true;
}

bool
client_open(Client *client, const char *const *files, size_t n_files)
{
    *client = (Client){.blind = client->blind};
    for (size_t i = 0; i < n_files && i < CLIENT_MAX_FILES; i++) {
        if (!open_object(&client->objects[i], files[i])) {
            client_close(client);
            return false;
        }
        client->n_objects++;
    }
    return true;
}

void
client_close(Client *client)
{
    for (size_t i = 0; i < client->n_objects; i++) {
        ClientObject *object = &client->objects[i];

        if (object->interface == NULL)
            continue;
        if (object->interface->closeFunc != NULL)
            object->interface->closeFunc(object->data);
        free_interface(object->interface);
        (void)dlclose(object->file);
    }
    client->n_objects = 0;
}

/* The object whose subtree the URI is in; NULL: none. */
static const ClientObject *
find_object(const Client *client, const char *uri)
{
    for (size_t i = 0; i < client->n_objects; i++) {
        const char *base = client->objects[i].interface->base_uri;
        size_t size = strlen(base);

        if (strncmp(uri, base, size) == 0 && (uri[size] == '\0' || uri[size] == '/'))
            return &client->objects[i];
    }
    return NULL;
}

/* -- rights --------------------------------------------------------------------------------------
 */

/* The list in force for a node: its own, or of the next above it that has one. */
static int
find_acl(const ClientObject *object, const char *uri, char **ret_acl)
{
    char *at = strdup(uri);
    int status = 0;

    *ret_acl = NULL;
    while (status == 0 && *ret_acl == NULL && at != NULL && *at != '\0') {
        char *slash;

        if (object->interface->getACLFunc == NULL)
            status = NOT_ALLOWED;
        else
            status = object->interface->getACLFunc(at, ret_acl, object->data);
        slash = strrchr(at, '/');
        if (slash != NULL)
            *slash = '\0';
        else
            *at = '\0';
    }
    free(at);
    if (status == 0 && *ret_acl == NULL)
        status = FAILED;
    return status;
}

/* Whether the list gives everyone the command; cuts the list behind that command's entry. */
static int
check_acl(char *acl, const char *command)
{
    char *entry = acl != NULL ? strstr(acl, command) : NULL;
    char *end;

    if (entry == NULL)
        return DENIED;
    entry += strlen(command);
    end = strchr(entry, '&');
    if (end != NULL)
        *end = '\0';
    return strcmp(entry, "*") == 0 ? 0 : DENIED;
}

static int
check_rights(const ClientObject *object, const char *uri, const char *command)
{
    char *acl = NULL;
    int status = find_acl(object, uri, &acl);

    if (status == 0)
        status = check_acl(acl, command);
    free(acl);
    return status;
}

/* -- commands ------------------------------------------------------------------------------------
 */

static int
code_of(int status)
{
    return status == 0 ? OK : status;
}

/* The object, and how the node stands; NULL and a status if that cannot be found out. */
static const ClientObject *
look(const Client *client, const char *uri, omadmtree_node_kind_t *ret_kind, int *ret_status)
{
    const ClientObject *object = find_object(client, uri);

    if (object == NULL)
        *ret_status = NOT_FOUND;
    else if (object->interface->isNodeFunc == NULL)
        *ret_status = NOT_ALLOWED;
    else
        *ret_status = object->interface->isNodeFunc(uri, ret_kind, object->data);
    return *ret_status == 0 ? object : NULL;
}

/* The same of a node that has to be there, and to allow the command. */
static const ClientObject *
look_for(const Client *client, const char *uri, const char *command, int *ret_status)
{
    omadmtree_node_kind_t kind = OMADM_NODE_NOT_EXIST;
    const ClientObject *object;

    if (client->blind) {
        object = find_object(client, uri);
        *ret_status = object != NULL ? 0 : NOT_FOUND;
        return object;
    }
    object = look(client, uri, &kind, ret_status);
    if (object != NULL && kind == OMADM_NODE_NOT_EXIST)
        *ret_status = NOT_FOUND;
    else if (object != NULL)
        *ret_status = check_rights(object, uri, command);
    return *ret_status == 0 ? object : NULL;
}

ClientAnswer
client_get(Client *client, const char *uri)
{
    ClientAnswer answer = {0};
    const ClientObject *object = look_for(client, uri, "Get=", &answer.status);
    dmtree_node_t node = {.uri = (char *)uri};

    if (object == NULL)
        return answer;
    if (object->interface->getFunc == NULL)
        answer.status = NOT_ALLOWED;
    else
        answer.status = code_of(object->interface->getFunc(&node, object->data));
    free(node.type);
    answer.format = node.format;
    answer.data = node.data_buffer;
    answer.data_size = node.data_size;
    if (answer.status == OK && node.format == NULL)
        abort();
    return answer;
}

void
client_answer_clear(ClientAnswer *answer)
{
    free(answer->format);
    free(answer->data);
    *answer = (ClientAnswer){0};
}

/* Hands data over at the very end of readable memory. */
static int
set(const ClientObject *object, const char *uri, const char *format, const char *data, size_t size)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t room = (size + page - 1) / page * page;
    dmtree_node_t node = {.uri = (char *)uri, .format = (char *)format};
    char *memory = NULL;
    int status;

    if (object->interface->setFunc == NULL)
        return NOT_ALLOWED;
    if (data != NULL) {
        memory =
            mmap(NULL, room + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (memory == MAP_FAILED || mprotect(memory + room, page, PROT_NONE) != 0)
            abort();
        node.data_buffer = memory + room - size;
        node.data_size = (unsigned int)size;
        memcpy(node.data_buffer, data, size);
    }
    status = object->interface->setFunc(&node, object->data);
    if (memory != NULL)
        (void)munmap(memory, room + page);
    return code_of(status);
}

/* What is done about rights on a node that has been added. */
static int
give_rights(const ClientObject *object, const char *uri, char *acl)
{
    if (check_acl(acl, "Replace=") == 0)
        return OK;
    if (object->interface->setACLFunc == NULL)
        return NOT_ALLOWED;
    return code_of(
        object->interface->setACLFunc(uri, "Get=*&Add=s&Delete=s&Replace=s", object->data));
}

static int
add_with_look(Client *client, const char *uri, const char *format, const char *data, size_t size)
{
    omadmtree_node_kind_t kind = OMADM_NODE_NOT_EXIST;
    int status = 0;
    const ClientObject *object = look(client, uri, &kind, &status);
    char *parent = strdup(uri), *acl = NULL;
    const char *slash = parent != NULL ? strrchr(parent, '/') : NULL;

    if (object != NULL && kind != OMADM_NODE_NOT_EXIST)
        status = EXISTS;
    if (status == 0 && slash != NULL) {
        parent[slash - parent] = '\0';
        (void)look(client, parent, &kind, &status);
        if (status == 0 && kind != OMADM_NODE_IS_INTERIOR)
            status = NOT_FOUND;
    }
    if (status == 0)
        status = find_acl(object, parent, &acl);
    if (status == 0)
        status = check_acl(acl, "Add=");
    if (status == 0)
        status = set(object, uri, format, data, size);
    /* In the list that is cut now: where Replace was behind Add, it is not seen any more. */
    if (status == OK)
        status = give_rights(object, uri, acl);
    free(acl);
    free(parent);
    return status;
}

int
client_add(Client *client, const char *uri, const char *format, const char *data, size_t size)
{
    const ClientObject *object;

    if (!client->blind)
        return add_with_look(client, uri, format, data, size);
    object = find_object(client, uri);
    return object != NULL ? set(object, uri, format, data, size) : NOT_FOUND;
}

int
client_replace(Client *client, const char *uri, const char *format, const char *data, size_t size)
{
    int status = FAILED;
    const ClientObject *object;

    if (data == NULL)
        return status;
    object = look_for(client, uri, "Replace=", &status);
    return object != NULL ? set(object, uri, format, data, size) : status;
}

int
client_delete(Client *client, const char *uri)
{
    int status = 0;
    const ClientObject *object = look_for(client, uri, "Delete=", &status);

    if (object == NULL)
        return status;
    if (object->interface->deleteFunc == NULL)
        return NOT_ALLOWED;
    return code_of(object->interface->deleteFunc(uri, object->data));
}

int
client_exec(Client *client, const char *uri, const char *data)
{
    int status = 0;
    const ClientObject *object = look_for(client, uri, "Exec=", &status);

    if (object == NULL)
        return status;
    if (object->interface->execFunc == NULL)
        return NOT_ALLOWED;
    return code_of(object->interface->execFunc(uri, data, "correlator", object->data));
}
