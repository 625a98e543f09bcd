#include "svcctl/spec.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "svcctl/mem.h"
#include "svcctl/text.h"

/* A copy that lives as long as s. */
static char *keep(struct spec *s, const char *text, size_t len)
{
	s->copies = mem_resize(s->copies, s->n_copies + 1, sizeof(*s->copies));
	s->copies[s->n_copies] = mem_copy_part(text, len);
	return s->copies[s->n_copies++];
}

void spec_fini(struct spec *s)
{
	for (size_t i = 0; i < s->n_copies; i++)
		free(s->copies[i]);
	free(s->copies);
	free(s->ports);
	free(s->meta);
	free(s->checks);
	*s = (struct spec){.copies = NULL};
}

/* ---- ports ------------------------------------------------------------- */

/* "/udp", "/tcp+tls" */
static bool take_protocol(struct spec *s, struct svcd_port *port, const char *text)
{
	size_t len = strcspn(text, "+");

	if (len == 0 || (text[len] == '+' && strcmp(text + len, "+tls") != 0))
		return false;
	port->protocol = keep(s, text, len);
	port->tls = text[len] == '+';
	return true;
}

static bool take_port(struct spec *s, struct svcd_port *port, const char *text)
{
	const char *equals = strchr(text, '='),
		   *digits = equals != NULL ? equals + 1 : text;
	size_t len = strcspn(digits, "/");
	char *copy = keep(s, digits, len);
	uint64_t number;

	if (equals == text || !text_parse_number(copy, 65535, &number) || number == 0)
		return false;
	port->name = equals != NULL ? keep(s, text, (size_t)(equals - text)) : "default";
	port->number = (uint16_t)number;
	return digits[len] == '\0' || take_protocol(s, port, digits + len + 1);
}

bool spec_add_port(struct spec *s, const char *text, char error[SPEC_ERROR_MAX])
{
	struct svcd_port port = {.protocol = "tcp"};

	if (!take_port(s, &port, text)) {
		snprintf(error, SPEC_ERROR_MAX,
			"'%s' is not a port: 8080, http=8080 or dns=53/udp", text);
		return false;
	}
	for (size_t i = 0; i < s->instance.n_ports; i++) {
		if (strcmp(s->ports[i].name, port.name) == 0) {
			snprintf(error, SPEC_ERROR_MAX,
				"two ports are named '%s': give them names, as in http=8080",
				port.name);
			return false;
		}
	}
	s->ports = mem_resize(s->ports, s->instance.n_ports + 1, sizeof(*s->ports));
	s->ports[s->instance.n_ports++] = port;
	s->instance.ports = s->ports;
	return true;
}

/* ---- metadata ---------------------------------------------------------- */

bool spec_add_meta(struct spec *s, const char *text, char error[SPEC_ERROR_MAX])
{
	size_t len = strcspn(text, "=");

	if (len == 0 || text[len] != '=') {
		snprintf(error, SPEC_ERROR_MAX, "'%s' is not KEY=VALUE", text);
		return false;
	}
	s->meta = mem_resize(s->meta, s->instance.n_meta + 1, sizeof(*s->meta));
	s->meta[s->instance.n_meta++] = (struct svcd_pair){
		keep(s, text, len), text + len + 1};
	s->instance.meta = s->meta;
	return true;
}

/* ---- checks ------------------------------------------------------------ */

static const struct check_field {
	const char *name;
	enum { IS_TEXT, IS_MS, IS_NUMBER, IS_STATUS } as;
	size_t offset;
} check_fields[] = {
	{"name", IS_TEXT, offsetof(struct svcd_check, name)},
	{"port", IS_TEXT, offsetof(struct svcd_check, port)},
	{"path", IS_TEXT, offsetof(struct svcd_check, path)},
	{"host", IS_TEXT, offsetof(struct svcd_check, host_header)},
	{"interval", IS_MS, offsetof(struct svcd_check, interval_ms)},
	{"fast-interval", IS_MS, offsetof(struct svcd_check, fast_interval_ms)},
	{"slow-interval", IS_MS, offsetof(struct svcd_check, slow_interval_ms)},
	{"timeout", IS_MS, offsetof(struct svcd_check, timeout_ms)},
	{"rise", IS_NUMBER, offsetof(struct svcd_check, rise)},
	{"fall", IS_NUMBER, offsetof(struct svcd_check, fall)},
	{"status", IS_STATUS, 0}, /* "200" or "200-299" */
};

