/* SPDX-License-Identifier: MIT */
#pragma once

/* The ABI of OMA-DM clients' management objects (libdmclient's, and others' that took it over), as
 * far as a module needs it. The host loads a file, asks for one interface, which is one subtree,
 * and frames each DM session with initFunc and closeFunc. Functions return 0 or a SyncML status.
 * What a function gives away is malloc'd, and freed by the host. */

typedef struct {
    char *uri;    /* "./…", percent-encoded, without "?…" */
    char *format; /* never NULL after a good Get */
    char *type;
    unsigned int data_size;
    char *data_buffer; /* in a Set not followed by a NUL */
} dmtree_node_t;

typedef enum {
    OMADM_NODE_NOT_EXIST,
    OMADM_NODE_IS_INTERIOR,
    OMADM_NODE_IS_LEAF,
} omadmtree_node_kind_t;

typedef struct {
    char *base_uri;
    int (*initFunc)(void **data);
    void (*closeFunc)(void *data);
    int (*isNodeFunc)(const char *uri, omadmtree_node_kind_t *kind, void *data);
    int (*findURNFunc)(const char *urn, char ***uris, void *data);
    int (*getFunc)(dmtree_node_t *node, void *data);
    int (*setFunc)(const dmtree_node_t *node, void *data); /* Add and Replace */
    int (*getACLFunc)(const char *uri, char **acl, void *data);
    int (*setACLFunc)(const char *uri, const char *acl, void *data);
    int (*renameFunc)(const char *from, const char *to, void *data);
    int (*deleteFunc)(const char *uri, void *data);
    int (*execFunc)(const char *uri, const char *data, const char *correlator, void *priv);
} omadm_mo_interface_t;

/* The one symbol; NULL: no memory. The host frees base_uri and the struct. */
omadm_mo_interface_t *omadm_get_mo_interface(void);
