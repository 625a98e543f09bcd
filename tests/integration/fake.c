#include "fake.h"

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "client/raw.h"
#include "../unit/notation.h"
#include "wire/frame.h"
#include "wire/pack.h"
#include "wire/value.h"

#define PEERS_MAX 16
#define RULES_MAX 256
#define LOG_MAX 4096
#define WAIT_SECONDS 10

struct peer {
	int fd; /* -1: free */
	struct buf in;
	struct frame_scan scan;
};

struct rule {
	char method[32];
	enum fake_do what;
	char *text;
	bool used;
};

struct entry {
	char method[32];
	char *params;
};

struct fake {
	pthread_t thread;
	pthread_mutex_t lock; /* guards all that follows */
	pthread_cond_t happened;
	int wake;
	int holder;   /* keeps the port while it is away */
	int listener; /* -1: away */
	uint16_t port;
	char addr[64];
	bool stopping;
	struct peer peers[PEERS_MAX];
	struct rule rules[RULES_MAX];
	size_t n_rules;
	struct entry log[LOG_MAX];
	size_t n_log;
	char cluster[32];
	unsigned interval_ms;
	uint64_t rev; /* of the head; also what the next incarnation and lease count on */
	uint64_t incarnation;
};

/* ---- what it answers by itself ----------------------------------------- */

static void put_default(struct fake *f, const char *method, char *out, size_t cap)
{
	if (strcmp(method, "hello") == 0)
		snprintf(out, cap,
			"{version:1,server:'fake',cluster:'%s',node:'n1',role:'leader'}",
			f->cluster);
	else if (strcmp(method, "lease_grant") == 0)
		snprintf(out, cap,
			"{lease:%" PRIu64 ",ttl_ms:30000,interval_ms:%u,phase_ms:%u}",
			++f->rev, f->interval_ms, f->interval_ms);
	else if (strcmp(method, "renew") == 0)
		snprintf(out, cap, "{renewed:1,interval_ms:%u,lost:[]}", f->interval_ms);
	else if (strcmp(method, "register") == 0)
		snprintf(out, cap, "{incarnations:[%" PRIu64 "]}",
			f->incarnation = ++f->rev);
	else if (strcmp(method, "get") == 0)
		snprintf(out, cap,
			"{instances:[{id:'a',state:'up',incarnation:%" PRIu64 "}]}",
			f->incarnation);
	else
		snprintf(out, cap, "{}");
}

/* ---- sending ----------------------------------------------------------- */

static void peer_send(struct peer *p, struct buf *b)
{
	size_t sent = 0;

	ck_assert_int_eq(b->error, 0);
	while (p->fd >= 0 && sent < b->len) {
		ssize_t n = send(p->fd, b->data + sent, b->len - sent, MSG_NOSIGNAL);

		if (n <= 0)
			break;
		sent += (size_t)n;
	}
	buf_fini(b);
}

static void peer_close(struct peer *p)
{
	if (p->fd >= 0)
		close(p->fd);
	p->fd = -1;
	buf_fini(&p->in);
	frame_scan_reset(&p->scan);
}

/* The entries of the map in text, behind those of a head unless it begins with one. */
static void put_result(struct fake *f, struct buf *b, const char *text)
{
	bool has_head = strncmp(text, "{rev:", 5) == 0;
	struct buf map = {0};

	notation_pack(&map, text);
	/* The form that notation_pack makes. */
	ck_assert(map.len >= 3 && map.data[0] == 0xde);
	pack_map(b, get_be16(map.data + 1) + (has_head ? 0 : 3u));
	if (!has_head) {
		pack_kv_u64(b, "rev", f->rev);
		pack_kv_u64(b, "age_ms", 1);
		pack_kv_cstr(b, "source", "leader");
	}
	pack_raw(b, bytes_of(map.data + 3, map.len - 3));
	buf_fini(&map);
}

static void answer(struct fake *f, struct peer *p, uint32_t id, const char *text)
{
	struct buf b = {0};

	pack_result(&b, id);
	put_result(f, &b, text);
	peer_send(p, &b);
}

static void answer_error(struct peer *p, uint32_t id, const char *text)
{
	struct buf b = {0};

	pack_array(&b, 4);
	pack_u64(&b, FRAME_RESPONSE);
	pack_u64(&b, id);
	notation_pack(&b, text);
	pack_nil(&b);
	peer_send(p, &b);
}

