/* net/conn.h: connections. A side is one connection under test with what happened to it.
 */
#include <errno.h>
#include <malloc.h>
#include <poll.h>

#include "base/clock.h"
#include "base/rng.h"
#include "test_net.h"

#ifdef __SANITIZE_ADDRESS__
#define COUNTS_MEMORY 0
#else
#define COUNTS_MEMORY 1
#endif

enum { PIECE = 1000 };

struct side {
	struct conn *conn;
	/* What on_data does; NULL takes all. */
	ssize_t (*respond)(struct side *s, struct bytes in);
	struct buf got; /* all that was consumed */
	int offers;
	int opened;
	int drained;
	int closed;
	int reason;
	int os_error;
	bool calling; /* the test is within a call of its own: nothing may be reported */
	struct conn *victim;
};

/* malloc takes large pieces from mmap and counts them apart. */
static size_t heap_in_use(void)
{
	struct mallinfo2 m = mallinfo2();

	return m.uordblks + m.hblkhd;
}

static struct loop *loop;

/* Small, or the kernel would take megabytes from us at once. */
static int send_buffer = 65536;
static const int receive_buffer = 65536;

static ssize_t side_on_data(struct conn *c, struct bytes in, void *arg)
{
	struct side *s = arg;
	ssize_t used;

	ck_assert_ptr_eq(c, s->conn);
	ck_assert(!s->calling);
	ck_assert_int_eq(s->closed, 0);
	s->offers++;
	used = s->respond != NULL ? s->respond(s, in) : (ssize_t)in.len;
	if (used > 0)
		buf_put(&s->got, in.data, (size_t)used);
	return used;
}

static void side_on_drained(struct conn *c, void *arg)
{
	struct side *s = arg;

	ck_assert_uint_eq(conn_pending(c), 0);
	s->drained++;
}

static void side_on_close(struct conn *c, int reason, void *arg)
{
	struct side *s = arg;

	ck_assert(!s->calling);
	s->closed++;
	s->reason = reason;
	s->os_error = conn_errno(c);
	ck_assert_int_ne(conn_write(c, bytes_str("too late")), 0);
	s->conn = NULL;
}

static void side_on_open(struct conn *c, void *arg)
{
	struct side *s = arg;

	(void)c;
	ck_assert(!s->calling);
	s->opened++;
}

static const struct conn_events side_events = {
	.on_data = side_on_data,
	.on_drained = side_on_drained,
	.on_close = side_on_close,
	.on_open = side_on_open,
};

static void loop_up(void)
{
	loop = loop_new();
	ck_assert_ptr_nonnull(loop);
}

static void loop_down(void)
{
	loop_free(loop);
}

static void side_adopt(struct side *s, int fd)
{
	s->conn = conn_adopt(loop, fd, &side_events, s);
	ck_assert_ptr_nonnull(s->conn);
}

/* A side on a Unix socket pair; returns the other end, which blocks. */
static int side_on_pair(struct side *s)
{
	int fd[2];

	*s = (struct side){0};
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd), 0);
	side_adopt(s, fd[0]);
	return fd[1];
}

/* The same over TCP on loopback, without a listener of ours. */
static int side_on_tcp(struct side *s)
{
	struct net_addr at = addr_of("tcp:127.0.0.1:0");
	struct sockaddr_storage sa;
	socklen_t len = sizeof(sa);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int other;

	*s = (struct side){0};
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &send_buffer, sizeof(send_buffer));
	memcpy(&sa, at.sockaddr, sizeof(at.sockaddr));
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&sa, at.len), 0);
	ck_assert_int_eq(listen(fd, 1), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&sa, &len), 0);
	net_addr_from_sockaddr((struct sockaddr *)&sa, len, &at);
	other = raw_connect(&at);
	setsockopt(other, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof(receive_buffer));
	side_adopt(s, accept4(fd, NULL, NULL, SOCK_CLOEXEC));
	close(fd);
	return other;
}

static int (*const side_on[])(struct side *s) = {side_on_pair, side_on_tcp};

static void side_end(struct side *s)
{
	if (s->conn != NULL) {
		s->calling = true;
		conn_close(s->conn, SVCD_ECANCELLED, 0);
		s->calling = false;
		run_until(loop, &s->closed, 1);
	}
	ck_assert_int_eq(s->closed, 1);
	buf_fini(&s->got);
}

static void end(struct side *s, int other)
{
	side_end(s);
	close(other);
}

/* All bytes up to the end of the stream, read by a thread of its own. */
struct reader {
	pthread_t thread;
	int fd;
	size_t len;
	bool in_order; /* byte i is (uint8_t)(i / 7) */
};

static uint8_t pattern_at(size_t i)
{
	return (uint8_t)(i / 7);
}

static void *read_to_the_end(void *arg)
{
	struct reader *r = arg;
	uint8_t piece[50000];
	ssize_t n;

	r->in_order = true;
	while ((n = recv(r->fd, piece, sizeof(piece), 0)) > 0)
		for (ssize_t i = 0; i < n; i++, r->len++)
			r->in_order &= piece[i] == pattern_at(r->len);
	close(r->fd);
	return NULL;
}

static void reader_start(struct reader *r, int fd)
{
	*r = (struct reader){.fd = fd};
	ck_assert_int_eq(pthread_create(&r->thread, NULL, read_to_the_end, r), 0);
}

static void reader_join(struct reader *r, size_t expected_len)
{
	pthread_join(r->thread, NULL);
	ck_assert_uint_eq(r->len, expected_len);
	ck_assert(r->in_order);
}

static struct bytes pattern_new(size_t len)
{
	uint8_t *data = malloc(len);

	for (size_t i = 0; i < len; i++)
		data[i] = pattern_at(i);
	return bytes_of(data, len);
}

static void pattern_free(struct bytes v)
{
	free((void *)(uintptr_t)v.data);
}

/* ---- input */

