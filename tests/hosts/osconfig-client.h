/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

/* What OSConfig does with a module, written from the description of its interface: loads it with
 * RTLD_NOW, frees payloads with free(), takes GetInfo's for a C string, opens, gets and sets on a
 * thread of its own and closes and unloads on the one that loaded. */

typedef struct {
    void *file;
    int (*get_info)(const char *client, char **payload, int *payload_bytes);
    void *(*open)(const char *client, const unsigned int max_payload_bytes);
    void (*close)(void *session);
    int (*set)(void *session, const char *component, const char *object, const char *payload,
               const int payload_bytes);
    int (*get)(void *session, const char *component, const char *object, char **payload,
               int *payload_bytes);
    void (*free)(char *payload);
} Module;

/* False, and a line on standard error: it cannot be loaded, or lacks one of the six functions. */
bool module_load(Module *module, const char *path);

/* False: it stays in memory. */
bool module_unload(Module *module, const char *path);

typedef enum { JOB_OPEN, JOB_SET, JOB_GET } JobKind;

/* A call that the worker makes. */
typedef struct {
    JobKind kind;
    void *session;
    unsigned max_bytes;
    const char *component, *object;
    const char *payload; /* of a set */
    int payload_bytes;
    int error;
    char *answer; /* of a get, for free() */
    int answer_bytes;
} Job;

typedef struct Worker Worker;

/* A thread that calls the module. Ends the program where there is none. */
Worker *worker_new(const Module *module);
void worker_free(Worker *worker);

/* Has the job done, and waits for it. Ends the program with a line where the module breaks what the
 * interface says of answers. */
void worker_do(Worker *worker, Job *job);