/* ---- requests ---------------------------------------------------------- */

static struct rule *rule_for(struct fake *f, const char *method)
{
	for (size_t i = 0; i < f->n_rules; i++)
		if (!f->rules[i].used && strcmp(f->rules[i].method, method) == 0)
			return &f->rules[i];
	return NULL;
}

static void follow(struct fake *f, struct peer *p, uint32_t id, const char *method,
	const struct rule *r)
{
	char text[512];
	struct buf b = {0};

	switch (r->what) {
	case FAKE_ANSWER:
		answer(f, p, id, r->text);
		break;
	case FAKE_ERROR:
		answer_error(p, id, r->text);
		break;
	case FAKE_SILENT:
		break;
	case FAKE_CHANGE:
		put_default(f, method, text, sizeof(text));
		peer_close(p);
		break;
	case FAKE_DROP:
		peer_close(p);
		break;
	case FAKE_BYTES:
		buf_put(&b, r->text, strlen(r->text));
		peer_send(p, &b);
		break;
	}
}

static void serve(struct fake *f, struct peer *p, uint32_t id, const char *method)
{
	struct rule *r = rule_for(f, method);
	char text[512];

	if (r != NULL) {
		r->used = true;
		follow(f, p, id, method, r);
		return;
	}
	put_default(f, method, text, sizeof(text));
	answer(f, p, id, text);
}

static char *params_text(struct bytes body)
{
	struct arena *a = arena_new();
	struct buf out = {0};
	struct value v;

	ck_assert_int_eq(value_parse(a, body, &v), 0);
	ck_assert(v.type == VALUE_ARRAY && v.n == 1);
	notation_print(&out, value_at(v, 0));
	buf_put_u8(&out, '\0');
	arena_free(a);
	return (char *)out.data;
}

static void take(struct fake *f, struct peer *p, struct bytes message)
{
	struct entry *e = &f->log[f->n_log];
	struct frame fr;

	ck_assert_int_eq(frame_parse(message, &fr), 0);
	ck_assert_uint_lt(f->n_log, LOG_MAX);
	ck_assert_uint_lt(fr.method.len, sizeof(e->method));
	memcpy(e->method, fr.method.data, fr.method.len);
	e->method[fr.method.len] = '\0';
	e->params = params_text(fr.body);
	if (fr.kind == FRAME_REQUEST)
		serve(f, p, fr.id, e->method);
	f->n_log++;
	pthread_cond_broadcast(&f->happened);
}

static void take_all(struct fake *f, struct peer *p)
{
	struct bytes in = buf_bytes(&p->in);
	size_t used = 0;
	size_t len;

	while (p->fd >= 0 &&
		frame_find(&p->scan, bytes_of(in.data + used, in.len - used), &len) ==
			0) {
		struct bytes message = bytes_of(in.data + used, len);

		used += len;
		take(f, p, message);
	}
	if (p->fd >= 0)
		buf_drop_front(&p->in, used);
}

static void on_readable(struct fake *f, struct peer *p)
{
	uint8_t chunk[65536];
	ssize_t n = recv(p->fd, chunk, sizeof(chunk), MSG_DONTWAIT);

	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0) {
		peer_close(p);
		return;
	}
	buf_put(&p->in, chunk, (size_t)n);
	take_all(f, p);
}

/* ---- the thread -------------------------------------------------------- */

static void on_peer(struct fake *f)
{
	int fd = accept4(f->listener, NULL, NULL, SOCK_CLOEXEC);

	if (fd < 0)
		return;
	for (size_t i = 0; i < PEERS_MAX; i++) {
		if (f->peers[i].fd >= 0)
			continue;
		f->peers[i].fd = fd;
		return;
	}
	close(fd);
}

/* Waits without the lock, which the test's thread needs to make something happen. */
static void wait_for_input(struct fake *f, struct pollfd fds[PEERS_MAX + 2])
{
	fds[0] = (struct pollfd){.fd = f->wake, .events = POLLIN};
	fds[1] = (struct pollfd){.fd = f->listener, .events = POLLIN};
	for (size_t i = 0; i < PEERS_MAX; i++)
		fds[i + 2] = (struct pollfd){.fd = f->peers[i].fd, .events = POLLIN};
	pthread_mutex_unlock(&f->lock);
	poll(fds, PEERS_MAX + 2, -1);
	pthread_mutex_lock(&f->lock);
}

