/* SPDX-License-Identifier: MIT */

/* An OMA-DM client for tests: `session FILE…` runs the commands that come on standard input, each a
 * line of words, "=" and hex or "-" for none:
 *
 *     open | blind | close | get URI | add URI FORMAT DATA | replace URI FORMAT DATA | delete URI |
 *     exec URI DATA
 *
 * and answers each with a line: STATUS, FORMAT and DATA in hex. The other ways to call it check one
 * thing each and say on standard error what is wrong. */

#include <ctype.h>
#include <dlfcn.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/hosts/guest.h"
#include "tests/hosts/omadm-client.h"

#define MAX_WORDS 4

/* Cycles before the first look at memory. */
#define WARM_UP 20

/* -- words ---------------------------------------------------------------------------------------
 */

static unsigned
from_hex(char digit)
{
    return (unsigned)(isdigit((unsigned char)digit) ? digit - '0' : digit - 'a' + 10);
}

/* The bytes that a word stands for, with a NUL; NULL for "-". Shorter than the word: in its place.
 */
static char *
decode(char *word, size_t *ret_size)
{
    const char *digits = word + 1;
    size_t size = strlen(digits) / 2;

    *ret_size = 0;
    if (*word != '=')
        return NULL;
    for (size_t i = 0; i < size; i++)
        word[i] = (char)(from_hex(digits[2 * i]) * 16 + from_hex(digits[2 * i + 1]));
    word[size] = '\0';
    *ret_size = size;
    return word;
}

static void
print_hex(const char *bytes, size_t size)
{
    putchar(' ');
    putchar(bytes == NULL ? '-' : '=');
    for (size_t i = 0; bytes != NULL && i < size; i++)
        printf("%02x", (unsigned char)bytes[i]);
}

static void
print_answer(ClientAnswer *answer)
{
    printf("%d", answer->status);
    print_hex(answer->format, answer->format != NULL ? strlen(answer->format) : 0);
    print_hex(answer->data, answer->data_size);
    client_answer_clear(answer);
}

/* -- a session -----------------------------------------------------------------------------------
 */

static ClientAnswer
run_command(Client *client, const char *verb, char **values, const size_t *sizes)
{
    ClientAnswer answer = {.status = 0};

    if (strcmp(verb, "get") == 0)
        return client_get(client, values[0]);
    if (strcmp(verb, "add") == 0)
        answer.status = client_add(client, values[0], values[1], values[2], sizes[2]);
    else if (strcmp(verb, "replace") == 0)
        answer.status = client_replace(client, values[0], values[1], values[2], sizes[2]);
    else if (strcmp(verb, "delete") == 0)
        answer.status = client_delete(client, values[0]);
    else if (strcmp(verb, "exec") == 0)
        answer.status = client_exec(client, values[0], values[1]);
    return answer;
}

static int
run_session(const char *const *files, size_t n_files)
{
    Client client = {0};
    char *line = NULL;
    size_t room = 0;

    while (getline(&line, &room, stdin) > 0) {
        char *values[MAX_WORDS] = {NULL}, *save = NULL;
        char *verb = strtok_r(line, " \n", &save);
        size_t sizes[MAX_WORDS] = {0};
        ClientAnswer answer = {.status = 200};

        for (int i = 0; i < MAX_WORDS; i++) {
            char *word = strtok_r(NULL, " \n", &save);

            if (word == NULL)
                break;
            values[i] = decode(word, &sizes[i]);
        }
        if (verb != NULL && strcmp(verb, "open") == 0)
            answer.status = client_open(&client, files, n_files) ? 200 : 500;
        else if (verb != NULL && strcmp(verb, "blind") == 0)
            client.blind = true;
        else if (verb != NULL && strcmp(verb, "close") == 0)
            client_close(&client);
        else if (verb != NULL)
            answer = run_command(&client, verb, values, sizes);
        print_answer(&answer);
        putchar('\n');
        (void)fflush(stdout);
    }
    client_close(&client);
    free(line);
    return 0;
}

/* -- cycles --------------------------------------------------------------------------------------
 */

/* Each so many sessions all verbs are used; in between it is loading and unloading that is tried.
 */
#define FULL_EVERY 8

/* Reads, and is refused. */
static bool
use_shortly(Client *client, const char *uri, const char *nowhere)
{
    ClientAnswer answer = client_get(client, uri);
    bool good = answer.status == 200 && answer.data_size > 0;

    client_answer_clear(&answer);
    return good && client_delete(client, nowhere) == 404;
}

/* Writes too. */
static bool
use_fully(Client *client, const char *uri, const char *nowhere, unsigned number)
{
    ClientAnswer answer;
    char text[32];
    int size = snprintf(text, sizeof text, "%u", number);
    bool good = client_replace(client, uri, "chr", text, (size_t)size) == 200;

    answer = client_get(client, uri);
    good = good && answer.status == 200 && answer.data_size == (size_t)size &&
           memcmp(answer.data, text, (size_t)size) == 0;
    client_answer_clear(&answer);
    good = good && client_replace(client, uri, "chr", "\xff", 1) == 415;
    good = good && client_add(client, uri, NULL, text, (size_t)size) == 418;
    return good && client_delete(client, nowhere) == 404;
}

