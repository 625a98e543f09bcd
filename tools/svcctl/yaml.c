/* Documents as YAML, by libyaml's emitter. */
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "svcctl/json.h"
#include "svcctl/mem.h"

/* Text that YAML would read as something else gets quotes. libyaml knows what must be
 * quoted to be text at all, not what looks like a number, a truth or a date. */
static bool looks_like_something_else(const char *text)
{
	static const char *const words[] = {"", "~", "null", "true", "false", "yes", "no",
		"on", "off", "y", "n", "<<", "="};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcasecmp(words[i], text) == 0)
			return true;
	return strspn(text, "+-.0123456789") > 0;
}

static void emit(yaml_emitter_t *e, yaml_event_t *event, int made)
{
	mem_check(made != 0 && yaml_emitter_emit(e, event) != 0 ? e : NULL);
}

static void emit_scalar(yaml_emitter_t *e, const char *text, bool is_text)
{
	yaml_scalar_style_t style = is_text && looks_like_something_else(text)
		? YAML_DOUBLE_QUOTED_SCALAR_STYLE
		: YAML_PLAIN_SCALAR_STYLE;
	yaml_event_t event;

	emit(e, &event,
		yaml_scalar_event_initialize(&event, NULL, NULL,
			(const yaml_char_t *)text, (int)strlen(text), 1, 1, style));
}

static void emit_value(yaml_emitter_t *e, const json_t *v);

static void emit_object(yaml_emitter_t *e, const json_t *object)
{
	yaml_event_t event;
	const char *key;
	json_t *v;

	emit(e, &event,
		yaml_mapping_start_event_initialize(&event, NULL, NULL, 1,
			json_object_size(object) > 0 ? YAML_BLOCK_MAPPING_STYLE
						     : YAML_FLOW_MAPPING_STYLE));
	json_object_foreach((json_t *)(uintptr_t)object, key, v)
	{
		emit_scalar(e, key, true);
		emit_value(e, v);
	}
	emit(e, &event, yaml_mapping_end_event_initialize(&event));
}

static void emit_array(yaml_emitter_t *e, const json_t *array)
{
	yaml_event_t event;

	emit(e, &event,
		yaml_sequence_start_event_initialize(&event, NULL, NULL, 1,
			json_array_size(array) > 0 ? YAML_BLOCK_SEQUENCE_STYLE
						   : YAML_FLOW_SEQUENCE_STYLE));
	for (size_t i = 0; i < json_array_size(array); i++)
		emit_value(e, json_array_get(array, i));
	emit(e, &event, yaml_sequence_end_event_initialize(&event));
}

static void emit_value(yaml_emitter_t *e, const json_t *v)
{
	char *text;

	if (json_is_object(v)) {
		emit_object(e, v);
	} else if (json_is_array(v)) {
		emit_array(e, v);
	} else if (json_is_string(v)) {
		emit_scalar(e, json_string_value(v), true);
	} else {
		text = mem_check(json_dumps(v, JSON_ENCODE_ANY));
		emit_scalar(e, text, false);
		free(text);
	}
}

void yaml_print(FILE *out, const json_t *document, bool one_of_many)
{
	yaml_emitter_t e;
	yaml_event_t event;

	mem_check(yaml_emitter_initialize(&e) != 0 ? out : NULL);
	yaml_emitter_set_output_file(&e, out);
	yaml_emitter_set_unicode(&e, 1);
	yaml_emitter_set_width(&e, -1);
	emit(&e, &event, yaml_stream_start_event_initialize(&event, YAML_UTF8_ENCODING));
	emit(&e, &event,
		yaml_document_start_event_initialize(
			&event, NULL, NULL, NULL, !one_of_many));
	emit_value(&e, document);
	emit(&e, &event, yaml_document_end_event_initialize(&event, 1));
	emit(&e, &event, yaml_stream_end_event_initialize(&event));
	yaml_emitter_delete(&e);
}