static void *run(void *arg)
{
	struct fake *f = arg;
	struct pollfd fds[PEERS_MAX + 2];
	uint64_t count;

	pthread_mutex_lock(&f->lock);
	while (!f->stopping) {
		wait_for_input(f, fds);
		if (fds[0].revents != 0)
			ck_assert_int_eq(
				read(f->wake, &count, sizeof(count)), sizeof(count));
		if (fds[1].revents != 0 && fds[1].fd == f->listener)
			on_peer(f);
		for (size_t i = 0; i < PEERS_MAX; i++)
			if (fds[i + 2].revents != 0 && f->peers[i].fd == fds[i + 2].fd &&
				fds[i + 2].fd >= 0)
				on_readable(f, &f->peers[i]);
	}
	pthread_mutex_unlock(&f->lock);
	return NULL;
}

static void wake(struct fake *f)
{
	static const uint64_t one = 1;

	ck_assert_int_eq(write(f->wake, &one, sizeof(one)), sizeof(one));
}

/* ---- the test's side --------------------------------------------------- */

/* A socket bound to the fake's port, which the first one gets from the kernel. */
static int bound_socket(struct fake *f)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(f->port)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	socklen_t len = sizeof(at);
	int on = 1;

	ck_assert_int_ge(fd, 0);
	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on));
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&at, &len), 0);
	f->port = ntohs(at.sin_port);
	return fd;
}

static void open_listener(struct fake *f)
{
	f->listener = bound_socket(f);
	ck_assert_int_eq(listen(f->listener, 16), 0);
}

struct fake *fake_start(void)
{
	struct fake *f = calloc(1, sizeof(*f));

	ck_assert_ptr_nonnull(f);
	pthread_mutex_init(&f->lock, NULL);
	pthread_cond_init(&f->happened, NULL);
	f->wake = eventfd(0, EFD_CLOEXEC);
	f->interval_ms = 10000;
	strcpy(f->cluster, "c1");
	for (size_t i = 0; i < PEERS_MAX; i++)
		f->peers[i].fd = -1;
	f->holder = bound_socket(f);
	open_listener(f);
	snprintf(f->addr, sizeof(f->addr), "tcp:127.0.0.1:%u", f->port);
	ck_assert_int_eq(pthread_create(&f->thread, NULL, run, f), 0);
	return f;
}

void fake_stop(struct fake *f)
{
	if (f == NULL)
		return;
	pthread_mutex_lock(&f->lock);
	f->stopping = true;
	pthread_mutex_unlock(&f->lock);
	wake(f);
	pthread_join(f->thread, NULL);
	for (size_t i = 0; i < PEERS_MAX; i++)
		peer_close(&f->peers[i]);
	for (size_t i = 0; i < f->n_rules; i++)
		free(f->rules[i].text);
	for (size_t i = 0; i < f->n_log; i++)
		free(f->log[i].params);
	if (f->listener >= 0)
		close(f->listener);
	close(f->holder);
	close(f->wake);
	pthread_mutex_destroy(&f->lock);
	pthread_cond_destroy(&f->happened);
	free(f);
}

const char *fake_addr(const struct fake *f)
{
	return f->addr;
}

void fake_rule(struct fake *f, const char *method, enum fake_do what, const char *text)
{
	struct rule *r;

	pthread_mutex_lock(&f->lock);
	ck_assert_uint_lt(f->n_rules, RULES_MAX);
	r = &f->rules[f->n_rules++];
	*r = (struct rule){.what = what, .text = strdup(text != NULL ? text : "{}")};
	snprintf(r->method, sizeof(r->method), "%s", method);
	pthread_mutex_unlock(&f->lock);
}

void fake_set_interval(struct fake *f, unsigned ms)
{
	pthread_mutex_lock(&f->lock);
	f->interval_ms = ms;
	pthread_mutex_unlock(&f->lock);
}

void fake_set_cluster(struct fake *f, const char *name)
{
	pthread_mutex_lock(&f->lock);
	snprintf(f->cluster, sizeof(f->cluster), "%s", name);
	pthread_mutex_unlock(&f->lock);
}

