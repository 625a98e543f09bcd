/* inspect, restore, cluster recover: what svcd does with files, without a registry. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "svcctl/ask.h"
#include "svcctl/columns.h"
#include "svcctl/describe.h"
#include "svcctl/handlers.h"
#include "svcctl/json.h"
#include "svcctl/mem.h"
#include "svcctl/svcd_program.h"
#include "svcctl/text.h"

#define ARGUMENTS_MAX 8

/* Arguments for svcd; ends with NULL. */
struct order {
	const char *items[ARGUMENTS_MAX + 1];
	size_t n;
};

static void add(struct order *o, const char *item)
{
	if (o->n < ARGUMENTS_MAX)
		o->items[o->n++] = item;
}

static void add_data_dir(struct order *o, const struct args *a)
{
	const char *dir = args_text(a, "data-dir", NULL);

	if (dir == NULL)
		return;
	add(o, "--data-dir");
	add(o, dir);
}

/* ---- inspect ----------------------------------------------------------- */

/* "name value" lines as a document; numbers as numbers. */
static json_t *read_lines(const char *text)
{
	json_t *document = json_new_document();
	char *copy = mem_copy(text), *save = NULL;

	for (char *line = strtok_r(copy, "\n", &save); line != NULL;
		line = strtok_r(NULL, "\n", &save)) {
		char *value = line + strcspn(line, " ");
		uint64_t number;

		if (*value == '\0')
			continue;
		*value++ = '\0';
		value += strspn(value, " ");
		/* identities are digits, too, now and then */
		if (strlen(value) < 16 && text_parse_number(value, INT64_MAX, &number))
			json_put_number(document, line, number);
		else
			json_put_text(document, line, value);
	}
	free(copy);
	return document;
}

static void screen_lines(FILE *out, const struct view *v, const void *arg)
{
	const json_t *document = arg;
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)(uintptr_t)document, key, value)
	{
		char text[TEXT_CAP];

		if (strcmp(key, "apiVersion") == 0)
			continue;
		put_label(out, v, key);
		if (json_is_string(value))
			put_clean(out, json_string_value(value));
		else if (strcmp(key, "bytes") == 0)
			fputs(text_bytes((uint64_t)json_integer_value(value), text), out);
		else
			fprintf(out, "%lld", (long long)json_integer_value(value));
		fputc('\n', out);
	}
}

enum outcome cmd_inspect(struct ctl *c, const struct args *a)
{
	const char *const arguments[] = {"--inspect", a->words[0], NULL};
	json_t *document;
	char *text;
	enum outcome out = svcd_read(arguments, false, &text, NULL);

	if (out == OUT_OK) {
		document = read_lines(text);
		print_object(&c->view, document, a->words[0], screen_lines, document);
	}
	free(text);
	return out;
}

/* ---- restore ----------------------------------------------------------- */

enum outcome cmd_restore(struct ctl *c, const struct args *a)
{
	struct order o = {{"--restore", a->words[0]}, 2};

	(void)c;
	add_data_dir(&o, a);
	if (args_flag(a, "force"))
		add(&o, "--force");
	return svcd_run(o.items, NULL);
}

/* ---- recover ----------------------------------------------------------- */

static enum outcome recover(const struct args *a, bool dry)
{
	struct order o = {{"--recover"}, 1};

	add_data_dir(&o, a);
	if (dry)
		add(&o, "--dry-run");
	return svcd_run(o.items, NULL);
}

enum outcome cmd_cluster_recover(struct ctl *c, const struct args *a)
{
	bool dry = args_flag(a, "dry-run"), ask = !dry && !args_flag(a, "yes");
	enum outcome out = OUT_OK;

	(void)c;
	if (dry || ask)
		out = recover(a, true);
	if (out != OUT_OK || dry)
		return out;
	if (ask)
		out = ask_first("--yes does it without a question",
			"make this member the only voter, and give up the others");
	return out == OUT_OK ? recover(a, false) : out;
}
