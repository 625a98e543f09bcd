#include "fake_disk.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define SECTOR 512
#define PAST_MAX 64

static struct fake_disk *fake_of(struct disk *d)
{
	return (struct fake_disk *)d;
}

static struct fake_inode *inode_of(struct disk *d, int file)
{
	assert(file >= 0 && (size_t)file < fake_of(d)->n_inodes);
	return &fake_of(d)->inodes[file];
}

static void take_image(struct fake_disk *f);

/* Counts an operation that changes something; its error when it shall fail. */
static int count(struct fake_disk *f)
{
	if (f->crash_at && f->ops >= f->crash_at && !f->crashed)
		take_image(f);
	return ++f->ops == f->fail_at ? f->fail_with : 0;
}

static struct fake_name *find(struct fake_names *names, const char *name)
{
	for (size_t i = 0; i < names->n; i++)
		if (strcmp(names->at[i].name, name) == 0)
			return &names->at[i];
	return NULL;
}

static void names_set(
	struct fake_names *names, const char *name, struct fake_inode *inode)
{
	struct fake_name *n = find(names, name);

	if (!n) {
		assert(names->n < FAKE_FILES && strlen(name) < sizeof(n->name));
		n = &names->at[names->n++];
		strcpy(n->name, name);
	}
	n->inode = inode;
}

static void names_remove(struct fake_names *names, struct fake_name *n)
{
	*n = names->at[--names->n];
}

static void past_push(struct fake_disk *f)
{
	if (f->n_past == PAST_MAX) {
		memmove(f->past, f->past + PAST_MAX / 2, PAST_MAX / 2 * sizeof(*f->past));
		f->n_past = PAST_MAX / 2;
	}
	if (f->n_past == f->cap_past) {
		f->cap_past = f->cap_past ? 2 * f->cap_past : 8;
		f->past = realloc(f->past, f->cap_past * sizeof(*f->past));
		assert(f->past);
	}
	f->past[f->n_past++] = f->now;
}

static bool named(const struct fake_disk *f, const struct fake_inode *inode)
{
	for (size_t k = 0; k < f->n_past; k++)
		for (size_t i = 0; i < f->past[k].n; i++)
			if (f->past[k].at[i].inode == inode)
				return true;
	return false;
}

/* Files without a name, also without one that a crash could bring back, and that nobody
 * has open. */
static void free_nameless(struct fake_disk *f)
{
	for (size_t i = 0; i < f->n_inodes; i++) {
		if (f->inodes[i].handles > 0 || named(f, &f->inodes[i]))
			continue;
		free(f->inodes[i].now);
		free(f->inodes[i].durable);
		f->inodes[i] = (struct fake_inode){0};
	}
}

static size_t free_inode(struct fake_disk *f)
{
	const size_t all = sizeof(f->inodes) / sizeof(f->inodes[0]);
	size_t i = 0;

	if (f->n_inodes == all)
		free_nameless(f);
	while (i < all && (f->inodes[i].now || f->inodes[i].durable))
		i++;
	assert(i < all);
	return i;
}

static int fake_open(struct disk *d, const char *name, bool create, int *file)
{
	struct fake_disk *f = fake_of(d);
	struct fake_name *n = find(&f->now, name);

	if (!n && !create)
		return SVCD_ENOTFOUND;
	if (!n) {
		size_t i = free_inode(f);

		f->inodes[i].now = malloc(1);
		names_set(&f->now, name, &f->inodes[i]);
		past_push(f);
		n = find(&f->now, name);
		if (f->n_inodes <= i)
			f->n_inodes = i + 1;
	}
	n->inode->handles++;
	f->open_files++;
	*file = (int)(n->inode - f->inodes);
	return 0;
}

static void fake_close(struct disk *d, int file)
{
	inode_of(d, file)->handles--;
	fake_of(d)->open_files--;
}

static int fake_size(struct disk *d, int file, uint64_t *out)
{
	*out = inode_of(d, file)->len;
	return 0;
}

