/* SPDX-License-Identifier: MIT */

#include "tests/hosts/osconfig-client.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CLIENT "Azure OSConfig 5;1.0.5"

struct Worker {
    const Module *module;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    Job *job; /* that waits or is done now */
    bool is_over;
};

static bool
find(const Module *module, const char *name, void *ret_function)
{
    void *function = dlsym(module->file, name);

    if (function == NULL)
        (void)fprintf(stderr, "%s\n", dlerror());
    memcpy(ret_function, &function, sizeof function);
    return function != NULL;
}

bool
module_load(Module *module, const char *path)
{
    module->file = dlopen(path, RTLD_NOW);
    if (module->file == NULL) {
        (void)fprintf(stderr, "%s\n", dlerror());
        return false;
    }
    return find(module, "MmiGetInfo", &module->get_info) &&
           find(module, "MmiOpen", &module->open) && find(module, "MmiClose", &module->close) &&
           find(module, "MmiSet", &module->set) && find(module, "MmiGet", &module->get) &&
           find(module, "MmiFree", &module->free);
}

bool
module_unload(Module *module, const char *path)
{
    (void)dlclose(module->file);
    module->file = NULL;
    return dlopen(path, RTLD_LAZY | RTLD_NOLOAD) == NULL;
}

static void
check_answer(const Job *job)
{
    bool is_good = job->error == 0 ? job->answer != NULL && job->answer_bytes > 0 &&
                                         strlen(job->answer) == (size_t)job->answer_bytes
                                   : job->answer == NULL && job->answer_bytes == 0;

    if (is_good)
        return;
    (void)fprintf(stderr, "MmiGet %s: error %d, payload %p, %d bytes\n", job->object, job->error,
                  (void *)job->answer, job->answer_bytes);
    abort();
}

static void
run(const Module *module, Job *job)
{
    switch (job->kind) {
    case JOB_OPEN:
        job->session = module->open(CLIENT, job->max_bytes);
        break;
    case JOB_SET:
        job->error = module->set(job->session, job->component, job->object, job->payload,
                                 job->payload_bytes);
        break;
    case JOB_GET:
        /* What is there before is no answer. */
        job->answer = (char *)job;
        job->answer_bytes = -1;
        job->error = module->get(job->session, job->component, job->object, &job->answer,
                                 &job->answer_bytes);
        check_answer(job);
        break;
    }
}

static void *
work(void *data)
{
    Worker *worker = data;

    (void)pthread_mutex_lock(&worker->lock);
    while (!worker->is_over) {
        if (worker->job != NULL) {
            run(worker->module, worker->job);
            worker->job = NULL;
            (void)pthread_cond_broadcast(&worker->changed);
        } else {
            (void)pthread_cond_wait(&worker->changed, &worker->lock);
        }
    }
    (void)pthread_mutex_unlock(&worker->lock);
    return NULL;
}

Worker *
worker_new(const Module *module)
{
    Worker *worker = calloc(1, sizeof *worker);

    if (worker == NULL)
        abort();
    worker->module = module;
    (void)pthread_mutex_init(&worker->lock, NULL);
    (void)pthread_cond_init(&worker->changed, NULL);
    if (pthread_create(&worker->thread, NULL, work, worker) != 0)
        abort();
    return worker;
}

void
worker_free(Worker *worker)
{
    (void)pthread_mutex_lock(&worker->lock);
    worker->is_over = true;
    (void)pthread_cond_broadcast(&worker->changed);
    (void)pthread_mutex_unlock(&worker->lock);
    (void)pthread_join(worker->thread, NULL);
    (void)pthread_cond_destroy(&worker->changed);
    (void)pthread_mutex_destroy(&worker->lock);
    free(worker);
}

void
worker_do(Worker *worker, Job *job)
{
    (void)pthread_mutex_lock(&worker->lock);
    worker->job = job;
    (void)pthread_cond_broadcast(&worker->changed);
    while (worker->job != NULL)
        (void)pthread_cond_wait(&worker->changed, &worker->lock);
    (void)pthread_mutex_unlock(&worker->lock);
}
