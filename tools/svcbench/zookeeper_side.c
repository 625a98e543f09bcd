/* ZooKeeper: three servers, and a registration as a node below its service's. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "svcbench/sides.h"
#include "svcbench/zookeeper.h"

#define SESSION_MS 10000
#define SERVICES 100 /* parents; instance i belongs to the one numbered i % SERVICES */
#define PATH_CAP 48

/* The JVM's code is compiled while it works: its rate rises over some 15 s to several
 * times what it begins with. */
#define WARM_JVM_SECONDS 20.0
#define HEAP "-Xmx1g"

static struct message request;
static unsigned char answer[1 << 20];

static bool installed(const struct bench_options *o)
{
	return o->java != NULL && o->zookeeper != NULL;
}

const struct rival rival_zookeeper = {"zookeeper", installed};

/* ---- what is said ------------------------------------------------------ */

static void greet(struct link *l)
{
	request.len = 0;
	zk_connect(&request, SESSION_MS);
	link_put(l, request.data, request.len);
}

static size_t next_answer(struct link *l, const unsigned char *p, size_t n, bool *failed)
{
	return l->usual == 0 ? zk_connected(p, n, failed) : zk_answer(p, n, failed);
}

static void service_path(char out[PATH_CAP], uint64_t service)
{
	snprintf(out, PATH_CAP, "/svc-%06llu", (unsigned long long)service);
}

static void put_create(struct link *l, uint64_t i, bool ephemeral)
{
	char path[PATH_CAP], record[512];

	snprintf(path, sizeof path, "/svc-%06llu/inst-%08llu",
		(unsigned long long)(i % SERVICES), (unsigned long long)i);
	request.len = 0;
	zk_create(&request, 1, path, record,
		(size_t)json_instance(record, sizeof record, i / 10, i), ephemeral);
	link_put(l, request.data, request.len);
}

static void put_ephemeral(struct link *l, uint64_t i)
{
	put_create(l, i, true);
}

static void put_lasting(struct link *l, uint64_t i)
{
	put_create(l, i, false);
}

static void fill(const struct peer *p);

static const struct load registers = {
	.fill = fill, .greet = greet, .answer = next_answer, .put = put_ephemeral};
static const struct load writes = {
	.fill = fill, .greet = greet, .answer = next_answer, .put = put_lasting};

/* The parents. */
static void fill(const struct peer *p)
{
	static struct message all;
	char path[PATH_CAP];

	all.len = 0;
	for (uint64_t i = 0; i < SERVICES; i++) {
		service_path(path, i);
		zk_create(&all, 1, path, "", 0, false);
	}
	if (ask(p, &writes, &all, SERVICES, answer, sizeof answer) == 0)
		give_up("ZooKeeper refuses to create the services");
}

/* ---- the servers ------------------------------------------------------- */

#define CLIENT_PORT 2181
#define FOLLOW_PORT 2888
#define ELECTION_PORT 3888

static FILE *open_file(const struct peer *p, const char *name)
{
	char path[300];
	FILE *f;

	snprintf(path, sizeof path, "%s/%s", p->dir, name);
	f = fopen(path, "w");
	if (f == NULL) {
		fprintf(stderr, "svcbench: error: %s: %s\n", path, strerror(errno));
		exit(1);
	}
	return f;
}

/* As in the sample that ZooKeeper comes with, but for the limit of 60 connections from
 * one address and the web server on port 8080. */
static void write_settings(const struct peer *p, int index)
{
	FILE *f = open_file(p, "zoo.cfg");

	fprintf(f,
		"tickTime=2000\ninitLimit=10\nsyncLimit=5\n"
		"dataDir=%s\nclientPort=%d\nclientPortAddress=%s\n"
		"maxClientCnxns=0\nadmin.enableServer=false\n",
		p->dir, CLIENT_PORT, p->host);
	for (int i = 0; i < MEMBERS; i++) {
		struct peer member;

		peer_place(&member, i);
		fprintf(f, "server.%d=%s:%d:%d\n", i + 1, member.host, FOLLOW_PORT,
			ELECTION_PORT);
	}
	fclose(f);
	f = open_file(p, "myid");
	fprintf(f, "%d\n", index + 1);
	fclose(f);
}

static void run(struct peer *p, const struct bench_options *o)
{
	char settings[300];
	const char *const argv[] = {p->program, HEAP, "-XX:-UsePerfData", "-cp",
		o->zookeeper, "org.apache.zookeeper.server.quorum.QuorumPeerMain",
		settings, NULL};

	snprintf(settings, sizeof settings, "%s/zoo.cfg", p->dir);
	peer_spawn(p, o, argv);
}

static void start(struct trio *t, int i)
{
	struct peer *p = &t->m[i];

	peer_prepare(p, t->o.java);
	peer_place(p, i);
	p->port = CLIENT_PORT;
	write_settings(p, i);
	run(p, &t->o);
}

/* ---- what they say of themselves --------------------------------------- */

static size_t srvr_answer(struct link *l, const unsigned char *p, size_t n, bool *failed)
{
	(void)l, (void)failed;
	return zk_srvr_answer(p, n);
}

static enum role role(const struct peer *p)
{
	static const struct load srvr = {.answer = srvr_answer};
	size_t n;

	request.len = 0;
	message_put(&request, "srvr", 4);
	n = ask(p, &srvr, &request, 1, answer, sizeof answer);
	if (zk_srvr_says(answer, n, "leader"))
		return ROLE_LEADER;
	return zk_srvr_says(answer, n, "follower") ? ROLE_FOLLOWER : ROLE_NONE;
}

/* Names are "inst-" and the number of the write. */
static uint64_t known_children(size_t n, const unsigned char *known, uint64_t writes_n)
{
	const unsigned char *name;
	uint64_t found = 0;
	size_t at = 0, len;

	while (zk_child(answer, n, &at, &name, &len)) {
		char text[32];
		uint64_t i;

		snprintf(text, sizeof text, "%.*s", (int)len, (const char *)name);
		i = strtoull(text + strcspn(text, "0123456789"), NULL, 10);
		found += i < writes_n && known[i];
	}
	return found;
}

static uint64_t lost(const struct trio *t, int i, const unsigned char *known, uint64_t n)
{
	uint64_t missing = 0;

	for (uint64_t k = 0; k < n; k++)
		missing += known[k];
	for (uint64_t k = 0; k < SERVICES; k++) {
		static struct message m;
		char path[PATH_CAP];

		service_path(path, k);
		m.len = 0;
		zk_sync(&m, 1, path);
		zk_children(&m, 2, path);
		missing -= known_children(
			ask(&t->m[i], &writes, &m, 2, answer, sizeof answer), known, n);
	}
	return missing;
}

const struct cluster zookeeper_cluster = {
	.settings = HEAP " each, else default settings (forceSync, tickTime 2000)",
	.warm_seconds = WARM_JVM_SECONDS,
	.registers = &registers,
	.writes = &writes,
	.start = start,
	.run = run,
	.role = role,
	.lost = lost};
