/*
 * The conversations in tests/vectors/, byte by byte: see the README there.
 */
#ifndef TESTS_INTEGRATION_VECTORS_H
#define TESTS_INTEGRATION_VECTORS_H

#include "rpc_client.h"

struct vectors {
	struct rpc *conn; /* borrowed; nothing was said on it yet */
	char folder[1024];
	/* Makes the server what a line "is ..." says; false: not understood. NULL: no
	 * file has such lines. */
	bool (*become)(struct rpc *conn, const char *what);
};

/* identities: those of cluster and node are the same at each run. */
void vectors_init(struct vectors *x, struct rpc *conn, bool identities);
void vectors_fini(struct vectors *x);

/* Compares, or with VECTORS_UPDATE in the environment writes the file anew. */
void vectors_run(const struct vectors *x, const char *name);

#endif
