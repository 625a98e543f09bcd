/*
 * One folder on a disk, as the journal needs it: an interface, so that a simulator can
 * lose what was not synced, tear writes, or be full.
 *
 * All functions return 0 or a negative code. Names are plain file names in the folder.
 */
#ifndef SVCD_REPLICA_DISK_H
#define SVCD_REPLICA_DISK_H

#include "base/bytes.h"
#include "base/err.h"

struct disk;

struct disk_ops {
	/* *file is a handle >= 0. SVCD_ENOTFOUND unless create. */
	int (*open)(struct disk *d, const char *name, bool create, int *file);
	void (*close)(struct disk *d, int file);
	int (*size)(struct disk *d, int file, uint64_t *out);
	int (*read)(struct disk *d, int file, uint64_t at, void *out,
		size_t len); /* all of it, or an error */
	int (*write)(struct disk *d, int file, uint64_t at, const void *data, size_t len);
	/* Blocks and size for the first so many bytes: SVCD_ENOSPACE is said here and not
	 * by a later write. */
	int (*reserve)(struct disk *d, int file, uint64_t bytes);
	/* hint: begin to write back */
	void (*push)(struct disk *d, int file, uint64_t at, uint64_t len);
	int (*sync)(struct disk *d, int file); /* content and size are durable */
	int (*remove)(struct disk *d, const char *name);
	int (*rename)(struct disk *d, const char *from, const char *to); /* replaces */
	int (*sync_dir)(struct disk *d); /* names are durable */
	int (*list)(struct disk *d, void (*each)(void *arg, const char *name), void *arg);
	/* Writes zeros over the first so many bytes and syncs, beside all else; one file
	 * at a time, which stays open until fill_end has said how it ended:
	 * SVCD_EAGAIN not yet (never with wait). Both NULL: there is no such thing, as in
	 * a simulator. */
	int (*fill_begin)(struct disk *d, int file, uint64_t bytes);
	int (*fill_end)(struct disk *d, bool wait);
};

struct disk {
	const struct disk_ops *ops;
};

/* The real one. The folder is made when missing, mode 0700. */
int disk_open_folder(const char *path, struct disk **out, struct err *e);
void disk_close_folder(struct disk *d); /* NULL is fine */

#endif
