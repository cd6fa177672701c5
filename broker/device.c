/* SPDX-License-Identifier: MIT */

#include "broker/device.h"

#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "common/value.h"

#define MAX_FILE 65536
#define MAX_VALUE 1024

struct DmDevice {
    char *root;
    char *dev_id;
};

typedef char *(*Reader)(const DmDevice *device, const char *argument);

/* A leaf: where it is, and who reads it. Children of a node stand together. */
typedef struct {
    const char *path;
    DmFormat format;
    Reader read;
    const char *argument;
} Leaf;

/* What Windows' SYSTEM_INFO calls the architecture and the processor: servers know those numbers.
 */
typedef struct {
    const char *machine; /* uname -m, or the start of it */
    const char *architecture;
    const char *processor; /* NULL: SYSTEM_INFO has no number for it */
} Machine;

static const Machine machines[] = {
    {"x86_64", "9", "8664"}, {"i686", "0", "586"}, {"i586", "0", "586"},
    {"aarch64", "12", NULL}, {"arm", "5", NULL},
};

/* -- reading the system ------------------------------------------------------------------------ */

/* `text` trimmed, if it can be shown as a value; otherwise NULL. Takes it. */
static char *
take_value(char *text)
{
    g_autofree char *owned = text;

    if (!owned)
        return NULL;
    g_strstrip(owned);
    if (!*owned || strlen(owned) > MAX_VALUE || !dm_text_is_valid(owned, strlen(owned)))
        return NULL;
    return g_steal_pointer(&owned);
}

/* Up to MAX_FILE bytes of a file, NUL-terminated; files of /proc and /sys do not tell their size.
 */
static char *
read_file(const DmDevice *device, const char *path)
{
    g_autofree char *name = g_build_filename(device->root, path, NULL);
    FILE *file = fopen(name, "re");
    char *bytes;
    gsize size;

    if (!file)
        return NULL;
    bytes = g_malloc(MAX_FILE + 1);
    size = fread(bytes, 1, MAX_FILE, file);
    fclose(file);
    bytes[size] = '\0';
    return bytes;
}

static char *
read_line(const DmDevice *device, const char *path)
{
    char *text = read_file(device, path);

    if (text)
        text[strcspn(text, "\n")] = '\0';
    return take_value(text);
}

/* The value of KEY=value, perhaps quoted as a shell does, in a file of such lines. */
static char *
read_assignment(const DmDevice *device, const char *path, const char *key)
{
    g_autofree char *text = read_file(device, path);
    g_auto(GStrv) lines = text ? g_strsplit(text, "\n", -1) : NULL;
    gsize size = strlen(key);

    for (gsize i = 0; lines && lines[i]; i++) {
        const char *line = g_strstrip(lines[i]);

        if (strncmp(line, key, size) == 0 && line[size] == '=')
            return take_value(g_shell_unquote(line + size + 1, NULL));
    }
    return NULL;
}

static char *
read_dev_id(const DmDevice *device, const char *argument)
{
    return take_value(g_strdup(device->dev_id));
}

static char *
read_constant(const DmDevice *device, const char *argument)
{
    return g_strdup(argument);
}

static char *
read_dmi(const DmDevice *device, const char *name)
{
    g_autofree char *path = g_build_filename("sys/class/dmi/id", name, NULL);

    return read_line(device, path);
}

/* Boards without DMI have a device tree that names them. */
static char *
read_model(const DmDevice *device, const char *argument)
{
    char *model = read_dmi(device, "product_name");

    return model ? model : read_line(device, "sys/firmware/devicetree/base/model");
}

static char *
read_os_release(const DmDevice *device, const char *key)
{
    char *value = read_assignment(device, "etc/os-release", key);

    return value ? value : read_assignment(device, "usr/lib/os-release", key);
}

static char *
read_host_name(const DmDevice *device, const char *argument)
{
    return read_line(device, "proc/sys/kernel/hostname");
}

static char *
read_device_name(const DmDevice *device, const char *argument)
{
    char *name = read_assignment(device, "etc/machine-info", "PRETTY_HOSTNAME");

    return name ? name : read_host_name(device, NULL);
}