/* One DM session. */
static bool
use(const char *const *files, size_t n_files, const char *uri, unsigned number)
{
    Client client = {0};
    char nowhere[1024];
    bool good;

    (void)snprintf(nowhere, sizeof nowhere, "%sX", uri);
    if (!client_open(&client, files, n_files))
        return false;
    good = number % FULL_EVERY == 0 ? use_fully(&client, uri, nowhere, number)
                                    : use_shortly(&client, uri, nowhere);
    client_close(&client);
    return good;
}

static int
run_cycles(unsigned n, const char *uri, const char *const *files, size_t n_files)
{
    Footprint before = {0}, after;

    for (unsigned i = 0; i < n; i++) {
        if (!use(files, n_files, uri, i)) {
            (void)fprintf(stderr, "cycle %u: a command did not end as it should\n", i);
            return 1;
        }
        /* Twice: what looking takes for good is there then. */
        if (i + 2 == WARM_UP || i + 1 == WARM_UP)
            before = guest_measure();
    }
    after = guest_measure();
    if (n > WARM_UP && !guest_compare_footprints(&before, &after)) {
        (void)fprintf(stderr, "that is after %d cycles, and after %u\n", WARM_UP, n);
        return 1;
    }
    for (size_t i = 0; i < n_files; i++) {
        if (dlopen(files[i], RTLD_LAZY | RTLD_NOLOAD) != NULL) {
            (void)fprintf(stderr, "%s: is still loaded\n", files[i]);
            return 1;
        }
    }
    return 0;
}

/* -- threads -------------------------------------------------------------------------------------
 */

#define N_THREADS 4
#define N_READS 50

typedef struct {
    const omadm_mo_interface_t *interface;
    const char *uri;
    bool good;
} Reader;

/* A session of its own on the one interface. */
static void *
read_often(void *data)
{
    Reader *reader = data;
    void *session = NULL;

    reader->good = reader->interface->initFunc(&session) == 0;
    for (int i = 0; i < N_READS && reader->good; i++) {
        dmtree_node_t node = {.uri = (char *)reader->uri};

        reader->good = reader->interface->getFunc(&node, session) == 0;
        free(node.format);
        free(node.type);
        free(node.data_buffer);
    }
    reader->interface->closeFunc(session);
    return NULL;
}

static int
run_threads(const char *uri, const char *const *files)
{
    Client client = {0};
    Reader readers[N_THREADS];
    pthread_t threads[N_THREADS];
    bool good = true;

    if (!client_open(&client, files, 1))
        return 1;
    for (int i = 0; i < N_THREADS; i++) {
        readers[i] = (Reader){.interface = client.objects[0].interface, .uri = uri};
        if (pthread_create(&threads[i], NULL, read_often, &readers[i]) != 0)
            abort();
    }
    for (int i = 0; i < N_THREADS; i++) {
        (void)pthread_join(threads[i], NULL);
        good = good && readers[i].good;
    }
    client_close(&client);
    return good ? 0 : 1;
}

/* -- a good guest --------------------------------------------------------------------------------
 */

/* Whether anything of the process is another after sessions that worked, and one that did not. */
static int
run_guest(const char *uri, const char *const *files, size_t n_files)
{
    Process before = guest_look(), after;
    Client client = {0};
    ClientAnswer answer;

    if (!use(files, n_files, uri, 0) || !client_open(&client, files, n_files))
        return 1;
    after = guest_look();
    (void)setenv("DMCLIENT_SOCKET", "/nowhere/tree", 1);
    client_close(&client);
    if (!guest_compare(&before, &after)) {
        (void)fprintf(stderr, "the process is another while a module is loaded\n");
        return 1;
    }
    before = guest_look();
    if (!client_open(&client, files, n_files))
        return 1;
    answer = client_get(&client, uri);
    client_close(&client);
    after = guest_look();
    if (answer.status != 503 || !guest_compare(&before, &after)) {
        (void)fprintf(stderr, "status %d without a tree, or the process is another\n",
                      answer.status);
        return 1;
    }
    return 0;
}

/* -- a hostile host ------------------------------------------------------------------------------
 */

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            (void)fprintf(stderr, "line %d: not so: %s\n", __LINE__, #condition);                  \
            bad++;                                                                                 \
        }                                                                                          \
    } while (0)

