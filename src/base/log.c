#include "base/log.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/text.h"

#define LINE_MAX_BYTES 65536
#define VALUE_MAX_BYTES 1024 /* of one value, before escaping; the rest is cut */

static _Atomic int level_min = LOG_INFO;
static _Atomic int log_fd = STDERR_FILENO;

static const char *const level_names[] = {
	[LOG_DEBUG] = "debug",
	[LOG_INFO] = "info",
	[LOG_WARN] = "warn",
	[LOG_ERROR] = "error",
};

void log_set_level(enum log_level level)
{
	atomic_store(&level_min, (int)level);
}

enum log_level log_get_level(void)
{
	return (enum log_level)atomic_load(&level_min);
}

int log_level_from_name(const char *name)
{
	for (int i = LOG_DEBUG; i <= LOG_ERROR; i++)
		if (strcmp(level_names[i], name) == 0)
			return i;
	return -1;
}

void log_set_fd(int fd)
{
	atomic_store(&log_fd, fd);
}

static bool is_bare(struct bytes v)
{
	for (size_t i = 0; i < v.len; i++)
		if (v.data[i] <= ' ' || v.data[i] >= 0x7f || strchr("\"\\=", v.data[i]))
			return false;
	return v.len > 0;
}

static void put_value(struct buf *out, struct bytes v)
{
	if (v.len <= VALUE_MAX_BYTES && is_bare(v)) {
		buf_put_bytes(out, v);
		return;
	}
	buf_put_u8(out, '"');
	text_put_escaped(out, v, VALUE_MAX_BYTES);
	buf_put_u8(out, '"');
}

static void put_field(struct buf *out, const struct log_field *f)
{
	buf_printf(out, " %s=", f->key);
	switch (f->kind) {
	case LOG_K_STR:
		put_value(out, bytes_str(f->str));
		break;
	case LOG_K_BYTES:
		put_value(out, f->bytes);
		break;
	case LOG_K_U64:
		buf_printf(out, "%" PRIu64, f->u64);
		break;
	case LOG_K_I64:
		buf_printf(out, "%" PRId64, f->i64);
		break;
	case LOG_K_ERR:
		buf_put_bytes(out, bytes_str(err_name((int)f->i64)));
		break;
	case LOG_K_END:
		break;
	}
}

void log_format(struct buf *out, uint64_t wall_ms, enum log_level level,
	const char *event, const struct log_field *fields)
{
	char ts[32];

	buf_printf(out, "ts=%s level=%s event=%s",
		clock_format_wall(wall_ms, ts, sizeof(ts)), level_names[level], event);
	for (; fields->kind != LOG_K_END; fields++)
		put_field(out, fields);
}

/* One write per line, so lines of several threads never mix. What cannot be written is
 * lost. */
static void write_line(const void *line, size_t len)
{
	ssize_t n = write(atomic_load(&log_fd), line, len);

	(void)n;
}

/* Without memory for the whole line: what is known without any. */
static void write_short_line(enum log_level level, const char *event)
{
	char line[128];

	snprintf(line, sizeof(line) - 1, "level=%s event=%s", level_names[level], event);
	strcat(line, "\n");
	write_line(line, strlen(line));
}

void log_event(enum log_level level, const char *event, const struct log_field *fields)
{
	struct buf line;

	if (level < log_get_level())
		return;
	buf_init(&line, LINE_MAX_BYTES);
	log_format(&line, clock_wall_ms(), level, event, fields);
	buf_put_u8(&line, '\n');
	if (line.error == 0)
		write_line(line.data, line.len);
	else
		write_short_line(level, event);
	buf_fini(&line);
}
