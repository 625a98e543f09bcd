/*
 * Sending: the file, the connection, and what the member answers.
 */
#include "replica/stream_internal.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"

#define WANT_AGAIN_MS 10000
#define WRITES_MS 200 /* without a new entry: the leader does not write */
#define AHEAD_BYTES ((off_t)2 << 20)

struct source *source_of(struct streams *s, uint64_t node)
{
	for (size_t i = 0; i < PEERS_MAX; i++)
		if (node != 0 && s->sources[i].node == node)
			return &s->sources[i];
	return NULL;
}

struct source *source_take(struct streams *s, uint64_t node)
{
	struct source *p = source_of(s, node);

	for (size_t i = 0; !p && i < PEERS_MAX; i++)
		if (s->sources[i].node == 0)
			p = &s->sources[i];
	if (p && p->node == 0)
		*p = (struct source){.node = node, .fd = -1};
	return p;
}

static void close_file(struct source *p)
{
	if (p->fd >= 0)
		close(p->fd);
	p->fd = -1;
}

void source_settle(struct source *p)
{
	enum sending_phase phase = p->x.phase;

	if (phase == SENDING_NOT || phase == SENDING_FOLLOWED ||
		phase == SENDING_SEARCHING)
		close_file(p);
	if (phase == SENDING_NOT)
		p->node = 0;
}

/* ---- finding a checkpoint ----------------------------------------------- */

static bool open_checkpoint(
	struct streams *s, struct source *p, uint64_t index, struct checkpoint_info *info)
{
	char path[PATH_MAX];
	struct err e = {0};

	checkpoint_path(s->o.dir, index, path);
	if (store_checkpoint_inspect(path, false, info, &e) != 0 ||
		info->index != index) {
		log_warn("checkpoint_not_sent", L_STR("text", e.text));
		return false;
	}
	if (info->cluster != s->o.dir->cluster)
		return false; /* of before a recovery: nobody else would take it */
	p->fd = open(path, O_RDONLY | O_CLOEXEC);
	return p->fd >= 0;
}

/* A member that has it must find the next entry in our log. */
static bool reaches_log(const struct streams *s, uint64_t index)
{
	uint64_t first = 0, last = 0;

	if (s->o.log_range)
		s->o.log_range(s->o.arg, &first, &last);
	return first <= index + 1;
}

static bool find(struct streams *s, struct source *p)
{
	const struct checkpoints *c = s->o.checkpoints;
	struct checkpoint_info info;

	for (size_t i = 0; i < c->n && reaches_log(s, c->index[i]); i++) {
		if (c->index[i] == s->distrusted ||
			!open_checkpoint(s, p, c->index[i], &info))
			continue;
		sending_found(&p->x, ++s->last_stream,
			&(struct stream_offer){.index = info.index,
				.term = info.term,
				.bytes = info.bytes,
				.hash = info.hash});
		return true;
	}
	return false;
}

static void search(struct streams *s, struct source *p)
{
	uint64_t now_ms = loop_now_ms(s->o.loop);

	close_file(p);
	if (find(s, p) || (s->wanted_ms != 0 && now_ms < s->wanted_ms + WANT_AGAIN_MS))
		return;
	s->wanted_ms = now_ms;
	s->o.want_checkpoint(s->o.arg);
}

/* ---- sending ------------------------------------------------------------ */

static int send_frame(
	struct streams *s, const struct source *p, const struct stream_frame *f)
{
	stream_encode(f, &s->frame);
	if (s->frame.error)
		return s->frame.error;
	return peers_send(s->o.peers, p->node, PEER_BULK, f->kind, buf_bytes(&s->frame));
}

static void offer(struct streams *s, struct source *p)
{
	struct stream_frame f = {
		.kind = PEER_OFFER, .stream = p->x.stream, .offer = p->x.offer};

	if (send_frame(s, p, &f) != 0)
		return; /* up or drained will come */
	sending_offered(&p->x, loop_now_ms(s->o.loop));
	log_info("checkpoint_offered", L_U64("to", p->node),
		L_U64("index", f.offer.index), L_U64("bytes", f.offer.bytes));
}

