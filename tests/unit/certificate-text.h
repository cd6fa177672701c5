/* SPDX-License-Identifier: MIT */
#pragma once

/* Valid from 2026-11-23 to 2036-11-20; its key was thrown away. */
#define CERTIFICATE_BASE64                                                                         \
    "MIIBdDCCARmgAwIBAgIUPrLUNhp1hOGvUzjcSySWMTh0L84wCgYIKoZIzj0EAwIwDzENMAsGA1UEAwwEdW5pdDAeFw0y" \
    "NjExMjMwMjQ5MjlaFw0zNjExMjAwMjQ5MjlaMA8xDTALBgNVBAMMBHVuaXQwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNC" \
    "AAQ/Zcar7iLiANl9E79+2568TRvc2tpgnRwuq1ZBfI84kEd3SmISbHfzH9iEH5MhALwgebnRljSX48w5kTjt5J7Fo1Mw" \
    "UTAdBgNVHQ4EFgQUew5wu7YKmKg8f9eQJLxGydmLfNgwHwYDVR0jBBgwFoAUew5wu7YKmKg8f9eQJLxGydmLfNgwDwYD" \
    "VR0TAQH/BAUwAwEB/zAKBggqhkjOPQQDAgNJADBGAiEAlW61N8iGNBjXQ8cInqJMhLJvkjhhTGUKNnbl9opEtDwCIQDA" \
    "NOeOuKq05cQBvL13nGVXwmPRqKAAPTjQrRHkqmW3FQ=="
