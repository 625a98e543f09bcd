#include "server/backup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "server/request.h"
#include "server/worker.h"
#include "wire/pack.h"

#define PREFIX "backup-"
#define READ_BYTES_MAX ((uint32_t)512 << 10) /* a frame holds it with its head */

struct backup {
	struct list node; /* in its session's backups, once it is open */
	struct mail mail;
	struct later later;
	struct worker *worker;
	pthread_t thread;
	uint32_t id;
	int fd; /* -1: not open */
	struct checkpoint_info info;
	struct err e;
	int rc;
};

static void *close_main(void *arg)
{
	close((int)(intptr_t)arg);
	return NULL;
}

/* Nobody else has the file: to give back the blocks of a large one takes a tenth of a
 * second, and the worker has clients that wait. */
static void close_beside(int fd)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, close_main, (void *)(intptr_t)fd) == 0)
		pthread_detach(thread);
	else
		close(fd);
}

static void backup_free(struct backup *b)
{
	if (b->fd >= 0)
		close_beside(b->fd);
	atomic_fetch_sub(&b->worker->server->backups, 1);
	free(b);
}

/* ---- making the file: on a thread of its own --------------------------- */

static int file_open(struct backup *b, const char *path)
{
	int rc = store_checkpoint_inspect(path, false, &b->info, &b->e);

	if (rc != 0)
		return rc;
	b->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (b->fd < 0)
		return err_set(
			&b->e, err_from_errno(errno), "%s: %s", path, strerror(errno));
	return 0;
}

static void *backup_main(void *arg)
{
	struct backup *b = arg;
	const struct server *s = b->worker->server;
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/" PREFIX "%u", s->options.backup_dir, b->id);
	b->rc = replica_checkpoint(s->replica, path, &b->e);
	if (b->rc == 0)
		b->rc = file_open(b, path);
	unlink(path);
	mailbox_post(b->worker->box, &b->mail);
	return NULL;
}

/* ---- open -------------------------------------------------------------- */

static void put_opened(const struct backup *b, struct buf *out)
{
	char hex[17];

	buf_clear(out);
	pack_kv_u64(out, "id", b->id);
	pack_kv_u64(out, "bytes", b->info.bytes);
	pack_kv_u64(out, "index", b->info.index);
	pack_kv_cstr(out, "cluster", text_hex64(b->info.cluster, hex));
	pack_kv_u64(out, "digest", b->info.digest);
}

static void backup_made(struct mail *m)
{
	struct backup *b = container_of(m, struct backup, mail);
	struct worker *w = b->worker;
	struct session *s = later_end(&b->later);

	pthread_join(b->thread, NULL);
	w->outstanding--;
	if (s != NULL && b->rc == 0) {
		struct head head = w->head;

		list_push(&s->backups, &b->node);
		head.rev = b->info.rev; /* of the backup */
		put_opened(b, &w->entries);
		session_result(s, b->later.id, &head, 5, buf_bytes(&w->entries));
		return;
	}
	if (s != NULL)
		session_error(s, b->later.id, &b->e);
	backup_free(b);
}

/* NULL with e set. */
static struct backup *backup_new(struct worker *w, struct err *e)
{
	struct server *s = w->server;
	struct backup *b;

	if (s->options.backup_dir == NULL) {
		err_set(e, SVCD_ENOTFOUND, "this server has no place for backups");
		return NULL;
	}
	b = calloc(1, sizeof(*b));
	if (b == NULL) {
		err_set(e, SVCD_ENOMEM, "out of memory");
		return NULL;
	}
	b->worker = w;
	b->fd = -1;
	b->id = atomic_fetch_add(&s->backup_ids, 1) + 1;
	b->mail.deliver = backup_made;
	if (atomic_fetch_add(&s->backups, 1) < BACKUPS_MAX)
		return b;
	backup_free(b);
	err_set(e, SVCD_ELIMIT, "%u backups are open on this member, the limit",
		BACKUPS_MAX);
	return NULL;
}

