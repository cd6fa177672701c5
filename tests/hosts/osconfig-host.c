/* SPDX-License-Identifier: MIT */

/* OSConfig for tests. `serve FILE [LIBRARY…]` loads the module, other libraries for everybody
 * before it, and makes the calls that come on standard input, each a line of words, payloads in hex
 * ("-" none at all):
 *
 *     info | open MAX | close SESSION | set SESSION COMPONENT OBJECT PAYLOAD [BYTES] |
 *     get SESSION COMPONENT OBJECT
 *
 * and answers each with a line: the error or session, and a payload in hex. The other ways to call
 * it check one thing each and say on standard error what is wrong. */

#include <ctype.h>
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/hosts/guest.h"
#include "tests/hosts/osconfig-client.h"

#define COMPONENT "DMClient"
#define MAX_WORDS 6

/* Cycles before the first look at memory. */
#define WARM_UP 50

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            (void)fprintf(stderr, "line %d: not so: %s\n", __LINE__, #condition);                  \
            bad++;                                                                                 \
        }                                                                                          \
    } while (0)

/* -- serving -------------------------------------------------------------------------------------
 */

static void *
to_session(const char *word)
{
    return (void *)(uintptr_t)strtoull(word, NULL, 10);
}

static unsigned
from_hex(char digit)
{
    return (unsigned)(isdigit((unsigned char)digit) ? digit - '0' : digit - 'a' + 10);
}

/* The bytes of a payload in memory of exactly their size: nothing behind them may be read. */
static char *
decode(const char *word, int *ret_size)
{
    size_t size = strlen(word) / 2;
    char *bytes;

    *ret_size = 0;
    if (strcmp(word, "-") == 0)
        return NULL;
    bytes = malloc(size > 0 ? size : 1);
    if (bytes == NULL)
        abort();
    for (size_t i = 0; i < size; i++)
        bytes[i] = (char)(from_hex(word[2 * i]) * 16 + from_hex(word[2 * i + 1]));
    *ret_size = (int)size;
    return bytes;
}

static void
print_payload(int error, const char *payload)
{
    printf("%d ", error);
    for (const char *at = payload; at != NULL && *at != '\0'; at++)
        printf("%02x", (unsigned char)*at);
}

static void
serve_set(Worker *worker, char **words, size_t n_words)
{
    int size;
    char *payload = decode(words[4], &size);
    Job job = {.kind = JOB_SET,
               .session = to_session(words[1]),
               .component = words[2],
               .object = words[3],
               .payload = payload,
               .payload_bytes = n_words > 5 ? (int)strtol(words[5], NULL, 10) : size};

    worker_do(worker, &job);
    printf("%d ", job.error);
    free(payload);
}

static void
serve_info(const Module *module)
{
    char *payload = NULL;
    int size = 0, error = module->get_info("OSConfig", &payload, &size);

    print_payload(error, payload);
    printf(" %d", size);
    free(payload);
}

static void
serve_line(const Module *module, Worker *worker, char **words, size_t n_words)
{
    Job job = {.kind = JOB_OPEN};

    if (n_words == 1 && strcmp(words[0], "info") == 0) {
        serve_info(module);
    } else if (n_words == 2 && strcmp(words[0], "open") == 0) {
        job.max_bytes = (unsigned)strtoul(words[1], NULL, 10);
        worker_do(worker, &job);
        printf("%ju ", (uintmax_t)(uintptr_t)job.session);
    } else if (n_words == 2 && strcmp(words[0], "close") == 0) {
        module->close(to_session(words[1]));
        printf("0 ");
    } else if (n_words >= 5 && strcmp(words[0], "set") == 0) {
        serve_set(worker, words, n_words);
    } else if (n_words == 4 && strcmp(words[0], "get") == 0) {
        job = (Job){.kind = JOB_GET,
                    .session = to_session(words[1]),
                    .component = words[2],
                    .object = words[3]};
        worker_do(worker, &job);
        print_payload(job.error, job.answer);
        free(job.answer);
    } else {
        printf("? ");
    }
    putchar('\n');
    (void)fflush(stdout);
}

static int
run_serve(const char *path, char **libraries, int n_libraries)
{
    Module module = {0};
    Worker *worker;
    char *line = NULL;
    size_t room = 0;

    for (int i = 0; i < n_libraries; i++) {
        if (dlopen(libraries[i], RTLD_NOW | RTLD_GLOBAL) == NULL) {
            (void)fprintf(stderr, "%s\n", dlerror());
            return 1;
        }
    }
    if (!module_load(&module, path))
        return 1;
    worker = worker_new(&module);
    while (getline(&line, &room, stdin) > 0) {
        char *words[MAX_WORDS] = {0}, *rest = line, *word;
        size_t n = 0;

        while (n < MAX_WORDS && (word = strtok_r(rest, " \n", &rest)) != NULL)
            words[n++] = word;
        serve_line(&module, worker, words, n);
    }
    free(line);
    worker_free(worker);
    return module_unload(&module, path) ? 0 : 1;
}