static ssize_t take_tens(struct side *s, struct bytes in)
{
	(void)s;
	return (ssize_t)(in.len - in.len % 10);
}

START_TEST(a_sender_of_single_bytes_is_understood)
{
	static const char text[] = "0123456789abcdefghijABCDEFGHIJ";
	struct side s;
	int other = side_on[_i](&s);

	s.respond = take_tens;
	for (int i = 0; i < 30; i++) {
		raw_send(other, text + i, 1);
		run_until(loop, &s.offers, i + 1);
	}
	ck_assert_uint_eq(s.got.len, 30);
	ck_assert_mem_eq(s.got.data, text, 30);
	end(&s, other);
}
END_TEST

static ssize_t take_one(struct side *s, struct bytes in)
{
	(void)s;
	return in.len > 0 ? 1 : 0;
}

START_TEST(what_is_not_consumed_comes_again_with_more_behind_it)
{
	struct side s;
	int other = side_on_pair(&s);

	s.respond = take_one;
	for (int i = 0; i < 4; i++) {
		raw_send(other, "abcd", 4);
		run_until(loop, &s.offers, i + 1);
	}
	ck_assert(bytes_eq_str(buf_bytes(&s.got), "abcd"));
	end(&s, other);
}
END_TEST

static ssize_t take_whole_megabyte(struct side *s, struct bytes in)
{
	(void)s;
	return in.len < 1 << 20 ? 0 : 1 << 20;
}

static void *send_pattern(void *arg)
{
	struct reader *w = arg;
	struct bytes v = pattern_new(w->len);

	raw_send(w->fd, v.data, v.len);
	pattern_free(v);
	return NULL;
}

START_TEST(a_message_of_a_megabyte_is_put_together)
{
	struct bytes v = pattern_new(1 << 20);
	struct reader writer = {.len = v.len};
	struct side s;
	int done;

	writer.fd = side_on[_i](&s);
	s.respond = take_whole_megabyte;
	ck_assert_int_eq(pthread_create(&writer.thread, NULL, send_pattern, &writer), 0);
	for (done = 0; s.got.len == 0; done++)
		run_until(loop, &s.offers, done + 1);
	pthread_join(writer.thread, NULL);
	ck_assert(bytes_eq(buf_bytes(&s.got), v));
	pattern_free(v);
	end(&s, writer.fd);
}
END_TEST

START_TEST(a_small_rest_behind_a_large_message_costs_little)
{
	size_t before;
	struct reader writer = {.len = (1 << 20) + 10};
	struct side s;
	int done;

	writer.fd = side_on_pair(&s);
	s.respond = take_whole_megabyte;
	before = heap_in_use();
	ck_assert_int_eq(pthread_create(&writer.thread, NULL, send_pattern, &writer), 0);
	for (done = 0; s.got.len == 0; done++)
		run_until(loop, &s.offers, done + 1);
	pthread_join(writer.thread, NULL);
	buf_fini(&s.got);
	if (COUNTS_MEMORY)
		ck_assert_uint_lt(heap_in_use(), before + 32 * PIECE);
	end(&s, writer.fd);
}
END_TEST

static ssize_t take_nothing(struct side *s, struct bytes in)
{
	(void)s;
	(void)in;
	return 0;
}

START_TEST(incomplete_input_beyond_in_max_closes)
{
	struct side s;
	char filler[1001] = {0};
	int other = side_on_pair(&s);

	s.respond = take_nothing;
	conn_set_limits(s.conn, 1000, 1000);
	raw_send(other, filler, 1000);
	run_until(loop, &s.offers, 1);
	ck_assert_int_eq(s.closed, 0);
	raw_send(other, filler, 1);
	run_until(loop, &s.closed, 1);
	ck_assert_int_eq(s.reason, SVCD_ETOOBIG);
	end(&s, other);
}
END_TEST

static ssize_t refuse_with_a_word(struct side *s, struct bytes in)
{
	(void)in;
	ck_assert_int_eq(conn_write(s->conn, bytes_str("malformed")), 0);
	return SVCD_EPROTOCOL;
}

START_TEST(an_error_of_on_data_closes_after_the_last_words)
{
	struct side s;
	char answer[32];
	int other = side_on[_i](&s);

	s.respond = refuse_with_a_word;
	raw_send(other, "?", 1);
	run_until(loop, &s.offers, 1);
	ck_assert_int_eq(recv(other, answer, sizeof(answer), 0), 9);
	ck_assert_int_eq(recv(other, answer, sizeof(answer), 0), 0);
	close(other);
	run_until(loop, &s.closed, 1);
	ck_assert_int_eq(s.reason, SVCD_EPROTOCOL);
	side_end(&s);
}
END_TEST

static ssize_t pause_after_two(struct side *s, struct bytes in)
{
	if (in.len < 2)
		return 0;
	conn_pause(s->conn, true);
	return 2;
}

START_TEST(a_paused_connection_goes_on_with_what_it_kept)
{
	struct side s;
	int other = side_on_pair(&s);

	s.respond = pause_after_two;
	raw_send(other, "aabbc", 5);
	run_until(loop, &s.offers, 1);
	raw_send(other, "c", 1);
	run_for(loop, 2);
	ck_assert_int_eq(s.offers, 1);
	conn_pause(s.conn, false);
	ck_assert_int_eq(s.offers, 1);
	run_until(loop, &s.offers, 2);
	ck_assert(bytes_eq_str(buf_bytes(&s.got), "aabb"));
	conn_pause(s.conn, false);
	run_until(loop, &s.offers, 4); /* "c", then "cc" */
	ck_assert(bytes_eq_str(buf_bytes(&s.got), "aabbcc"));
	end(&s, other);
}
END_TEST

static ssize_t pause_and_resume(struct side *s, struct bytes in)
{
	conn_pause(s->conn, true);
	conn_pause(s->conn, false);
	return in.len > 0 ? 1 : 0;
}

