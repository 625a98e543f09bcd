/*
 * A state made of a checkpoint: beside the present one, then in its place.
 *
 * The checkpoint is copied into a folder of its own, hashed while it is copied, and what
 * was written is looked at record by record. A crash leaves the old state or the new one,
 * and maybe the folder of the other one, which the next start removes.
 */
#include "store/internal.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#define STAGING ".new"

/* Makes the folder tmp of a checkpoint. Nothing is left of it on an error. */
static int make_folder(
	const char *tmp, const char *checkpoint, bool synced, struct err *e)
{
	struct checkpoint_info info;
	char data[PATH_MAX];
	int rc = path_with(data, tmp, "/data.mdb", e);

	if (rc != 0)
		return rc;
	folder_remove(tmp);
	if (mkdir(tmp, 0700) != 0)
		return path_fail(e, tmp);
	rc = checkpoint_copy(checkpoint, data, synced, &info, e);
	if (rc == 0) /* it is to be the state: every record of it is looked at */
		rc = checkpoint_verify(data, &info, e);
	if (rc == 0 && synced && path_sync_parent(data) != 0)
		rc = path_fail(e, tmp);
	if (rc != 0)
		folder_remove(tmp);
	return rc;
}

int store_restore(const char *dir, const char *checkpoint, struct err *e)
{
	char tmp[PATH_MAX];
	int rc = path_with(tmp, dir, STAGING, e);

	if (rc == 0)
		rc = make_folder(tmp, checkpoint, true, e);
	if (rc == 0)
		rc = folder_swap(dir, tmp, e);
	if (rc != 0)
		folder_remove(tmp);
	return rc;
}

void store_remove(const char *dir)
{
	folder_remove(dir);
}

/* ---- beneath readers --------------------------------------------------- */

static struct env *exchange_staged(struct store *s, struct env *staged)
{
	struct env *was;

	pthread_mutex_lock(&s->lock);
	was = s->staged;
	s->staged = staged;
	pthread_mutex_unlock(&s->lock);
	return was;
}

void stage_discard(struct store *s)
{
	char tmp[PATH_MAX];

	env_leave(exchange_staged(s, NULL));
	if (path_with(tmp, s->dir, STAGING, NULL) == 0)
		folder_remove(tmp);
}

int store_stage(struct store *s, const char *checkpoint, struct err *e)
{
	char tmp[PATH_MAX];
	struct env *env;
	int rc = path_with(tmp, s->dir, STAGING, e);

	if (rc != 0)
		return rc;
	stage_discard(s);
	/* as little synced as what the state writes itself: a boot later it is not used
	 */
	rc = make_folder(tmp, checkpoint, false, e);
	if (rc == 0)
		rc = env_open_state(s, tmp, &env, e);
	if (rc == 0)
		exchange_staged(s, env);
	else
		folder_remove(tmp);
	return rc;
}

/* Takes the place of the present one for all who begin from now on. */
static void make_present(struct store *s, struct env *env)
{
	struct env *was = s->env;

	pthread_mutex_lock(&s->lock);
	atomic_store_explicit(&s->env, env, memory_order_release);
	pthread_mutex_unlock(&s->lock);
	was->replaced = true;
	s->position = env->position;
	space_look(s, env);
	env_leave(was);
}

int store_swap(struct store *s, struct err *e)
{
	char tmp[PATH_MAX];
	struct env *env;
	int rc = path_with(tmp, s->dir, STAGING, e);

	assert(s->write.mdb == NULL);
	if (rc != 0)
		return rc;
	env = exchange_staged(s, NULL);
	if (!env)
		return err_set(e, SVCD_ENOTFOUND, "no state is staged");
	rc = folder_swap(s->dir, tmp, e);
	if (rc != 0) {
		exchange_staged(s, env);
		return rc;
	}
	make_present(s, env);
	return 0;
}