/* -- using it ------------------------------------------------------------------------------------
 */

static int
set(Worker *worker, void *session, const char *object, const char *payload)
{
    Job job = {.kind = JOB_SET,
               .session = session,
               .component = COMPONENT,
               .object = object,
               .payload = payload,
               .payload_bytes = (int)strlen(payload)};

    worker_do(worker, &job);
    return job.error;
}

/* Whether the object can be read, and has `wanted` in it. */
static bool
get_has(Worker *worker, void *session, const char *object, const char *wanted)
{
    Job job = {.kind = JOB_GET, .session = session, .component = COMPONENT, .object = object};
    bool has;

    worker_do(worker, &job);
    has = job.error == 0 && strstr(job.answer, wanted) != NULL;
    free(job.answer);
    return has;
}

/* One load: two sessions that read, write and are refused; one is closed while there is another. */
static int
use(const char *path, unsigned number)
{
    Module module = {0};
    Job first = {.kind = JOB_OPEN}, second = {.kind = JOB_OPEN, .max_bytes = 10};
    Worker *worker;
    char payload[256], wanted[64];
    int bad = 0;

    if (!module_load(&module, path))
        return 1;
    worker = worker_new(&module);
    worker_do(worker, &first);
    worker_do(worker, &second);
    CHECK(first.session != NULL && second.session != NULL && first.session != second.session);
    (void)snprintf(wanted, sizeof wanted, "\"upn\":\"user-%u\"", number);
    (void)snprintf(payload, sizeof payload, "[{\"providerId\":\"A\",%s}]", wanted);
    CHECK(set(worker, first.session, "providers", payload) == 0);
    CHECK(get_has(worker, first.session, "providers", wanted));
    CHECK(set(worker, first.session, "providers", "[{\"providerId\":\"A\",\"upn\":1}]") == EINVAL);
    CHECK(get_has(worker, first.session, "lastCommand", "provider A, upn: must be a string"));
    CHECK(set(worker, second.session, "providers", payload) == E2BIG);
    module.close(second.session);
    CHECK(get_has(worker, first.session, "hwDevId", "\""));
    module.close(first.session);
    worker_free(worker);
    CHECK(module_unload(&module, path));
    return bad;
}

/* The least of it: a value is read. */
static int
use_lightly(const char *path)
{
    Module module = {0};
    void *session;
    char *payload = NULL;
    int size = 0, bad = 0;

    if (!module_load(&module, path))
        return 1;
    session = module.open("lightly", 0);
    CHECK(module.get(session, COMPONENT, "hwDevId", &payload, &size) == 0);
    free(payload);
    module.close(session);
    CHECK(module_unload(&module, path));
    return bad;
}

/* Loads and unloads `n` times; every cycle in `full` uses all of it. */
static int
run_cycles(unsigned n, unsigned full, const char *path)
{
    Footprint before = {0}, after;

    for (unsigned i = 0; i < n; i++) {
        if ((i % full == 0 ? use(path, i) : use_lightly(path)) != 0)
            return 1;
        /* Twice: what looking takes for good is there then. */
        if (i + 2 == WARM_UP || i + 1 == WARM_UP)
            before = guest_measure();
    }
    after = guest_measure();
    return n <= WARM_UP || guest_compare_footprints(&before, &after) ? 0 : 1;
}

/* -- a good guest --------------------------------------------------------------------------------
 */

/* Whether anything of the process is another after calls that worked, and calls that did not. */
static int
run_guest(const char *path)
{
    Process before = guest_look(), after;
    Module module = {0};
    Job job = {.kind = JOB_OPEN};
    Worker *worker;
    int bad = 0;

    CHECK(use(path, 1) == 0);
    after = guest_look();
    CHECK(guest_compare(&before, &after));
    (void)setenv("DMCLIENT_SOCKET", "/nowhere/tree", 1);
    if (!module_load(&module, path))
        return 1;
    worker = worker_new(&module);
    before = guest_look();
    worker_do(worker, &job);
    CHECK(set(worker, job.session, "providers", "[]") == ECONNREFUSED);
    CHECK(set(worker, job.session, "command", "{") == EINVAL);
    CHECK(!get_has(worker, job.session, "hwDevId", ""));
    after = guest_look();
    CHECK(guest_compare(&before, &after));
    /* Not closed: the file is taken out of memory all the same. */
    worker_free(worker);
    CHECK(module_unload(&module, path));
    return bad;
}

/* -- threads -------------------------------------------------------------------------------------
 */

#define N_THREADS 4
#define N_READS 30

typedef struct {
    const Module *module;
    void *session; /* NULL: one of its own */
    int n_bad;
} Reader;

