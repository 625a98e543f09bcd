/*
 * Bytes from a client against a whole server: what it sends after hello, or instead of it
 * (first byte). The server lives as long as the process, so that one input meets the
 * state that others left; its replica is the fake one.
 */
#include <assert.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/log.h"
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

static void begin(void)
{
	static char listen[64];
	static char data_dir[64];
	struct replica_options r = {.data_dir = data_dir};
	struct server_options o = {
		.listen = {listen}, .n_listen = 1, .workers = 1, .connections_max = 1000};
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