static int fake_read(struct disk *d, int file, uint64_t at, void *out, size_t len)
{
	struct fake_inode *i = inode_of(d, file);

	if (at + len > i->len)
		return SVCD_EIO;
	if (len)
		memcpy(out, i->now + at, len);
	return 0;
}

static uint64_t used(const struct fake_disk *f)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < f->now.n; i++)
		sum += f->now.at[i].inode->len;
	return sum;
}

static int lengthen(struct fake_disk *f, struct fake_inode *i, size_t len)
{
	if (len <= i->len)
		return 0;
	if (f->capacity && used(f) + len - i->len > f->capacity)
		return SVCD_ENOSPACE;
	i->now = realloc(i->now, len);
	assert(i->now);
	memset(i->now + i->len, 0, len - i->len);
	i->len = len;
	return 0;
}

static int fake_write(struct disk *d, int file, uint64_t at, const void *data, size_t len)
{
	struct fake_disk *f = fake_of(d);
	struct fake_inode *i = inode_of(d, file);
	int rc = count(f);

	if (rc == 0)
		rc = lengthen(f, i, at + len);
	if (rc == 0 && len)
		memcpy(i->now + at, data, len);
	return rc;
}

static int fake_reserve(struct disk *d, int file, uint64_t bytes)
{
	return lengthen(fake_of(d), inode_of(d, file), bytes);
}

static void fake_push(struct disk *d, int file, uint64_t at, uint64_t len)
{
	(void)d;
	(void)file;
	(void)at;
	(void)len;
}

static void make_durable(struct fake_inode *i)
{
	i->durable = realloc(i->durable, i->len + 1);
	assert(i->durable);
	memcpy(i->durable, i->now, i->len);
	i->durable_len = i->len;
}

static int fake_sync(struct disk *d, int file)
{
	int rc = count(fake_of(d));

	if (rc == 0 && !fake_of(d)->sync_lies)
		make_durable(inode_of(d, file));
	return rc;
}

static int fake_remove(struct disk *d, const char *name)
{
	struct fake_disk *f = fake_of(d);
	struct fake_name *n = find(&f->now, name);
	int rc = count(f);

	if (rc != 0 || !n)
		return rc ? rc : SVCD_ENOTFOUND;
	names_remove(&f->now, n);
	past_push(f);
	return 0;
}

static int fake_rename(struct disk *d, const char *from, const char *to)
{
	struct fake_disk *f = fake_of(d);
	struct fake_name *n = find(&f->now, from);
	struct fake_inode *inode;
	int rc = count(f);

	if (rc != 0 || !n)
		return rc ? rc : SVCD_ENOTFOUND;
	inode = n->inode;
	names_remove(&f->now, n);
	names_set(&f->now, to, inode);
	past_push(f);
	return 0;
}

static int fake_sync_dir(struct disk *d)
{
	struct fake_disk *f = fake_of(d);
	int rc = count(f);

	if (rc != 0 || f->sync_lies)
		return rc;
	f->past[0] = f->now;
	f->n_past = 1;
	return 0;
}

static int fake_list(struct disk *d, void (*each)(void *arg, const char *name), void *arg)
{
	struct fake_names names = fake_of(d)->now;

	for (size_t i = 0; i < names.n; i++)
		each(arg, names.at[i].name);
	return 0;
}

static const struct disk_ops fake_ops = {
	.open = fake_open,
	.close = fake_close,
	.size = fake_size,
	.read = fake_read,
	.write = fake_write,
	.reserve = fake_reserve,
	.push = fake_push,
	.sync = fake_sync,
	.remove = fake_remove,
	.rename = fake_rename,
	.sync_dir = fake_sync_dir,
	.list = fake_list,
};

void fake_disk_init(struct fake_disk *f)
{
	memset(f, 0, sizeof(*f));
	f->disk.ops = &fake_ops;
	past_push(f);
}

