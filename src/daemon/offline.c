#include "daemon/offline.h"

#include <errno.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "catalog/record.h"
#include "replica/recover.h"
#include "replica/restore.h"

bool offline_is_wanted(const struct options *o)
{
	return o->inspect != NULL || o->restore != NULL || o->recover;
}

static int exit_status_of(int code)
{
	switch (code) {
	case SVCD_ENOTFOUND:
		return EX_NOINPUT;
	case SVCD_EDENIED:
		return EX_NOPERM;
	case SVCD_ECORRUPT:
	case SVCD_EVERSION:
		return EX_DATAERR;
	case SVCD_EINUSE:
		return EX_UNAVAILABLE;
	case SVCD_EINVAL:
	case SVCD_EEXISTS:
	case SVCD_ECONFLICT:
		return EX_USAGE;
	default:
		return EX_IOERR;
	}
}

static int fail(const struct err *e)
{
	fprintf(stderr, "svcd: error: %s\n", e->text);
	return exit_status_of(e->code);
}

/* The history tells who did it: "svcd --recover anna@devbox". */
static const char *actor_of(const char *what, char *out, size_t cap)
{
	const char *user = getenv("SUDO_USER");
	const struct passwd *entry = user == NULL ? getpwuid(geteuid()) : NULL;
	char host[64] = "";

	if (entry != NULL)
		user = entry->pw_name;
	gethostname(host, sizeof(host) - 1);
	snprintf(out, cap, "svcd %s %.28s@%.28s", what, user != NULL ? user : "?", host);
	return out;
}

static void put_number(const char *name, uint64_t number)
{
	printf("%-10s %" PRIu64 "\n", name, number);
}

static void put_id(const char *name, uint64_t id)
{
	printf("%-10s %016" PRIx64 "\n", name, id);
}

/* ---- inspect ----------------------------------------------------------- */

/* Of a file that was found good. */
static int read_meta(const char *file, struct meta *out, struct err *e)
{
	struct buf record = {0};
	int rc = store_checkpoint_get(file, TABLE_META, meta_key(), &record, e);

	*out = (struct meta){0};
	if (rc == 0 && record.len > 0 && !meta_decode(buf_bytes(&record), out))
		rc = err_set(
			e, SVCD_ECORRUPT, "%s: the record of totals is damaged", file);
	buf_fini(&record);
	return rc;
}

static int inspect(const char *file)
{
	struct checkpoint_info info;
	struct meta meta;
	struct err e = {0};

	if (store_checkpoint_inspect(file, true, &info, &e) != 0 ||
		read_meta(file, &meta, &e) != 0)
		return fail(&e);
	put_number("format", info.format);
	put_id("cluster", info.cluster);
	put_number("index", info.index);
	put_number("term", info.term);
	put_number("revision", info.rev);
	put_number("services", meta.totals.services);
	put_number("instances", meta.totals.instances);
	put_number("leases", meta.totals.leases);
	put_id("digest", info.digest);
	put_number("bytes", info.bytes);
	printf("%-10s %s\n", "hash", "right");
	return EX_OK;
}

/* ---- restore ----------------------------------------------------------- */

static int restore(const struct options *o, const struct settings *s)
{
	char actor[128];
	struct restore_options r = {
		.file = o->restore,
		.data_dir = s->data_dir,
		.force = o->force,
		.actor = actor_of("--restore", actor, sizeof(actor)),
		.wall_ms = clock_wall_ms(),
	};
	struct restored done;
	struct err e = {0};

	if (restore_run(&r, &done, &e) != 0)
		return fail(&e);
	printf("restored revision %" PRIu64 " into %s\n", done.info.rev, s->data_dir);
	printf("it is a new cluster, %016" PRIx64 ", with this member alone\n",
		done.cluster);
	if (done.replaced)
		printf("what was there before is in %s/replaced\n", s->data_dir);
	puts("start svcd with it, then let other members join it");
	return EX_OK;
}

/* ---- recover ----------------------------------------------------------- */

static void put_members(const struct recover *r)
{
	puts("members, as its log says:");
	for (size_t i = 0; i < r->n_members; i++) {
		const struct recover_member *m = &r->members[i];

		printf("  %016" PRIx64 "  %-7s  %s%s%s%s\n", m->node,
			m->voter ? "voter" : "standby", m->name,
			m->peer[0] != '\0' ? " at " : "", m->peer,
			m->node == r->dir.node ? "  (this one)" : "");
	}
	if (!r->is_member)
		puts("this member is not among them: it was removed, or has not joined yet");
}

static void put_findings(const struct recover *r)
{
	printf("%s: member %016" PRIx64 " of cluster %016" PRIx64 "\n", r->dir.path,
		r->dir.node, r->dir.cluster);
	printf("its log ends with entry %" PRIu64 " of term %" PRIu64
	       ", revision %" PRIu64 "%s\n",
		r->last_index, r->last_term, r->rev,
		r->last_index > r->commit_index ? " or later" : "");
	printf("entries up to %" PRIu64 " are known to be committed", r->commit_index);
	if (r->last_index > r->commit_index)
		printf("; the %" PRIu64 " behind them will count as committed",
			r->last_index - r->commit_index);
	putchar('\n');
	put_members(r);
}

static void put_losses(const struct recover *r)
{
	printf("lost: what other members have behind entry %" PRIu64
	       "; compare the logs of all that are left, and take the one with the highest "
	       "term, then the highest entry\n",
		r->last_index);
	puts("the cluster gets a new id: the others are refused with the data that they "
	     "have");
}

static int recover_opened(struct recover *r, bool dry_run)
{
	struct err e = {0};
	char actor[128];

	put_findings(r);
	if (dry_run && !r->is_sole && r->last_index > 0) {
		put_losses(r);
		puts("dry run: nothing was changed");
		return EX_OK;
	}
	fflush(stdout);
	if (recover_run(r, actor_of("--recover", actor, sizeof(actor)), clock_wall_ms(),
		    &e) != 0)
		return fail(&e);
	printf("recovered: this member is the only voter, in term %" PRIu64 "\n",
		r->term + 1);
	printf("the cluster was %016" PRIx64 ", and is %016" PRIx64 " now\n",
		r->dir.former.id[0], r->dir.cluster);
	puts("start svcd with it, then let new members join, with empty data directories");
	return EX_OK;
}

static int recover(const struct options *o, const struct settings *s)
{
	struct recover r;
	struct err e = {0};
	int status;

	if (recover_open(&r, s->data_dir, &e) != 0)
		return fail(&e);
	status = recover_opened(&r, o->dry_run);
	recover_close(&r);
	return status;
}

int offline_run(const struct options *o, const struct settings *s)
{
	log_set_level(LOG_WARN);
	if (o->inspect != NULL)
		return inspect(o->inspect);
	if (o->restore != NULL)
		return restore(o, s);
	return recover(o, s);
}
