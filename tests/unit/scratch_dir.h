/*
 * A temporary folder for a test that works on files. Removed by scratch_remove; a test
 * that fails leaves it.
 */
#ifndef TESTS_UNIT_SCRATCH_DIR_H
#define TESTS_UNIT_SCRATCH_DIR_H

#include <check.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* As long as it is used with names of ours, a path never gets near PATH_MAX. */
struct scratch {
	char dir[256];
	char path[512]; /* of scratch_path */
};

static inline void scratch_make(struct scratch *s)
{
	const char *base = getenv("TMPDIR");

	ck_assert_int_lt(snprintf(s->dir, sizeof(s->dir), "%s/svcd-test-XXXXXX",
				 base ? base : "/tmp"),
		(int)sizeof(s->dir));
	ck_assert_ptr_nonnull(mkdtemp(s->dir));
}

/* The path of a file in the folder, valid until the next call. */
static inline const char *scratch_path(struct scratch *s, const char *name)
{
	ck_assert_int_lt(snprintf(s->path, sizeof(s->path), "%s/%s", s->dir, name),
		(int)sizeof(s->path));
	return s->path;
}

static inline int scratch_remove_one(
	const char *path, const struct stat *st, int type, struct FTW *walk)
{
	(void)st;
	(void)type;
	(void)walk;
	return remove(path);
}

static inline void scratch_remove(struct scratch *s)
{
	nftw(s->dir, scratch_remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

#endif