static void *
read_often(void *data)
{
    Reader *reader = data;
    void *session = reader->session != NULL ? reader->session : reader->module->open("T", 0);

    for (int i = 0; i < N_READS; i++) {
        char *payload = NULL;
        int size = 0, error = reader->module->get(session, COMPONENT, "providers", &payload, &size);

        /* A session that was closed meanwhile is none. */
        if (error != 0 && !(error == EINVAL && reader->session != NULL))
            reader->n_bad++;
        free(payload);
    }
    if (reader->session == NULL)
        reader->module->close(session);
    return NULL;
}

/* Sessions side by side, several threads on one, and one closed while it is in use. */
static int
run_threads(const char *path)
{
    Module module = {0};
    Reader readers[N_THREADS];
    pthread_t threads[N_THREADS];
    void *shared;
    int bad = 0;

    if (!module_load(&module, path))
        return 1;
    shared = module.open("shared", 0);
    for (int i = 0; i < N_THREADS; i++) {
        readers[i] = (Reader){.module = &module, .session = i % 2 == 0 ? shared : NULL};
        if (pthread_create(&threads[i], NULL, read_often, &readers[i]) != 0)
            abort();
    }
    module.close(shared);
    for (int i = 0; i < N_THREADS; i++) {
        (void)pthread_join(threads[i], NULL);
        CHECK(readers[i].n_bad == 0);
    }
    CHECK(module_unload(&module, path));
    return bad;
}

/* -- a hostile host ------------------------------------------------------------------------------
 */

static int
run_hostile(const char *path)
{
    char *payload = (char *)path;
    Module module = {0};
    void *session, *old;
    int size = 7, bad = 0;

    if (!module_load(&module, path))
        return 1;
    CHECK(module.get_info(NULL, &payload, &size) == EINVAL && payload == NULL && size == 0);
    CHECK(module.get_info("x", NULL, &size) == EINVAL);
    CHECK(module.get_info("x", &payload, NULL) == EINVAL);
    CHECK(module.open(NULL, 0) == NULL);
    old = module.open("old", 0);
    session = module.open("new", 0);
    module.close(old);
    module.close(old);
    module.close(NULL);
    module.close(&module);
    module.free(NULL);
    CHECK(module.get(old, COMPONENT, "hwDevId", &payload, &size) == EINVAL);
    CHECK(module.get(NULL, COMPONENT, "hwDevId", &payload, &size) == EINVAL);
    CHECK(module.get(&module, COMPONENT, "hwDevId", &payload, &size) == EINVAL);
    CHECK(module.get(session, NULL, "hwDevId", &payload, &size) == ENOENT);
    CHECK(module.get(session, COMPONENT, NULL, &payload, &size) == ENOENT);
    CHECK(module.get(session, "dmclient", "hwDevId", &payload, &size) == ENOENT);
    CHECK(module.get(session, COMPONENT, "command", &payload, &size) == EPERM);
    CHECK(module.get(session, COMPONENT, "hwDevId", NULL, &size) == EINVAL);
    CHECK(module.get(session, COMPONENT, "hwDevId", &payload, NULL) == EINVAL);
    CHECK(module.set(old, COMPONENT, "providers", "[]", 2) == EINVAL);
    CHECK(module.set(session, COMPONENT, "providers", NULL, 2) == EINVAL);
    CHECK(module.set(session, COMPONENT, "providers", "[]", -1) == EINVAL);
    CHECK(module.set(session, COMPONENT, "providers", "[]", 0) == EINVAL);
    CHECK(module.set(session, NULL, "providers", "[]", 2) == ENOENT);
    CHECK(module.set(session, COMPONENT, NULL, "[]", 2) == ENOENT);
    CHECK(module.set(session, COMPONENT, "hwDevId", "[]", 2) == EPERM);
    CHECK(module.set(session, COMPONENT, "lastCommand", "[]", 2) == EPERM);
    CHECK(module.set(session, COMPONENT, "providers", "[]", 2) == 0);
    module.close(session);
    CHECK(module_unload(&module, path));
    return bad;
}

int
main(int argc, char **argv)
{
    if (argc >= 3 && strcmp(argv[1], "serve") == 0)
        return run_serve(argv[2], argv + 3, argc - 3);
    if (argc == 5 && strcmp(argv[1], "cycles") == 0)
        return run_cycles((unsigned)strtoul(argv[2], NULL, 10),
                          (unsigned)strtoul(argv[3], NULL, 10), argv[4]);
    if (argc == 3 && strcmp(argv[1], "guest") == 0)
        return run_guest(argv[2]);
    if (argc == 3 && strcmp(argv[1], "threads") == 0)
        return run_threads(argv[2]);
    if (argc == 3 && strcmp(argv[1], "hostile") == 0)
        return run_hostile(argv[2]);
    (void)fprintf(stderr,
                  "usage: osconfig-host serve FILE [LIBRARY…] | cycles N FULL FILE | guest FILE "
                  "| threads FILE | hostile FILE\n");
    return 64;
}