void fake_disk_fini(struct fake_disk *f)
{
	for (size_t i = 0; i < f->n_inodes; i++) {
		free(f->inodes[i].now);
		free(f->inodes[i].durable);
	}
	free(f->past);
	if (f->image)
		fake_disk_fini(f->image);
	free(f->image);
}

static void crash_inode(struct fake_inode *i, struct rng *r)
{
	bool grown = rng_below(r, 2) != 0;
	size_t len = grown || i->len < i->durable_len ? i->len : i->durable_len;
	uint8_t *after = calloc(1, len + 1);

	assert(after);
	if (i->durable)
		memcpy(after, i->durable, i->durable_len < len ? i->durable_len : len);
	for (size_t at = 0; at < len; at += SECTOR) {
		size_t n = len - at < SECTOR ? len - at : SECTOR;

		if (rng_below(r, 2) != 0)
			memcpy(after + at, i->now + at, n);
	}
	free(i->now);
	i->now = after;
	i->len = len;
	make_durable(i);
}

void fake_disk_crash(struct fake_disk *f, struct rng *r)
{
	f->now = f->past[rng_below(r, f->n_past)];
	f->past[0] = f->now;
	f->n_past = 1;
	for (size_t i = 0; i < f->n_inodes; i++)
		f->inodes[i].handles = 0;
	f->open_files = 0;
	free_nameless(f);
	for (size_t i = 0; i < f->now.n; i++)
		crash_inode(f->now.at[i].inode, r);
}

/* ---- a crash in the middle --------------------------------------------- */

static uint8_t *copy_bytes(const uint8_t *data, size_t len)
{
	uint8_t *copy = data ? malloc(len + 1) : NULL;

	assert(copy || !data);
	if (copy)
		memcpy(copy, data, len);
	return copy;
}

static void move_name(
	struct fake_name *n, const struct fake_disk *from, struct fake_disk *to)
{
	n->inode = to->inodes + (n->inode - from->inodes);
}

static void take_image(struct fake_disk *f)
{
	struct fake_disk *i = malloc(sizeof(*i));

	assert(i);
	*i = *f;
	for (size_t k = 0; k < f->n_inodes; k++) {
		i->inodes[k].now = copy_bytes(f->inodes[k].now, f->inodes[k].len);
		i->inodes[k].durable = copy_bytes(
			f->inodes[k].durable, f->inodes[k].durable_len);
	}
	i->past = malloc(f->cap_past * sizeof(*f->past));
	assert(i->past);
	memcpy(i->past, f->past, f->n_past * sizeof(*f->past));
	for (size_t k = 0; k < f->n_past; k++)
		for (size_t n = 0; n < i->past[k].n; n++)
			move_name(&i->past[k].at[n], f, i);
	fake_disk_crash(i, f->crash_rng);
	f->image = i;
	f->crashed = true;
}

void fake_disk_crash_in(struct fake_disk *f, uint64_t ops, struct rng *r)
{
	f->crash_at = f->ops + ops;
	f->crash_rng = r;
}

void fake_disk_resume(struct fake_disk *f)
{
	struct fake_disk *i;

	if (!f->crashed)
		take_image(f);
	i = f->image;
	for (size_t k = 0; k < i->n_past; k++)
		for (size_t n = 0; n < i->past[k].n; n++)
			move_name(&i->past[k].at[n], i, f);
	for (size_t n = 0; n < i->now.n; n++)
		move_name(&i->now.at[n], i, f);
	f->image = NULL;
	fake_disk_fini(f);
	*f = *i;
	f->crash_at = 0;
	f->crashed = false;
	f->image = NULL;
	free(i);
}

struct fake_inode *fake_disk_file(struct fake_disk *f, const char *name)
{
	struct fake_name *n = find(&f->now, name);

	return n ? n->inode : NULL;
}

void fake_inode_flip(struct fake_inode *i, size_t at, uint8_t bits)
{
	assert(at < i->len);
	i->now[at] ^= bits;
	make_durable(i);
}
