#include "replica/ballot.h"

#include <string.h>

#include "replica/crc32c.h"
#include "replica/must.h"

#define SLOT_BYTES 4096 /* a slot is never torn by the write of the other */

struct slot {
	char magic[8];
	uint32_t crc; /* of all that follows */
	uint32_t zero;
	uint64_t seq, term, vote;
};

static const char magic[8] = {'s', 'v', 'c', 'd', 'v', 'o', 't', 'e'};

static uint32_t slot_crc(const struct slot *s)
{
	return crc32c(0, &s->zero, sizeof(*s) - offsetof(struct slot, zero));
}

static bool slot_valid(const struct slot *s)
{
	return memcmp(s->magic, magic, sizeof(magic)) == 0 && s->crc == slot_crc(s);
}

static int slot_write(struct ballot *b, const struct slot *s)
{
	struct slot copy = *s;

	memcpy(copy.magic, magic, sizeof(magic));
	copy.crc = slot_crc(&copy);
	return b->disk->ops->write(
		b->disk, b->file, copy.seq % 2 * SLOT_BYTES, &copy, sizeof(copy));
}

/* Under another name first: a file "vote" always has a valid slot. */
static int make_file(struct ballot *b)
{
	static const uint8_t zeros[2 * SLOT_BYTES];
	struct disk *d = b->disk;
	struct slot first = {.seq = 1};
	int rc = d->ops->open(d, "vote.tmp", true, &b->file);

	if (rc != 0)
		return rc;
	rc = d->ops->write(d, b->file, 0, zeros, sizeof(zeros));
	if (rc == 0)
		rc = slot_write(b, &first);
	if (rc == 0)
		rc = d->ops->sync(d, b->file);
	d->ops->close(d, b->file);
	if (rc == 0)
		rc = d->ops->rename(d, "vote.tmp", "vote");
	if (rc == 0)
		rc = d->ops->sync_dir(d);
	return rc == 0 ? d->ops->open(d, "vote", false, &b->file) : rc;
}

static int load(struct ballot *b, struct err *e)
{
	struct slot slots[2];
	bool found = false;

	for (int i = 0; i < 2; i++) {
		int rc = b->disk->ops->read(b->disk, b->file, (uint64_t)i * SLOT_BYTES,
			&slots[i], sizeof(slots[i]));

		if (rc != 0)
			return err_set(
				e, rc, "log/vote cannot be read: %s", err_text(rc));
		if (!slot_valid(&slots[i]) || (found && slots[i].seq < b->seq))
			continue;
		found = true;
		b->seq = slots[i].seq;
		b->term = slots[i].term;
		b->vote = slots[i].vote;
	}
	if (!found)
		return err_set(e, SVCD_ECORRUPT,
			"log/vote is damaged: restore this member's data directory from a backup, "
			"or remove it and let the member join again");
	return 0;
}

int ballot_open(struct ballot *b, struct disk *d, struct err *e)
{
	int rc;

	*b = (struct ballot){.disk = d, .file = -1};
	rc = d->ops->open(d, "vote", false, &b->file);
	if (rc == SVCD_ENOTFOUND)
		rc = make_file(b);
	if (rc != 0)
		return err_set(e, rc, "log/vote cannot be opened: %s", err_text(rc));
	rc = load(b, e);
	if (rc == 0)
		must(d->ops->sync(d, b->file), "vote_sync"); /* a killed process may not
								have come to it */
	if (rc != 0)
		ballot_close(b);
	return rc;
}

void ballot_close(struct ballot *b)
{
	if (b->disk && b->file >= 0)
		b->disk->ops->close(b->disk, b->file);
	b->file = -1;
}

void ballot_write(struct ballot *b, uint64_t term, uint64_t vote)
{
	struct slot s = {.seq = b->seq + 1, .term = term, .vote = vote};

	must(slot_write(b, &s), "vote_write");
	must(b->disk->ops->sync(b->disk, b->file), "vote_sync");
	b->seq = s.seq;
	b->term = term;
	b->vote = vote;
}
