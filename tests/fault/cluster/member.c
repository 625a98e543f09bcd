#include "member.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "pace.h"
#include "trust.h"
#include "wire/pack.h"

#define SMALL_DISK "size=192m"

/* ---- making ------------------------------------------------------------- */

static bool make_shim(struct cluster *c, struct member *m, char path[400])
{
	int fd;

	snprintf(path, 400, "%s/%s.shim", c->base, m->name);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0 || ftruncate(fd, sizeof *m->shim) != 0)
		return false;
	m->shim = mmap(NULL, sizeof *m->shim, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	return m->shim != MAP_FAILED;
}

static bool make_member(struct cluster *c, int i, bool small_disk)
{
	struct member *m = &c->member[i];
	char address[32], path[400], name[sizeof m->name];

	net_address(&c->net, i, address);
	snprintf(name, sizeof name, "m%d", i);
	memcpy(m->name, name, sizeof name);
	snprintf(m->dir, sizeof m->dir, "%s/%s", c->base, name);
	snprintf(m->log, sizeof m->log, "%s/%s.log", c->base, name);
	snprintf(m->client, sizeof m->client, "%s:7820", address);
	snprintf(m->peer, sizeof m->peer, "%s:7821", address);
	m->small_disk = small_disk;
	if (mkdir(m->dir, 0700) != 0 || !make_shim(c, m, path))
		return false;
	return !small_disk || mount("tmpfs", m->dir, "tmpfs", 0, SMALL_DISK) == 0;
}

bool cluster_make(struct cluster *c, int n, bool loopback, int small_disk)
{
	const char *base = getenv("TMPDIR");

	c->n = n;
	snprintf(c->base, sizeof c->base, "%s/svcd-fault-XXXXXX",
		base != NULL ? base : "/var/tmp");
	if (mkdtemp(c->base) == NULL) {
		fprintf(stderr, "cluster_run: error: %s: %s\n", c->base, strerror(errno));
		return false;
	}
	if (c->tls && !trust_make(c->base, n, c->shim)) {
		fprintf(stderr,
			"cluster_run: error: no certificates, see %s/openssl.log\n",
			c->base);
		return false;
	}
	if (!loopback && !net_make(&c->net, n))
		return false;
	for (int i = 0; i < n; i++)
		if (!make_member(c, i, i == small_disk)) {
			fprintf(stderr, "cluster_run: error: %s: %s\n", c->member[i].dir,
				strerror(errno));
			return false;
		}
	return true;
}

static int remove_entry(
	const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st, (void)flag;
	return ftw->level > 0 ? remove(path) : 0;
}

