/*
 * For the tests of net/: a loop that runs until something has happened, and raw sockets.
 */
#ifndef TESTS_UNIT_TEST_NET_H
#define TESTS_UNIT_TEST_NET_H

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/conn.h"
#include "unit.h"

struct until {
	struct loop *loop;
	const int *count;
	int wanted;
};

static inline void stop_when_reached(void *arg)
{
	struct until *u = arg;

	if (*u->count >= u->wanted)
		loop_stop(u->loop);
}

/* Runs l until *count has reached wanted; looked at after each round. */
static inline void run_until(struct loop *l, const int *count, int wanted)
{
	struct until u = {l, count, wanted};

	loop_on_idle(l, stop_when_reached, &u);
	loop_run(l);
	loop_on_idle(l, NULL, NULL);
}

static inline void count_up(void *arg)
{
	++*(int *)arg;
}

static inline void run_for(struct loop *l, uint64_t ms)
{
	struct timer t;
	int fired = 0;

	ck_assert_int_eq(timer_init(&t, l, count_up, &fired), 0);
	timer_set(&t, ms);
	run_until(l, &fired, 1);
	timer_fini(&t);
}

static inline struct net_addr addr_of(const char *text)
{
	struct net_addr a;
	struct err e = {0};

	ck_assert_msg(net_addr_parse(text, 0, &a, &e) == 0, "%s", e.text);
	return a;
}

/* A blocking socket; the tests' other side. */
static inline int raw_connect(const struct net_addr *to)
{
	int fd = socket(net_addr_family(to), SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_storage sa;

	ck_assert_int_ge(fd, 0);
	memcpy(&sa, to->sockaddr, sizeof(to->sockaddr));
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&sa, to->len), 0);
	return fd;
}

static inline void raw_send(int fd, const void *data, size_t len)
{
	ck_assert_int_eq(send(fd, data, len, MSG_NOSIGNAL), (ssize_t)len);
}

/* A name for a socket file in a directory of its own; raw_remove_dir takes both away. */
static inline void raw_socket_path(char dir[32], char path[64])
{
	strcpy(dir, "/tmp/svcd-test-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, 64, "%s/s", dir);
}

static inline void raw_remove_dir(const char *dir, const char *path)
{
	unlink(path);
	ck_assert_int_eq(rmdir(dir), 0);
}

#endif
