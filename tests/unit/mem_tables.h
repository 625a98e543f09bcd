/*
 * struct tables in memory, stricter than LMDB: a view that is used after a write is freed
 * memory (ASan says so), a next after a write to its table aborts, and any operation can
 * be made to fail.
 */
#ifndef SVCD_TESTS_MEM_TABLES_H
#define SVCD_TESTS_MEM_TABLES_H

#include "catalog/tables.h"

struct mem_entry;

/* Entries in order, in blocks, so that large tables stay usable. */
struct mem_block {
	size_t n;
	struct mem_entry **entries;
};

struct mem_table {
	struct mem_block *blocks;
	size_t n_blocks, cap_blocks;
	size_t len;
	uint64_t writes;
	/* cursor */
	size_t block, index;
	uint64_t cursor_writes;
	bool cursor;
};

struct mem_tables {
	struct tables base; /* first */
	struct mem_table tables[TABLE_COUNT];
	bool strict;     /* views die at the next write; default */
	long operations; /* so far */
	long fail_at;    /* the operation of that number fails with SVCD_EIO; 0: none */
	uint64_t gets[TABLE_COUNT], puts[TABLE_COUNT], dels[TABLE_COUNT];
	struct mem_view *views;
};

void mem_tables_init(struct mem_tables *m);
void mem_tables_fini(struct mem_tables *m);
void mem_tables_copy(struct mem_tables *to, const struct mem_tables *from); /* to is
									       initialised
									       anew */
/* The first table in which they differ, or TABLE_COUNT. */
enum table mem_tables_differ(const struct mem_tables *a, const struct mem_tables *b);
size_t mem_tables_len(const struct mem_tables *m, enum table table);
/* Bytes of keys and values. */
size_t mem_tables_bytes(const struct mem_tables *m, enum table table);

#endif
