/* SPDX-License-Identifier: MIT */
#pragma once

/* The keys that tests/fuzz/corpus/cms/ was made with, for no other purpose. */

static const char ec_certificate[] =
    "-----BEGIN CERTIFICATE-----\n"
    "MIIBczCCARmgAwIBAgIUPOWG+69by2MYBYWVcuI0cmMrBGMwCgYIKoZIzj0EAwIw\n"
    "DzENMAsGA1UEAwwEZnV6ejAeFw0yNjExMjYwODM0MTRaFw00ODEwMjEwODM0MTRa\n"
    "MA8xDTALBgNVBAMMBGZ1enowWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAARgv8wD\n"
    "DRxCcLOCitnaFdzp1rXcaz5F2Rxw3fryodXBf1r10eSyLK5loTnEJOj9AUoXIqtZ\n"
    "MinnjzqZaOWqo4Lqo1MwUTAdBgNVHQ4EFgQUcyw0W+xvl3oAAbCvD3tvVxxFbVMw\n"
    "HwYDVR0jBBgwFoAUcyw0W+xvl3oAAbCvD3tvVxxFbVMwDwYDVR0TAQH/BAUwAwEB\n"
    "/zAKBggqhkjOPQQDAgNIADBFAiEAvvANsG/q5nP2LeAezby3NK2/2Cg59yD/NNpy\n"
    "8GutJ/4CIGSSDwnmvkHdfGNfuxiEh2ltAf1zP/hL4Ba+h13mXFd8\n"
    "-----END CERTIFICATE-----\n";

static const char ec_key[] = "-----BEGIN PRIVATE KEY-----\n"
                             "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQghMl7IomUTU/UhnWn\n"
                             "WlGfcaD+NbV/XIQ/k4Ux6pw7+TOhRANCAARgv8wDDRxCcLOCitnaFdzp1rXcaz5F\n"
                             "2Rxw3fryodXBf1r10eSyLK5loTnEJOj9AUoXIqtZMinnjzqZaOWqo4Lq\n"
                             "-----END PRIVATE KEY-----\n";

static const char rsa_certificate[] =
    "-----BEGIN CERTIFICATE-----\n"
    "MIIB+jCCAWOgAwIBAgIUJUiRnnelFhemOcZm9ppZ+xFlSGcwDQYJKoZIhvcNAQEL\n"
    "BQAwDzENMAsGA1UEAwwEZnV6ejAeFw0yNjExMjYwODM0MTRaFw00ODEwMjEwODM0\n"
    "MTRaMA8xDTALBgNVBAMMBGZ1enowgZ8wDQYJKoZIhvcNAQEBBQADgY0AMIGJAoGB\n"
    "ALyU3fapOhNWJApBCqviN/m5CryRTBWGtTeUmMMTASNDQAxn9sInJv8s4B1XgEM2\n"
    "29nOzfvSe0Se+ocOff3p693vMIlk/CoMY8eAZvJE6VshmoLn9l9XtrPr0VnhC3ta\n"
    "9U67v0BjAgc5XyeZisJAFZQaWSxtXIHnPI2KssWqFWTpAgMBAAGjUzBRMB0GA1Ud\n"
    "DgQWBBR/vcnS8J40wFAZ7CEA9Hwm+7I0ijAfBgNVHSMEGDAWgBR/vcnS8J40wFAZ\n"
    "7CEA9Hwm+7I0ijAPBgNVHRMBAf8EBTADAQH/MA0GCSqGSIb3DQEBCwUAA4GBAKHY\n"
    "wsiV24hJfyKYGIrrVF7OE3nOjT3nIvr69Reb4A2yNlEwPYXHk+ZRZ+1aQsqJA8x9\n"
    "1dcoUkqVB8FwbZYX4Hql3auYOXW2ToJDnEAcP/Y2HTK30Kvdg/dUcCZ7asJkyJ99\n"
    "zadX2zfiDEojuPb/Ies3RxousdBmY0ynHyuI1ccK\n"
    "-----END CERTIFICATE-----\n";

static const char rsa_key[] = "-----BEGIN PRIVATE KEY-----\n"
                              "MIICdwIBADANBgkqhkiG9w0BAQEFAASCAmEwggJdAgEAAoGBALyU3fapOhNWJApB\n"
                              "CqviN/m5CryRTBWGtTeUmMMTASNDQAxn9sInJv8s4B1XgEM229nOzfvSe0Se+ocO\n"
                              "ff3p693vMIlk/CoMY8eAZvJE6VshmoLn9l9XtrPr0VnhC3ta9U67v0BjAgc5XyeZ\n"
                              "isJAFZQaWSxtXIHnPI2KssWqFWTpAgMBAAECgYAzRKGHgoBIa33Gz+Hv0sN2/6h8\n"
                              "lV/C5mlz39EcD5malZjfBpCePfirHO8c6wHyxAJHF6MGWDWs9S+U8gqssiCuMPDd\n"
                              "oQ0zVmwmIyvSvBOdKn50vgsGa32WFeqbco6IZRPtzBhvgJcPSjkNlYcBx2UwPQv5\n"
                              "fBFgsB8E4O+UpFFdNQJBAN+5ZcLJvam9pZbtkB230JYw0j9UfTyYolCmvX5cjAgL\n"
                              "LHlLDOy5VBggb+FfysaswJLWfXFlQddAgSMnBnTj/ccCQQDXyZOI+6kCuB0QtuyX\n"
                              "1gL6Zibub9idjYPxG4/h+O6rJUo3rKGQ4tDak6bFVcei64Lgbs32MRYOhfDneYFW\n"
                              "30fPAkEApJeKJRc0wOc0JuiZqTNtcsFyPINVK7qDV+CD8q31m4lU69tqI9Jo6uMa\n"
                              "TG2kCixX9O92FHHRUaI0H397gY2mSwJBAMVw5nJ3OfyH8+hAR5jiM9VjNIoEgqIe\n"
                              "QzSQcIVl3RNxykfIyAgm0My+PuDejQzwCs9J82ApJ7JgMb3KemK/aBcCQA8rF4bF\n"
                              "+ku8OHNr840nt7UGNZY3/MIiWNVzRGrQ/oBqoiZe1WvZhoPoxGwi4BpFQaV5kwmV\n"
                              "IsoX92SckMt7Qrg=\n"
                              "-----END PRIVATE KEY-----\n";