void method_backup_open(struct request *r)
{
	struct worker *w = r->session->worker;
	struct err e;
	struct backup *b = backup_new(w, &e);

	if (b == NULL) {
		request_error(r, &e);
		return;
	}
	if (!later_begin(&b->later, r, LATER_WAITING)) {
		backup_free(b);
		return;
	}
	if (pthread_create(&b->thread, NULL, backup_main, b) != 0) {
		later_end(&b->later);
		backup_free(b);
		request_fail(r, SVCD_ENOMEM, "a thread cannot be started");
		return;
	}
	w->outstanding++;
}

/* ---- read, close ------------------------------------------------------- */

struct read_asked {
	uint32_t id, max;
	uint64_t offset;
};

static const struct field read_fields[] = {
	{"id", FIELD_U32, offsetof(struct read_asked, id), true, 1, UINT32_MAX},
	{"offset", FIELD_U64, offsetof(struct read_asked, offset), true, 0, INT64_MAX},
	{"max", FIELD_U32, offsetof(struct read_asked, max), false, 1, UINT32_MAX},
};

static struct backup *backup_find(const struct session *s, uint32_t id)
{
	for (struct list *n = s->backups.next; n != &s->backups; n = n->next)
		if (container_of(n, struct backup, node)->id == id)
			return container_of(n, struct backup, node);
	return NULL;
}

/* Reads a piece into the worker's entries. Pages that were just written are in memory. */
static int piece_read(struct worker *w, const struct backup *b,
	const struct read_asked *a, struct err *e)
{
	uint32_t max = a->max < READ_BYTES_MAX ? a->max : READ_BYTES_MAX;
	struct buf piece = {0};
	uint8_t *to = buf_reserve(&piece, max);
	ssize_t n = to != NULL ? pread(b->fd, to, max, (off_t)a->offset) : -1;
	int rc = 0;

	if (to == NULL) {
		rc = err_set(e, SVCD_ENOMEM, "out of memory");
	} else if (n < 0) {
		rc = err_set(e, err_from_errno(errno), "the backup cannot be read: %s",
			strerror(errno));
	} else {
		buf_clear(&w->entries);
		pack_cstr(&w->entries, "data");
		pack_bin(&w->entries, bytes_of(to, (size_t)n));
		pack_kv_bool(
			&w->entries, "end", a->offset + (uint64_t)n >= b->info.bytes);
	}
	buf_fini(&piece);
	return rc;
}

void method_backup_read(struct request *r)
{
	struct worker *w = r->session->worker;
	struct read_asked a = {.max = READ_BYTES_MAX};
	struct backup *b = NULL;
	struct err e;
	int rc = fields_decode(r->params, read_fields, 3, &a, NULL, "backup_read", &e);

	if (rc == 0 && (b = backup_find(r->session, a.id)) == NULL)
		rc = err_set(&e, SVCD_ENOTFOUND,
			"no backup %u is open on this connection", a.id);
	if (rc == 0)
		rc = piece_read(w, b, &a, &e);
	if (rc != 0)
		request_error(r, &e);
	else
		request_result(r, 2, buf_bytes(&w->entries));
}

void method_backup_close(struct request *r)
{
	struct read_asked a = {0};
	struct backup *b;
	struct err e;

	if (fields_decode(r->params, read_fields, 1, &a, NULL, "backup_close", &e) != 0) {
		request_error(r, &e);
		return;
	}
	b = backup_find(r->session, a.id);
	if (b == NULL) {
		request_fail(r, SVCD_ENOTFOUND, "no backup %u is open on this connection",
			a.id);
		return;
	}
	list_remove(&b->node);
	backup_free(b);
	request_ok(r);
}

void backups_end(struct session *s)
{
	struct list *n;

	while ((n = list_pop(&s->backups)) != NULL)
		backup_free(container_of(n, struct backup, node));
}

void backups_sweep(const char *path)
{
	DIR *dir = path != NULL ? opendir(path) : NULL;
	const struct dirent *entry;

	if (dir == NULL)
		return;
	while ((entry = readdir(dir)) != NULL)
		if (strncmp(entry->d_name, PREFIX, strlen(PREFIX)) == 0)
			unlinkat(dirfd(dir), entry->d_name, 0);
	closedir(dir);
}
