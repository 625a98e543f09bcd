/*
 * Listeners. Accepting never spins: at most ACCEPTS_PER_ROUND at once, and a pause when
 * the process has no descriptor or memory left.
 */
#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "net/conn.h"
#include "net/loop_internal.h"

#define ACCEPTS_PER_ROUND 64
#define PAUSE_MS 100

struct listener {
	struct event io;
	struct timer resume;
	struct loop *loop;
	void (*on_accept)(int fd, void *arg);
	void *arg;
	struct net_addr addr;
	int fd;
	dev_t dev; /* with ino: the socket file that we made; ino 0: none */
	ino_t ino;
	bool accepting; /* on_accept may run: freeing waits for its end */
	bool doomed;
};

static void listener_destroy(struct listener *ls)
{
	event_drop(&ls->io);
	timer_fini(&ls->resume);
	if (ls->fd >= 0)
		close(ls->fd);
	free(ls);
}

/* ---- accepting */

static void listener_pause(struct listener *ls)
{
	event_del(&ls->io);
	timer_set(&ls->resume, PAUSE_MS);
}

static void listener_on_resume(void *arg)
{
	struct listener *ls = arg;

	if (event_add(&ls->io, NULL) != 0)
		timer_set(&ls->resume, PAUSE_MS);
}

/* Errors of the peer that went away before we accepted it, see accept(2); not ours. */
static bool accept_error_passes(int errnum)
{
	static const int passing[] = {EINTR, ECONNABORTED, EPROTO, EPERM, ENETDOWN,
		ENOPROTOOPT, EHOSTDOWN, ENONET, EHOSTUNREACH, EOPNOTSUPP, ENETUNREACH,
		ETIMEDOUT};

	for (size_t i = 0; i < sizeof(passing) / sizeof(passing[0]); i++)
		if (passing[i] == errnum)
			return true;
	return false;
}

/* false: no more in this round. */
static bool listener_accept(struct listener *ls)
{
	int fd = accept4(ls->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd >= 0) {
		ls->on_accept(fd, ls->arg);
		return !ls->doomed;
	}
	if (errno == EAGAIN)
		return false;
	if (accept_error_passes(errno))
		return true;
	listener_pause(ls);
	return false;
}

static void listener_on_io(evutil_socket_t fd, short what, void *arg)
{
	struct listener *ls = arg;
	int left = ACCEPTS_PER_ROUND;

	(void)fd;
	(void)what;
	loop_enter(ls->loop);
	ls->accepting = true;
	while (left-- > 0 && listener_accept(ls))
		;
	ls->accepting = false;
	if (ls->doomed)
		listener_destroy(ls);
}

/* ---- opening */

static int listen_error(struct err *e, int errnum, const struct net_addr *at)
{
	int code = err_from_errno(errnum);

	if (code == SVCD_EINUSE)
		return err_set(e, code, "%s is in use by another process", at->text);
	errno = errnum;
	return err_set(e, code, "cannot listen on %s: %m", at->text);
}

static int bind_to(int fd, const struct net_addr *at)
{
	struct sockaddr_storage sa;

	memcpy(&sa, at->sockaddr, sizeof(at->sockaddr));
	return bind(fd, (struct sockaddr *)&sa, at->len) == 0 ? 0 : errno;
}

/* Nobody listens on it any more: connecting is refused. All else counts as in use. */
static bool unix_path_is_stale(const struct net_addr *at)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct sockaddr_storage sa;
	bool stale;

	if (fd < 0)
		return false;
	memcpy(&sa, at->sockaddr, sizeof(at->sockaddr));
	stale = connect(fd, (struct sockaddr *)&sa, at->len) != 0 &&
		errno == ECONNREFUSED;
	close(fd);
	return stale;
}

static const char *unix_path(const struct net_addr *at)
{
	return at->text + strlen("unix:");
}

static int listener_bind_unix(
	struct listener *ls, const struct net_addr *at, struct err *e)
{
	int errnum = bind_to(ls->fd, at);
	struct stat st;

	if (errnum == EADDRINUSE) {
		if (lstat(unix_path(at), &st) == 0 && !S_ISSOCK(st.st_mode))
			return err_set(e, SVCD_EINUSE, "%s exists and is not a socket",
				at->text);
		if (!unix_path_is_stale(at))
			return listen_error(e, EADDRINUSE, at);
		if (unlink(unix_path(at)) != 0 && errno != ENOENT)
			return listen_error(e, errno, at);
		errnum = bind_to(ls->fd, at);
	}
	if (errnum != 0)
		return listen_error(e, errnum, at);
	if (lstat(unix_path(at), &st) == 0) {
		ls->dev = st.st_dev;
		ls->ino = st.st_ino;
	}
	return 0;
}

