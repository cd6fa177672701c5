/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "hosts/omadm.h"

/* An OMA-DM client as far as its management objects see it: loads files, frames a DM session,
 * checks rights along the tree as libdmclient does, and carries out one command at a time. Written
 * from what is known of that host, not from the module. */

#define CLIENT_MAX_FILES 8

typedef struct {
    void *file;
    omadm_mo_interface_t *interface;
    void *data;
} ClientObject;

typedef struct {
    ClientObject objects[CLIENT_MAX_FILES];
    size_t n_objects;
    bool blind; /* does not look whether a node is there before it acts, nor at rights */
} Client;

/* What came of a command: status, and of a Get the node's fields, malloc'd. */
typedef struct {
    int status;
    char *format;
    char *data;
    size_t data_size;
} ClientAnswer;

/* Begins a DM session: loads each file, asks for its interface, and calls initFunc. False, with a
 * word on standard error, if that cannot be done. */
bool client_open(Client *client, const char *const *files, size_t n_files);

/* Ends it: closeFunc, what the module gave freed, the file unloaded. */
void client_close(Client *client);

/* Commands of a server; strings are NUL-terminated, data are `size` bytes, which the module gets
 * with nothing readable after them; NULL: none. */
ClientAnswer client_get(Client *client, const char *uri);
int client_add(Client *client, const char *uri, const char *format, const char *data, size_t size);
int client_replace(Client *client, const char *uri, const char *format, const char *data,
                   size_t size);
int client_delete(Client *client, const char *uri);
int client_exec(Client *client, const char *uri, const char *data);

void client_answer_clear(ClientAnswer *answer);