/* "de_DE.UTF-8@euro" of the system's locale as "de-DE"; without one it is C, which is English. */
static char *
read_language(const DmDevice *device, const char *argument)
{
    g_autofree char *locale = read_assignment(device, "etc/locale.conf", "LANG");

    if (!locale)
        locale = read_assignment(device, "etc/default/locale", "LANG");
    if (locale)
        locale[strcspn(locale, ".@")] = '\0';
    if (!locale || !*locale || strcmp(locale, "C") == 0 || strcmp(locale, "POSIX") == 0)
        return g_strdup("en");
    return g_strdelimit(g_steal_pointer(&locale), "_", '-');
}

/* Megabytes, as Windows counts them. */
static char *
read_memory(const DmDevice *device, const char *argument)
{
    g_autofree char *text = read_file(device, "proc/meminfo");
    const char *total = text ? strstr(text, "MemTotal:") : NULL;
    guint64 kib = total ? g_ascii_strtoull(total + strlen("MemTotal:"), NULL, 10) : 0;

    return kib > 0 ? g_strdup_printf("%" G_GUINT64_FORMAT, kib / 1024) : NULL;
}

static char *
read_local_time(const DmDevice *device, const char *argument)
{
    g_autoptr(GDateTime) now = g_date_time_new_now_local();

    return now ? g_date_time_format(now, "%Y-%m-%dT%H:%M:%S%:z") : NULL;
}

static const Machine *
find_machine(void)
{
    struct utsname name;

    if (uname(&name) < 0)
        return NULL;
    for (gsize i = 0; i < G_N_ELEMENTS(machines); i++)
        if (g_str_has_prefix(name.machine, machines[i].machine))
            return &machines[i];
    return NULL;
}

static char *
read_architecture(const DmDevice *device, const char *argument)
{
    const Machine *machine = find_machine();

    return machine ? g_strdup(machine->architecture) : NULL;
}

static char *
read_processor(const DmDevice *device, const char *argument)
{
    const Machine *machine = find_machine();

    return machine ? g_strdup(machine->processor) : NULL;
}

/* LrgObj: chunks are joined (syncml/chunks.h). The three of URI are what common/uri.h takes, 0
 * being "no bound of its own". */
static const Leaf leaves[] = {
    {"DevInfo/DevId", DM_FORMAT_CHR, read_dev_id, NULL},
    {"DevInfo/Man", DM_FORMAT_CHR, read_dmi, "sys_vendor"},
    {"DevInfo/Mod", DM_FORMAT_CHR, read_model, NULL},
    {"DevInfo/DmV", DM_FORMAT_CHR, read_constant, "1.3"},
    {"DevInfo/Lang", DM_FORMAT_CHR, read_language, NULL},
    {"DevDetail/FwV", DM_FORMAT_CHR, read_dmi, "bios_version"},
    {"DevDetail/SwV", DM_FORMAT_CHR, read_os_release, "VERSION_ID"},
    {"DevDetail/HwV", DM_FORMAT_CHR, read_dmi, "product_version"},
    {"DevDetail/DevTyp", DM_FORMAT_CHR, read_model, NULL},
    {"DevDetail/OEM", DM_FORMAT_CHR, read_dmi, "sys_vendor"},
    {"DevDetail/LrgObj", DM_FORMAT_BOOL, read_constant, "true"},
    {"DevDetail/URI/MaxDepth", DM_FORMAT_CHR, read_constant, G_STRINGIFY(DM_URI_MAX_SEGMENTS)},
    {"DevDetail/URI/MaxTotLen", DM_FORMAT_CHR, read_constant, G_STRINGIFY(DM_URI_MAX_BYTES)},
    {"DevDetail/URI/MaxSegLen", DM_FORMAT_CHR, read_constant, "0"},
    {"DevDetail/Ext/Microsoft/OSPlatform", DM_FORMAT_CHR, read_os_release, "PRETTY_NAME"},
    {"DevDetail/Ext/Microsoft/DNSComputerName", DM_FORMAT_CHR, read_host_name, NULL},
    {"DevDetail/Ext/Microsoft/ProcessorType", DM_FORMAT_INT, read_processor, NULL},
    {"DevDetail/Ext/Microsoft/TotalRAM", DM_FORMAT_INT, read_memory, NULL},
    {"DevDetail/Ext/Microsoft/LocalTime", DM_FORMAT_CHR, read_local_time, NULL},
    {"DevDetail/Ext/Microsoft/DeviceName", DM_FORMAT_CHR, read_device_name, NULL},
    {"DevDetail/Ext/Microsoft/ProcessorArchitecture", DM_FORMAT_INT, read_architecture, NULL},
};

