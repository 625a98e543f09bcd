/*
 * Receiving: the file, the thread that checks it, and the answers.
 *
 * What has come in is kept under a name that tells which file it is, over breaks and over
 * restarts, and goes on from its length; that what is there is good is known at the end,
 * by the hash of all of it.
 */
#include "replica/stream_internal.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/log.h"
#include "base/thread.h"

#define PART_NAME "checkpoint/part-"
#define SPARE_BYTES ((uint64_t)64 << 20) /* of disk, left for the log and the state */

static char *part_path(
	const struct streams *s, const struct stream_offer *o, char out[PATH_MAX])
{
	char name[64];

	snprintf(name, sizeof(name), PART_NAME "%016" PRIx64 "-%016" PRIx64, o->index,
		o->hash);
	return datadir_path(s->o.dir, name, out);
}

/* Removes the parts for which keep says no. */
static void sweep(struct streams *s,
	bool (*keep)(const struct streams *s, const struct stream_offer *part))
{
	char path[PATH_MAX];
	struct dirent *entry;
	DIR *dir = opendir(datadir_path(s->o.dir, "checkpoint", path));

	if (!dir)
		return;
	while ((entry = readdir(dir)) != NULL) {
		struct stream_offer part;

		if (sscanf(entry->d_name, "part-%16" SCNx64 "-%16" SCNx64, &part.index,
			    &part.hash) == 2 &&
			!keep(s, &part))
			unlink(part_path(s, &part, path));
	}
	closedir(dir);
}

static bool is_ahead(const struct streams *s, const struct stream_offer *part)
{
	const struct checkpoints *c = s->o.checkpoints;

	return c->n == 0 || part->index > c->index[0];
}

static bool is_current(const struct streams *s, const struct stream_offer *part)
{
	const struct receiving *x = &s->in.x;

	return x->phase != RECEIVING_NOT && part->index == x->offer.index &&
		part->hash == x->offer.hash;
}

void intake_sweep(struct streams *s)
{
	if (s->in.x.phase == RECEIVING_NOT)
		sweep(s, is_ahead);
}

/* ---- answers ------------------------------------------------------------ */

static void answer(struct streams *s, uint64_t to, const struct stream_frame *f)
{
	stream_encode(f, &s->answer);
	/* a connection that is gone: the sender offers again on the next */
	if (s->answer.error == 0)
		peers_reply(s->o.peers, to, PEER_BULK, f->kind, buf_bytes(&s->answer));
}

static void say_want(struct streams *s)
{
	const struct receiving *x = &s->in.x;

	answer(s, x->from,
		&(struct stream_frame){
			.kind = PEER_WANT, .stream = x->stream, .offset = x->got});
}

static void say_received(struct streams *s, enum stream_stage stage)
{
	const struct receiving *x = &s->in.x;

	answer(s, x->from,
		&(struct stream_frame){.kind = PEER_RECEIVED,
			.stream = x->stream,
			.offset = x->stored,
			.stage = stage});
}

static void say_declined(struct streams *s, uint64_t to, uint64_t stream,
	enum stream_reason reason, const char *text)
{
	struct bytes b = bytes_str(text);

	if (b.len > STREAM_TEXT_MAX)
		b.len = STREAM_TEXT_MAX;
	while (!bytes_is_text(b) && b.len > 0)
		b.len--;
	answer(s, to,
		&(struct stream_frame){.kind = PEER_DECLINED,
			.stream = stream,
			.reason = reason,
			.text = b});
}

static void on_written(void *arg, size_t len, const struct err *e);

/* ---- the file ----------------------------------------------------------- */

static void close_part(struct intake *in)
{
	part_close(in->part);
	in->part = NULL;
}

static void drop_part(struct intake *in)
{
	close_part(in);
	unlink(in->path);
}

static enum stream_reason reason_of(int code)
{
	return code == SVCD_ENOSPACE    ? REASON_SPACE
		: code == SVCD_ECORRUPT ? REASON_DAMAGED
					: REASON_REFUSED;
}

/* Ends what is coming in, and tells why. */
static void refuse(struct streams *s, const struct err *e)
{
	struct intake *in = &s->in;

	log_warn("checkpoint_refused", L_U64("from", in->x.from),
		L_U64("index", in->x.offer.index), L_STR("text", e->text));
	drop_part(in);
	in->x.phase = RECEIVING_NOT;
	say_declined(s, in->x.from, in->x.stream, reason_of(e->code), e->text);
}

