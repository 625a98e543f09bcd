/*
 * Bytes from a client against a whole server: what it sends after hello, or instead of it
 * (first byte: 0). The server lives as long as the process, so that one input meets the
 * state that others left; its replica is the fake one. It leads, or follows (bit 1 of the
 * first byte) a leader that knows half of all leases.
 */
#include <assert.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include "../unit/fake_replica.h"
#include "base/log.h"
#include "server/lease_ask.h"
#include "server/server.h"
#include "wire/pack.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char folder[] = "/tmp/svcd-fuzz-XXXXXX";
static struct replica *replica;
static struct server *server;
static struct net_addr address;

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *walk)
{
	(void)st;
	(void)type;
	(void)walk;
	return remove(path);
}

static void end(void)
{
	server_stop(server, 1000);
	replica_stop(replica);
	nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static const struct replica_member members[] = {
	{.node = 0xa1, .name = "alpha", .self = true, .leader = true, .voter = true},
	{.node = 0xb2, .name = "beta", .heard_ms = UINT64_MAX, .trouble = "refused"},
};

static int leader_answers(
	void *arg, uint32_t kind, struct bytes question, struct buf *answer)
{
	int n = lease_ask_count(question);

	(void)arg;
	assert(kind == ASK_LEASES && n >= 0);
	buf_put_be64(answer, 1);
	for (size_t i = 0; i < (size_t)n; i++) {
		enum lease_wish wish;
		uint64_t id;

		lease_ask_at(question, i, &wish, &id);
		buf_put_be32(answer, wish == LEASE_RENEW && id % 2 == 0 ? 15000 : 0);
	}
	return 0;
}

static void on_join(void *arg, struct server_join *j)
{
	(void)arg;
	server_join_answer(j, SVCD_EUNREACHABLE, "nobody is there");
}

/* What differs from input to input. An answer may still be of the one before. */
static void take_office(bool leads)
{
	if (leads)
		fake_replica_role(replica, ROLE_LEADER);
	else
		fake_replica_follow(replica, leader_answers, NULL);
	fake_replica_members(replica, members, leads ? 2 : 1);
}

static void begin(void)
{
	static char listen[64];
	static char data_dir[64];
	struct replica_options r = {.data_dir = data_dir};
	struct server_options o = {
		.listen = {listen},
		.n_listen = 1,
		.workers = 1,
		.connections_max = 1000,
		.backup_dir = data_dir,
		.on_join = on_join,
	};
	struct err e;

	assert(mkdtemp(folder) != NULL);
	snprintf(listen, sizeof(listen), "unix:%s/sock", folder);
	snprintf(data_dir, sizeof(data_dir), "%s/data", folder);
	assert(mkdir(data_dir, 0700) == 0);
	log_set_level(LOG_ERROR);
	assert(replica_start(&r, &replica, &e) == 0);
	assert(server_start(replica, &o, &server, &e) == 0);
	server_addr(server, 0, &address);
	atexit(end);
}

static void send_all(int fd, struct bytes v)
{
	while (v.len > 0) {
		ssize_t n = send(fd, v.data, v.len, MSG_NOSIGNAL);

		if (n <= 0)
			return;
		v = bytes_of(v.data + n, v.len - (size_t)n);
	}
}

static void say_hello(int fd)
{
	struct buf b = {0};

	pack_request(&b, 1, "hello");
	pack_map(&b, 1);
	pack_kv_u64(&b, "version", 1);
	send_all(fd, buf_bytes(&b));
	buf_fini(&b);
}

/* Until the server has said all and closed. */
static void read_all(int fd)
{
	static const struct timeval patience = {.tv_sec = 1};
	char answer[65536];

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	while (recv(fd, answer, sizeof(answer), 0) > 0)
		;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd;

	if (server == NULL)
		begin();
	if (size == 0)
		return 0;
	take_office(!(data[0] & 2));
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	assert(fd >= 0 &&
		connect(fd, (struct sockaddr *)address.sockaddr, address.len) == 0);
	if (data[0] != 0)
		say_hello(fd);
	send_all(fd, bytes_of(data + 1, size - 1));
	shutdown(fd, SHUT_WR);
	read_all(fd);
	close(fd);
	return 0;
}
