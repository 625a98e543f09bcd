#include "replica/stream_part.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/thread.h"

#define PUSH_BYTES ((uint64_t)1 << 20)

/* One chunk, to the thread and back. */
struct chunk {
	struct mail mail; /* first; also its place in the queue */
	struct part *part;
	uint64_t at;
	size_t len;
	struct err error;
	uint8_t data[];
};

struct part {
	struct part_events events;
	char path[4096];
	int fd;
	pthread_t thread;
	uint64_t pushed; /* the thread's: written back up to here */
	bool failed;     /* the thread's */

	pthread_mutex_t lock;
	pthread_cond_t more;
	struct list queue;
	bool closing;

	/* the loop's */
	unsigned under_way; /* chunks that have not come back */
	bool closed;
};

/* ---- the thread --------------------------------------------------------- */

static int write_at(struct part *p, const struct chunk *c)
{
	const uint8_t *data = c->data;
	uint64_t at = c->at;
	size_t len = c->len;

	while (len > 0) {
		ssize_t n = pwrite(p->fd, data, len, (off_t)at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno;
		data += n;
		at += (uint64_t)n;
		len -= (size_t)n;
	}
	/* little by little, or the sync at the end holds up those of the log */
	if (at - p->pushed >= PUSH_BYTES) {
		sync_file_range(p->fd, (off_t)p->pushed, (off_t)(at - p->pushed),
			SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE);
		p->pushed = at;
	}
	return 0;
}

/* NULL: it is closed, and nothing is left. */
static struct chunk *next(struct part *p)
{
	struct list *n;

	pthread_mutex_lock(&p->lock);
	while (list_empty(&p->queue) && !p->closing)
		pthread_cond_wait(&p->more, &p->lock);
	n = list_pop(&p->queue);
	pthread_mutex_unlock(&p->lock);
	return n ? container_of(n, struct chunk, mail.node) : NULL;
}

static void *part_main(void *arg)
{
	struct part *p = arg;
	struct chunk *c;

	thread_background("checkpoint-part");
	while ((c = next(p)) != NULL) {
		int rc = p->failed ? EIO : write_at(p, c);

		if (rc != 0) {
			p->failed = true;
			err_set(&c->error, err_from_errno(rc), "%s: %s", p->path,
				strerror(rc));
		}
		mailbox_post(p->events.box, &c->mail);
	}
	return NULL;
}

/* ---- the loop ----------------------------------------------------------- */

static void part_free(struct part *p)
{
	pthread_cond_destroy(&p->more);
	pthread_mutex_destroy(&p->lock);
	free(p);
}

static void on_written(struct mail *m)
{
	struct chunk *c = container_of(m, struct chunk, mail);
	struct part *p = c->part;

	p->under_way--;
	if (!p->closed)
		p->events.written(p->events.arg, c->len, &c->error);
	else if (p->under_way == 0)
		part_free(p);
	free(c);
}

bool part_write(struct part *p, uint64_t at, struct bytes data)
{
	struct chunk *c = p->under_way < PART_CHUNKS_MAX ? malloc(sizeof(*c) + data.len)
							 : NULL;

	if (!c)
		return false;
	*c = (struct chunk){
		.mail.deliver = on_written, .part = p, .at = at, .len = data.len};
	memcpy(c->data, data.data, data.len);
	p->under_way++;
	pthread_mutex_lock(&p->lock);
	list_push(&p->queue, &c->mail.node);
	pthread_cond_signal(&p->more);
	pthread_mutex_unlock(&p->lock);
	return true;
}

static int open_file(struct part *p, uint64_t max, uint64_t *size)
{
	struct stat st;

	p->fd = open(p->path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (p->fd < 0 || fstat(p->fd, &st) != 0)
		return errno;
	if ((uint64_t)st.st_size > max) {
		if (ftruncate(p->fd, 0) != 0)
			return errno;
		st.st_size = 0;
	}
	p->pushed = *size = (uint64_t)st.st_size;
	return 0;
}

int part_open(const char *path, uint64_t max, const struct part_events *events,
	struct part **out, uint64_t *size, struct err *e)
{
	struct part *p = calloc(1, sizeof(*p));
	int rc;

	if (!p)
		return err_set(e, SVCD_ENOMEM, "out of memory");
	p->events = *events;
	snprintf(p->path, sizeof(p->path), "%s", path);
	list_init(&p->queue);
	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->more, NULL);
	rc = open_file(p, max, size);
	if (rc == 0)
		rc = pthread_create(&p->thread, NULL, part_main, p);
	if (rc != 0) {
		if (p->fd >= 0)
			close(p->fd);
		part_free(p);
		return err_set(e, err_from_errno(rc), "%s: %s", path, strerror(rc));
	}
	*out = p;
	return 0;
}

void part_close(struct part *p)
{
	if (!p)
		return;
	pthread_mutex_lock(&p->lock);
	p->closing = true;
	pthread_cond_signal(&p->more);
	pthread_mutex_unlock(&p->lock);
	pthread_join(p->thread, NULL);
	close(p->fd);
	p->closed = true;
	if (p->under_way == 0)
		part_free(p);
}
