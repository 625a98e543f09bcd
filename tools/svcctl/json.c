#include "svcctl/json.h"

#include <inttypes.h>
#include <string.h>

#include "svcctl/mem.h"
#include "svcctl/text.h"

/* Fields that hold milliseconds since 1970. */
static bool is_time(const char *key)
{
	static const char *const names[] = {"since", "registered", "at"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(names[i], key) == 0)
			return true;
	return false;
}

/* Fields that need all 64 bits. */
static bool is_hash(const char *key)
{
	return strcmp(key, "digest") == 0 || strcmp(key, "config_hash") == 0;
}

static json_t *json_of_number(uint64_t number, const char *key)
{
	char text[TEXT_CAP];

	if (is_time(key))
		return json_string(text_time(number, text));
	if (is_hash(key)) {
		snprintf(text, sizeof(text), "%016" PRIx64, number);
		return json_string(text);
	}
	/* jansson has no unsigned numbers; beyond them are no counts or revisions. */
	return number <= INT64_MAX ? json_integer((json_int_t)number)
				   : json_real((double)number);
}

static json_t *json_of_array(const struct svcd_value *v)
{
	json_t *array = mem_check(json_array());

	for (size_t i = 0; i < svcd_value_count(v); i++)
		json_array_append_new(array, json_of(svcd_value_at(v, i), ""));
	return array;
}

static json_t *json_of_map(const struct svcd_value *v)
{
	json_t *object = mem_check(json_object());

	json_take_fields(object, v, NULL);
	return object;
}

json_t *json_of(const struct svcd_value *v, const char *key)
{
	switch (svcd_value_type(v)) {
	case SVCD_BOOL:
		return mem_check(json_boolean(svcd_value_bool(v, false)));
	case SVCD_UINT:
		return mem_check(json_of_number(svcd_value_uint(v, 0), key));
	case SVCD_INT:
		return mem_check(json_integer(svcd_value_int(v, 0)));
	case SVCD_DOUBLE:
		return mem_check(json_real(svcd_value_double(v, 0)));
	case SVCD_STRING:
		return mem_check(json_string(svcd_value_str(v, "")));
	case SVCD_ARRAY:
		return json_of_array(v);
	case SVCD_MAP:
		return json_of_map(v);
	default:
		return mem_check(json_null());
	}
}

void json_take_fields(json_t *object, const struct svcd_value *v, const char *without)
{
	for (size_t i = 0; i < svcd_value_count(v); i++) {
		const char *key = svcd_value_key(v, i);

		if (without == NULL || strcmp(key, without) != 0)
			json_put(object, key, json_of(svcd_value_at(v, i), key));
	}
}

json_t *json_new_document(void)
{
	json_t *document = mem_check(json_object());

	json_put_text(document, "apiVersion", JSON_API_VERSION);
	return document;
}

void json_put(json_t *object, const char *key, json_t *value)
{
	mem_check(json_object_set_new(object, key, value) == 0 ? object : NULL);
}

void json_put_text(json_t *object, const char *key, const char *text)
{
	if (text != NULL && *text != '\0')
		json_put(object, key, mem_check(json_string(text)));
}

void json_put_number(json_t *object, const char *key, uint64_t number)
{
	json_put(object, key, mem_check(json_integer((json_int_t)number)));
}

void json_put_time(json_t *object, const char *key, uint64_t wall_ms)
{
	char text[TEXT_CAP];

	json_put_text(object, key, text_time(wall_ms, text));
}

void json_print(FILE *out, const json_t *document)
{
	json_dumpf(document, out, JSON_INDENT(2));
	fputc('\n', out);
}

void json_print_line(FILE *out, const json_t *document)
{
	json_dumpf(document, out, JSON_COMPACT);
	fputc('\n', out);
}

/* ---- csv --------------------------------------------------------------- */

void csv_put(FILE *out, const char *text)
{
	if (strpbrk(text, ",\"\r\n") == NULL) {
		fputs(text, out);
		return;
	}
	fputc('"', out);
	for (; *text != '\0'; text++) {
		if (*text == '"')
			fputc('"', out);
		fputc(*text, out);
	}
	fputc('"', out);
}

static void csv_put_value(FILE *out, const json_t *v)
{
	char *text;

	if (json_is_string(v)) {
		csv_put(out, json_string_value(v));
		return;
	}
	text = mem_check(json_dumps(v, JSON_ENCODE_ANY | JSON_COMPACT));
	csv_put(out, text);
	free(text);
}

/* Fields of objects inside are named "outer.inner". */
static void csv_put_fields(FILE *out, const char *prefix, const json_t *object)
{
	const char *key;
	json_t *v;

	json_object_foreach((json_t *)(uintptr_t)object, key, v)
	{
		char *name = mem_format("%s%s", prefix, key);

		if (json_is_object(v)) {
			char *deeper = mem_format("%s.", name);

			csv_put_fields(out, deeper, v);
			free(deeper);
		} else {
			csv_put(out, name);
			fputc(',', out);
			csv_put_value(out, v);
			fputs("\r\n", out);
		}
		free(name);
	}
}

void csv_print_fields(FILE *out, const json_t *document, bool headers)
{
	if (headers)
		fputs("field,value\r\n", out);
	csv_put_fields(out, "", document);
}
