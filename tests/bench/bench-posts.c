/* SPDX-License-Identifier: MIT */

/* The floor of a session: COUNT POSTs of FILE by bare libcurl on one connection, each answer read
 * whole; prints how many milliseconds they took. With RECORDS, 4 KiB are appended to that file and
 * are on disk before each POST, as what a message did has to be before it is answered.
 * Usage: bench-posts URL CA CERTIFICATE KEY FILE COUNT [RECORDS] */

#include <curl/curl.h>
#include <fcntl.h>
#include <glib.h>
#include <stdlib.h>
#include <unistd.h>

static size_t
drop(char *bytes, size_t size, size_t n, void *data)
{
    return size * n;
}

static void
keep_record(int fd)
{
    static const char record[4096] = {1};

    if (write(fd, record, sizeof record) != sizeof record || fdatasync(fd) != 0)
        g_error("cannot write a record");
}

int
main(int argc, char **argv)
{
    g_autofree char *body = NULL;
    gsize size;
    CURL *curl;
    struct curl_slist *headers;
    gint64 start_us;
    int fd = argc == 8 ? open(argv[7], O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0600) : -1;

    if (argc < 7 || argc > 8 || (argc == 8 && fd < 0) ||
        !g_file_get_contents(argv[5], &body, &size, NULL))
        return 64;
    (void)curl_global_init(CURL_GLOBAL_DEFAULT);
    start_us = g_get_monotonic_time();
    curl = curl_easy_init();
    headers = curl_slist_append(NULL, "Content-Type: application/vnd.syncml.dm+xml; charset=utf-8");
    curl_easy_setopt(curl, CURLOPT_URL, argv[1]);
    curl_easy_setopt(curl, CURLOPT_CAINFO, argv[2]);
    curl_easy_setopt(curl, CURLOPT_SSLCERT, argv[3]);
    curl_easy_setopt(curl, CURLOPT_SSLKEY, argv[4]);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, (long)size);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, drop);
    for (int i = 0; i < atoi(argv[6]); i++) {
        CURLcode code;

        if (fd >= 0)
            keep_record(fd);
        code = curl_easy_perform(curl);
        if (code != CURLE_OK)
            g_error("%s", curl_easy_strerror(code));
    }
    curl_slist_free_all(headers);
    curl_easy_cleanup(curl);
    if (fd >= 0)
        (void)close(fd);
    g_print("%.3f\n", (double)(g_get_monotonic_time() - start_us) / 1000);
    return EXIT_SUCCESS;
}