static bool read_chunk(const struct source *p, uint64_t at, uint8_t *out, size_t len)
{
	while (len > 0) {
		ssize_t n = pread(p->fd, out, len, (off_t)at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		out += n;
		at += (uint64_t)n;
		len -= (size_t)n;
	}
	return true;
}

/* A file that cannot be read is no checkpoint to us either. */
static void give_file_up(struct streams *s, struct source *p, const char *why)
{
	log_warn("checkpoint_not_sent", L_U64("to", p->node),
		L_U64("index", p->x.offer.index), L_STR("text", why));
	s->distrusted = p->x.offer.index;
	sending_lost(&p->x);
}

static bool send_chunk(struct streams *s, struct source *p, uint64_t offset, size_t len)
{
	struct stream_frame f = {.kind = PEER_CHUNK,
		.stream = p->x.stream,
		.offset = offset,
		.data = bytes_of(s->chunk, len)};
	int rc;

	if (!read_chunk(p, offset, s->chunk, len)) {
		give_file_up(s, p, "the file of the checkpoint cannot be read");
		return false;
	}
	rc = send_frame(s, p, &f);
	if (rc == 0)
		sending_sent(&p->x, len);
	else if (rc == SVCD_EUNREACHABLE)
		sending_broken(&p->x);
	if (rc == 0 && offset % (uint64_t)AHEAD_BYTES == 0)
		posix_fadvise(
			p->fd, (off_t)(offset + len), AHEAD_BYTES, POSIX_FADV_WILLNEED);
	return rc == 0;
}

/* Whether our log has grown lately. */
static bool leader_writes(struct streams *s, uint64_t now_ms)
{
	uint64_t first = 0, last = 0;

	if (s->o.log_range)
		s->o.log_range(s->o.arg, &first, &last);
	if (last != s->log_last)
		s->log_moved_ms = now_ms;
	s->log_last = last;
	return now_ms < s->log_moved_ms + WRITES_MS;
}

static void send_chunks(struct streams *s, struct source *p)
{
	uint64_t now_ms = loop_now_ms(s->o.loop), offset, wait_ms;
	size_t len;

	sending_refill(&p->x, now_ms, leader_writes(s, now_ms));
	while (sending_next(&p->x, &offset, &len))
		if (!send_chunk(s, p, offset, len))
			break;
	wait_ms = sending_wait_ms(&p->x);
	if (wait_ms > 0 && !timer_pending(&s->pace))
		timer_set(&s->pace, wait_ms);
}

/* No more than a window is read and sent at once. */
void source_step(struct streams *s, struct source *p)
{
	if (p->x.phase == SENDING_SEARCHING)
		search(s, p);
	if (sending_offer_due(&p->x))
		offer(s, p);
	send_chunks(s, p);
	source_settle(p);
	streams_arm(s);
}

/* ---- answers ------------------------------------------------------------ */

static void note_decline(
	struct streams *s, const struct source *p, const struct stream_frame *f)
{
	if (f->reason == REASON_HAVE || f->stream != p->x.stream)
		return;
	log_warn("checkpoint_declined", L_U64("by", p->node),
		L_U64("index", p->x.offer.index), L_BYTES("text", f->text));
	if (f->reason == REASON_DAMAGED)
		s->distrusted = p->x.offer.index;
}

void source_on_frame(struct streams *s, struct source *p, const struct stream_frame *f)
{
	enum sending_phase before = p->x.phase;

	if (f->kind == PEER_DECLINED)
		note_decline(s, p, f);
	sending_on_frame(&p->x, f, loop_now_ms(s->o.loop));
	if (before != SENDING_FOLLOWED && p->x.phase == SENDING_FOLLOWED)
		log_info("checkpoint_taken", L_U64("by", p->node),
			L_U64("index", p->x.offer.index));
	source_step(s, p);
}
