/* SPDX-License-Identifier: MIT */

#include "tests/hosts/guest.h"

#include <dirent.h>
#include <locale.h>
#include <malloc.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* What may have been allocated for good meanwhile, however often something was done: less than the
 * least allocation each time. */
#define MAX_GROWTH 4096

/* Of AddressSanitizer, where it is there: it answers mallinfo2() with nothing. */
extern size_t __sanitizer_get_current_allocated_bytes(void) __attribute__((weak));
extern char **environ;

static size_t
count_entries(const char *path)
{
    DIR *directory = opendir(path);
    size_t n = 0;

    while (directory != NULL && readdir(directory) != NULL)
        n++;
    if (directory != NULL)
        (void)closedir(directory);
    return n;
}

static size_t
count_mappings(void)
{
    FILE *maps = fopen("/proc/self/maps", "re");
    char line[4096];
    size_t n = 0;

    while (maps != NULL && fgets(line, sizeof line, maps) != NULL)
        n += strstr(line, ".so") != NULL;
    if (maps != NULL)
        (void)fclose(maps);
    return n;
}

Footprint
guest_measure(void)
{
    Footprint footprint = {.n_descriptors = count_entries("/proc/self/fd"),
                           .n_mappings = count_mappings()};

    if (__sanitizer_get_current_allocated_bytes != NULL)
        footprint.bytes = __sanitizer_get_current_allocated_bytes();
    else
        footprint.bytes = mallinfo2().uordblks;
    return footprint;
}

bool
guest_compare_footprints(const Footprint *before, const Footprint *after)
{
    if (after->bytes <= before->bytes + MAX_GROWTH &&
        after->n_descriptors == before->n_descriptors && after->n_mappings == before->n_mappings)
        return true;
    (void)fprintf(stderr,
                  "bytes %zu, then %zu; descriptors %zu, then %zu; mappings %zu, then %zu\n",
                  before->bytes, after->bytes, before->n_descriptors, after->n_descriptors,
                  before->n_mappings, after->n_mappings);
    return false;
}

Process
guest_look(void)
{
    Process process;
    struct stat status;

    memset(&process, 0, sizeof process);
    for (int i = 1; i < NSIG; i++) {
        struct sigaction action = {.sa_handler = SIG_DFL};

        (void)sigaction(i, NULL, &action);
        process.handlers[i] = action.sa_handler;
        process.flags[i] = action.sa_flags;
    }
    (void)pthread_sigmask(SIG_BLOCK, NULL, &process.mask);
    process.umask = umask(022);
    (void)umask(process.umask);
    (void)snprintf(process.locale, sizeof process.locale, "%s", setlocale(LC_ALL, NULL));
    if (getcwd(process.directory, sizeof process.directory) == NULL)
        process.directory[0] = '\0';
    process.n_threads = count_entries("/proc/self/task");
    while (environ[process.n_variables] != NULL)
        process.n_variables++;
    if (fstat(STDOUT_FILENO, &status) == 0 && S_ISREG(status.st_mode))
        process.printed = status.st_size;
    return process;
}

bool
guest_compare(const Process *before, const Process *after)
{
    if (memcmp(before, after, sizeof *before) == 0)
        return true;
    (void)fprintf(stderr, "the process is another: threads %zu, %zu; locale %s, %s; umask %o, %o\n",
                  before->n_threads, after->n_threads, before->locale, after->locale,
                  (unsigned)before->umask, (unsigned)after->umask);
    return false;
}
