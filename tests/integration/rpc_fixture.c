#include "rpc_fixture.h"

#include <check.h>
#include <poll.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/log.h"

void fixture_init(struct fixture *f)
{
	*f = (struct fixture){0};
	scratch_make(&f->scratch);
	snprintf(f->unix_path, sizeof(f->unix_path), "unix:%s/sock", f->scratch.dir);
	snprintf(f->data_dir, sizeof(f->data_dir), "%s/data", f->scratch.dir);
	ck_assert_int_eq(mkdir(f->data_dir, 0700), 0);
	f->replica_options.data_dir = f->data_dir;
	f->options = (struct server_options){
		.listen = {f->unix_path, "tcp:127.0.0.1:0"},
		.n_listen = 2,
		.workers = 1,
		.checks_enabled = true,
	};
	log_set_level(LOG_ERROR);
}

void fixture_start(struct fixture *f)
{
	struct err e;

	ck_assert_msg(
		replica_start(&f->replica_options, &f->replica, &e) == 0, "%s", e.text);
	ck_assert_msg(
		server_start(f->replica, &f->options, &f->server, &e) == 0, "%s", e.text);
	server_addr(f->server, 0, &f->unix_addr);
	server_addr(f->server, 1, &f->tcp_addr);
}

static void fixture_end(struct fixture *f)
{
	server_stop(f->server, 2000);
	replica_stop(f->replica);
}

void fixture_restart(struct fixture *f)
{
	fixture_end(f);
	fixture_start(f);
}

void fixture_stop(struct fixture *f)
{
	fixture_end(f);
	scratch_remove(&f->scratch);
}

struct server_stat fixture_stat(const struct fixture *f)
{
	struct server_stat stat;

	server_stat(f->server, &stat);
	return stat;
}

void fixture_await_connections(const struct fixture *f, uint64_t n)
{
	uint64_t until_ms = clock_now_ms() + 20000;

	while (fixture_stat(f).connections != n) {
		ck_assert_msg(clock_now_ms() < until_ms,
			"%llu connections, %llu are awaited",
			(unsigned long long)fixture_stat(f).connections,
			(unsigned long long)n);
		poll(NULL, 0, 2);
	}
}
