/* SPDX-License-Identifier: MIT */

#include "agent/loader.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/error.h"

struct DmLoader {
    void *handle;
    int fd; /* kept: while it is open its name in /proc stands for this file and no other */
    const DmPlugin *plugin;
};

static bool
check_file(const char *path, int fd, GError **error)
{
    const char *reason = NULL;
    struct stat st;

    if (fstat(fd, &st) < 0) {
        g_set_error(error, DM_ERROR, DM_ERROR_FAILED, "%s: %s", path, g_strerror(errno));
        return false;
    }
    if (!S_ISREG(st.st_mode))
        reason = "it is not a regular file";
    else if (st.st_uid != 0 && st.st_uid != geteuid())
        reason = "it is owned neither by root nor by the user that loads it";
    else if ((st.st_mode & (S_IWGRP | S_IWOTH)) != 0)
        reason = "its group or others may write to it; take that away with chmod go-w";
    if (reason == NULL)
        return true;
    g_set_error(error, DM_ERROR, DM_ERROR_DENIED,
                "%s: will not load this plug-in: %s (owner %u, mode %04o)", path, reason,
                (unsigned)st.st_uid, (unsigned)st.st_mode & 07777);
    return false;
}

/* Not through a symbolic link, which could be turned to another file; not blocking at a FIFO. */
static int
open_file(const char *path, GError **error)
{
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    DmErrorCode code = DM_ERROR_FAILED;
    int cause = errno;

    if (fd >= 0)
        return fd;
    if (cause == ELOOP) {
        g_set_error(error, DM_ERROR, DM_ERROR_DENIED,
                    "%s: will not load this plug-in: it is a symbolic link; name the file itself",
                    path);
        return -1;
    }
    if (cause == ENOENT || cause == ENOTDIR)
        code = DM_ERROR_NOT_FOUND;
    else if (cause == EACCES || cause == EPERM)
        code = DM_ERROR_DENIED;
    g_set_error(error, DM_ERROR, code, "%s: cannot open the plug-in: %s", path, g_strerror(cause));
    return -1;
}

static void *
open_handle(const char *path, int fd, GError **error)
{
    g_autofree char *name = g_strdup_printf("/proc/self/fd/%d", fd);
    void *handle = dlopen(name, RTLD_NOW | RTLD_NOLOAD);

    /* A name that the linker knows already is not looked at again, whatever is behind it now. */
    if (handle != NULL) {
        dlclose(handle);
        g_set_error(error, DM_ERROR, DM_ERROR_BUSY,
                    "%s: this process has loaded a plug-in before; start another process", path);
        return NULL;
    }
    handle = dlopen(name, RTLD_NOW | RTLD_LOCAL);
    if (handle == NULL)
        g_set_error(error, DM_ERROR, DM_ERROR_INVALID, "%s: cannot load the plug-in: %s", path,
                    dlerror());
    return handle;
}

static const DmPlugin *
find_plugin(const char *path, void *handle, GError **error)
{
    DmPluginGetFunc get = NULL;
    void *symbol = dlsym(handle, DM_PLUGIN_SYMBOL);
    const DmPlugin *plugin;

    /* ISO C has no conversion from an object's to a function's pointer; POSIX says they are alike.
     */
    memcpy(&get, &symbol, sizeof get);
    plugin = get != NULL ? get() : NULL;
    if (plugin == NULL) {
        g_set_error(error, DM_ERROR, DM_ERROR_INVALID,
                    "%s: not a plug-in of this host: it has no " DM_PLUGIN_SYMBOL "()", path);
        return NULL;
    }
    if (plugin->size < sizeof(DmPlugin) || plugin->abi != DM_PLUGIN_ABI) {
        g_set_error(error, DM_ERROR, DM_ERROR_VERSION,
                    "%s: has version %u of the plug-in interface (%zu bytes), and %u (%zu bytes) "
                    "is needed; install plug-in and host of one release",
                    path, (unsigned)plugin->abi, plugin->size, DM_PLUGIN_ABI, sizeof(DmPlugin));
        return NULL;
    }
    return plugin;
}

DmLoader *
dm_loader_new(const char *path, GError **error)
{
    g_autoptr(DmLoader) loader = g_new0(DmLoader, 1);

    loader->fd = open_file(path, error);
    if (loader->fd < 0 || !check_file(path, loader->fd, error))
        return NULL;
    loader->handle = open_handle(path, loader->fd, error);
    if (loader->handle == NULL)
        return NULL;
    loader->plugin = find_plugin(path, loader->handle, error);
    if (loader->plugin == NULL)
        return NULL;
    return g_steal_pointer(&loader);
}

void
dm_loader_free(DmLoader *loader)
{
    if (loader == NULL)
        return;
    if (loader->handle != NULL)
        dlclose(loader->handle);
    if (loader->fd >= 0)
        close(loader->fd);
    g_free(loader);
}

const DmPlugin *
dm_loader_get_plugin(const DmLoader *loader)
{
    return loader->plugin;
}
