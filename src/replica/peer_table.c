/*
 * Who is known: members whose address was set, and those that said hello. Strangers give
 * way when the table is full.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "replica/peers_internal.h"

struct peer *peer_find(const struct peers *p, uint64_t node)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->table[i]->node == node)
			return p->table[i];
	return NULL;
}

/* Nobody misses it: not a member, and not connected. */
static bool peer_is_spare(const struct peer *peer)
{
	if (peer->address_set[0] != '\0')
		return false;
	for (int i = 0; i < PEER_CHANNELS; i++)
		if (peer->lines[i].out != NULL || peer->lines[i].in != NULL)
			return false;
	return true;
}

static void table_make_room(struct peers *p)
{
	for (size_t i = 0; i < p->n; i++) {
		if (peer_is_spare(p->table[i])) {
			peer_free(p->table[i]);
			return;
		}
	}
}

static struct peer *peer_new(struct peers *p, uint64_t node)
{
	struct peer *peer = calloc(1, sizeof(*peer));

	if (peer == NULL)
		return NULL;
	peer->peers = p;
	peer->node = node;
	snprintf(peer->engine_address, sizeof(peer->engine_address), "%016llx",
		(unsigned long long)node);
	for (int i = 0; i < PEER_CHANNELS; i++) {
		if (peer_line_init(&peer->lines[i], peer, (enum peer_channel)i) == 0)
			continue;
		while (i-- > 0)
			peer_line_fini(&peer->lines[i]);
		free(peer);
		return NULL;
	}
	return peer;
}

struct peer *peer_get(struct peers *p, uint64_t node, int *code)
{
	struct peer *peer = peer_find(p, node);

	if (peer != NULL)
		return peer;
	if (p->n == PEERS_MAX)
		table_make_room(p);
	if (p->n == PEERS_MAX) {
		*code = SVCD_ELIMIT;
		return NULL;
	}
	peer = peer_new(p, node);
	if (peer == NULL)
		*code = SVCD_ENOMEM;
	else
		p->table[p->n++] = peer;
	return peer;
}

void peer_free(struct peer *peer)
{
	struct peers *p = peer->peers;

	for (size_t i = 0; i < p->n; i++)
		if (p->table[i] == peer)
			p->table[i] = p->table[--p->n];
	for (int i = 0; i < PEER_CHANNELS; i++)
		peer_line_fini(&peer->lines[i]);
	free(peer);
}

void peer_learn(struct peer *peer, const char *name, const char *address)
{
	snprintf(peer->name, sizeof(peer->name), "%s", name);
	snprintf(peer->address_said, sizeof(peer->address_said), "%s", address);
}

const char *peer_address(const struct peer *peer)
{
	return peer->address_set[0] != '\0' ? peer->address_set : peer->address_said;
}

/* ---- names */

static bool peer_is_connected(const struct peer *peer)
{
	for (int i = 0; i < PEER_CHANNELS; i++)
		if (peer->lines[i].in != NULL || peer->lines[i].up)
			return true;
	return false;
}

bool peers_present(const struct peers *p, uint64_t node)
{
	const struct peer *peer = peer_find(p, node);

	return peer != NULL && peer_is_connected(peer);
}

/* One that is gone does not keep its successor out: the table here may be old. */
static const struct peer *find_namesake(
	const struct peers *p, uint64_t node, const char *name)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->table[i]->node != node &&
			strcmp(p->table[i]->name_set, name) == 0 &&
			peer_is_connected(p->table[i]))
			return p->table[i];
	return NULL;
}

/* Without certificates a name is a word, and may change. */
int peer_check_name(
	const struct peers *p, uint64_t node, const char *name, struct err *why)
{
	const struct peer *known = peer_find(p, node), *other;

	if (p->tls == NULL)
		return 0;
	if (known != NULL && known->name_set[0] != '\0' &&
		strcmp(known->name_set, name) != 0)
		return err_set(why, SVCD_EDENIED,
			"node id %016llx is the member \"%s\", and not \"%s\": a member keeps "
			"the name of its certificate; for another name remove it, and let it "
			"join with an empty data directory",
			(unsigned long long)node, known->name_set, name);
	other = find_namesake(p, node, name);
	if (other == NULL)
		return 0;
	return err_set(why, SVCD_EEXISTS,
		"there is a member \"%s\" already, with node id %016llx, and it runs: give "
		"this one another name and a certificate for it, or remove that one first",
		name, (unsigned long long)other->node);
}

const char *peers_name(const struct peers *p, uint64_t node)
{
	const struct peer *peer = peer_find(p, node);

	return peer != NULL ? peer->name : "";
}

int peers_set_name(struct peers *p, uint64_t node, const char *name)
{
	bool known = name != NULL && name[0] != '\0';
	struct peer *peer;
	int code = 0;

	if (node == 0 || node == p->node || (known && strlen(name) > PEER_NAME_MAX))
		return SVCD_EINVAL;
	peer = known ? peer_get(p, node, &code) : peer_find(p, node);
	if (peer == NULL)
		return code;
	snprintf(peer->name_set, sizeof(peer->name_set), "%s", known ? name : "");
	return 0;
}

/* ---- removed members */

bool peer_is_forgotten(const struct peers *p, uint64_t node)
{
	for (size_t i = 0; i < p->n_forgotten; i++)
		if (p->forgotten[i] == node)
			return true;
	return false;
}

static void forget_id(struct peers *p, uint64_t node)
{
	uint64_t *more;

	if (peer_is_forgotten(p, node))
		return;
	more = reallocarray(p->forgotten, p->n_forgotten + 1, sizeof(*more));
	if (more == NULL)
		return; /* then it is a stranger like others; the engine ignores it */
	p->forgotten = more;
	p->forgotten[p->n_forgotten++] = node;
}

static void remember_id(struct peers *p, uint64_t node)
{
	for (size_t i = 0; i < p->n_forgotten; i++)
		if (p->forgotten[i] == node)
			p->forgotten[i] = p->forgotten[--p->n_forgotten];
}

void peers_forget(struct peers *p, uint64_t node)
{
	struct peer *peer = peer_find(p, node);

	if (peer != NULL)
		peer_free(peer);
	if (node != p->node)
		forget_id(p, node);
}

int peers_set_address(struct peers *p, uint64_t node, const char *address)
{
	bool known = address != NULL && address[0] != '\0';
	struct peer_where where;
	struct peer *peer;
	int code = 0;

	if (node == 0 || node == p->node)
		return SVCD_EINVAL;
	if (known &&
		(strlen(address) >= PEER_ADDRESS_BYTES ||
			peer_where_parse(address, &where, NULL) != 0))
		return SVCD_EINVAL;
	peer = known ? peer_get(p, node, &code) : peer_find(p, node);
	if (peer == NULL)
		return code;
	if (known)
		remember_id(p, node);
	snprintf(
		peer->address_set, sizeof(peer->address_set), "%s", known ? address : "");
	return 0;
}
