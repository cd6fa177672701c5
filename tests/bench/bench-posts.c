/* SPDX-License-Identifier: MIT */

/* The floor of a session: COUNT POSTs of FILE by bare libcurl on one connection, each answer read
 * whole; prints how many milliseconds they took.
 * Usage: bench-posts URL CA CERTIFICATE KEY FILE COUNT */

#include <curl/curl.h>
#include <glib.h>
#include <stdlib.h>

static size_t
drop(char *bytes, size_t size, size_t n, void *data)
{
    return size * n;
}

int
main(int argc, char **argv)
{
    g_autofree char *body = NULL;
    gsize size;
    CURL *curl;
    struct curl_slist *headers;
    gint64 start_us;

    if (argc != 7 || !g_file_get_contents(argv[5], &body, &size, NULL))
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
        CURLcode code = curl_easy_perform(curl);

        if (code != CURLE_OK)
            g_error("%s", curl_easy_strerror(code));
    }
    curl_slist_free_all(headers);
    curl_easy_cleanup(curl);
    g_print("%.3f\n", (double)(g_get_monotonic_time() - start_us) / 1000);
    return EXIT_SUCCESS;
}
