/* backup: all data of the registry in one file, which is there when it is whole. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "svcctl/handlers.h"
#include "svcctl/json.h"
#include "svcctl/mem.h"
#include "svcctl/print.h"
#include "svcctl/progress.h"
#include "svcctl/svcd_program.h"
#include "svcctl/text.h"

/* Of one answer; a message is 1 MiB at most. */
#define CHUNK_BYTES ((uint64_t)512 << 10)

struct copy {
	struct ctl *c;
	const char *path;
	char *tmp;
	int fd;
	const struct svcd_value *open; /* the answer of backup_open */
	uint64_t bytes;
	struct progress progress;
};

static uint64_t number_of(const struct svcd_value *map, const char *key)
{
	return svcd_value_uint(svcd_value_get(map, key), 0);
}

static enum outcome fail_file(const char *path)
{
	report_error("%s: %s", path, strerror(errno));
	return OUT_FAILED;
}

static enum outcome write_all(const struct copy *k, const char *data, size_t len)
{
	while (len > 0) {
		ssize_t n = write(k->fd, data, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return fail_file(k->tmp);
		data += n;
		len -= (size_t)n;
	}
	return OUT_OK;
}

/* ---- over the wire ----------------------------------------------------- */

static struct svcd_value *backup_params(const struct copy *k)
{
	struct svcd_value *params = mem_check(svcd_value_new_map());

	params_number(params, "id", number_of(k->open, "id"));
	return params;
}

/* One piece at offset; *len is how much came. */
static enum outcome copy_piece(struct copy *k, uint64_t offset, size_t *len)
{
	struct svcd_value *params = backup_params(k), *result = NULL;
	struct svcd_fault fault;
	const char *data;
	enum outcome out;

	params_number(params, "offset", offset);
	params_number(params, "max", CHUNK_BYTES);
	if (ctl_call(k->c, "backup_read", params, &result, &fault) != 0)
		return ctl_fail(k->c, &fault);
	data = svcd_value_bytes(svcd_value_get(result, "data"), len);
	out = *len > 0 ? write_all(k, data, *len) : OUT_OK;
	svcd_value_free(result);
	return out;
}

static enum outcome copy_all(struct copy *k)
{
	uint64_t offset = 0;
	enum outcome out = OUT_OK;

	while (out == OUT_OK && offset < k->bytes) {
		size_t len = 0;

		progress_bytes(&k->progress, "copying", offset, k->bytes);
		out = copy_piece(k, offset, &len);
		if (out == OUT_OK && len == 0) {
			report_error("the member ended the copy after %" PRIu64
				     " of %" PRIu64 " bytes",
				offset, k->bytes);
			out = OUT_FAILED;
		}
		offset += len;
	}
	return out;
}

static void close_backup(struct copy *k)
{
	struct svcd_value *result = NULL;
	struct svcd_fault fault;

	if (ctl_call(k->c, "backup_close", backup_params(k), &result, &fault) == 0)
		svcd_value_free(result);
}

/* ---- the file ---------------------------------------------------------- */

/* svcd reads it all and compares its hash; where there is no svcd only the size is known
 * to be right. */
static enum outcome verify(const struct copy *k)
{
	const char *const arguments[] = {"--inspect", k->tmp, NULL};
	char *text;
	int status;
	enum outcome out = svcd_read(arguments, true, &text, &status);

	free(text);
	if (out == OUT_OK)
		return OUT_OK;
	if (status < 0 || status == 127) {
		report_note(
			"its hash was not checked, there is no svcd here: run 'svcctl "
			"inspect %s' where there is one",
			k->path);
		return OUT_OK;
	}
	svcd_run(arguments, NULL); /* which says what is wrong */
	report_error("the copy is damaged");
	return OUT_FAILED;
}

static enum outcome sync_folder(const char *path)
{
	char *copy = mem_copy(path);
	int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	enum outcome out = OUT_OK;

	if (fd < 0 || fsync(fd) != 0)
		out = fail_file(copy);
	if (fd >= 0)
		close(fd);
	free(copy);
	return out;
}

static enum outcome finish(struct copy *k)
{
	off_t end = lseek(k->fd, 0, SEEK_END);

	if (end < 0 || fsync(k->fd) != 0)
		return fail_file(k->tmp);
	if ((uint64_t)end != k->bytes) {
		report_error("the copy has %lld bytes instead of %" PRIu64,
			(long long)end, k->bytes);
		return OUT_FAILED;
	}
	progress_step(&k->progress, "checking ...");
	if (verify(k) != OUT_OK)
		return OUT_FAILED;
	if (rename(k->tmp, k->path) != 0)
		return fail_file(k->path);
	return sync_folder(k->path);
}

static enum outcome make_file(struct copy *k)
{
	enum outcome out;

	k->fd = open(k->tmp, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (k->fd < 0)
		return fail_file(k->tmp);
	out = copy_all(k);
	if (out == OUT_OK)
		out = finish(k);
	progress_end(&k->progress, false);
	close(k->fd);
	if (out != OUT_OK)
		unlink(k->tmp);
	return out;
}

/* ---- all --------------------------------------------------------------- */

static void screen_backup(FILE *out, const struct view *v, const void *arg)
{
	const struct copy *k = arg;
	char text[TEXT_CAP];

	(void)v;
	fprintf(out, "%s: %s, revision %" PRIu64 "\n", k->path,
		text_bytes(k->bytes, text), number_of(k->open, "rev"));
}

static void print_backup(const struct copy *k)
{
	json_t *document;

	if (k->c->quiet && view_is_screen(&k->c->view))
		return;
	document = json_new_document();
	json_put_text(document, "file", k->path);
	json_take_fields(document, k->open, "id");
	print_object(&k->c->view, document, k->path, screen_backup, k);
}

static enum outcome check_target(const struct args *a)
{
	const char *path = a->words[0];

	if (args_flag(a, "force") || access(path, F_OK) != 0)
		return OUT_OK;
	report_error("%s is there already", path);
	report_hint("--force replaces it");
	return OUT_CONFLICT;
}

enum outcome cmd_backup(struct ctl *c, const struct args *a)
{
	struct svcd_value *open = NULL;
	struct svcd_fault fault;
	struct copy k = {.c = c, .path = a->words[0]};
	enum outcome out = check_target(a);

	if (out != OUT_OK)
		return out;
	progress_init(&k.progress, c);
	progress_step(&k.progress, "the member makes a checkpoint ...");
	if (!c->has_timeout)
		c->timeout_ms = TIMEOUT_WAIT_MS;
	if (ctl_call(c, "backup_open", NULL, &open, &fault) != 0) {
		progress_end(&k.progress, false);
		return ctl_fail(c, &fault);
	}
	k.open = open;
	k.bytes = number_of(open, "bytes");
	k.tmp = mem_format("%s.tmp", k.path);
	out = make_file(&k);
	close_backup(&k);
	if (out == OUT_OK)
		print_backup(&k);
	free(k.tmp);
	svcd_value_free(open);
	return out;
}
