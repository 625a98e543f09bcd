/*
 * A folder in memory that forgets what was not synced when it crashes: sector by sector,
 * as a seeded coin falls; names likewise, in the order in which they were changed.
 */
#ifndef TESTS_SIM_FAKE_DISK_H
#define TESTS_SIM_FAKE_DISK_H

#include "base/rng.h"
#include "replica/disk.h"

#define FAKE_FILES 64

struct fake_inode {
	uint8_t *now, *durable;
	size_t len, durable_len;
	int handles;
};

struct fake_name {
	char name[40];
	struct fake_inode *inode;
};

struct fake_names {
	struct fake_name at[FAKE_FILES];
	size_t n;
};

struct fake_disk {
	struct disk disk; /* first */
	struct fake_inode inodes[4 * FAKE_FILES];
	size_t n_inodes;
	struct fake_names now;
	struct fake_names *past; /* names after each change since the last sync of the
				    folder; past[0] is durable. When they become many the
				    older ones are synced by themselves. */
	size_t n_past, cap_past;
	int open_files;
	uint64_t capacity; /* bytes that can be reserved or written; 0: no bound */
	uint64_t ops;      /* writes, syncs, renames and removals so far */
	uint64_t fail_at;  /* the operation of that number gives fail_with; 0: none */
	int fail_with;
	bool sync_lies; /* for tests of tests */
	/* A crash in the middle of what somebody does: at that operation the disk as a
	 * crash leaves it is put aside, and crashed tells that nothing that is done from
	 * then on has really happened. */
	uint64_t crash_at; /* 0: none */
	bool crashed;
	struct rng *crash_rng;
	struct fake_disk *image;
};

void fake_disk_init(struct fake_disk *f);
void fake_disk_fini(struct fake_disk *f);
void fake_disk_crash(struct fake_disk *f, struct rng *r); /* open handles are gone */
/* See crash_at. */
void fake_disk_crash_in(struct fake_disk *f, uint64_t ops, struct rng *r);
/* From the image, or as it is when it never came to that. */
void fake_disk_resume(struct fake_disk *f);

/* For damage: the content of a file now and durable; NULL when there is none. */
struct fake_inode *fake_disk_file(struct fake_disk *f, const char *name);
void fake_inode_flip(struct fake_inode *i, size_t at, uint8_t bits);

#endif
