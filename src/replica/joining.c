/*
 * How a member comes into a cluster that is there already, and tells it when its name or
 * its addresses changed.
 *
 * A directory that is to join has the file "joining" until it is a member:
 *
 *	svcd joining 1
 *	discard | fresh         what is in the directory has to go first, or has gone
 *	at ADDRESS              where to ask; any number of lines
 *	via NODE ADDRESS        who answered
 */
#include "replica/replica_internal.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "base/text.h"
#include "net/addr.h"
#include "svcd.h"

#define FILE_NAME "joining"
#define FILE_BYTES_MAX 2048
#define ADDRESSES_MAX 9 /* those of the options, and one of the file */
#define DISCOVER_MS 2000
#define SAY_AGAIN_MS 5000
#define PAUSE_MS 100
#define ASK_AGAIN_MS 1000
#define REFUSED_AGAIN_MS 5000

struct plan {
	bool discard;
	char at[120]; /* "" when only the options say where */
	uint64_t via;
	char via_address[120];
};

/* ---- the file ---------------------------------------------------------- */

static void read_line(struct plan *p, const char *line)
{
	if (strcmp(line, "discard") == 0)
		p->discard = true;
	if (sscanf(line, "at %119s", p->at) == 1)
		return;
	sscanf(line, "via %" SCNx64 " %119s", &p->via, p->via_address);
}

static int read_plan(const struct datadir *d, struct plan *p, struct err *e)
{
	char text[FILE_BYTES_MAX], *at, *line;
	int format, rc = datadir_read(d, FILE_NAME, text, sizeof(text), e);

	*p = (struct plan){0};
	if (rc != 0)
		return rc;
	if (sscanf(text, "svcd joining %d\n", &format) != 1 || format != 1)
		return err_set(e, SVCD_ECORRUPT,
			"%s/%s is damaged: remove the directory, and let the member join "
			"again",
			d->path, FILE_NAME);
	for (line = strtok_r(text, "\n", &at); line; line = strtok_r(NULL, "\n", &at))
		read_line(p, line);
	return 0;
}

static int write_plan(const struct datadir *d, const struct plan *p, struct err *e)
{
	struct buf b = {0};
	int rc;

	buf_printf(&b, "svcd joining 1\n%s\n", p->discard ? "discard" : "fresh");
	if (p->at[0])
		buf_printf(&b, "at %s\n", p->at);
	if (p->via)
		buf_printf(&b, "via %016" PRIx64 " %s\n", p->via, p->via_address);
	rc = b.error ? err_set(e, b.error, "%s", err_text(b.error))
		     : datadir_write(d, FILE_NAME, buf_bytes(&b), e);
	buf_fini(&b);
	return rc;
}

/* ---- before the start -------------------------------------------------- */

static void pause_ms(uint32_t ms)
{
	struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};

	nanosleep(&t, NULL);
}

static bool told_to_stop(const struct replica_options *o)
{
	return o->stop && atomic_load_explicit(o->stop, memory_order_relaxed);
}

static size_t addresses(const struct replica_options *o, const struct plan *p,
	const char *out[ADDRESSES_MAX])
{
	size_t n = 0;

	if (p->at[0])
		out[n++] = p->at;
	for (size_t i = 0; i < o->n_join && n < ADDRESSES_MAX; i++)
		out[n++] = o->join[i];
	return n;
}

/* Until somebody answers, or the process is told to end. */
static int discover(struct replica *r, const struct replica_options *o,
	const struct plan *p, struct peer_found *found, struct err *e)
{
	const char *list[ADDRESSES_MAX];
	size_t n = addresses(o, p, list);
	uint64_t said_ms = 0;
	struct err why = {0};

	while (!told_to_stop(o)) {
		int rc = peers_discover(list, n, o->tls, o->plain_anywhere, DISCOVER_MS,
			o->stop, found, &why);

		if (rc == 0)
			return 0;
		if (said_ms == 0 || replica_now_ms(r) - said_ms >= SAY_AGAIN_MS) {
			said_ms = replica_now_ms(r);
			log_warn("waiting_for_cluster", L_STR("text", why.text));
		}
		for (int i = 0; i < 5 && !told_to_stop(o); i++)
			pause_ms(PAUSE_MS);
	}
	return err_set(e, SVCD_ESHUTDOWN,
		"stopped while no member of the cluster to join could be reached");
}

