/* SPDX-License-Identifier: MIT */
#pragma once

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* What a module may not change in the process that it is loaded into, and may not leave behind. */

/* What the process holds. */
typedef struct {
    size_t bytes; /* on the heap */
    size_t n_descriptors;
    size_t n_mappings; /* of shared objects */
} Footprint;

Footprint guest_measure(void);

/* Whether nothing has grown; otherwise says so on standard error. */
bool guest_compare_footprints(const Footprint *before, const Footprint *after);

/* What the process is like. */
typedef struct {
    void (*handlers[NSIG])(int);
    int flags[NSIG];
    sigset_t mask;
    mode_t umask;
    char locale[256];
    char directory[256];
    size_t n_threads;
    size_t n_variables;
    off_t printed; /* to standard output, a file */
} Process;

Process guest_look(void);

/* Whether nothing has changed; otherwise says so on standard error. */
bool guest_compare(const Process *before, const Process *after);
