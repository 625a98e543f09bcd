#include "svcctl/complete.h"

#include <string.h>

/* "--name", "--name=value", "-x", "-xVALUE"; *value: what is behind it in the same word,
 * or NULL. */
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
			*value = word[2] != '\0' && p->kind != KIND_FLAG ? word + 2
									 : NULL;
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

/* What the words before the last one say. */
struct before {
	size_t n_words;              /* of the command */
	const struct param *pending; /* an option that still waits for its value */
	bool unknown; /* no such command: nothing is known of what follows */
};

static void read_option(struct place *at, struct before *b, const char *word)
{
	const char *value;
	const struct param *p = find_option(at->command, word, &value);

	if (p != NULL && value != NULL)
		remember(at, p, value);
	else if (p != NULL && p->kind != KIND_FLAG)
		b->pending = p;
}

static void read_word(struct place *at, struct before *b, const char *word)
{
	if (b->pending != NULL) {
		remember(at, b->pending, word);
		b->pending = NULL;
	} else if (word[0] == '-' && word[1] != '\0') {
		read_option(at, b, word);
	} else if (at->command != NULL) {
		if (b->n_words++ == 0)
			at->first = word;
	} else if (at->family != NULL) {
		at->command = command_find_in(at->family->name, word);
		b->unknown = at->command == NULL;
	} else {
		at->family = family_find(word);
		at->command = at->family == NULL ? command_find(word) : NULL;
		b->unknown = at->family == NULL && at->command == NULL;
	}
}

static bool begins_child(const struct place *at, const struct before *b, const char *word)
{
	return strcmp(word, "--") == 0 && b->pending == NULL && at->command != NULL &&
		at->command->takes_child;
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
	struct before b = {0};

	for (size_t i = 0; i + 1 < n && !b.unknown; i++) {
		if (begins_child(&at, &b, words[i])) {
			at.want = i + 2 == n ? WANT_PROGRAM : WANT_FILES;
			return at;
		}
		read_word(&at, &b, words[i]);
	}
	if (b.unknown) {
		at.want = WANT_NOTHING;
	} else if (b.pending != NULL) {
		at.want = WANT_VALUE;
		at.param = b.pending;
	} else if (at.prefix[0] == '-') {
		place_option(&at, at.prefix);
	} else if (at.command == NULL) {
		at.want = WANT_COMMANDS;
	} else if (b.n_words < command_count_words(at.command)) {
		at.want = WANT_VALUE;
		at.param = &at.command->words[b.n_words];
	}
	return at;
}
