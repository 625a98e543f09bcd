/* YAML events to settings: a walk over libyaml's document with marks on every node. */
#include "daemon/config_file.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>
#include <yaml.h>

struct walk {
	yaml_document_t doc;
	struct settings *s;
	bool *set;
	struct problems *p;
	size_t seen_line[64]; /* per row: the line that gave it, for doubles */
};

static const char *text_of(const yaml_node_t *n)
{
	return (const char *)n->data.scalar.value;
}

static void problem_at(
	struct walk *w, const yaml_node_t *n, const char *hint, const char *text)
{
	problems_add(
		w->p, n->start_mark.line + 1, n->start_mark.column + 1, hint, "%s", text);
}

static const char *kind_of(const yaml_node_t *n)
{
	switch (n->type) {
	case YAML_SCALAR_NODE:
		return "a single value";
	case YAML_SEQUENCE_NODE:
		return "a list";
	case YAML_MAPPING_NODE:
		return "a mapping";
	default:
		return "nothing";
	}
}

/* A scalar without NUL bytes inside: text can be handled as C strings from here on. */
static bool is_plain(const yaml_node_t *n)
{
	return n->type == YAML_SCALAR_NODE && strlen(text_of(n)) == n->data.scalar.length;
}

static void take_value(
	struct walk *w, const struct setting *row, const yaml_node_t *value)
{
	struct err e;
	char line[ERR_TEXT_MAX + 80];

	if (!is_plain(value)) {
		snprintf(line, sizeof line, "%s: expected a single value, got %s",
			row->name,
			value->type == YAML_SCALAR_NODE ? "text with a NUL byte"
							: kind_of(value));
		problem_at(w, value, NULL, line);
		return;
	}
	if (setting_set(w->s, row, text_of(value), &e) != 0) {
		snprintf(line, sizeof line, "%s: %s", row->name, e.text);
		problem_at(w, value, NULL, line);
	}
}

static void take_setting(struct walk *w, const struct setting *row,
	const yaml_node_t *key, const yaml_node_t *value)
{
	size_t i = (size_t)(row - setting_rows);
	char line[128];

	if (w->seen_line[i] != 0) {
		snprintf(line, sizeof line, "%s is set twice, first in line %zu",
			row->name, w->seen_line[i]);
		problem_at(w, key, NULL, line);
		return;
	}
	w->seen_line[i] = key->start_mark.line + 1;
	if (w->set != NULL)
		w->set[i] = true;
	if (!setting_is_list(row) || value->type != YAML_SEQUENCE_NODE) {
		setting_clear(w->s, row);
		take_value(w, row, value);
		return;
	}
	setting_clear(w->s, row);
	if (row->min > 0 &&
		value->data.sequence.items.start == value->data.sequence.items.top) {
		snprintf(line, sizeof line, "%s: the list is empty", row->name);
		problem_at(w, value, NULL, line);
	}
	for (yaml_node_item_t *it = value->data.sequence.items.start;
		it < value->data.sequence.items.top; it++)
		take_value(w, row, yaml_document_get_node(&w->doc, *it));
}

static void unknown_key(struct walk *w, const yaml_node_t *key, const char *full)
{
	const char *near = setting_nearest(full);
	char line[160], hint[160];

	snprintf(line, sizeof line, "unknown setting '%.100s'", full);
	if (near != NULL)
		snprintf(hint, sizeof hint, "did you mean '%s'?", near);
	problem_at(w, key, near ? hint : "svcd --print-config lists all settings", line);
}

static bool is_section(const char *name)
{
	size_t len = strlen(name);

	for (size_t i = 0; i < setting_count; i++)
		if (strncmp(setting_rows[i].name, name, len) == 0 &&
			setting_rows[i].name[len] == '.')
			return true;
	return false;
}

static void take_mapping(struct walk *w, const yaml_node_t *map, const char *section)
{
	for (yaml_node_pair_t *pair = map->data.mapping.pairs.start;
		pair < map->data.mapping.pairs.top; pair++) {
		yaml_node_t *key = yaml_document_get_node(&w->doc, pair->key);
		yaml_node_t *value = yaml_document_get_node(&w->doc, pair->value);
		const struct setting *row;
		char full[128];

		if (!is_plain(key)) {
			problem_at(w, key, NULL,
				"the name of a setting must be a single word");
			continue;
		}
		snprintf(full, sizeof full, "%s%s%.80s", section, section[0] ? "." : "",
			text_of(key));
		row = setting_find(full);
		if (row != NULL)
			take_setting(w, row, key, value);
		else if (is_section(full) && value->type == YAML_MAPPING_NODE)
			take_mapping(w, value, full);
		else if (is_section(full))
			problem_at(w, value, NULL,
				"a section holds settings, indented below its name");
		else
			unknown_key(w, key, full);
	}
}

