/*
 * A small HTTP server for tools/quickstart and the tests: answers every GET with 200 and
 *its name. SIGUSR1 makes it answer 500 from then on, SIGUSR2 200 again.
 *
 *	demo-server PORT NAME      (PORT 0: the kernel's choice; the port is printed)
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static volatile sig_atomic_t broken;

static void on_signal(int sig)
{
	broken = sig == SIGUSR1;
}

static int listen_on(int port)
{
	struct sockaddr_in at = {.sin_family = AF_INET,
		.sin_port = htons((unsigned short)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof at;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	if (fd < 0 || bind(fd, (struct sockaddr *)&at, len) != 0 || listen(fd, 64) != 0 ||
		getsockname(fd, (struct sockaddr *)&at, &len) != 0) {
		fprintf(stderr, "demo-server: error: port %d: %s\n", port,
			strerror(errno));
		exit(1);
	}
	printf("%d\n", ntohs(at.sin_port));
	fflush(stdout);
	return fd;
}

/* Reads up to the empty line that ends the request's head; a client that says nothing is
 * given 1 s. */
static void read_request(int fd)
{
	struct timeval limit = {.tv_sec = 1};
	char head[4096];
	size_t len = 0;

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
	while (len < sizeof head - 1) {
		ssize_t n = recv(fd, head + len, sizeof head - 1 - len, 0);

		if (n <= 0)
			return;
		len += (size_t)n;
		head[len] = '\0';
		if (strstr(head, "\r\n\r\n") != NULL)
			return;
	}
}

static void answer(int fd, const char *name)
{
	char text[256], body[128];
	int n = snprintf(
		body, sizeof body, "%s from %s\n", broken ? "trouble" : "hello", name);

	n = snprintf(text, sizeof text,
		"HTTP/1.1 %s\r\nContent-Type: text/plain\r\nContent-Length: "
		"%d\r\nConnection: close\r\n\r\n%s",
		broken ? "500 Internal Server Error" : "200 OK", n, body);
	send(fd, text, (size_t)n, MSG_NOSIGNAL);
}

int main(int argc, char **argv)
{
	struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
	int listener;

	if (argc != 3) {
		fputs("usage: demo-server PORT NAME\n", stderr);
		return 2;
	}
	sigaction(SIGUSR1, &action, NULL);
	sigaction(SIGUSR2, &action, NULL);
	listener = listen_on(atoi(argv[1]));
	for (;;) {
		int fd = accept(listener, NULL, NULL);

		if (fd < 0)
			continue;
		read_request(fd);
		answer(fd, argv[2]);
		close(fd);
	}
}
