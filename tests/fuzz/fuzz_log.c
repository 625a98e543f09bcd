/*
 * A segment of any bytes, found when the journal is opened: it is refused or becomes a
 * journal that holds its invariants, gives back what it has, and takes more.
 *
 * Checksums would keep a fuzzer at the door. So when the first byte is odd, the rest is
 * not the file but says how to make one: lengths of records, and then where to damage it.
 */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "../sim/fake_disk.h"
#include "base/log.h"
#include "replica/journal.h"

#define SEGMENT ((size_t)16384)
#define RECORDS_MAX 32
#define SALT 77

static void write_raw(struct disk *d, int file, const uint8_t *data, size_t size)
{
	d->ops->reserve(d, file, SEGMENT);
	REQUIRE(d->ops->write(d, file, 0, data, size < SEGMENT ? size : SEGMENT) == 0);
}

/* Each byte a record: its length, and sometimes another index or term than it should
 * have. */
static size_t put_records(uint8_t *content, const uint8_t *data, size_t n)
{
	static const uint8_t payload[256];
	size_t at = SEGMENT_HEAD_BYTES;

	for (size_t i = 0; i < n; i++) {
		struct journal_entry e = {
			.index = 1 + i + (data[i] == 255),
			.term = 1 + i / 8 - (data[i] == 254 && i >= 8),
			.type = (uint8_t)(1 + i % 3),
			.payload = bytes_of(payload, data[i]),
		};

		record_encode(&e, SALT, i > 4 ? i - data[i] % 4 : 0, content + at);
		at += record_bytes(data[i]);
	}
	return at;
}

/* Three bytes each: where, and which bits. */
static void damage(uint8_t *content, const uint8_t *data, size_t size)
{
	for (; size >= 3; data += 3, size -= 3)
		content[get_be16(data) % SEGMENT] ^= data[2];
}

static void write_made(struct disk *d, int file, const uint8_t *data, size_t size)
{
	static uint8_t content[SEGMENT];
	struct segment_head h = {.seq = 1, .cluster = 1, .salt = SALT};
	size_t n = size ? data[0] % RECORDS_MAX : 0;

	memset(content, 0, sizeof(content));
	segment_head_encode(&h, content);
	if (size > n) {
		put_records(content, data + 1, n);
		damage(content, data + 1 + n, size - 1 - n);
	}
	write_raw(d, file, content, sizeof(content));
}

static void use(struct journal *j)
{
	struct buf scratch = {0};
	struct journal_entry e;
	uint8_t payload[40] = {0};

	journal_check(j);
	for (uint64_t i = journal_first(j); i <= journal_last(j); i++) {
		REQUIRE(journal_read(j, i, &scratch, &e) == 0);
		REQUIRE(e.index == i && e.term == journal_term(j, i));
	}
	buf_fini(&scratch);
	e = (struct journal_entry){.index = journal_last(j) + 1,
		.term = journal_term(j, journal_last(j)) + 1,
		.type = 1,
		.payload = bytes_of(payload, sizeof(payload))};
	if (journal_last(j) < UINT64_MAX / 2 && journal_append(j, &e, 1) == 0)
		journal_sync(j);
	journal_check(j);
}

/* What was accepted once is accepted again, with the entry that was added. */
static void open_twice(struct disk *d)
{
	struct journal_options o = {.segment_bytes = SEGMENT, .cluster = 1, .seed = 1};
	struct journal *j;
	struct err e;
	uint64_t last;

	if (journal_open(d, &o, &j, &e) != 0)
		return;
	use(j);
	last = journal_last(j);
	journal_close(j);
	REQUIRE(journal_open(d, &o, &j, &e) == 0);
	REQUIRE(journal_last(j) == last);
	journal_close(j);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct fake_disk disk;
	int file;

	log_set_level(LOG_ERROR);
	fake_disk_init(&disk);
	REQUIRE(disk.disk.ops->open(&disk.disk, "0000000000000001.seg", true, &file) ==
		0);
	if (size > 0 && data[0] % 2 != 0)
		write_made(&disk.disk, file, data + 1, size - 1);
	else
		write_raw(&disk.disk, file, data, size);
	disk.disk.ops->close(&disk.disk, file);
	open_twice(&disk.disk);
	REQUIRE(disk.open_files == 0);
	fake_disk_fini(&disk);
	return 0;
}
