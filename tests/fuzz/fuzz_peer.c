/*
 * What another member may send, at four doors; the first byte says which.
 *
 * 0: bytes as a stream of frames, and every body through every decoder: what is taken
 *    apart and put together again is the same bytes.
 * 1: bytes to a member that was just connected to.
 * 2: to a member that has welcomed a good hello: frames {kind, u16 length, body}.
 * 3: from a member that we dialled: likewise; its challenge is the first of them.
 */
#include <raft.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "fuzz.h"
#include "base/log.h"
#include "net/loop.h"
#include "replica/peers_internal.h"

#define CLUSTER 7

/* ---- pure */

static void round_raft(uint8_t kind, struct bytes body)
{
	static struct peer_entries entries;
	struct raft_message m;
	struct buf again = {0};
	unsigned n;

	if (peer_get_raft(kind, body, &entries, &m) != 0)
		return;
	n = m.type == RAFT_APPEND_ENTRIES ? m.append_entries.n_entries : 0;
	REQUIRE(peer_raft_kind(&m) == kind);
	peer_put_raft(&m, 0, n, &again);
	REQUIRE(bytes_eq(buf_bytes(&again), body));
	REQUIRE(again.len <= peer_raft_bytes(&m, 0, n));
	buf_fini(&again);
}

static void round_hello(struct bytes body)
{
	struct peer_hello h;
	struct buf again = {0};

	if (peer_get_hello(body, &h) != 0 || h.protocol != PEER_PROTOCOL)
		return;
	peer_put_hello(&h, &again);
	REQUIRE(bytes_eq(buf_bytes(&again), body));
	buf_fini(&again);
}

static void round_welcome(struct bytes body)
{
	struct peer_welcome w;
	struct buf again = {0};

	if (peer_get_welcome(body, &w) != 0)
		return;
	peer_put_welcome(&w, &again);
	REQUIRE(bytes_eq(buf_bytes(&again), body));
	buf_fini(&again);
}

static void round_refusal(struct bytes body)
{
	struct err why;
	struct buf again = {0};

	if (peer_get_refusal(body, &why) != 0)
		return;
	peer_put_refusal(&why, &again);
	REQUIRE(bytes_eq(buf_bytes(&again), body));
	buf_fini(&again);
}

static void round_body(uint8_t kind, struct bytes body)
{
	uint8_t nonce[PEER_NONCE_BYTES];
	uint16_t protocol;

	round_raft(kind, body);
	round_hello(body);
	round_welcome(body);
	round_refusal(body);
	peer_get_challenge(body, &protocol, nonce);
}

static void stream(struct bytes in)
{
	struct peer_frame f;
	size_t len;

	for (size_t i = 0; i < 2; i++) {
		struct bytes rest = in;

		while (peer_frame_next(rest, PEER_FRAME_BYTES_MAX, i == 0, &f, &len) ==
			0) {
			REQUIRE(len == f.body.len + PEER_HEAD_BYTES && len <= rest.len);
			round_body(f.kind, f.body);
			rest = bytes_of(rest.data + len, rest.len - len);
		}
	}
	if (in.len > 0)
		round_body(in.data[0], bytes_of(in.data + 1, in.len - 1));
}

/* ---- members */

static struct loop *loop;

/* Reads all that it is given, as an owner does. */
static void on_raft(void *arg, struct raft_message *m)
{
	struct peers **p = arg;
	uint8_t sum = 0;

	if (m->type == RAFT_APPEND_ENTRIES)
		for (unsigned i = 0; i < m->append_entries.n_entries; i++)
			for (size_t j = 0; j < m->append_entries.entries[i].buf.len; j++)
				sum ^= ((uint8_t *)m->append_entries.entries[i]
						.buf.base)[j];
	REQUIRE(m->server_id != 0);
	peers_send_raft(*p, m);
	if (sum == 77)
		peers_forget(*p, m->server_id);
}

static void on_frame(void *arg, uint64_t from, enum peer_channel channel,
	enum peer_kind kind, struct bytes body)
{
	struct peers **p = arg;

	if (kind == PEER_CHANGE)
		peers_forget(*p, from);
	else
		peers_reply(*p, from, channel, kind, body);
}

static void on_up(void *arg, uint64_t node, enum peer_channel channel, bool up)
{
	struct peers **p = arg;

	REQUIRE(*p == NULL || peers_connected(*p, node, channel) == up);
}

static void on_drained(void *arg, uint64_t node, enum peer_channel channel)
{
	(void)arg;
	(void)node;
	(void)channel;
}

static void on_met(
	void *arg, uint64_t node, const char *name, const char *address, bool joining)
{
	struct peers **p = arg;

	(void)joining;
	REQUIRE(strlen(name) <= PEER_NAME_MAX && strlen(address) < PEER_ADDRESS_BYTES);
	peers_trouble(*p, node);
}

static const struct peers_events events = {
	.raft = on_raft,
	.frame = on_frame,
	.up = on_up,
	.drained = on_drained,
	.met = on_met,
};

static struct peers *member_new(struct peers **arg)
{
	struct peers_options o = {
		.loop = loop,
		.cluster = CLUSTER,
		.node = 1,
		.name = "fuzzed",
		.events = &events,
		.arg = arg,
	};