/* -- the trees --------------------------------------------------------------------------------- */

DmDevice *
dm_device_new(const char *root, const char *dev_id)
{
    DmDevice *device = g_new0(DmDevice, 1);

    device->root = g_strdup(root && *root ? root : "/");
    device->dev_id = g_strdup(dev_id);
    return device;
}

void
dm_device_free(DmDevice *device)
{
    if (!device)
        return;
    g_free(device->root);
    g_free(device->dev_id);
    g_free(device);
}

static char *
read_leaf(const DmDevice *device, const Leaf *leaf)
{
    return leaf->read(device, leaf->argument);
}

static const Leaf *
find_leaf(const char *path)
{
    for (gsize i = 0; i < G_N_ELEMENTS(leaves); i++)
        if (strcmp(leaves[i].path, path) == 0)
            return &leaves[i];
    return NULL;
}

char *
dm_device_get(const DmDevice *device, const char *path)
{
    const Leaf *leaf = find_leaf(path);

    return leaf ? read_leaf(device, leaf) : NULL;
}

bool
dm_device_has(const DmUri *uri)
{
    return uri->n_segments > 0 && uri->scope == DM_SCOPE_DEVICE &&
           (strcmp(uri->segments[0], "DevInfo") == 0 || strcmp(uri->segments[0], "DevDetail") == 0);
}

/* What of `path` stands below `parent`; NULL if it is not below it. */
static const char *
below(const char *path, const char *parent)
{
    gsize size = strlen(parent);

    return strncmp(path, parent, size) == 0 && path[size] == '/' ? path + size + 1 : NULL;
}

/* The names directly below the interior node `path`, of leaves that have a value; NULL if it is no
 * interior node. */
static GPtrArray *
list_children(const DmDevice *device, const char *path)
{
    g_autoptr(GPtrArray) names = NULL;

    for (gsize i = 0; i < G_N_ELEMENTS(leaves); i++) {
        const char *rest = below(leaves[i].path, path);
        g_autofree char *value = rest ? read_leaf(device, &leaves[i]) : NULL;
        g_autofree char *name = rest ? g_strndup(rest, strcspn(rest, "/")) : NULL;

        if (!rest)
            continue;
        if (!names)
            names = g_ptr_array_new_with_free_func(g_free);
        /* Leaves of one interior node stand together: it can only be the last. */
        if (value && (names->len == 0 || strcmp(names->pdata[names->len - 1], name) != 0))
            g_ptr_array_add(names, g_steal_pointer(&name));
    }
    return g_steal_pointer(&names);
}

static void
add_item(DmReply *reply, const char *path, DmFormat format, const char *data)
{
    g_autofree char *loc_uri = g_strconcat("./", path, NULL);

    dm_reply_add_item(reply, loc_uri, format, data, data ? strlen(data) : 0);
}

/* ?list=Struct and StructData: the node and all below it, leaves with their value or without. */
static void
add_listing(const DmDevice *device, const char *path, bool with_data, DmReply *reply)
{
    g_autoptr(GPtrArray) names = list_children(device, path);
    const Leaf *leaf = find_leaf(path);

    if (leaf) {
        g_autofree char *value = with_data ? read_leaf(device, leaf) : NULL;

        add_item(reply, path, leaf->format, value);
        return;
    }
    add_item(reply, path, DM_FORMAT_NODE, NULL);
    for (guint i = 0; names && i < names->len; i++) {
        g_autofree char *child = g_strconcat(path, "/", names->pdata[i], NULL);

        add_listing(device, child, with_data, reply);
    }
}