START_TEST(resuming_at_once_offers_the_rest)
{
	struct side s;
	int other = side_on_pair(&s);

	s.respond = pause_and_resume;
	raw_send(other, "xyz", 3);
	run_until(loop, &s.offers, 3);
	ck_assert(bytes_eq_str(buf_bytes(&s.got), "xyz"));
	end(&s, other);
}
END_TEST

/* ---- rounds */

/* A write outside of a round makes its end due before the kernel was asked what is ready.
 */
START_TEST(a_stopped_round_handles_first_what_was_ready)
{
	struct side s;
	int other = side_on_pair(&s);

	raw_send(other, "ready", 5);
	ck_assert_int_eq(conn_write(s.conn, bytes_str("outside of a round")), 0);
	loop_stop(loop);
	loop_run(loop);
	ck_assert_int_eq(s.offers, 1);
	end(&s, other);
}
END_TEST

static int offers_at_first_idle = -1;

static void note_first_idle(void *arg)
{
	struct side *s = arg;

	if (offers_at_first_idle < 0)
		offers_at_first_idle = s->offers;
	loop_stop(loop);
}

START_TEST(idle_comes_after_what_was_ready_in_the_first_round_too)
{
	struct side s;
	int other = side_on_pair(&s);

	raw_send(other, "ready", 5);
	loop_on_idle(loop, note_first_idle, &s);
	loop_run(loop);
	loop_on_idle(loop, NULL, NULL);
	ck_assert_int_eq(offers_at_first_idle, 1);
	end(&s, other);
}
END_TEST

/* ---- output */

static ssize_t answer_each_byte(struct side *s, struct bytes in)
{
	for (size_t i = 0; i < in.len; i++)
		ck_assert_int_eq(conn_write(s->conn, bytes_of(&in.data[i], 1)), 0);
	return (ssize_t)in.len;
}

START_TEST(the_answers_of_one_event_are_one_send)
{
	struct side s = {.respond = answer_each_byte};
	char answer[64];
	int fd[2];

	/* SEQPACKET shows where a send ended. */
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fd), 0);
	side_adopt(&s, fd[0]);
	for (int i = 0; i < 3; i++) {
		raw_send(fd[1], "0123456789", 10);
		run_until(loop, &s.offers, i + 1);
		ck_assert_int_eq(recv(fd[1], answer, sizeof(answer), MSG_DONTWAIT), 10);
	}
	end(&s, fd[1]);
}
END_TEST

START_TEST(writes_outside_of_events_are_one_send_before_the_loop_sleeps)
{
	struct side s = {0};
	char answer[64];
	int fd[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fd), 0);
	side_adopt(&s, fd[0]);
	ck_assert_int_eq(conn_write(s.conn, bytes_str("one ")), 0);
	buf_printf(conn_out(s.conn), "%d", 2);
	ck_assert_int_eq(conn_flush(s.conn), 0);
	ck_assert_uint_eq(conn_pending(s.conn), 5);
	loop_stop(loop);
	loop_run(loop);
	ck_assert_uint_eq(conn_pending(s.conn), 0);
	ck_assert_int_eq(recv(fd[1], answer, sizeof(answer), MSG_DONTWAIT), 5);
	ck_assert_mem_eq(answer, "one 2", 5);
	end(&s, fd[1]);
}
END_TEST

static void write_once(void *arg)
{
	struct side *s = arg;

	if (s->offers++ == 0)
		conn_write(s->conn, bytes_str("from idle"));
	loop_stop(loop);
}

START_TEST(what_the_idle_hook_writes_is_sent_before_the_loop_sleeps)
{
	struct side s;
	char answer[64];
	int other = side_on_pair(&s);

	loop_on_idle(loop, write_once, &s);
	loop_run(loop);
	loop_on_idle(loop, NULL, NULL);
	ck_assert_int_eq(recv(other, answer, sizeof(answer), MSG_DONTWAIT), 9);
	end(&s, other);
}
END_TEST

START_TEST(send_now_does_not_wait_for_the_loop)
{
	struct side s;
	char answer[64];
	int other = side_on_pair(&s);

	ck_assert_int_eq(conn_send_now(s.conn, bytes_str("now")), 0);
	ck_assert_int_eq(recv(other, answer, sizeof(answer), MSG_DONTWAIT), 3);
	ck_assert_int_eq(conn_send_now(s.conn, BYTES_NONE), 0);
	ck_assert_int_eq(conn_write(s.conn, bytes_str("first ")), 0);
	ck_assert_int_eq(conn_send_now(s.conn, bytes_str("second")), 0);
	ck_assert_int_lt(recv(other, answer, sizeof(answer), MSG_DONTWAIT), 0);
	run_for(loop, 1);
	ck_assert_int_eq(recv(other, answer, sizeof(answer), MSG_DONTWAIT), 12);
	ck_assert_mem_eq(answer, "first second", 12);
	end(&s, other);
}
END_TEST

/* Each way to write, in pieces of a kilobyte. */
static int put_by_write(struct conn *c, struct bytes v)
{
	return conn_write(c, v);
}

static int put_by_out(struct conn *c, struct bytes v)
{
	buf_put_bytes(conn_out(c), v);
	return conn_flush(c);
}

static int (*const put_by[])(struct conn *c, struct bytes v) = {
	put_by_write, put_by_out, conn_send_now};

static int put_pieces(
	struct conn *c, struct bytes v, int (*put)(struct conn *c, struct bytes v))
{
	int rc = 0;

	for (size_t at = 0; at < v.len && rc == 0; at += PIECE)
		rc = put(c, bytes_of(v.data + at, PIECE));
	return rc;
}