static int listener_bind_tcp(
	struct listener *ls, const struct net_addr *at, struct err *e)
{
	static const int on = 1;
	static const int off = 0;
	int errnum;

	setsockopt(ls->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (net_addr_family(at) == AF_INET6)
		setsockopt(ls->fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
	errnum = bind_to(ls->fd, at);
	return errnum == 0 ? 0 : listen_error(e, errnum, at);
}

static void listener_learn_addr(struct listener *ls, const struct net_addr *at)
{
	struct sockaddr_storage sa = {0};
	socklen_t len = sizeof(sa);
	const char *port;

	if (net_addr_family(at) == AF_UNIX ||
		getsockname(ls->fd, (struct sockaddr *)&sa, &len) != 0)
		return;
	net_addr_from_sockaddr((struct sockaddr *)&sa, len, &ls->addr);
	if (strncmp(at->text, "tcp:*", 5) != 0)
		return;
	port = strrchr(ls->addr.text, ':');
	memmove(ls->addr.text + strlen("tcp:*"), port, strlen(port) + 1);
	memcpy(ls->addr.text, "tcp:*", strlen("tcp:*"));
}

/* "*" on a host without IPv6 means all of IPv4. */
static int listener_open_socket(struct net_addr *at)
{
	int type = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;
	int fd = socket(net_addr_family(at), type, 0);
	struct sockaddr_in all = {.sin_family = AF_INET};
	struct sockaddr_in6 sin6;

	if (fd >= 0 || errno != EAFNOSUPPORT || strncmp(at->text, "tcp:*", 5) != 0)
		return fd;
	memcpy(&sin6, at->sockaddr, sizeof(sin6));
	all.sin_port = sin6.sin6_port;
	memcpy(at->sockaddr, &all, sizeof(all));
	at->len = sizeof(all);
	return socket(AF_INET, type, 0);
}

static int listener_open(struct listener *ls, const struct net_addr *where,
	uint32_t backlog, struct err *e)
{
	struct net_addr at = *where;
	int rc;

	ls->fd = listener_open_socket(&at);
	if (ls->fd < 0)
		return listen_error(e, errno, &at);
	ls->addr = at;
	rc = net_addr_family(&at) == AF_UNIX ? listener_bind_unix(ls, &at, e)
					     : listener_bind_tcp(ls, &at, e);
	if (rc != 0)
		return rc;
	if (listen(ls->fd, backlog < INT32_MAX ? (int)backlog : INT32_MAX) != 0)
		return listen_error(e, errno, &at);
	listener_learn_addr(ls, &at);
	event_assign(&ls->io, ls->loop->base, ls->fd, EV_READ | EV_PERSIST,
		listener_on_io, ls);
	if (event_add(&ls->io, NULL) != 0)
		return listen_error(e, errno, &at);
	return 0;
}

struct listener *listener_new(struct loop *l, const struct net_addr *at, uint32_t backlog,
	void (*on_accept)(int fd, void *arg), void *arg, struct err *e)
{
	struct listener *ls = calloc(1, sizeof(*ls));

	if (ls == NULL) {
		err_set(e, SVCD_ENOMEM, "no memory for a listener on %s", at->text);
		return NULL;
	}
	ls->loop = l;
	ls->on_accept = on_accept;
	ls->arg = arg;
	ls->fd = -1;
	if (timer_init(&ls->resume, l, listener_on_resume, ls) != 0)
		err_set(e, SVCD_ENOMEM, "no memory for a listener on %s", at->text);
	else if (listener_open(ls, at, backlog, e) == 0)
		return ls;
	listener_free(ls);
	return NULL;
}

static void listener_unlink(const struct listener *ls)
{
	struct stat st;

	if (ls->ino != 0 && lstat(unix_path(&ls->addr), &st) == 0 &&
		st.st_dev == ls->dev && st.st_ino == ls->ino)
		unlink(unix_path(&ls->addr));
}

void listener_free(struct listener *ls)
{
	if (ls == NULL)
		return;
	listener_unlink(ls);
	ls->doomed = true;
	if (!ls->accepting)
		listener_destroy(ls);
}

void listener_addr(const struct listener *ls, struct net_addr *out)
{
	*out = ls->addr;
}
