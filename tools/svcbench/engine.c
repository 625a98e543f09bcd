/* The load engine. */
#include "svcbench/engine.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

static void *grow(void *p, size_t n)
{
	p = realloc(p, n);
	if (p == NULL) {
		fputs("svcbench: error: out of memory\n", stderr);
		exit(1);
	}
	return p;
}

void engine_init(struct engine *e)
{
	memset(e, 0, sizeof *e);
	e->epoll = epoll_create1(EPOLL_CLOEXEC);
}

void link_close(struct link *l)
{
	if (l->fd >= 0) {
		close(l->fd);
		l->fd = -1;
		l->engine->closed++;
	}
}

void engine_fini(struct engine *e)
{
	for (int i = 0; i < e->n_links; i++) {
		link_close(e->links[i]);
		free(e->links[i]->in);
		free(e->links[i]->out);
		free(e->links[i]);
	}
	free(e->links);
	close(e->epoll);
}

static void watch(struct link *l, int op, bool writing)
{
	struct epoll_event ev = {
		.events = EPOLLIN | (writing ? EPOLLOUT : 0u), .data.ptr = l};

	l->writing = writing;
	epoll_ctl(l->engine->epoll, op, l->fd, &ev);
}

static bool connect_link(struct link *l, const char *host, int port)
{
	struct sockaddr_in to = {
		.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	int one = 1;

	inet_pton(AF_INET, host, &to.sin_addr);
	l->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (l->fd < 0)
		return false;
	if (connect(l->fd, (struct sockaddr *)&to, sizeof to) < 0 &&
		errno != EINPROGRESS) {
		close(l->fd);
		l->fd = -1;
		return false;
	}
	setsockopt(l->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	watch(l, EPOLL_CTL_ADD, true);
	return true;
}

struct link *engine_dial(struct engine *e, const char *host, int port)
{
	struct link *l = grow(NULL, sizeof *l);

	memset(l, 0, sizeof *l);
	l->engine = e;
	l->index = e->n_links;
	e->links = grow(e->links, sizeof *e->links * (size_t)(e->n_links + 1));
	e->links[e->n_links++] = l;
	if (!connect_link(l, host, port)) {
		fprintf(stderr, "svcbench: error: connection %d: %s\n", l->index,
			strerror(errno));
		exit(1);
	}
	return l;
}

bool link_redial(struct link *l, const char *host, int port)
{
	l->connected = l->writing = false;
	l->in_len = l->out_len = l->out_sent = 0;
	l->head = l->waiting = 0;
	l->usual = 0;
	return connect_link(l, host, port);
}

void link_put(struct link *l, const void *data, size_t n)
{
	if (l->out_len + n > l->out_cap) {
		l->out_cap = (l->out_len + n) * 2;
		l->out = grow(l->out, l->out_cap);
	}
	memcpy(l->out + l->out_len, data, n);
	l->out_len += n;
}

void link_sent(struct link *l)
{
	if (l->waiting < DEPTH_MAX)
		l->sent_ns[(l->head + l->waiting++) % DEPTH_MAX] = now_ns();
}

void link_flush(struct link *l)
{
	while (l->fd >= 0 && l->out_sent < l->out_len) {
		ssize_t n = send(l->fd, l->out + l->out_sent, l->out_len - l->out_sent,
			MSG_NOSIGNAL);

		if (n < 0 && errno == EAGAIN) {
			if (!l->writing)
				watch(l, EPOLL_CTL_MOD, true);
			return;
		}
		if (n < 0) {
			link_close(l);
			return;
		}
		l->out_sent += (size_t)n;
	}
	l->out_sent = l->out_len = 0;
}

static void take_answers(struct link *l, const unsigned char *p, size_t n)
{
	struct engine *e = l->engine;
	size_t used = 0;

	while (used < n) {
		bool failed = false;
		size_t len = e->answer(l, p + used, n - used, &failed);

		if (len == 0)
			break;
		if (l->waiting > 0) {
			hist_add(&e->hist, now_ns() - l->sent_ns[l->head]);
			l->head = (l->head + 1) % DEPTH_MAX;
			l->waiting--;
		}
		e->answers++;
		e->errors += failed;
		l->usual = len;
		e->on_answer(l, p + used, len, failed);
		used += len;
	}
	l->in_len = n - used;
	if (l->in_len > 0) {
		if (l->in_len > l->in_cap) {
			unsigned char *old = l->in;

			l->in_cap = l->in_len * 2;
			l->in = grow(NULL, l->in_cap);
			memcpy(l->in, p + used, l->in_len);
			free(old);
		} else {
			memmove(l->in, p + used, l->in_len);
		}
	}
}

static void receive(struct link *l)
{
	static unsigned char scratch[4 << 20]; /* twice the longest answer */
	ssize_t n;

	if (l->in_len > sizeof scratch / 2) {
		fputs("svcbench: error: an answer is too long\n", stderr);
		exit(1);
	}
	if (l->in_len > 0)
		memcpy(scratch, l->in, l->in_len);
	n = recv(l->fd, scratch + l->in_len, sizeof scratch - l->in_len, 0);
	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0) {
		link_close(l);
		return;
	}
	take_answers(l, scratch, l->in_len + (size_t)n);
}

void engine_poll(struct engine *e, int timeout_ms)
{
	struct epoll_event events[256];
	int n = epoll_wait(e->epoll, events, 256, timeout_ms);

	for (int i = 0; i < n; i++) {
		struct link *l = events[i].data.ptr;

		if (l->fd >= 0 && (events[i].events & EPOLLOUT)) {
			watch(l, EPOLL_CTL_MOD, false);
			if (!l->connected) {
				l->connected = true;
				if (e->on_open != NULL)
					e->on_open(l);
			}
			link_flush(l);
		}
		if (l->fd >= 0 && (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR))) {
			receive(l);
			link_flush(l);
		}
	}
}

bool engine_until(
	struct engine *e, const uint64_t *counter, uint64_t goal, double seconds)
{
	uint64_t end = now_ns() + (uint64_t)(seconds * 1e9);

	while (*counter < goal) {
		if (now_ns() >= end)
			return false;
		engine_poll(e, 10);
	}
	return true;
}

void engine_for(struct engine *e, double seconds)
{
	uint64_t end = now_ns() + (uint64_t)(seconds * 1e9);

	while (now_ns() < end)
		engine_poll(e, 5);
}