	REQUIRE(peers_new(&o, arg, NULL) == 0);
	return *arg;
}

/* Runs until all of what was sent is eaten: then the connection is over. */
static void stop_when_over(void *arg)
{
	const struct peers *p = arg;

	if (list_empty(&p->links))
		loop_stop(loop);
}

static void run_until_over(struct peers *p)
{
	loop_on_idle(loop, stop_when_over, p);
	loop_run(loop);
	loop_on_idle(loop, NULL, NULL);
}

static void send_all(int fd, const void *data, size_t len)
{
	const char *at = data;

	while (len > 0) {
		ssize_t n = send(fd, at, len, MSG_NOSIGNAL);

		if (n <= 0)
			return;
		at += n;
		len -= (size_t)n;
	}
}

static void put_frame(struct buf *out, uint8_t kind, struct bytes body)
{
	size_t begin = peer_frame_begin(out, kind);

	buf_put_bytes(out, body);
	peer_frame_end(out, begin, true);
}

/* Frames with good sums of {kind, u16 length, body}. */
static void put_frames(struct buf *out, struct bytes in)
{
	while (in.len >= 3) {
		size_t n = get_be16(in.data + 1);

		if (n > in.len - 3)
			n = in.len - 3;
		put_frame(out, in.data[0], bytes_of(in.data + 3, n));
		in = bytes_of(in.data + 3 + n, in.len - 3 - n);
	}
}

/* A good hello to what fd says first; its channel and node are the fuzzer's. */
static void put_hello(struct buf *out, int fd, uint8_t choice)
{
	struct peer_hello h = {
		.protocol = PEER_PROTOCOL,
		.channel = (enum peer_channel)(choice % PEER_CHANNELS),
		.cluster = choice & 64 ? 0 : CLUSTER,
		.node = 1 + (choice >> 3 & 3),
		.boot = 1,
		.serial = 1,
		.name = "fuzzer",
	};
	uint8_t challenge[PEER_HEAD_BYTES + 8 + 2 + PEER_NONCE_BYTES];
	struct buf body = {0};

	REQUIRE(recv(fd, challenge, sizeof(challenge), MSG_WAITALL) ==
		(ssize_t)sizeof(challenge));
	memcpy(h.nonce, challenge + sizeof(challenge) - PEER_NONCE_BYTES,
		PEER_NONCE_BYTES);
	peer_put_hello(&h, &body);
	put_frame(out, PEER_HELLO, buf_bytes(&body));
	buf_fini(&body);
}

static void stop_at_once(void *arg)
{
	(void)arg;
	loop_stop(loop);
}

static void run_once(void)
{
	loop_on_idle(loop, stop_at_once, NULL);
	loop_run(loop);
	loop_on_idle(loop, NULL, NULL);
}

static void accepted(struct bytes in, bool greeted)
{
	struct peers *p;
	struct buf out = {0};
	int fd[2];

	REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd) == 0);
	member_new(&p);
	peers_on_accept(fd[0], p);
	run_once();
	if (greeted && in.len > 0) {
		put_hello(&out, fd[1], in.data[0]);
		put_frames(&out, bytes_of(in.data + 1, in.len - 1));
	} else {
		buf_put_bytes(&out, in);
	}
	send_all(fd[1], out.data, out.len);
	shutdown(fd[1], SHUT_WR);
	run_until_over(p);
	close(fd[1]);
	buf_fini(&out);
	peers_free(p);
}

static char door_path[64];

static int door_open(void)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(door_path, sizeof(door_path), "/tmp/svcd-fuzz-peer-%ld", (long)getpid());
	unlink(door_path);
	snprintf(at.sun_path, sizeof(at.sun_path), "%s", door_path);
	REQUIRE(fd >= 0 && bind(fd, (struct sockaddr *)&at, sizeof(at)) == 0);
	REQUIRE(listen(fd, 8) == 0);
	return fd;
}

static void dialled(struct bytes in)
{
	struct peers *p;
	struct buf out = {0};
	char address[80];
	int door = door_open();
	int fd;

	snprintf(address, sizeof(address), "unix:%s", door_path);
	member_new(&p);
	REQUIRE(peers_set_address(p, 2, address) == 0);
	peers_connect(p, 2, in.len > 0 ? in.data[0] % PEER_CHANNELS : PEER_RAFT);
	fd = accept4(door, NULL, NULL, SOCK_CLOEXEC);
	REQUIRE(fd >= 0);
	close(door);
	unlink(door_path);
	if (in.len > 0)
		put_frames(&out, bytes_of(in.data + 1, in.len - 1));
	send_all(fd, out.data, out.len);
	shutdown(fd, SHUT_WR);
	run_until_over(p);
	close(fd);
	buf_fini(&out);
	peers_free(p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes in;

	if (size == 0 || size > 60000)
		return 0;
	in = bytes_of(data + 1, size - 1);
	log_set_level(LOG_ERROR + 1);
	if (data[0] % 4 == 0) {
		stream(in);
		return 0;
	}
	loop = loop_new();
	REQUIRE(loop != NULL);
	if (data[0] % 4 == 3)
		dialled(in);
	else
		accepted(in, data[0] % 4 == 2);
	loop_free(loop);
	return 0;
}
