#include "catalog/tables.h"

/* A result of an operation: true when found; a negative one sticks. */
static bool took(struct tables *t, int rc)
{
	if (rc < 0)
		t->error = rc;
	return rc == 1;
}

bool table_get(struct tables *t, enum table table, struct bytes key, struct bytes *value)
{
	return t->error == 0 && took(t, t->ops->get(t, table, key, value));
}

void table_put(struct tables *t, enum table table, struct bytes key, struct bytes value)
{
	if (t->error == 0)
		took(t, t->ops->put(t, table, key, value));
}

void table_del(struct tables *t, enum table table, struct bytes key)
{
	if (t->error == 0)
		took(t, t->ops->del(t, table, key));
}

bool table_seek(struct tables *t, enum table table, struct bytes from, bool after,
	struct bytes *key, struct bytes *value)
{
	return t->error == 0 && took(t, t->ops->seek(t, table, from, after, key, value));
}

bool table_next(
	struct tables *t, enum table table, struct bytes *key, struct bytes *value)
{
	return t->error == 0 && took(t, t->ops->next(t, table, key, value));
}

bool table_last(
	struct tables *t, enum table table, struct bytes *key, struct bytes *value)
{
	return t->error == 0 && took(t, t->ops->last(t, table, key, value));
}
