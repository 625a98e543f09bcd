#include "svcctl/complete.h"

#include <string.h>

/* "--name", "--name=value", "-x", "-xVALUE"; *value: what is behind it in the same word, or NULL. */
static const struct param *find_option(
	const struct command *command, const char *word, const char **value)
{
	const struct param *p;
	size_t len;

	*value = NULL;
	if (strncmp(word, "--", 2) != 0) {
		for (size_t i = 0; (p = command_option_at(command, i)) != NULL; i++) {
			if (p->letter == 0 || p->letter != word[1])
				continue;
			*value = word[2] != '\0' && p->kind != KIND_FLAG ? word + 2 : NULL;
			return p;
		}
		return NULL;
	}
	word += 2;
	len = strcspn(word, "=");
	*value = word[len] == '=' ? word + len + 1 : NULL;
	for (size_t i = 0; (p = command_option_at(command, i)) != NULL; i++)
		if (strlen(p->name) == len && strncmp(p->name, word, len) == 0)
			return p;
	return NULL;
}

static void remember(struct place *at, const struct param *p, const char *value)
{
	if (strcmp(p->name, "server") == 0)
		at->server = value;
	if (strcmp(p->name, "namespace") == 0)
		at->ns = value;
}

/* Reads the words before the last one. Returns how many of them are words of the command, and sets
 * *pending to an option that still waits for its value. */
static size_t read_before(
	struct place *at, char *const *words, size_t n, const struct param **pending, bool *child)
{
	size_t n_words = 0;

	for (size_t i = 0; i + 1 < n; i++) {
		const char *word = words[i], *value;
		const struct param *p;

		if (*pending != NULL) {
			remember(at, *pending, word);
			*pending = NULL;
		} else if (strcmp(word, "--") == 0 && at->command != NULL &&
			   at->command->takes_child) {
			*child = true;
			return n_words;
		} else if (word[0] == '-' && word[1] != '\0') {
			p = find_option(at->command, word, &value);
			if (p != NULL && value != NULL)
				remember(at, p, value);
			else if (p != NULL && p->kind != KIND_FLAG)
				*pending = p;
		} else if (at->command == NULL) {
			at->command = command_find(word);
			if (at->command == NULL)
				*child = true; /* nothing is known of what follows */
		} else {
			n_words++;
		}
	}
	return n_words;
}

/* An option that is being written, perhaps with its value behind "=". */
static void place_option(struct place *at, const char *word)
{
	const char *value;

	at->want = WANT_OPTIONS;
	at->param = find_option(at->command, word, &value);
	if (at->param == NULL || value == NULL)
		return;
	at->want = WANT_VALUE;
	at->prefix = value;
	at->skipped = (size_t)(value - word);
}

struct place complete_place(char *const *words, size_t n)
{
	struct place at = {.prefix = n > 0 ? words[n - 1] : ""};
	const struct param *pending = NULL;
	bool child = false;
	size_t n_words = read_before(&at, words, n, &pending, &child);

	if (child) {
		at.want = at.command != NULL ? WANT_PROGRAM : WANT_NOTHING;
	} else if (pending != NULL) {
		at.want = WANT_VALUE;
		at.param = pending;
	} else if (at.prefix[0] == '-') {
		place_option(&at, at.prefix);
	} else if (at.command == NULL) {
		at.want = WANT_COMMANDS;
	} else if (n_words < command_count_words(at.command)) {
		at.want = WANT_VALUE;
		at.param = &at.command->words[n_words];
	}
	return at;
}