START_TEST(much_output_to_a_slow_reader_arrives_and_drains_once)
{
	struct bytes v = pattern_new(3000 * PIECE);
	struct reader r;
	struct side s;
	int other = side_on[_i % 2](&s);

	ck_assert_int_eq(put_pieces(s.conn, v, put_by[_i / 2]), 0);
	run_for(loop, 1);
	ck_assert_uint_gt(conn_pending(s.conn), 0);
	ck_assert_int_eq(s.drained, 0);
	reader_start(&r, other);
	run_until(loop, &s.drained, 1);
	ck_assert_int_eq(s.drained, 1);
	side_end(&s);
	reader_join(&r, v.len);
	pattern_free(v);
}
END_TEST

START_TEST(a_stalled_reader_is_closed_when_out_max_is_reached)
{
	struct bytes v = pattern_new(20000 * PIECE);
	struct side s;
	int other = side_on[_i % 2](&s);

	conn_set_limits(s.conn, 1, 100 * PIECE);
	s.calling = true;
	ck_assert_int_eq(put_pieces(s.conn, v, put_by[_i / 2]), SVCD_ETOOBIG);
	ck_assert_int_eq(conn_write(s.conn, v), SVCD_ETOOBIG);
	s.calling = false;
	ck_assert_uint_le(conn_pending(s.conn), 100 * PIECE);
	run_until(loop, &s.closed, 1);
	ck_assert_int_eq(s.reason, SVCD_ETOOBIG);
	end(&s, other);
	pattern_free(v);
}
END_TEST

/* How much of a batch the kernel takes when nobody reads. */
static size_t kernel_takes(struct bytes v)
{
	struct side s;
	int other = side_on_pair(&s);
	size_t took;

	ck_assert_int_eq(conn_write(s.conn, v), 0);
	loop_stop(loop);
	loop_run(loop);
	took = v.len - conn_pending(s.conn);
	end(&s, other);
	return took;
}

/* The sent beginning of a batch stays in the buffer for a while, but is not owed. */
START_TEST(out_max_counts_only_what_is_unsent)
{
	struct bytes v = pattern_new(2000 * PIECE);
	size_t out_max = 3 * kernel_takes(v);
	struct side s;
	int other = side_on_pair(&s);

	ck_assert_uint_lt(out_max, v.len);
	conn_set_limits(s.conn, 1, out_max);
	ck_assert_int_eq(conn_write(s.conn, bytes_of(v.data, out_max)), 0);
	loop_stop(loop);
	loop_run(loop);
	ck_assert_uint_lt(conn_pending(s.conn), out_max);
	v.len = out_max - conn_pending(s.conn);
	ck_assert_int_eq(conn_write(s.conn, v), 0);
	ck_assert_uint_eq(conn_pending(s.conn), out_max);
	ck_assert_int_eq(conn_write(s.conn, bytes_str("x")), SVCD_ETOOBIG);
	pattern_free(v);
	end(&s, other);
}
END_TEST

START_TEST(a_single_write_beyond_out_max_sends_nothing_of_it)
{
	struct bytes v = pattern_new(2000);
	struct side s;
	char answer[16];
	int other = side_on_pair(&s);

	conn_set_limits(s.conn, 1, 1999);
	ck_assert_int_eq(conn_write(s.conn, v), SVCD_ETOOBIG);
	run_until(loop, &s.closed, 1);
	ck_assert_int_eq(s.reason, SVCD_ETOOBIG);
	ck_assert_int_eq(recv(other, answer, sizeof(answer), 0), 0);
	end(&s, other);
	pattern_free(v);
}
END_TEST

/* The peer takes as much as it is sent, but never all: there is always something
 * pending. A Unix socket is writable only when most of its buffer is free, so that up
 * to 400 kB pile up in between. */
START_TEST(a_peer_that_is_always_a_little_behind_costs_a_bounded_buffer)
{
	struct bytes v = pattern_new(20 * PIECE);
	static char sink[20 * PIECE];
	struct side s;
	size_t before = heap_in_use();
	size_t most = 0;
	int other = side_on_pair(&s);

	conn_set_limits(s.conn, 1, 600 * PIECE);
	while (conn_pending(s.conn) < 200 * PIECE) {
		ck_assert_int_eq(conn_write(s.conn, v), 0);
		run_for(loop, 1);
	}
	for (int i = 0; i < 500; i++) {
		ck_assert_int_eq(
			recv(other, sink, sizeof(sink), MSG_WAITALL), sizeof(sink));
		loop_stop(loop);
		loop_run(loop);
		ck_assert_uint_gt(conn_pending(s.conn), 0);
		ck_assert_int_eq(conn_write(s.conn, v), 0);
		most = heap_in_use() > most ? heap_in_use() : most;
	}
	if (COUNTS_MEMORY)
		ck_assert_uint_lt(most - before, 2000 * PIECE);
	pattern_free(v);
	end(&s, other);
}
END_TEST

START_TEST(a_small_rest_of_a_large_batch_costs_little)
{
	struct bytes v = pattern_new(2000 * PIECE);
	struct bytes batch = bytes_of(v.data, kernel_takes(v) + 100);
	struct side s[2];
	int other[2];
	size_t before = 0;

	/* The first one leaves its large buffer to the loop, and the second takes that.
	 */
	for (int i = 0; i < 2; i++) {
		before = heap_in_use();
		other[i] = side_on_pair(&s[i]);
		ck_assert_int_eq(conn_write(s[i].conn, batch), 0);
		loop_stop(loop);
		loop_run(loop);
		ck_assert_uint_eq(conn_pending(s[i].conn), 100);
	}
	if (COUNTS_MEMORY)
		ck_assert_uint_lt(heap_in_use() - before, 2000);
	for (int i = 0; i < 2; i++)
		end(&s[i], other[i]);
	pattern_free(v);
}
END_TEST

/* ---- endings */

static ssize_t answer_much(struct side *s, struct bytes in)
{
	struct bytes v = pattern_new(1000 * PIECE);

	ck_assert_int_eq(conn_write(s->conn, v), 0);
	pattern_free(v);
	return (ssize_t)in.len;
}