/* It is needed twice: as it comes in, and as the state that is made of it. */
static int check_space(
	struct streams *s, const struct stream_offer *o, uint64_t got, struct err *e)
{
	uint64_t need = 2 * o->bytes - got + SPARE_BYTES, there;
	struct statvfs v;

	if (fstatvfs(s->o.dir->fd, &v) != 0)
		return 0; /* the writes will tell */
	there = (uint64_t)v.f_bavail * v.f_frsize;
	if (there >= need)
		return 0;
	return err_set(e, SVCD_ENOSPACE,
		"a checkpoint needs %" PRIu64 " MiB of disk here and %" PRIu64
		" MiB are free: make room for this member's data directory",
		(need >> 20) + 1, there >> 20);
}

static int open_part(struct streams *s, uint64_t *got, struct err *e)
{
	struct intake *in = &s->in;
	struct part_events events = {.written = on_written, .arg = s, .box = s->box};

	return part_open(in->path, in->x.offer.bytes, &events, &in->part, got, e);
}

/* ---- checking ----------------------------------------------------------- */

static int judge(const struct streams *s, const struct stream_offer *o,
	const struct checkpoint_info *i, struct err *e)
{
	if (i->index != o->index || i->term != o->term || i->bytes != o->bytes ||
		i->hash != o->hash)
		return err_set(e, SVCD_ECORRUPT,
			"what came is another checkpoint than the one that was offered");
	if (i->cluster != s->o.dir->cluster)
		return err_set(e, SVCD_ECONFLICT,
			"the checkpoint belongs to another cluster (%016" PRIx64 ")",
			i->cluster);
	return 0;
}

static int load_members(struct intake *in, struct err *e)
{
	struct staged *t = &in->staged;
	int rc;

	buf_clear(&in->members);
	rc = store_checkpoint_get(
		in->path, TABLE_META, bytes_str(MEMBERS_KEY), &in->members, e);
	if (rc != 0)
		return rc;
	if (in->members.len < 8)
		return err_set(e, SVCD_ECORRUPT,
			"the checkpoint does not say who the members are");
	t->members_index = get_be64(in->members.data);
	t->members = bytes_of(in->members.data + 8, in->members.len - 8);
	return 0;
}

/* store_stage looks at all of it. */
static int check_steps(struct streams *s, struct err *e)
{
	struct intake *in = &s->in;
	struct checkpoint_info *info = &in->staged.info;
	int rc = store_checkpoint_inspect(in->path, false, info, e);

	if (rc == 0)
		rc = judge(s, &in->x.offer, info, e);
	if (rc == 0)
		rc = store_stage(s->o.store, in->path, e);
	if (rc == 0)
		rc = load_members(in, e);
	if (rc == 0)
		rc = checkpoint_receive(s->o.dir, in->path, info, e);
	return rc;
}

static void *check_main(void *arg)
{
	struct streams *s = arg;
	struct intake *in = &s->in;

	thread_background("checkpoint-in");
	in->error = (struct err){0};
	in->error.code = check_steps(s, &in->error);
	mailbox_post(s->box, &in->mail);
	return NULL;
}

static void finish(struct streams *s)
{
	struct intake *in = &s->in;
	struct staged *t = &in->staged;

	t->from = in->x.from;
	t->leader_term = in->x.offer.leader_term;
	checkpoint_path(s->o.dir, t->info.index, t->path);
	log_info("checkpoint_received", L_U64("from", t->from),
		L_U64("index", t->info.index), L_U64("bytes", t->info.bytes));
	s->o.staged(s->o.arg, t);
	say_received(s, STAGE_DONE);
	in->x.phase = RECEIVING_NOT;
}

/* All of it is wanted once more. */
static void again(struct streams *s)
{
	struct intake *in = &s->in;
	struct err e = {0};
	uint64_t got;

	log_warn("checkpoint_damaged", L_U64("from", in->x.from),
		L_STR("text", in->error.text));
	unlink(in->path);
	if (open_part(s, &got, &e) != 0)
		refuse(s, &e);
	else
		say_want(s);
}