static int
check_pointers(const omadm_mo_interface_t *mo, void *session, char *uri)
{
    omadmtree_node_kind_t kind = OMADM_NODE_NOT_EXIST;
    dmtree_node_t empty = {0}, node = {.uri = uri};
    char **uris = NULL, *acl = NULL;
    int bad = 0;

    CHECK(mo->initFunc(NULL) == 500);
    mo->closeFunc(NULL);
    CHECK(mo->isNodeFunc(NULL, &kind, session) == 400);
    CHECK(mo->isNodeFunc(uri, NULL, session) == 500);
    CHECK(mo->isNodeFunc(uri, &kind, NULL) == 500);
    CHECK(mo->getFunc(NULL, session) == 500);
    CHECK(mo->getFunc(&empty, session) == 400);
    CHECK(mo->getFunc(&node, NULL) == 500);
    CHECK(mo->setFunc(NULL, session) == 500);
    CHECK(mo->setFunc(&empty, session) == 400);
    CHECK(mo->setFunc(&node, NULL) == 500);
    CHECK(mo->deleteFunc(NULL, session) == 400);
    CHECK(mo->deleteFunc(uri, NULL) == 500);
    CHECK(mo->execFunc(NULL, NULL, NULL, session) == 400);
    CHECK(mo->execFunc(uri, NULL, NULL, NULL) == 500);
    CHECK(mo->renameFunc(NULL, NULL, NULL) == 405);
    CHECK(mo->setACLFunc(NULL, NULL, NULL) == 0);
    CHECK(mo->getACLFunc(uri, NULL, session) == 500);
    CHECK(mo->getACLFunc(NULL, &acl, NULL) == 0);
    CHECK(mo->findURNFunc(NULL, NULL, NULL) == 404);
    CHECK(mo->findURNFunc("urn:x", &uris, session) == 404);
    CHECK(uris == NULL);
    CHECK(node.format == NULL && node.type == NULL && node.data_buffer == NULL);
    free(acl);
    return bad;
}

static int
check_texts(const omadm_mo_interface_t *mo, void *session, char *uri)
{
    static char large[5 * 1024 * 1024];
    char long_uri[10001];
    char invalid_uri[] = "./Vendor/MSFT/DMClient/\xc3\x28";
    char invalid_format[] = "\xff\xfe";
    char buffer[] = "a\0b";
    dmtree_node_t node = {.uri = uri, .data_buffer = buffer, .data_size = 3};
    omadmtree_node_kind_t kind = OMADM_NODE_NOT_EXIST;
    int bad = 0;

    memset(long_uri, '/', sizeof long_uri - 1);
    long_uri[sizeof long_uri - 1] = '\0';
    memset(large, 'x', sizeof large - 1);
    CHECK(mo->isNodeFunc(long_uri, &kind, session) == 414);
    CHECK(mo->isNodeFunc(invalid_uri, &kind, session) == 400);
    CHECK(mo->isNodeFunc("", &kind, session) == 400);
    CHECK(mo->deleteFunc(invalid_uri, session) == 400);
    CHECK(mo->execFunc(uri, large, NULL, session) == 413);
    CHECK(mo->execFunc(uri, "\xff", NULL, session) == 405);
    CHECK(mo->setFunc(&node, session) == 415); /* a NUL in it */
    node.data_size = 1;
    node.format = invalid_format;
    CHECK(mo->setFunc(&node, session) == 415);
    node.format = large;
    CHECK(mo->setFunc(&node, session) == 415);
    node.format = NULL;
    node.data_buffer = large;
    node.data_size = (unsigned int)sizeof large;
    CHECK(mo->setFunc(&node, session) == 413);
    node.data_size = 4 * 1024 * 1024 - 1; /* does not fit with what is around it */
    CHECK(mo->setFunc(&node, session) == 413);
    node.data_size = UINT32_MAX; /* is not looked at */
    CHECK(mo->setFunc(&node, session) == 413);
    node.uri = long_uri;
    CHECK(mo->setFunc(&node, session) == 414);
    return bad;
}

/* Everything that a host might get wrong has an answer; `uri` is a text leaf. */
static int
run_hostile(char *uri, const char *const *files)
{
    Client client = {0};
    int bad;

    if (!client_open(&client, files, 1))
        return 1;
    bad = check_pointers(client.objects[0].interface, client.objects[0].data, uri) +
          check_texts(client.objects[0].interface, client.objects[0].data, uri);
    client_close(&client);
    return bad == 0 ? 0 : 1;
}

int
main(int argc, char **argv)
{
    const char *const *files = (const char *const *)(argv + 2);

    if (argc >= 3 && strcmp(argv[1], "session") == 0)
        return run_session(files, (size_t)argc - 2);
    if (argc >= 5 && strcmp(argv[1], "cycles") == 0)
        return run_cycles((unsigned)strtoul(argv[2], NULL, 10), argv[3], files + 2,
                          (size_t)argc - 4);
    if (argc == 4 && strcmp(argv[1], "threads") == 0)
        return run_threads(argv[2], files + 1);
    if (argc >= 4 && strcmp(argv[1], "guest") == 0)
        return run_guest(argv[2], files + 1, (size_t)argc - 3);
    if (argc == 4 && strcmp(argv[1], "hostile") == 0)
        return run_hostile(argv[2], files + 1);
    (void)fprintf(stderr, "usage: omadm-host session FILE… | cycles N URI FILE… | threads URI FILE "
                          "| guest URI FILE… | hostile URI FILE\n");
    return 64;
}