static ssize_t close_at_once(struct side *s, struct bytes in)
{
	s->calling = true;
	ck_assert_int_eq(conn_write(s->conn, bytes_str("lost")), 0);
	conn_close(s->conn, SVCD_EDENIED, 0);
	conn_close(s->conn, SVCD_EBUSY, 1000);
	ck_assert_int_eq(conn_write(s->conn, bytes_str("refused")), SVCD_EDENIED);
	ck_assert_int_eq(conn_send_now(s->conn, bytes_str("refused")), SVCD_EDENIED);
	buf_put(conn_out(s->conn), "refused", 7);
	ck_assert_int_eq(conn_out(s->conn)->error, SVCD_ECLOSED);
	conn_pause(s->conn, true);
	s->calling = false;
	return (ssize_t)in.len;
}

START_TEST(closing_within_on_data_is_reported_after_it)
{
	struct side s;
	char answer[16];
	int other = side_on_pair(&s);

	s.respond = close_at_once;
	raw_send(other, "x", 1);
	run_until(loop, &s.closed, 1);
	ck_assert_int_eq(s.reason, SVCD_EDENIED);
	ck_assert_int_eq(recv(other, answer, sizeof(answer), 0), 0);
	end(&s, other);
}
END_TEST

static ssize_t close_victim(struct side *s, struct bytes in)
{
	if (s->victim != NULL)
		conn_close(s->victim, SVCD_ECANCELLED, 0);
	s->victim = NULL;
	return (ssize_t)in.len;
}

START_TEST(closing_another_connection_whose_event_is_ready_is_safe)
{
	struct side a;
	struct side b;
	int other_a = side_on_pair(&a);
	int other_b = side_on_pair(&b);
	int sum = 0;

	a.respond = b.respond = close_victim;
	a.victim = b.conn;
	b.victim = a.conn;
	raw_send(other_a, "x", 1);
	raw_send(other_b, "x", 1);
	while (sum == 0) {
		run_for(loop, 1);
		sum = a.closed + b.closed;
	}
	ck_assert_int_eq(sum, 1);
	ck_assert_int_eq(a.offers + b.offers, 1);
	a.victim = b.victim = NULL;
	end(&a, other_a);
	end(&b, other_b);
}
END_TEST

START_TEST(closing_twice_is_reported_once_and_the_peer_cannot_add_to_it)
{
	struct side s;
	int other = side_on_pair(&s);

	conn_close(s.conn, SVCD_ESHUTDOWN, 0);
	conn_close(s.conn, SVCD_EBUSY, 0);
	close(other);
	run_for(loop, 2);
	ck_assert_int_eq(s.closed, 1);
	ck_assert_int_eq(s.reason, SVCD_ESHUTDOWN);
	side_end(&s);
}
END_TEST

START_TEST(a_loop_that_is_freed_reports_what_was_closed)
{
	struct side s;
	int other = side_on_pair(&s);

	conn_close(s.conn, SVCD_ESHUTDOWN, 0);
	loop_free(loop);
	loop = NULL;
	ck_assert_int_eq(s.closed, 1);
	end(&s, other);
}
END_TEST

/* The peer sends what nobody reads: without awaiting its end the kernel would answer with
 * a reset and throw our last bytes away. */
START_TEST(lingering_delivers_everything)
{
	struct bytes v = pattern_new(3000 * PIECE);
	struct reader r;
	struct side s;
	int other = side_on[_i](&s);

	raw_send(other, "never read", 10);
	ck_assert_int_eq(conn_write(s.conn, v), 0);
	s.calling = true;
	conn_close(s.conn, SVCD_ESHUTDOWN, 30000);
	s.calling = false;
	run_for(loop, 1);
	ck_assert_int_eq(s.closed, 0);
	ck_assert_int_eq(s.offers, 0);
	reader_start(&r, other);
	run_until(loop, &s.closed, 1);
	ck_assert_int_eq(s.reason, SVCD_ESHUTDOWN);
	ck_assert_int_eq(s.drained, 0);
	reader_join(&r, v.len);
	pattern_free(v);
	side_end(&s);
}
END_TEST

static ssize_t say_much_close_and_fail(struct side *s, struct bytes in)
{
	answer_much(s, in);
	conn_close(s->conn, SVCD_ESHUTDOWN, 30000);
	return SVCD_EPROTOCOL;
}

START_TEST(an_error_of_on_data_does_not_cut_lingering_short)
{
	struct reader r;
	struct side s;
	int other = side_on[_i](&s);

	s.respond = say_much_close_and_fail;
	raw_send(other, "x", 1);
	run_until(loop, &s.offers, 1);
	reader_start(&r, other);
	run_until(loop, &s.closed, 1);
	ck_assert_int_eq(s.reason, SVCD_ESHUTDOWN);
	reader_join(&r, 1000 * PIECE);
	side_end(&s);
}
END_TEST

START_TEST(lingering_keeps_what_only_the_kernel_has)
{
	struct bytes v = pattern_new(300 * PIECE);
	struct reader r;
	struct side s;
	int other;

	send_buffer = 1 << 20;
	other = side_on_tcp(&s);
	raw_send(other, "never read", 10);
	ck_assert_int_eq(conn_send_now(s.conn, v), 0);
	ck_assert_uint_eq(conn_pending(s.conn), 0);
	conn_close(s.conn, SVCD_ESHUTDOWN, 30000);
	run_for(loop, 1);
	ck_assert_int_eq(s.closed, 0);
	reader_start(&r, other);
	run_until(loop, &s.closed, 1);
	reader_join(&r, v.len);
	pattern_free(v);
	side_end(&s);
}
END_TEST

START_TEST(lingering_ends_in_time_when_nobody_reads)
{
	struct bytes v = pattern_new(3000 * PIECE);
	uint64_t started = clock_now_ms();
	struct side s;
	int other = side_on[_i](&s);

	ck_assert_int_eq(conn_write(s.conn, v), 0);
	conn_close(s.conn, SVCD_ESHUTDOWN, 20);
	run_until(loop, &s.closed, 1);
	ck_assert_uint_ge(clock_now_ms() - started, 20);
	ck_assert_int_eq(s.reason, SVCD_ESHUTDOWN);
	pattern_free(v);
	end(&s, other);
}
END_TEST

