/* ZooKeeper's requests and answers. */
#include "svcbench/zookeeper.h"

#include <string.h>

enum { OP_CREATE = 1, OP_CHILDREN = 8, OP_SYNC = 9 };
enum { PERMISSION_ALL = 31, FLAG_EPHEMERAL = 1 };

/* Offsets in an answer: length 4, xid 4, zxid 8, error 4, and what was asked for. */
#define AT_ERROR 16
#define AT_BODY 20
/* And in the answer to a connection: length 4, version 4, timeout 4, session 8,
 * password with its length 20; from 3.4 on, one more byte. */
#define AT_TIMEOUT 8
#define CONNECTED_MIN 40

static void put_number(struct message *m, uint64_t v, unsigned bytes)
{
	unsigned char out[8];

	for (unsigned i = 0; i < bytes; i++)
		out[i] = (unsigned char)(v >> (8 * (bytes - 1 - i)));
	message_put(m, out, bytes);
}

static void put_buffer(struct message *m, const void *data, size_t n)
{
	put_number(m, n, 4);
	message_put(m, data, n);
}

static void put_text(struct message *m, const char *text)
{
	put_buffer(m, text, strlen(text));
}

/* The length goes before a message that is not written yet: kept free, then filled in. */
static size_t open_request(struct message *m)
{
	put_number(m, 0, 4);
	return m->len;
}

static void close_request(struct message *m, size_t start)
{
	size_t end = m->len;

	m->len = start - 4;
	put_number(m, end - start, 4);
	m->len = end;
}

static size_t open_operation(struct message *m, uint32_t xid, uint32_t op)
{
	size_t start = open_request(m);

	put_number(m, xid, 4);
	put_number(m, op, 4);
	return start;
}

void zk_connect(struct message *m, uint32_t timeout_ms)
{
	static const unsigned char no_password[16];
	size_t start = open_request(m);

	put_number(m, 0, 4); /* version of the protocol */
	put_number(m, 0, 8); /* last change seen */
	put_number(m, timeout_ms, 4);
	put_number(m, 0, 8); /* no session yet */
	put_buffer(m, no_password, sizeof no_password);
	put_number(m, 0, 1); /* not of a server that can only be read */
	close_request(m, start);
}

void zk_create(struct message *m, uint32_t xid, const char *path, const void *data,
	size_t n, bool ephemeral)
{
	size_t start = open_operation(m, xid, OP_CREATE);

	put_text(m, path);
	put_buffer(m, data, n);
	put_number(m, 1, 4); /* one access rule */
	put_number(m, PERMISSION_ALL, 4);
	put_text(m, "world");
	put_text(m, "anyone");
	put_number(m, ephemeral ? FLAG_EPHEMERAL : 0, 4);
	close_request(m, start);
}

void zk_sync(struct message *m, uint32_t xid, const char *path)
{
	size_t start = open_operation(m, xid, OP_SYNC);

	put_text(m, path);
	close_request(m, start);
}

void zk_children(struct message *m, uint32_t xid, const char *path)
{
	size_t start = open_operation(m, xid, OP_CHILDREN);

	put_text(m, path);
	put_number(m, 0, 1); /* no watch */
	close_request(m, start);
}

static size_t whole(const unsigned char *p, size_t n)
{
	size_t len = n >= 4 ? 4 + (size_t)message_be(p, 4) : 0;

	return len <= n ? len : 0;
}

size_t zk_connected(const unsigned char *p, size_t n, bool *failed)
{
	size_t len = whole(p, n);

	if (len > 0) /* an ended session has no time left */
		*failed = len < CONNECTED_MIN || message_be(p + AT_TIMEOUT, 4) == 0;
	return len;
}

size_t zk_answer(const unsigned char *p, size_t n, bool *failed)
{
	size_t len = whole(p, n);

	if (len > 0)
		*failed = len < AT_BODY || message_be(p + AT_ERROR, 4) != 0;
	return len;
}

bool zk_child(const unsigned char *p, size_t n, size_t *at, const unsigned char **name,
	size_t *name_len)
{
	size_t pos = *at == 0 ? AT_BODY + 4 : *at; /* after their number */
	size_t len;

	if (pos + 4 > n)
		return false;
	len = (size_t)message_be(p + pos, 4);
	if (len > n - pos - 4)
		return false;
	*name = p + pos + 4;
	*name_len = len;
	*at = pos + 4 + len;
	return true;
}

size_t zk_srvr_answer(const unsigned char *p, size_t n)
{
	static const char mode[] = "\nMode: ",
			  refusal[] = "not currently serving requests\n";
	const unsigned char *at = memmem(p, n, mode, sizeof mode - 1);

	if (at != NULL)
		at = memchr(at + 1, '\n', n - (size_t)(at + 1 - p));
	else if ((at = memmem(p, n, refusal, sizeof refusal - 1)) != NULL)
		at += sizeof refusal - 2;
	return at != NULL ? (size_t)(at - p) + 1 : 0;
}

bool zk_srvr_says(const unsigned char *p, size_t n, const char *mode)
{
	static const char label[] = "\nMode: ";
	const unsigned char *at = memmem(p, n, label, sizeof label - 1);
	size_t len = strlen(mode), rest;

	if (at == NULL)
		return false;
	at += sizeof label - 1;
	rest = n - (size_t)(at - p);
	return rest > len && memcmp(at, mode, len) == 0 && at[len] == '\n';
}