static void drop_all(struct fake *f)
{
	for (size_t i = 0; i < PEERS_MAX; i++)
		peer_close(&f->peers[i]);
}

void fake_drop(struct fake *f)
{
	pthread_mutex_lock(&f->lock);
	drop_all(f);
	pthread_mutex_unlock(&f->lock);
	wake(f);
}

void fake_away(struct fake *f)
{
	pthread_mutex_lock(&f->lock);
	close(f->listener);
	f->listener = -1;
	drop_all(f);
	pthread_mutex_unlock(&f->lock);
	wake(f);
}

void fake_back(struct fake *f)
{
	pthread_mutex_lock(&f->lock);
	open_listener(f);
	pthread_mutex_unlock(&f->lock);
	wake(f);
}

static unsigned count(const struct fake *f, const char *method)
{
	unsigned n = 0;

	for (size_t i = 0; i < f->n_log; i++)
		n += strcmp(f->log[i].method, method) == 0;
	return n;
}

unsigned fake_count(struct fake *f, const char *method)
{
	unsigned n;

	pthread_mutex_lock(&f->lock);
	n = count(f, method);
	pthread_mutex_unlock(&f->lock);
	return n;
}

void fake_wait(struct fake *f, const char *method, unsigned least)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += WAIT_SECONDS;
	pthread_mutex_lock(&f->lock);
	while (count(f, method) < least)
		if (pthread_cond_timedwait(&f->happened, &f->lock, &until) == ETIMEDOUT)
			ck_abort_msg("%s came %u times, not %u", method, count(f, method),
				least);
	pthread_mutex_unlock(&f->lock);
}

const char *fake_params(struct fake *f, const char *method, unsigned back)
{
	const char *found = "";

	pthread_mutex_lock(&f->lock);
	for (size_t i = f->n_log; i-- > 0;) {
		if (strcmp(f->log[i].method, method) != 0 || back-- > 0)
			continue;
		found = f->log[i].params;
		break;
	}
	pthread_mutex_unlock(&f->lock);
	return found;
}

/* ---- events ------------------------------------------------------------ */

static void send_event(struct fake *f, struct buf *map)
{
	pthread_mutex_lock(&f->lock);
	for (size_t i = 0; i < PEERS_MAX; i++) {
		struct buf b = {0};

		if (f->peers[i].fd < 0)
			continue;
		pack_notification(&b, "event");
		pack_raw(&b, buf_bytes(map));
		peer_send(&f->peers[i], &b);
	}
	pthread_mutex_unlock(&f->lock);
	buf_fini(map);
}

void fake_event(struct fake *f, const char *event)
{
	struct buf map = {0};

	notation_pack(&map, event);
	send_event(f, &map);
}

static uint64_t digest_of(const char *instances)
{
	struct buf b = {0};
	struct raw_walk walk;
	uint64_t digest = 0;

	notation_pack(&b, instances);
	walk = raw_walk_array(buf_bytes(&b));
	while (walk.left > 0)
		digest += bytes_hash(raw_walk_next(&walk));
	buf_fini(&b);
	return digest;
}

static void pack_head(
	struct buf *map, uint32_t n, const char *kind, const char *service, unsigned rev)
{
	pack_map(map, n);
	pack_kv_cstr(map, "kind", kind);
	pack_kv_cstr(map, "ns", "default");
	pack_kv_cstr(map, "service", service);
	pack_kv_u64(map, "rev", rev);
}

void fake_snapshot(
	struct fake *f, const char *service, unsigned rev, const char *instances)
{
	struct buf map = {0};

	pack_head(&map, 6, "snapshot", service, rev);
	pack_kv_u64(&map, "digest", digest_of(instances));
	pack_cstr(&map, "instances");
	notation_pack(&map, instances);
	send_event(f, &map);
}

void fake_delta(struct fake *f, const char *service, unsigned from, unsigned rev,
	const char *changes, const char *after)
{
	struct buf map = {0};

	pack_head(&map, 7, "delta", service, rev);
	pack_kv_u64(&map, "from", from);
	pack_kv_u64(&map, "digest", digest_of(after));
	pack_cstr(&map, "changes");
	notation_pack(&map, changes);
	send_event(f, &map);
}