static void on_checked(struct mail *m)
{
	struct streams *s = container_of(m, struct streams, in.mail);
	struct intake *in = &s->in;

	if (!in->checking)
		return; /* streams_free waited for it */
	pthread_join(in->thread, NULL);
	in->checking = false;
	if (in->error.code == 0)
		finish(s);
	else if (in->error.code == SVCD_ECORRUPT && receiving_damaged(&in->x))
		again(s);
	else
		refuse(s, &in->error);
	streams_arm(s);
}

static void start_check(struct streams *s)
{
	struct intake *in = &s->in;
	struct err e;

	close_part(in);
	say_received(s, STAGE_CHECKING);
	in->mail.deliver = on_checked;
	if (pthread_create(&in->thread, NULL, check_main, s) != 0) {
		err_set(&e, SVCD_ENOMEM, "no thread can be started to check it");
		refuse(s, &e);
		return;
	}
	in->checking = true;
}

/* ---- frames ------------------------------------------------------------- */

/* A reader that is kept would keep an old state too. */
static uint64_t applied(struct streams *s)
{
	struct reader *r = store_reader_new(s->o.store);
	struct tables *t = r ? store_read_begin(r) : NULL;
	uint64_t index = t ? store_index(t) : 0;

	if (t)
		store_read_end(r);
	store_reader_free(r);
	return index;
}

static void begin(struct streams *s, uint64_t from, const struct stream_frame *f)
{
	struct intake *in = &s->in;
	struct err e = {0};
	uint64_t got = 0;
	int rc;

	close_part(in);
	receiving_begin(&in->x, from, f, 0);
	sweep(s, is_current);
	part_path(s, &f->offer, in->path);
	rc = open_part(s, &got, &e);
	if (rc == 0)
		rc = check_space(s, &f->offer, got, &e);
	if (rc != 0) {
		refuse(s, &e);
		return;
	}
	receiving_begin(&in->x, from, f, got);
	if (s->o.coming)
		s->o.coming(s->o.arg);
	if (got == f->offer.bytes) {
		receiving_check(&in->x);
		start_check(s);
	} else {
		say_want(s);
	}
}

static void on_offer(struct streams *s, uint64_t from, const struct stream_frame *f)
{
	switch (receiving_on_offer(&s->in.x, from, f, applied(s))) {
	case OFFER_HAVE:
		say_declined(s, from, f->stream, REASON_HAVE, "have that and more");
		return;
	case OFFER_OLD:
		say_declined(s, from, f->stream, REASON_OLD,
			"the leader of a newer term sends a checkpoint");
		return;
	case OFFER_BUSY:
		say_declined(s, from, f->stream, REASON_BUSY,
			"another checkpoint is being checked");
		return;
	case OFFER_CHECKING:
		say_received(s, STAGE_CHECKING);
		return;
	case OFFER_RESUMED:
		say_want(s);
		return;
	case OFFER_NEW:
		begin(s, from, f);
		return;
	}
}

/* No sender of ours has so many under way that they are not taken. */
static void take(struct streams *s, const struct stream_frame *f)
{
	struct receiving *x = &s->in.x;

	if (part_write(s->in.part, x->got, f->data))
		receiving_took(x, f->data.len);
}

static void on_written(void *arg, size_t len, const struct err *e)
{
	struct streams *s = arg;

	if (e->code != 0)
		refuse(s, e);
	else if (receiving_stored(&s->in.x, len))
		start_check(s);
	else
		say_received(s, STAGE_TAKING);
	streams_arm(s);
}

void intake_on_frame(struct streams *s, uint64_t from, const struct stream_frame *f)
{
	if (f->kind == PEER_OFFER) {
		on_offer(s, from, f);
	} else {
		enum chunk_verdict v = receiving_on_chunk(&s->in.x, from, f);

		if (v == CHUNK_TAKE)
			take(s, f);
		else if (v == CHUNK_ASK)
			say_want(s);
	}
	streams_arm(s);
}

/* So that the sender knows that we are at it. */
void intake_time(struct streams *s)
{
	if (s->in.x.phase == RECEIVING_CHECK)
		say_received(s, STAGE_CHECKING);
}

/* ---- life --------------------------------------------------------------- */

void intake_fini(struct streams *s)
{
	struct intake *in = &s->in;

	if (in->checking)
		pthread_join(in->thread, NULL);
	in->checking = false;
	close_part(in);
	buf_fini(&in->members);
}
