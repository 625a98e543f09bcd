/*
 * The command that `register -- COMMAND` runs. One thread; signals are taken by
 * child_next_event().
 */
#ifndef SVCCTL_CHILD_H
#define SVCCTL_CHILD_H

#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>

struct child {
	pid_t pid;
	sigset_t signals; /* blocked in us, waited for */
	sigset_t before;  /* what was blocked when we came */
};

/* Blocks the signals; to be called before any thread is made: they inherit it. */
void child_prepare(struct child *k);
/*
 * Starts argv with environment variables beside ours ("NAME=value", ends with NULL). 0
 * when it runs, else an errno of exec or fork. There may be other threads.
 */
int child_start(struct child *k, char *const *argv, char *const *extra);

/* Waits until something happens: the number of a signal that came, or 0 when timeout_ms
 * (-1: none) is over. *from_terminal: the terminal sent it to the child, too. */
int child_next_signal(struct child *k, int timeout_ms, bool *from_terminal);
/* Whether it has ended: *status is then what the shell would call its exit status (128 +
 * signal). */
bool child_ended(struct child *k, int *status);
void child_signal(const struct child *k, int signal);

#endif