#define N_CHECK_FIELDS (sizeof(check_fields) / sizeof(check_fields[0]))

static const struct check_field *find_check_field(const char *name)
{
	for (size_t i = 0; i < N_CHECK_FIELDS; i++)
		if (strcmp(check_fields[i].name, name) == 0)
			return &check_fields[i];
	return NULL;
}

static bool take_status(struct svcd_check *check, const char *text)
{
	const char *dash = strchr(text, '-');
	char *first = mem_copy_part(
		text, dash != NULL ? (size_t)(dash - text) : strlen(text));
	uint64_t low, high;
	bool ok = text_parse_number(first, 599, &low) &&
		text_parse_number(dash != NULL ? dash + 1 : first, 599, &high) &&
		low >= 100 && low <= high;

	free(first);
	if (!ok)
		return false;
	check->status_min = (uint16_t)low;
	check->status_max = (uint16_t)high;
	return true;
}

static bool take_check_value(
	struct svcd_check *check, const struct check_field *f, const char *text)
{
	char *at = (char *)check + f->offset;
	uint64_t v;

	switch (f->as) {
	case IS_TEXT:
		*(const char **)(void *)at = text;
		return *text != '\0';
	case IS_STATUS:
		return take_status(check, text);
	default:
		if (f->as == IS_MS ? !text_parse_duration(text, &v)
				   : !text_parse_number(text, 1000, &v))
			return false;
		if (v > UINT32_MAX)
			return false;
		*(uint32_t *)(void *)at = (uint32_t)v;
		return true;
	}
}

static bool unknown_check_field(const char *name, char error[SPEC_ERROR_MAX])
{
	const char *names[N_CHECK_FIELDS + 1] = {NULL};
	const char *near;

	for (size_t i = 0; i < N_CHECK_FIELDS; i++)
		names[i] = check_fields[i].name;
	near = text_suggest(name, names);
	if (near != NULL)
		snprintf(error, SPEC_ERROR_MAX, "a check has no '%s', did you mean '%s'?",
			name, near);
	else
		snprintf(error, SPEC_ERROR_MAX, "a check has no '%s'", name);
	return false;
}

/* "interval=5s" */
static bool take_check_part(
	struct svcd_check *check, char *part, char error[SPEC_ERROR_MAX])
{
	char *value = strchr(part, '=');
	const struct check_field *f;

	if (value != NULL)
		*value++ = '\0';
	f = find_check_field(part);
	if (f == NULL)
		return unknown_check_field(part, error);
	if (value != NULL && take_check_value(check, f, value))
		return true;
	snprintf(error, SPEC_ERROR_MAX, "%s: '%s' is not what it takes", part,
		value != NULL ? value : "");
	return false;
}

/* "http=/health", "tcp" */
static bool take_check_type(
	struct svcd_check *check, char *part, char error[SPEC_ERROR_MAX])
{
	char *path = strchr(part, '=');
	bool is_http;

	if (path != NULL)
		*path++ = '\0';
	is_http = strcmp(part, "http") == 0;
	if (!is_http && (strcmp(part, "tcp") != 0 || path != NULL)) {
		snprintf(error, SPEC_ERROR_MAX,
			"'%s' is not a check: http=/path or tcp, then name=value after commas",
			part);
		return false;
	}
	if (path != NULL && *path != '/') {
		snprintf(error, SPEC_ERROR_MAX,
			"the path of a check begins with '/', '%s' does not", path);
		return false;
	}
	check->type = part;
	check->path = path;
	return true;
}

bool spec_add_check(struct spec *s, const char *text, char error[SPEC_ERROR_MAX])
{
	char *rest = keep(s, text, strlen(text));
	struct svcd_check check = {.type = NULL};

	if (!take_check_type(&check, strsep(&rest, ","), error))
		return false;
	while (rest != NULL)
		if (!take_check_part(&check, strsep(&rest, ","), error))
			return false;
	s->checks = mem_resize(s->checks, s->instance.n_checks + 1, sizeof(*s->checks));
	s->checks[s->instance.n_checks++] = check;
	s->instance.checks = s->checks;
	return true;
}