START_TEST(lingering_ends_in_time_when_the_peer_stays)
{
	struct side s;
	int other = side_on[_i](&s);

	ck_assert_int_eq(conn_write(s.conn, bytes_str("bye")), 0);
	conn_close(s.conn, SVCD_ESHUTDOWN, 20);
	run_until(loop, &s.closed, 1);
	ck_assert_int_eq(s.reason, SVCD_ESHUTDOWN);
	end(&s, other);
}
END_TEST

START_TEST(lingering_can_be_cut_short)
{
	struct bytes v = pattern_new(3000 * PIECE);
	struct side s;
	int other = side_on_pair(&s);

	ck_assert_int_eq(conn_write(s.conn, v), 0);
	conn_close(s.conn, SVCD_ESHUTDOWN, 600000);
	run_for(loop, 1);
	ck_assert_int_eq(s.closed, 0);
	conn_close(s.conn, SVCD_EBUSY, 0);
	run_until(loop, &s.closed, 1);
	ck_assert_int_eq(s.reason, SVCD_ESHUTDOWN);
	pattern_free(v);
	end(&s, other);
}
END_TEST

START_TEST(lingering_without_output_ends_at_once)
{
	struct side s;
	int other = side_on_pair(&s);

	conn_close(s.conn, SVCD_ESHUTDOWN, 600000);
	run_until(loop, &s.closed, 1);
	end(&s, other);
}
END_TEST

START_TEST(a_peer_that_resets_is_reported_as_closed)
{
	static const struct linger reset = {.l_onoff = 1};
	struct side s;
	int other = side_on_tcp(&s);

	ck_assert_int_eq(
		setsockopt(other, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)), 0);
	close(other);
	run_until(loop, &s.closed, 1);
	ck_assert_int_eq(s.reason, SVCD_ECLOSED);
	ck_assert_int_eq(s.os_error, ECONNRESET);
	side_end(&s);
}
END_TEST

START_TEST(writing_to_a_peer_that_is_gone_raises_no_signal)
{
	struct side s;
	int other = side_on[_i](&s);
	int rc = 0;

	close(other);
	s.calling = true;
	for (int i = 0; i < 1000 && rc == 0; i++)
		rc = conn_send_now(s.conn, bytes_str("anybody there?"));
	s.calling = false;
	ck_assert_int_eq(rc, SVCD_ECLOSED);
	run_until(loop, &s.closed, 1);
	ck_assert_int_eq(s.reason, SVCD_ECLOSED);
	side_end(&s);
}
END_TEST

START_TEST(aborting_resets_a_tcp_peer)
{
	struct side s;
	char answer[8];
	int other = side_on_tcp(&s);

	conn_abort(s.conn, SVCD_ECANCELLED);
	run_until(loop, &s.closed, 1);
	ck_assert_int_eq(s.reason, SVCD_ECANCELLED);
	ck_assert_int_lt(recv(other, answer, sizeof(answer), 0), 0);
	ck_assert_int_eq(errno, ECONNRESET);
	end(&s, other);
}
END_TEST

START_TEST(a_peer_that_ended_its_side_still_gets_its_answer)
{
	struct reader r;
	struct side s;
	int other = side_on[_i](&s);

	s.respond = answer_much;
	raw_send(other, "one request", 11);
	shutdown(other, SHUT_WR);
	run_until(loop, &s.offers, 1);
	reader_start(&r, other);
	run_until(loop, &s.closed, 1);
	ck_assert_int_eq(s.reason, SVCD_ECLOSED);
	ck_assert_int_eq(s.os_error, 0);
	reader_join(&r, 1000 * PIECE);
	side_end(&s);
}
END_TEST

/* ---- dialling */

START_TEST(nobody_at_the_address_is_reported_by_on_close)
{
	char dir[32];
	char path[64];
	struct side s = {.calling = true};
	struct net_addr to;
	struct err e = {0};
	char text[80];

	raw_socket_path(dir, path);
	snprintf(text, sizeof(text), "unix:%s", path);
	to = addr_of(_i == 0 ? text : "tcp:127.0.0.1:1");
	s.conn = conn_dial(loop, &to, &side_events, &s, &e);
	ck_assert_msg(s.conn != NULL, "%s", e.text);
	ck_assert_int_eq(conn_errno(s.conn) == 0 || _i == 0, 1);
	s.calling = false;
	run_until(loop, &s.closed, 1);
	ck_assert_int_eq(s.reason, SVCD_EUNREACHABLE);
	ck_assert_int_eq(s.os_error, _i == 0 ? ENOENT : ECONNREFUSED);
	ck_assert_int_eq(s.opened, 0);
	side_end(&s);
	raw_remove_dir(dir, path);
}
END_TEST

START_TEST(all_addresses_are_nothing_to_dial)
{
	struct net_addr to = addr_of("tcp:*:80");
	struct side s = {0};
	struct err e = {0};

	ck_assert_ptr_null(conn_dial(loop, &to, &side_events, &s, &e));
	ck_assert_int_eq(e.code, SVCD_EINVAL);
	ck_assert_str_eq(e.text, "cannot connect to tcp:*:80: \"*\" is for listeners");
}
END_TEST

START_TEST(a_connection_attempt_can_be_given_up)
{
	struct net_addr to = addr_of("tcp:127.0.0.1:1");
	struct side s = {0};

	s.conn = conn_dial(loop, &to, &side_events, &s, NULL);
	ck_assert_int_eq(conn_write(s.conn, bytes_str("lost")), 0);
	conn_close(s.conn, SVCD_ETIMEOUT, 1000);
	run_until(loop, &s.closed, 1);
	ck_assert_int_eq(s.reason, SVCD_ETIMEOUT);
	side_end(&s);
}
END_TEST

