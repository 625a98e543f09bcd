/* Starting and stopping the servers under load. */
#include "svcbench/peer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

void pin_to(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	if (cpu >= 0)
		CPU_SET(cpu, &set);
	else
		memset(&set, 0xff, sizeof set);
	sched_setaffinity(0, sizeof set, &set);
}

const char *find_program(const char *name, char *out, size_t cap)
{
	const char *path = getenv("PATH");

	while (path != NULL && *path != '\0') {
		size_t len = strcspn(path, ":");

		snprintf(out, cap, "%.*s/%s", (int)len, path, name);
		if (access(out, X_OK) == 0)
			return out;
		path += len + (path[len] == ':');
	}
	return NULL;
}

static int free_port(void)
{
	struct sockaddr_in at = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof at;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&at, len) != 0 ||
		getsockname(fd, (struct sockaddr *)&at, &len) != 0) {
		perror("svcbench: error: no port");
		exit(1);
	}
	close(fd);
	return ntohs(at.sin_port);
}

static bool answers(const struct peer *p)
{
	struct sockaddr_in to = {
		.sin_family = AF_INET, .sin_port = htons((uint16_t)p->port)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool ok = fd >= 0 && inet_pton(AF_INET, p->host, &to.sin_addr) == 1 &&
		connect(fd, (struct sockaddr *)&to, sizeof to) == 0;

	if (fd >= 0)
		close(fd);
	return ok;
}

void peer_spawn(struct peer *p, const struct bench_options *o, const char *const argv[])
{
	pid_t parent = getpid();
	char log[300];

	snprintf(log, sizeof log, "%s/log.txt", p->dir);
	p->pid = fork();
	if (p->pid == 0) {
		int fd = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(1);
		dup2(fd, 1);
		dup2(fd, 2);
		pin_to(o->server_cpu);
		/* execv(3) writes to none of them; its prototype is older than const */
		execv(argv[0], (char *const *)(uintptr_t)argv);
		_exit(127);
	}
}

static void await(struct peer *p)
{
	struct timespec pause = {.tv_nsec = 1000000};

	for (int i = 0; i < 60000; i++) {
		if (answers(p))
			return;
		if (waitpid(p->pid, NULL, WNOHANG) != 0)
			break;
		nanosleep(&pause, NULL);
	}
	fprintf(stderr, "svcbench: error: %s did not start, its log is %s/log.txt\n",
		p->program, p->dir);
	exit(1);
}

static void make_dir(struct peer *p)
{
	const char *base = getenv("SVCBENCH_DIR");

	snprintf(p->dir, sizeof p->dir, "%s/svcbench-XXXXXX", base ? base : "/var/tmp");
	if (mkdtemp(p->dir) == NULL) {
		fprintf(stderr, "svcbench: error: %s: %s\n", p->dir, strerror(errno));
		exit(1);
	}
}

/* The ports of a member stay; a server by itself gets a new one from the kernel. */
void peer_run_svcd(struct peer *p, const struct bench_options *o)
{
	char listen[64], data[300], peer[64], name[32];
	const char *argv[24] = {p->program, "--config", "/dev/null", "--data-dir", data,
		"--listen", listen, "--set", "log-level=warn", "--set", "workers=1"};
	int n = 11;

	if (p->peer_port == 0)
		p->port = free_port();
	snprintf(listen, sizeof listen, "tcp:%s:%d", p->host, p->port);
	snprintf(data, sizeof data, "%s/data", p->dir);
	snprintf(peer, sizeof peer, "tcp:%s:%d", p->host, p->peer_port);
	snprintf(name, sizeof name, "m%s", strrchr(p->host, '.') + 1);
	if (p->peer_port != 0) {
		argv[n++] = "--peer-listen";
		argv[n++] = peer;
		argv[n++] = "--name";
		argv[n++] = name;
	}
	if (p->join[0] != '\0') {
		argv[n++] = "--join";
		argv[n++] = p->join;
	}
	peer_spawn(p, o, argv);
}

void peer_restart_svcd(struct peer *p, const struct bench_options *o)
{
	peer_run_svcd(p, o);
	await(p);
}

void peer_prepare(struct peer *p, const char *program)
{
	memset(p, 0, sizeof *p);
	make_dir(p);
	snprintf(p->program, sizeof p->program, "%s", program);
	snprintf(p->host, sizeof p->host, "127.0.0.1");
}

void peer_place(struct peer *p, int index)
{
	int pid = getpid();

	snprintf(p->host, sizeof p->host, "127.%d.%d.%d", 128 + (pid >> 8 & 63),
		pid & 255, 10 + index);
}

void peer_start_svcd(struct peer *p, const struct bench_options *o)
{
	peer_prepare(p, o->svcd);
	peer_restart_svcd(p, o);
}

void peer_start_member(
	struct peer *p, const struct bench_options *o, int index, const struct peer *join)
{
	peer_prepare(p, o->svcd);
	p->port = 7820;
	p->peer_port = 7821;
	peer_place(p, index);
	if (join != NULL)
		snprintf(p->join, sizeof p->join, "tcp:%s:%d", join->host,
			join->peer_port);
	peer_restart_svcd(p, o);
}

void peer_start_redis(struct peer *p, const struct bench_options *o, bool durable)
{
	char port[16];
	const char *const argv[] = {p->program, "--port", port, "--bind", "127.0.0.1",
		"--dir", p->dir, "--save", "", "--appendonly", durable ? "yes" : "no",
		"--appendfsync", "always", "--auto-aof-rewrite-percentage", "0",
		"--maxclients", "18000", "--daemonize", "no", NULL};

	peer_prepare(p, o->redis);
	p->port = free_port();
	snprintf(port, sizeof port, "%d", p->port);
	peer_spawn(p, o, argv);
	await(p);
}

void peer_kill(struct peer *p, int sig)
{
	if (p->pid > 0) {
		kill(p->pid, sig);
		waitpid(p->pid, NULL, 0);
	}
	p->pid = 0;
}

static int remove_entry(
	const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st, (void)flag, (void)ftw;
	return remove(path);
}

void peer_remove(struct peer *p)
{
	peer_kill(p, SIGKILL);
	nftw(p->dir, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}
