/* SPDX-License-Identifier: MIT */

#include "broker/key-check.h"

#include <errno.h>
#include <openssl/x509.h>
#include <sys/stat.h>
#include <unistd.h>

#define DAY_US (24 * 60 * 60 * G_GINT64_CONSTANT(1000000))
#define SOON_DAYS 30

#define NEXT_PROVISION                                                                             \
    "Run 'dmclientctl provision FILE --certificate CERT --key KEY' as root again."
#define NEXT_RENEW                                                                                 \
    "Ask the organisation for a new one; 'dmclient-broker --renew' takes it (see --help)."

static bool
fail_directory(DmFindings *findings, const char *next, const char *directory, const char *what)
{
    dm_findings_add(findings, DM_LEVEL_ERROR, "key-directory", NULL, next, "%s: %s", directory,
                    what);
    return false;
}

bool
dm_key_check_directory(const char *directory, DmFindings *findings)
{
    g_autofree char *next = g_strdup_printf("Run 'chown -R %u %s; chmod 0700 %s' as root.",
                                            (guint)geteuid(), directory, directory);
    g_autofree char *what = NULL;
    struct stat status;

    if (lstat(directory, &status) < 0)
        return fail_directory(
            findings,
            errno == ENOENT ? "'dmclientctl provision', or 'systemd-tmpfiles --create', makes it."
                            : "Look at it as root.",
            directory, g_strerror(errno));
    if (!S_ISDIR(status.st_mode))
        return fail_directory(findings, "Put a directory in its place.", directory,
                              "not a directory");
    if (status.st_uid != geteuid()) {
        what = g_strdup_printf("belongs to uid %u, and uid %u looks", (guint)status.st_uid,
                               (guint)geteuid());
        return fail_directory(findings, next, directory, what);
    }
    if ((status.st_mode & 077) != 0) {
        what = g_strdup_printf("others can enter it: its mode is %04o, and must be 0700",
                               (guint)status.st_mode & 07777);
        return fail_directory(findings, next, directory, what);
    }
    dm_findings_add(findings, DM_LEVEL_OK, "key-directory", NULL, NULL,
                    "%s is closed to everybody but the broker", directory);
    return true;
}

static bool
check_file(const char *directory, const char *provider, const char *thumbprint, const char *ending,
           DmFindings *findings)
{
    g_autofree char *path = g_strconcat(directory, "/", thumbprint, ending, NULL);
    g_autofree char *next =
        g_strdup_printf("Run 'chown %u %s; chmod 0600 %s' as root.", (guint)geteuid(), path, path);
    struct stat status;

    if (lstat(path, &status) < 0)
        dm_findings_add(findings, DM_LEVEL_ERROR, "key-file", provider,
                        errno == ENOENT ? NEXT_PROVISION : "Look at it as root.", "%s: %s", path,
                        g_strerror(errno));
    else if (status.st_uid != geteuid())
        dm_findings_add(findings, DM_LEVEL_ERROR, "key-file", provider, next,
                        "%s: belongs to uid %u, and must to uid %u", path, (guint)status.st_uid,
                        (guint)geteuid());
    else if ((status.st_mode & 077) != 0)
        dm_findings_add(findings, DM_LEVEL_ERROR, "key-file", provider, next,
                        "%s: others may open it: its mode is %04o, and must be 0600", path,
                        (guint)status.st_mode & 07777);
    else
        return true;
    return false;
}

static char *
format_date(gint64 time_us)
{
    g_autoptr(GDateTime) time = g_date_time_new_from_unix_utc(time_us / G_USEC_PER_SEC);

    return time ? g_date_time_format(time, "%Y-%m-%d %H:%M UTC") : g_strdup("?");
}

static void
check_dates(const DmKeyPair *pair, const char *provider, DmFindings *findings)
{
    const X509 *certificate = dm_key_get_certificate(pair->private_key);
    g_autofree char *date = format_date(pair->expires_us);
    gint64 left_us = pair->expires_us - g_get_real_time();

    if (X509_cmp_current_time(X509_get0_notBefore(certificate)) > 0)
        dm_findings_add(findings, DM_LEVEL_ERROR, "certificate", provider,
                        "Set this machine's clock ('timedatectl'), or wait.",
                        "the client certificate is not valid yet");
    else if (left_us < 0)
        dm_findings_add(findings, DM_LEVEL_ERROR, "certificate", provider, NEXT_RENEW,
                        "the client certificate has expired: %s", date);
    else if (left_us < SOON_DAYS * DAY_US)
        dm_findings_add(findings, DM_LEVEL_WARNING, "certificate", provider, NEXT_RENEW,
                        "the client certificate ends in %d days: %s", (int)(left_us / DAY_US),
                        date);
    else
        dm_findings_add(findings, DM_LEVEL_OK, "certificate", provider, NULL,
                        "the client certificate is valid until %s", date);
}

void
dm_key_check_pair(const char *directory, const char *provider, const char *thumbprint,
                  DmFindings *findings, DmKeyPair *ret_pair)
{
    g_autoptr(GError) error = NULL;
    bool is_good;

    if (!thumbprint) {
        dm_findings_add(findings, DM_LEVEL_ERROR, "certificate", provider, NEXT_PROVISION,
                        "the enrolment has no client certificate");
        return;
    }
    is_good = check_file(directory, provider, thumbprint, ".pem", findings);
    is_good &= check_file(directory, provider, thumbprint, ".key", findings);
    if (!is_good)
        return;
    if (dm_keys_load(directory, thumbprint, ret_pair, &error))
        check_dates(ret_pair, provider, findings);
    else
        dm_findings_add(findings, DM_LEVEL_ERROR, "certificate", provider, NEXT_PROVISION, "%s",
                        error->message);
}