struct echo {
	struct side client;
	struct side server;
	struct listener *listener;
};

static void on_accept(int fd, void *arg)
{
	side_adopt(arg, fd);
}

static ssize_t echo(struct side *s, struct bytes in)
{
	buf_put_bytes(conn_out(s->conn), in);
	ck_assert_int_eq(conn_flush(s->conn), 0);
	return (ssize_t)in.len;
}

static void echo_up(struct echo *x, const char *at)
{
	struct net_addr addr = addr_of(at);
	struct err e = {0};

	*x = (struct echo){.server.respond = echo};
	x->listener = listener_new(loop, &addr, 8, on_accept, &x->server, &e);
	ck_assert_msg(x->listener != NULL, "%s", e.text);
	listener_addr(x->listener, &addr);
	x->client.conn = conn_dial(loop, &addr, &side_events, &x->client, &e);
	ck_assert_msg(x->client.conn != NULL, "%s", e.text);
}

static void echo_down(struct echo *x)
{
	side_end(&x->client);
	run_until(loop, &x->server.closed, 1);
	ck_assert_int_eq(x->server.reason, SVCD_ECLOSED);
	side_end(&x->server);
	listener_free(x->listener);
}

START_TEST(what_is_written_comes_back)
{
	char dir[32];
	char path[64];
	char text[80];
	char peer[120];
	struct echo x;

	raw_socket_path(dir, path);
	snprintf(text, sizeof(text), "unix:%s", path);
	echo_up(&x, _i == 0 ? "tcp:127.0.0.1:0" : text);
	ck_assert_int_eq(conn_write(x.client.conn, bytes_str("before it is open")), 0);
	ck_assert_int_eq(x.client.opened, 0);
	run_until(loop, &x.client.offers, 1);
	ck_assert_int_eq(x.client.opened, 1);
	ck_assert(bytes_eq_str(buf_bytes(&x.client.got), "before it is open"));
	conn_peer(x.server.conn, peer, sizeof(peer));
	snprintf(text, sizeof(text), "unix:pid=%d,uid=%u", (int)getpid(), geteuid());
	if (_i == 0)
		ck_assert_ptr_eq(strstr(peer, "tcp:127.0.0.1:"), peer);
	else
		ck_assert_str_eq(peer, text);
	echo_down(&x);
	raw_remove_dir(dir, path);
}
END_TEST

/* ---- by chance */

/* Two sides send each other the same bytes in random pieces, by every way to write; they
 * take random parts of what they get, and pause now and then. The first closes when it
 * has sent all. */
struct gambler {
	struct side side;
	struct gambler *opponent;
	size_t sent;
	size_t seen;
	struct timer resume;
};

static struct rng rng;
static struct bytes stake;
static struct gambler pair[2];

static void gamble(struct gambler *g)
{
	size_t left = stake.len - g->sent;
	size_t n = rng_below(&rng, 100) == 0 ? rng_below(&rng, 300000)
					     : rng_below(&rng, 3000);
	int rc;

	if (g->side.conn == NULL || left == 0)
		return;
	n = n < left ? n : left;
	rc = put_by[rng_below(&rng, LENGTH(put_by))](
		g->side.conn, bytes_of(stake.data + g->sent, n));
	ck_assert(rc == 0 || (rc == SVCD_ECLOSED && g == &pair[1]));
	g->sent += n;
	if (g->sent == stake.len && g == &pair[0])
		conn_close(g->side.conn, SVCD_ESHUTDOWN, 30000);
}

static void on_resume(void *arg)
{
	struct gambler *g = arg;

	if (g->side.conn != NULL)
		conn_pause(g->side.conn, false);
}

static ssize_t take_a_part(struct side *s, struct bytes in)
{
	struct gambler *g = container_of(s, struct gambler, side);

	ck_assert_uint_le(s->got.len + in.len, stake.len);
	ck_assert_int_eq(memcmp(in.data, stake.data + s->got.len, in.len), 0);
	g->seen = s->got.len + in.len;
	if (rng_below(&rng, 10) == 0) {
		conn_pause(s->conn, true);
		timer_set(&g->resume, rng_below(&rng, 2));
	}
	if (rng_below(&rng, 2) == 0)
		gamble(g->opponent);
	if (rng_below(&rng, 3) == 0)
		return (ssize_t)rng_below(&rng, in.len + 1);
	return (ssize_t)in.len;
}

static void gambler_init(struct gambler *g, struct gambler *opponent, int fd)
{
	*g = (struct gambler){.side.respond = take_a_part, .opponent = opponent};
	side_adopt(&g->side, fd);
	ck_assert_int_eq(timer_init(&g->resume, loop, on_resume, g), 0);
}

static void gamble_on(void *arg)
{
	(void)arg;
	gamble(&pair[rng_below(&rng, 2)]);
	if (pair[0].side.conn == NULL && pair[1].side.conn == NULL)
		loop_stop(loop);
}

static void on_pace(void *arg)
{
	timer_set(arg, 1);
}

START_TEST(no_byte_is_lost_or_doubled_whatever_happens)
{
	struct timer pace;
	int fd[2];

	rng_seed(&rng, (uint64_t)_i);
	stake = pattern_new(2000 * PIECE);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd), 0);
	gambler_init(&pair[0], &pair[1], fd[0]);
	gambler_init(&pair[1], &pair[0], fd[1]);
	ck_assert_int_eq(timer_init(&pace, loop, on_pace, &pace), 0);
	timer_set(&pace, 1);
	loop_on_idle(loop, gamble_on, NULL);
	loop_run(loop);

	ck_assert_int_eq(pair[0].side.reason, SVCD_ESHUTDOWN);
	ck_assert_int_eq(pair[1].side.reason, SVCD_ECLOSED);
	ck_assert_int_eq(pair[1].side.os_error, 0);
	ck_assert_uint_eq(pair[1].seen, stake.len);
	for (int i = 0; i < 2; i++) {
		timer_fini(&pair[i].resume);
		side_end(&pair[i].side);
	}
	timer_fini(&pace);
	pattern_free(stake);
}
END_TEST