static int empty_directory(struct replica *r, struct plan *p, struct err *e)
{
	int rc = datadir_empty(&r->dir, e);

	if (rc == 0)
		rc = datadir_set_cluster(&r->dir, 0, true, e);
	if (rc != 0)
		return rc;
	log_info("data_removed", L_STR("directory", r->dir.path),
		L_STR("text", "as it was decided, to join another cluster"));
	p->discard = false;
	return write_plan(&r->dir, p, e);
}

static void ask_via(struct plan *p, const struct peer_found *found)
{
	p->via = found->node;
	snprintf(p->via_address, sizeof(p->via_address), "%s", found->address);
}

static int find_cluster(
	struct replica *r, const struct replica_options *o, struct plan *p, struct err *e)
{
	struct peer_found found = {0};
	int rc = discover(r, o, p, &found, e);

	if (rc != 0)
		return rc;
	ask_via(p, &found);
	log_info("cluster_found", L_STR("member", found.name),
		L_STR("address", found.address));
	rc = write_plan(&r->dir, p, e);
	return rc == 0 ? datadir_set_cluster(&r->dir, found.cluster, false, e) : rc;
}

/* A member to be that starts again: whom it asked before may be gone, another one of the
 * same cluster will do. */
static void look_for_another(
	struct replica *r, const struct replica_options *o, struct plan *p)
{
	const char *list[ADDRESSES_MAX];
	struct peer_found found = {0};
	size_t n = addresses(o, p, list);

	if (n == 0 ||
		peers_discover(list, n, o->tls, o->plain_anywhere, DISCOVER_MS, o->stop,
			&found, NULL) != 0 ||
		found.cluster != r->dir.cluster || found.node == r->dir.node)
		return;
	ask_via(p, &found);
}

static int begin_plan(struct replica *r, struct err *e)
{
	struct plan p = {0};
	int rc = write_plan(&r->dir, &p, e);

	return rc == 0 ? datadir_set_cluster(&r->dir, 0, false, e) : rc;
}

static int prepare_seeking(struct replica *r, const struct replica_options *o,
	const struct plan *p, struct err *e)
{
	const char *list[ADDRESSES_MAX + 1];
	size_t n = addresses(o, p, list);

	list[n++] = p->via_address;
	r->seeking = seeking_new(r, o->tls, o->plain_anywhere, list, n);
	return r->seeking ? 0 : err_set(e, SVCD_ENOMEM, "%s", err_text(SVCD_ENOMEM));
}

static int follow_plan(struct replica *r, const struct replica_options *o,
	struct peer_found *found, struct err *e)
{
	struct plan p;
	int rc = read_plan(&r->dir, &p, e);

	if (rc == 0 && p.discard)
		rc = empty_directory(r, &p, e);
	if (rc == 0 && (r->dir.cluster == 0 || p.via == 0))
		rc = find_cluster(r, o, &p, e);
	else if (rc == 0)
		look_for_another(r, o, &p);
	if (rc != 0)
		return rc;
	r->joining = true;
	r->contact = found->node = p.via;
	snprintf(found->address, sizeof(found->address), "%s", p.via_address);
	return prepare_seeking(r, o, &p, e);
}

int joining_prepare(struct replica *r, const struct replica_options *o,
	struct peer_found *found, struct err *e)
{
	bool planned = datadir_has(&r->dir, FILE_NAME);
	int rc = 0;

	*found = (struct peer_found){0};
	if (!planned && o->n_join > 0 && !datadir_has(&r->dir, "log")) {
		rc = begin_plan(r, e);
		planned = true;
	}
	if (rc != 0 || !planned)
		return rc;
	return follow_plan(r, o, found, e);
}

int replica_note_join(struct replica *r, const char *address, struct err *e)
{
	struct plan p = {.discard = true};
	struct net_addr parsed;
	struct replica_member all[REPLICA_MEMBERS_MAX];
	struct replica_status status;
	int rc = net_addr_parse(address, SVCD_PORT_PEER, &parsed, e);

	if (rc != 0)
		return rc;
	replica_status(r, &status);
	if (!status.removed && replica_members(r, all, REPLICA_MEMBERS_MAX) > 1)
		return err_set(e, SVCD_ECONFLICT,
			"this member has a cluster with other members: let it be removed "
			"from there first");
	snprintf(p.at, sizeof(p.at), "%s", parsed.text);
	return write_plan(&r->dir, &p, e);
}

