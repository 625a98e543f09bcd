/*
 * A whole server in the test's process: replica and server on a temporary folder, one
 * Unix socket and one TCP port that the kernel chose.
 */
#ifndef TESTS_INTEGRATION_RPC_FIXTURE_H
#define TESTS_INTEGRATION_RPC_FIXTURE_H

#include "rpc_client.h"
#include "../unit/scratch_dir.h"
#include "server/server.h"

struct fixture {
	struct scratch scratch;
	char unix_path[300], data_dir[300];
	struct replica_options replica_options;
	struct server_options options;
	struct replica *replica;
	struct server *server;
	struct net_addr unix_addr, tcp_addr;
};

/* Change f->options between the two. */
void fixture_init(struct fixture *f);
void fixture_start(struct fixture *f);
void fixture_restart(struct fixture *f); /* the server and the replica, as after a clean
					    stop */
void fixture_stop(struct fixture *f);

struct server_stat fixture_stat(const struct fixture *f);
/* Waits until the server has so many connections. */
void fixture_await_connections(const struct fixture *f, uint64_t n);

#endif
