/*
 * Structured log: one line per event on stderr, logfmt: ts, level, event, key=value …
 * Values are quoted and escaped when they need it, so a peer can never forge a line.
 * Any thread; one write(2) per line. The library (libsvcd) never logs.
 *
 *	log_info("session_open", L_STR("peer", peer), L_U64("worker", id));
 */
#ifndef SVCD_BASE_LOG_H
#define SVCD_BASE_LOG_H

#include "base/bytes.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

enum log_kind { LOG_K_END, LOG_K_STR, LOG_K_BYTES, LOG_K_U64, LOG_K_I64, LOG_K_ERR };

struct log_field {
	enum log_kind kind;
	const char *key;
	union {
		const char *str;
		struct bytes bytes;
		uint64_t u64;
		int64_t i64;
	};
};

#define L_STR(k, v) ((struct log_field){.kind = LOG_K_STR, .key = (k), .str = (v)})
#define L_BYTES(k, v) ((struct log_field){.kind = LOG_K_BYTES, .key = (k), .bytes = (v)})
#define L_U64(k, v) ((struct log_field){.kind = LOG_K_U64, .key = (k), .u64 = (v)})
#define L_I64(k, v) ((struct log_field){.kind = LOG_K_I64, .key = (k), .i64 = (v)})
#define L_ERR(c) ((struct log_field){.kind = LOG_K_ERR, .key = "error", .i64 = (c)})
#define L_END ((struct log_field){.kind = LOG_K_END})

/* fields ends with L_END; use the macros below. */
void log_event(enum log_level level, const char *event, const struct log_field *fields);

#define LOG_AT(level, event, ...) \
	log_event((level), (event), \
		(const struct log_field[]){__VA_ARGS__ __VA_OPT__(, ) L_END})
#define log_debug(event, ...) LOG_AT(LOG_DEBUG, event __VA_OPT__(, ) __VA_ARGS__)
#define log_info(event, ...) LOG_AT(LOG_INFO, event __VA_OPT__(, ) __VA_ARGS__)
#define log_warn(event, ...) LOG_AT(LOG_WARN, event __VA_OPT__(, ) __VA_ARGS__)
#define log_error(event, ...) LOG_AT(LOG_ERROR, event __VA_OPT__(, ) __VA_ARGS__)

/* Lines below the level are dropped; LOG_INFO at first. */
void log_set_level(enum log_level level);
enum log_level log_get_level(void);
int log_level_from_name(const char *name); /* "debug" "info" "warn" "error"; else -1 */
void log_set_fd(int fd);                   /* default 2; tests read it back */

/* One line without the final newline into out, as log_event writes it; for tests. */
void log_format(struct buf *out, uint64_t wall_ms, enum log_level level,
	const char *event, const struct log_field *fields);

#endif
