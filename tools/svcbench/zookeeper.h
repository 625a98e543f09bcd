/*
 * ZooKeeper's wire protocol, as far as a registration needs it: a session, creating a
 * node, reading the names below one. Numbers are big-endian; each message has its length
 * in 4 bytes before it; answers come in the order of their requests.
 */
#ifndef SVCBENCH_ZOOKEEPER_H
#define SVCBENCH_ZOOKEEPER_H

#include <stdbool.h>

#include "svcbench/message.h"

/* All of them append a whole request to m. */
void zk_connect(struct message *m, uint32_t timeout_ms); /* a new session */
/* A node that everybody may read and change; ephemeral: ends with the session. */
void zk_create(struct message *m, uint32_t xid, const char *path, const void *data,
	size_t n, bool ephemeral);
/* The server catches up with its leader before it answers. */
void zk_sync(struct message *m, uint32_t xid, const char *path);
void zk_children(struct message *m, uint32_t xid, const char *path);

/* Length of the answer at p, 0 when it is not whole yet. *failed: it is an error. */
size_t zk_connected(const unsigned char *p, size_t n, bool *failed);
size_t zk_answer(const unsigned char *p, size_t n, bool *failed);

/* The names in a whole answer to zk_children, one by one: *at is 0 before the first.
 * False: there is none left, or the answer is cut short. */
bool zk_child(const unsigned char *p, size_t n, size_t *at, const unsigned char **name,
	size_t *name_len);

/* The four letters "srvr", no session needed: where the text that answers them ends (0:
 * not whole), and what it says. */
size_t zk_srvr_answer(const unsigned char *p, size_t n);
bool zk_srvr_says(const unsigned char *p, size_t n, const char *mode);

#endif