/* ?prop=: the node's property as chr. */
static const char *
get_property(DmQuery query, const char *path, DmFormat format)
{
    const char *slash = strrchr(path, '/');

    if (query == DM_QUERY_PROP_FORMAT)
        return dm_format_to_name(format);
    if (query == DM_QUERY_PROP_NAME)
        return slash ? slash + 1 : path;
    return format == DM_FORMAT_NODE ? "" : "text/plain";
}

/* Whether a leaf or an interior node is at `path`, with a value or not. */
static bool
has_node(const char *path)
{
    for (gsize i = 0; i < G_N_ELEMENTS(leaves); i++)
        if (strcmp(leaves[i].path, path) == 0 || below(leaves[i].path, path))
            return true;
    return false;
}

static void
get_node(const DmDevice *device, const char *path, DmQuery query, DmReply *reply)
{
    const Leaf *leaf = find_leaf(path);
    g_autofree char *value = leaf ? read_leaf(device, leaf) : NULL;
    g_autoptr(GPtrArray) names = leaf ? NULL : list_children(device, path);
    DmFormat format = leaf ? leaf->format : DM_FORMAT_NODE;

    if (!value && !names) {
        dm_reply_add(reply, DM_STATUS_NOT_FOUND);
        return;
    }
    if (query == DM_QUERY_OTHER) {
        dm_reply_add(reply, DM_STATUS_NOT_SUPPORTED);
        return;
    }
    dm_reply_add(reply, DM_STATUS_OK);
    if (query == DM_QUERY_LIST_STRUCT || query == DM_QUERY_LIST_STRUCT_DATA) {
        add_listing(device, path, query == DM_QUERY_LIST_STRUCT_DATA, reply);
    } else if (query != DM_QUERY_NONE) {
        add_item(reply, path, DM_FORMAT_CHR, get_property(query, path, format));
    } else if (value) {
        add_item(reply, path, format, value);
    } else {
        g_autofree char *joined = NULL;

        g_ptr_array_add(names, NULL);
        joined = g_strjoinv("/", (char **)names->pdata);
        add_item(reply, path, DM_FORMAT_NODE, joined);
    }
}

void
dm_device_apply(const DmDevice *device, DmVerb verb, const DmUri *uri, DmReply *reply)
{
    g_autoptr(GString) path = g_string_new(uri->segments[0]);

    for (guint i = 1; i < uri->n_segments; i++) {
        /* A "/" inside a segment is in no name of ours, and must not look like two segments. */
        if (strchr(uri->segments[i], '/')) {
            dm_reply_add(reply, DM_STATUS_NOT_FOUND);
            return;
        }
        g_string_append_c(path, '/');
        g_string_append(path, uri->segments[i]);
    }
    if (verb == DM_VERB_GET) {
        get_node(device, path->str, uri->query, reply);
    } else {
        dm_reply_add(reply, has_node(path->str) ? DM_STATUS_NOT_ALLOWED : DM_STATUS_NOT_FOUND);
    }
}

/* -- the system -------------------------------------------------------------------------------- */

/* Whether logind has the uid of this file of it as logged in (sd_uid_get_state(3)). */
static bool
is_logged_in(const DmDevice *device, const char *uid)
{
    g_autofree char *path = g_build_filename("run/systemd/users", uid, NULL);
    g_autofree char *state = NULL;
    guint64 number = 0;

    /* System users, such as the login screen's, are not persons; root is one. */
    if (!g_ascii_string_to_unsigned(uid, 10, 0, G_MAXUINT32, &number, NULL) ||
        (number > 0 && number < 1000) || number == 65534)
        return false;
    state = read_assignment(device, path, "STATE");
    return state && (strcmp(state, "active") == 0 || strcmp(state, "online") == 0);
}

const char *
dm_device_get_login_status(const DmDevice *device)
{
    g_autofree char *path = g_build_filename(device->root, "run/systemd/users", NULL);
    g_autoptr(GDir) users = g_dir_open(path, 0, NULL);
    const char *name;

    while (users && (name = g_dir_read_name(users)))
        if (is_logged_in(device, name))
            return "others";
    return "none";
}

const char *
dm_device_get_platform(void)
{
    return "Linux";
}