/* ---- the cost */

static void *adopt_many(struct side *s, int *other, int n)
{
	for (int i = 0; i < n; i++)
		other[i] = side_on_pair(&s[i]);
	return s;
}

START_TEST(an_idle_connection_costs_less_than_500_bytes)
{
	enum { MANY = 200 };
	static struct side s[MANY + 1];
	int other[MANY + 1];
	size_t before;
	size_t each;

	/* The first one makes libevent's tables and ours. */
	adopt_many(s, other, 1);
	before = heap_in_use();
	adopt_many(s + 1, other + 1, MANY);
	for (int i = 0; i <= MANY; i++) {
		raw_send(other[i], "some input, and some output", 27);
		s[i].respond = answer_each_byte;
	}
	for (int i = 0; i <= MANY; i++)
		run_until(loop, &s[i].offers, 1);
	for (int i = 0; i <= MANY; i++)
		buf_fini(&s[i].got);
	each = (heap_in_use() - before) / MANY;
	if (COUNTS_MEMORY)
		ck_assert_uint_lt(each, 500 + (256 << 10) / MANY); /* and one spare buffer
								    */
	for (int i = 0; i <= MANY; i++)
		end(&s[i], other[i]);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("net_conn");
	TCase *tc = unit_case(s, "input");

	tcase_add_checked_fixture(tc, loop_up, loop_down);
	tcase_add_loop_test(tc, a_sender_of_single_bytes_is_understood, 0, 2);
	tcase_add_test(tc, what_is_not_consumed_comes_again_with_more_behind_it);
	tcase_add_loop_test(tc, a_message_of_a_megabyte_is_put_together, 0, 2);
	tcase_add_test(tc, a_small_rest_behind_a_large_message_costs_little);
	tcase_add_test(tc, incomplete_input_beyond_in_max_closes);
	tcase_add_loop_test(tc, an_error_of_on_data_closes_after_the_last_words, 0, 2);
	tcase_add_test(tc, a_paused_connection_goes_on_with_what_it_kept);
	tcase_add_test(tc, resuming_at_once_offers_the_rest);

	tc = unit_case(s, "rounds");
	tcase_add_checked_fixture(tc, loop_up, loop_down);
	tcase_add_test(tc, a_stopped_round_handles_first_what_was_ready);
	tcase_add_test(tc, idle_comes_after_what_was_ready_in_the_first_round_too);

	tc = unit_case(s, "output");
	tcase_add_checked_fixture(tc, loop_up, loop_down);
	tcase_add_test(tc, the_answers_of_one_event_are_one_send);
	tcase_add_test(tc, writes_outside_of_events_are_one_send_before_the_loop_sleeps);
	tcase_add_test(tc, what_the_idle_hook_writes_is_sent_before_the_loop_sleeps);
	tcase_add_test(tc, send_now_does_not_wait_for_the_loop);
	tcase_add_loop_test(
		tc, much_output_to_a_slow_reader_arrives_and_drains_once, 0, 6);
	tcase_add_loop_test(tc, a_stalled_reader_is_closed_when_out_max_is_reached, 0, 6);
	tcase_add_test(tc, a_peer_that_is_always_a_little_behind_costs_a_bounded_buffer);
	tcase_add_test(tc, a_small_rest_of_a_large_batch_costs_little);
	tcase_add_test(tc, out_max_counts_only_what_is_unsent);
	tcase_add_test(tc, a_single_write_beyond_out_max_sends_nothing_of_it);

	tc = unit_case(s, "endings");
	tcase_add_checked_fixture(tc, loop_up, loop_down);
	tcase_add_test(tc, closing_within_on_data_is_reported_after_it);
	tcase_add_test(tc, closing_another_connection_whose_event_is_ready_is_safe);
	tcase_add_test(tc, closing_twice_is_reported_once_and_the_peer_cannot_add_to_it);
	tcase_add_test(tc, a_loop_that_is_freed_reports_what_was_closed);
	tcase_add_loop_test(tc, lingering_delivers_everything, 0, 2);
	tcase_add_loop_test(tc, an_error_of_on_data_does_not_cut_lingering_short, 0, 2);
	tcase_add_test(tc, lingering_keeps_what_only_the_kernel_has);
	tcase_add_loop_test(tc, lingering_ends_in_time_when_nobody_reads, 0, 2);
	tcase_add_loop_test(tc, lingering_ends_in_time_when_the_peer_stays, 0, 2);
	tcase_add_test(tc, lingering_can_be_cut_short);
	tcase_add_test(tc, lingering_without_output_ends_at_once);
	tcase_add_test(tc, aborting_resets_a_tcp_peer);
	tcase_add_test(tc, a_peer_that_resets_is_reported_as_closed);
	tcase_add_loop_test(tc, writing_to_a_peer_that_is_gone_raises_no_signal, 0, 2);
	tcase_add_loop_test(tc, a_peer_that_ended_its_side_still_gets_its_answer, 0, 2);

	tc = unit_case(s, "dialling");
	tcase_add_checked_fixture(tc, loop_up, loop_down);
	tcase_add_loop_test(tc, nobody_at_the_address_is_reported_by_on_close, 0, 2);
	tcase_add_test(tc, all_addresses_are_nothing_to_dial);
	tcase_add_test(tc, a_connection_attempt_can_be_given_up);
	tcase_add_loop_test(tc, what_is_written_comes_back, 0, 2);

	tc = unit_case(s, "as a whole");
	tcase_add_checked_fixture(tc, loop_up, loop_down);
	tcase_add_loop_test(tc, no_byte_is_lost_or_doubled_whatever_happens, 0, 20);
	tcase_add_test(tc, an_idle_connection_costs_less_than_500_bytes);
	return unit_run(s);
}