/* Anchors, aliases and tags have no place in a file of settings, and make bombs possible.
 */
static bool has_forbidden(struct walk *w, struct bytes text)
{
	yaml_parser_t parser;
	yaml_event_t event;
	bool bad = false, done = false;

	if (!yaml_parser_initialize(&parser))
		return false;
	yaml_parser_set_input_string(&parser, text.data, text.len);
	while (!done && !bad && yaml_parser_parse(&parser, &event)) {
		const yaml_char_t *anchor = NULL, *tag = NULL;

		if (event.type == YAML_ALIAS_EVENT)
			anchor = event.data.alias.anchor;
		else if (event.type == YAML_SCALAR_EVENT)
			anchor = event.data.scalar.anchor, tag = event.data.scalar.tag;
		else if (event.type == YAML_SEQUENCE_START_EVENT)
			anchor = event.data.sequence_start.anchor,
			tag = event.data.sequence_start.tag;
		else if (event.type == YAML_MAPPING_START_EVENT)
			anchor = event.data.mapping_start.anchor,
			tag = event.data.mapping_start.tag;
		bad = anchor != NULL || tag != NULL;
		if (bad)
			problems_add(w->p, event.start_mark.line + 1,
				event.start_mark.column + 1, "write the value out",
				"anchors, aliases and tags are not supported");
		done = event.type == YAML_STREAM_END_EVENT;
		yaml_event_delete(&event);
	}
	yaml_parser_delete(&parser);
	return bad;
}

static void syntax_problem(struct walk *w, const yaml_parser_t *parser)
{
	if (parser->error == YAML_MEMORY_ERROR) {
		problems_add(w->p, 0, 0, NULL, "out of memory");
		return;
	}
	if (parser->error == YAML_READER_ERROR) {
		problems_add(w->p, 0, 0, NULL, "byte %zu: %s", parser->problem_offset,
			parser->problem ? parser->problem : "not text");
		return;
	}
	problems_add(w->p, parser->problem_mark.line + 1, parser->problem_mark.column + 1,
		NULL, "%s%s%s", parser->problem ? parser->problem : "not YAML",
		parser->context ? " " : "", parser->context ? parser->context : "");
}

static void take_document(struct walk *w)
{
	yaml_node_t *root = yaml_document_get_root_node(&w->doc);

	if (root == NULL)
		return; /* an empty file: all defaults */
	if (root->type == YAML_SCALAR_NODE && root->data.scalar.length == 0)
		return;
	if (root->type != YAML_MAPPING_NODE)
		problem_at(
			w, root, "write settings as 'name: value'", "expected settings");
	else
		take_mapping(w, root, "");
}

void config_parse(struct bytes text, struct settings *s, bool *set, struct problems *p)
{
	struct walk w = {.s = s, .set = set, .p = p};
	yaml_parser_t parser;

	static_assert(
		sizeof w.seen_line / sizeof w.seen_line[0] >= 32, "a line for each row");
	if (has_forbidden(&w, text))
		return;
	if (!yaml_parser_initialize(&parser)) {
		problems_add(p, 0, 0, NULL, "out of memory");
		return;
	}
	yaml_parser_set_input_string(&parser, text.data, text.len);
	if (!yaml_parser_load(&parser, &w.doc)) {
		syntax_problem(&w, &parser);
	} else {
		take_document(&w);
		yaml_document_delete(&w.doc);
		if (yaml_parser_load(&parser, &w.doc)) {
			yaml_node_t *more = yaml_document_get_root_node(&w.doc);

			if (more != NULL)
				problem_at(&w, more, NULL, "only one document a file");
			yaml_document_delete(&w.doc);
		} else {
			syntax_problem(&w, &parser);
		}
	}
	yaml_parser_delete(&parser);
}

int config_read(const char *path, struct buf *out, struct err *e)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = 0;

	if (fd < 0)
		return err_set(e,
			errno == ENOENT ? SVCD_ENOTFOUND : err_from_errno(errno),
			"%s: %s", path, strerror(errno));
	buf_init(out, CONFIG_FILE_MAX);
	do {
		uint8_t *to = buf_reserve(out, 4096);

		n = to == NULL ? 0 : read(fd, to, 4096);
		if (n > 0)
			out->len += (size_t)n;
	} while (n > 0);
	if (n < 0 || out->error != 0) {
		int code = n < 0 ? err_from_errno(errno) : out->error;

		err_set(e, code, "%s: %s", path,
			n < 0 ? strerror(errno) : err_text(code));
		buf_fini(out);
		close(fd);
		return code;
	}
	close(fd);
	return 0;
}