void member_wipe(struct cluster *c, int i)
{
	nftw(c->member[i].dir, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

void cluster_remove(struct cluster *c, bool keep)
{
	for (int i = 0; i < c->n; i++) {
		member_kill(c, i, SIGKILL);
		if (c->member[i].small_disk && !keep)
			umount(c->member[i].dir);
	}
	net_remove(&c->net);
	if (keep)
		return;
	nftw(c->base, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
	rmdir(c->base);
}

/* ---- running ------------------------------------------------------------ */

struct words {
	const char *argv[48];
	char text[24][400];
	int n, texts;
};

__attribute__((format(printf, 2, 3))) static void say(
	struct words *w, const char *format, ...)
{
	char *text = w->text[w->texts++];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof w->text[0], format, args);
	va_end(args);
	w->argv[w->n++] = text;
}

static void command_line(const struct cluster *c, int i, struct words *w)
{
	const struct member *m = &c->member[i];

	say(w, "%s", c->svcd);
	say(w, "--config=/dev/null");
	say(w, "--data-dir=%s", m->dir);
	say(w, "--listen=tcp:%s", m->client);
	say(w, "--peer-listen=tcp:%s", m->peer);
	say(w, "--name=%s", m->name);
	/* the first start of the first member makes the cluster; later ones join it */
	if (c->n > 1 && !(i == 0 && m->starts == 1))
		say(w, "--join=tcp:%s", c->member[i == 0 ? 1 : 0].peer);
	say(w, "--set=workers=1");
	say(w, "--set=storage.log-bytes=1MiB");
	say(w, "--set=storage.reserve-bytes=8MiB");
	say(w, "--set=cluster.voters=%d", c->n < 3 ? 3 : c->n);
	if (c->tls) {
		say(w, "--set=peers.tls.ca=%s/ca.pem", c->base);
		say(w, "--set=peers.tls.cert=%s/%s.pem", c->base, m->name);
		say(w, "--set=peers.tls.key=%s/%s.key", c->base, m->name);
	} else {
		say(w, "--set=peers.plain=anywhere");
	}
}

/* In the child. */
static void become(const struct cluster *c, int i)
{
	static struct words words;
	const struct member *m = &c->member[i];
	char shim[400];
	int log = open(m->log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

	command_line(c, i, &words);
	snprintf(shim, sizeof shim, "%s/%s.shim", c->base, m->name);
	if (c->shim[0] != '\0') {
		setenv("SVCD_FAULT_SHIM", shim, 1);
		setenv("LD_PRELOAD", c->shim, 1);
		setenv("ASAN_OPTIONS", "verify_asan_link_order=0", 1);
	}
	if (log < 0 || !net_enter(&c->net, i))
		_exit(126);
	dup2(log, 1);
	dup2(log, 2);
	execv(c->svcd, (char *const *)(uintptr_t)words.argv);
	_exit(127);
}

void member_start(struct cluster *c, int i)
{
	struct member *m = &c->member[i];
	pid_t parent = getpid();

	if (m->pid != 0)
		return;
	m->starts++;
	m->pid = fork();
	assert(m->pid >= 0);
	if (m->pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(1);
		become(c, i);
	}
}

int member_ask(struct cluster *c, struct caller *to, int i, const char *method)
{
	caller_to(to, c->member[i].client);
	pack_map(caller_begin(to, method), 0);
	return caller_end(to, 1000);
}

bool member_await(struct cluster *c, int i, int timeout_ms)
{
	uint64_t end = clock_now_ms() + (uint64_t)timeout_ms;
	struct caller to;
	bool ok = false;

	caller_init(&to);
	while (!ok && c->member[i].pid != 0 && clock_now_ms() < end) {
		ok = member_ask(c, &to, i, "status") == 0;
		if (!ok)
			nap_ms(10);
		cluster_look(c);
	}
	caller_fini(&to);
	return ok;
}

void member_freeze(struct cluster *c, int i, bool frozen)
{
	struct member *m = &c->member[i];

	if (m->pid == 0 || m->frozen == frozen)
		return;
	kill(m->pid, frozen ? SIGSTOP : SIGCONT);
	m->frozen = frozen;
}

void member_kill(struct cluster *c, int i, int sig)
{
	struct member *m = &c->member[i];

	if (m->pid == 0)
		return;
	kill(m->pid, sig);
	if (m->frozen && sig != SIGKILL)
		kill(m->pid, SIGCONT);
	waitpid(m->pid, NULL, 0);
	m->pid = 0;
	m->frozen = false;
}

int member_stop(struct cluster *c, int i, int timeout_ms)
{
	struct member *m = &c->member[i];
	uint64_t end = clock_now_ms() + (uint64_t)timeout_ms;
	int status;

	if (m->pid == 0)
		return 0;
	member_freeze(c, i, false);
	kill(m->pid, SIGTERM);
	while (clock_now_ms() < end) {
		if (waitpid(m->pid, &status, WNOHANG) == m->pid) {
			m->pid = 0;
			return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
		}
		nap_ms(2);
	}
	member_kill(c, i, SIGKILL);
	return -1;
}

void member_move(struct cluster *c, int i)
{
	char address[32];

	net_address(&c->net, i, address);
	snprintf(c->member[i].peer, sizeof c->member[i].peer, "%s:%d", address,
		7822 + c->member[i].starts % 1000);
}

bool cluster_look(struct cluster *c)
{
	bool well = true;

	for (int i = 0; i < c->n; i++) {
		struct member *m = &c->member[i];
		int status;

		if (m->pid == 0 || waitpid(m->pid, &status, WNOHANG) != m->pid)
			continue;
		fprintf(stderr, "cluster_run: %s ended by itself, %s %d\n", m->name,
			WIFEXITED(status) ? "exit status" : "signal",
			WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
		m->pid = 0;
		m->frozen = false;
		c->deaths++;
		well = false;
	}
	return well;
}

void member_fill_disk(struct cluster *c, int i, bool full)
{
	struct statvfs fs;
	char path[400];
	int fd;

	snprintf(path, sizeof path, "%s/ballast", c->member[i].dir);
	if (!full) {
		unlink(path);
		return;
	}
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0 || fstatvfs(fd, &fs) != 0)
		return;
	/* all but 1 MiB: below the reserve, and soon not even that */
	if (fs.f_bavail * fs.f_bsize > (1u << 20) &&
		posix_fallocate(fd, 0, (off_t)(fs.f_bavail * fs.f_bsize - (1u << 20))) !=
			0)
		fprintf(stderr, "cluster_run: the disk cannot be filled\n");
	close(fd);
}

static int voters(struct caller *with)
{
	struct value list;
	int n = 0;

	if (!value_find(with->result, "members", &list) || list.type != VALUE_ARRAY)
		return 0;
	for (uint32_t i = 0; i < list.n; i++) {
		struct value v;

		n += value_find(value_at(list, i), "voter", &v) && v.type == VALUE_BOOL &&
			v.boolean;
	}
	return n;
}

bool cluster_await_voters(struct cluster *c, int timeout_ms)
{
	uint64_t end = clock_now_ms() + (uint64_t)timeout_ms;
	struct caller with;
	bool ok = c->n == 1;

	caller_init(&with);
	for (int i = 0; !ok && clock_now_ms() < end; i++) {
		ok = member_ask(c, &with, i % c->n, "members") == 0 &&
			voters(&with) == c->n;
		if (!ok)
			nap_ms(50);
	}
	caller_fini(&with);
	return ok;
}

int cluster_leader(struct cluster *c, struct caller *with, uint64_t *term)
{
	int leader = -1;

	*term = 0;
	for (int i = 0; i < c->n; i++) {
		uint64_t at;

		if (c->member[i].pid == 0 || c->member[i].frozen ||
			member_ask(c, with, i, "status") != 0)
			continue;
		at = caller_u64(with, "term", 0);
		if (!bytes_eq_str(caller_text(with, "role"), "leader") || at < *term)
			continue;
		*term = at;
		leader = i;
	}
	return leader;
}