/* ---- while it runs ----------------------------------------------------- */

static void say_waiting(struct replica *r)
{
	uint64_t now = replica_now_ms(r);

	if (now - r->joining_said_ms < SAY_AGAIN_MS)
		return;
	r->joining_said_ms = now;
	log_warn("waiting_to_be_taken_in",
		L_STR("text",
			"the member that was asked does not reach a leader of its cluster"));
}

static void on_joined(struct replica *r, int code, struct bytes text)
{
	r->announce_ms = replica_now_ms(r) +
		(code == 0 ? ASK_AGAIN_MS : REFUSED_AGAIN_MS);
	if (code == 0)
		return;
	if (code == SVCD_ENOLEADER || code == SVCD_EUNKNOWN) {
		r->announce_ms = replica_now_ms(r) + BEAT_MS;
		seeking_failed(r->seeking);
		say_waiting(r);
		return;
	}
	log_error("join_refused", L_ERR(code), L_BYTES("text", text));
}

static void on_announced(struct replica *r, int code, struct bytes text)
{
	r->announce_ms = replica_now_ms(r) + ASK_AGAIN_MS;
	if (code == SVCD_ENOTFOUND) {
		members_removed(r, NULL);
	} else if (code != 0 && code != SVCD_ENOLEADER && code != SVCD_EUNKNOWN) {
		log_error("announcement_refused", L_ERR(code), L_BYTES("text", text));
		r->announce_ms = replica_now_ms(r) + REFUSED_AGAIN_MS;
	}
}

static void on_over(struct replica *r, struct call *c, int code, struct bytes text)
{
	(void)c;
	r->announcing = false;
	if (r->stopping)
		return;
	if (r->joining)
		on_joined(r, code, text);
	else
		on_announced(r, code, text);
}

static void send_self(struct replica *r, uint8_t op)
{
	struct call *c = call_new(PEER_CHANGE, on_over, NULL);

	if (!c)
		return;
	c->to_contact = op == CHANGE_JOIN;
	changing_put_self(r, op, &c->body);
	r->announcing = true;
	call_send(r, c);
}

static bool record_is_right(struct replica *r)
{
	const struct view *v = members_find(r, r->dir.node);

	return v && v->recorded && strcmp(v->name, r->name) == 0 &&
		strcmp(v->peer, peers_address(r->peers)) == 0 &&
		strcmp(v->client, r->client) == 0;
}

void joining_round(struct replica *r)
{
	if (r->joining && r->in_config)
		joining_over(r);
	if (r->joining)
		seeking_round(r->seeking);
	if (r->removed || r->announcing || replica_now_ms(r) < r->announce_ms)
		return;
	if (r->joining)
		send_self(r, CHANGE_JOIN);
	else if (r->in_config && !record_is_right(r))
		send_self(r, CHANGE_ANNOUNCE);
}

struct advertising {
	struct mail mail;
	struct replica *replica;
	char client[sizeof(((struct replica *)0)->client)];
};

static void advertise(struct mail *m)
{
	struct advertising *a = container_of(m, struct advertising, mail);
	struct replica *r = a->replica;

	memcpy(r->client, a->client, sizeof(r->client));
	r->status_stale = true;
	free(a);
}

void replica_advertise(struct replica *r, const char *client_address)
{
	struct advertising *a = calloc(1, sizeof(*a));

	if (!a)
		return;
	a->mail.deliver = advertise;
	a->replica = r;
	snprintf(a->client, sizeof(a->client), "%s", client_address);
	mailbox_post(r->box, &a->mail);
}

void joining_over(struct replica *r)
{
	struct err e = {0};

	if (datadir_remove(&r->dir, FILE_NAME, &e) != 0) {
		log_warn("joining_not_noted", L_STR("text", e.text));
		return; /* again at the next round */
	}
	r->joining = false;
	r->status_stale = true;
	log_info("joined", L_STR("name", r->name));
}
