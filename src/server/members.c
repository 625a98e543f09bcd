#include "server/members.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "server/request.h"
#include "server/worker.h"
#include "wire/pack.h"

/* ---- members ----------------------------------------------------------- */

#define MEMBER_ENTRIES 20

static void put_member(struct buf *out, const struct replica_member *m)
{
	bool heard = m->heard_ms != UINT64_MAX;
	bool troubled = m->trouble_code != 0;
	char hex[17];

	pack_map(out,
		MEMBER_ENTRIES + heard + m->joining + m->removed + m->disputed +
			m->incomplete + troubled);
	pack_kv_cstr(out, "node", text_hex64(m->node, hex));
	pack_kv_cstr(out, "name", m->name);
	pack_kv_cstr(out, "peer", m->peer);
	pack_kv_cstr(out, "client", m->client);
	pack_kv_bool(out, "self", m->self);
	pack_kv_bool(out, "leader", m->leader);
	pack_kv_bool(out, "voter", m->voter);
	if (m->joining)
		pack_kv_bool(out, "joining", true);
	if (m->removed)
		pack_kv_bool(out, "removed", true);
	pack_kv_bool(out, "reachable", m->reachable);
	if (heard)
		pack_kv_u64(out, "heard_ms", m->heard_ms);
	pack_kv_u64(out, "applied", m->applied);
	pack_kv_u64(out, "rev", m->rev);
	pack_kv_u64(out, "behind", m->behind);
	pack_kv_u64(out, "rtt_us", m->rtt_us);
	pack_kv_u64(out, "sync_us", m->sync_us);
	pack_kv_i64(out, "wall_diff_ms", m->wall_diff_ms);
	pack_kv_cstr(out, "version", m->version);
	pack_kv_u64(out, "config_hash", m->config_hash);
	pack_kv_bool(out, "diverged", m->diverged);
	if (m->disputed)
		pack_kv_bool(out, "disputed", true);
	if (m->incomplete)
		pack_kv_bool(out, "incomplete", true);
	pack_kv_u64(out, "snapshot_done", m->snapshot_done);
	pack_kv_u64(out, "snapshot_bytes", m->snapshot_bytes);
	pack_kv_cstr(out, "trouble", m->trouble);
	if (troubled)
		pack_kv_cstr(out, "trouble_code", err_name(m->trouble_code));
}

void method_members(struct request *r)
{
	struct worker *w = r->session->worker;
	struct replica_member list[REPLICA_MEMBERS_MAX];
	size_t n = replica_members(w->server->replica, list, REPLICA_MEMBERS_MAX);

	buf_clear(&w->entries);
	pack_cstr(&w->entries, "members");
	pack_array(&w->entries, (uint32_t)n);
	for (size_t i = 0; i < n; i++)
		put_member(&w->entries, &list[i]);
	request_result(r, 1, buf_bytes(&w->entries));
}

/* What came of a request that had to wait: nothing to say, or why not. */
static void answer(struct worker *w, struct later *later, int code, const char *text)
{
	struct session *s = later_end(later);
	struct err e;

	w->outstanding--;
	if (s == NULL)
		return;
	if (code == 0) {
		session_result(s, later->id, &w->head, 0, BYTES_NONE);
		return;
	}
	err_set(&e, code, "%s", text[0] != '\0' ? text : err_text(code));
	session_error(s, later->id, &e);
}

/* ---- member_change ----------------------------------------------------- */

struct change {
	struct replica_change change; /* first */
	struct later later;
	struct worker *worker;
};

struct change_asked {
	struct bytes op, node;
};

static const struct field change_fields[] = {
	{"op", FIELD_TEXT, offsetof(struct change_asked, op), true, 1, 32},
	{"node", FIELD_TEXT, offsetof(struct change_asked, node), false, 1, 64},
};

static enum replica_change_kind kind_of(struct bytes op)
{
	static const struct {
		const char *name;
		enum replica_change_kind kind;
	} rows[] = {
		{"promote", CHANGE_PROMOTE},
		{"demote", CHANGE_DEMOTE},
		{"remove", CHANGE_REMOVE},
		{"transfer", CHANGE_TRANSFER},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (bytes_eq_str(op, rows[i].name))
			return rows[i].kind;
	return 0;
}

/* By name or as 16 hexadecimal digits; a name wins. 0: nobody. */
static uint64_t node_of(struct replica *replica, struct bytes text)
{
	struct replica_member list[REPLICA_MEMBERS_MAX];
	size_t n = replica_members(replica, list, REPLICA_MEMBERS_MAX);
	char hex[17];

	for (size_t i = 0; i < n; i++)
		if (bytes_eq_str(text, list[i].name))
			return list[i].node;
	for (size_t i = 0; i < n; i++)
		if (bytes_eq_str(text, text_hex64(list[i].node, hex)))
			return list[i].node;
	return 0;
}

static int change_read(struct request *r, struct change *x, struct err *e)
{
	struct change_asked a = {0};
	int rc = fields_decode(r->params, change_fields, 2, &a, NULL, "member_change", e);

	if (rc != 0)
		return rc;
	x->change.kind = kind_of(a.op);
	if (x->change.kind == 0)
		return err_set(e, SVCD_EINVAL,
			"member_change.op: not promote, demote, remove or transfer");
	if (a.node.len == 0 && x->change.kind != CHANGE_TRANSFER)
		return err_set(e, SVCD_EINVAL, "member_change.node: missing");
	if (a.node.len > 0)
		x->change.node = node_of(x->worker->server->replica, a.node);
	if (a.node.len > 0 && x->change.node == 0)
		return err_set(e, SVCD_ENOTFOUND,
			"no member \"%.*s\": members lists their names and nodes",
			(int)a.node.len, (const char *)a.node.data);
	return 0;
}

static void change_done(struct replica_change *c)
{
	struct change *x = (struct change *)c;

	answer(x->worker, &x->later, c->code, c->text);
	free(x);
}

void method_member_change(struct request *r)
{
	struct worker *w = r->session->worker;
	struct change *x = calloc(1, sizeof(*x));
	struct err e;

	if (x == NULL) {
		request_fail(r, SVCD_ENOMEM, "out of memory");
		return;
	}
	x->worker = w;
	x->change.reply = w->box;
	x->change.done = change_done;
	snprintf(x->change.actor, sizeof(x->change.actor), "%s", r->session->actor);
	if (change_read(r, x, &e) != 0) {
		request_error(r, &e);
		free(x);
		return;
	}
	if (!later_begin(&x->later, r, LATER_WAITING)) {
		free(x);
		return;
	}
	w->outstanding++;
	replica_change(w->server->replica, &x->change);
}

/* ---- member_join ------------------------------------------------------- */

struct joining {
	struct server_join join; /* first */
	struct mail mail;
	struct later later;
	struct worker *worker;
	int code;
	char text[ERR_TEXT_MAX];
};

struct join_asked {
	struct bytes address;
	bool discard;
};

static const struct field join_fields[] = {
	{"address", FIELD_TEXT, offsetof(struct join_asked, address), true, 1,
		sizeof(((struct server_join *)0)->address) - 5},
	{"discard", FIELD_BOOL, offsetof(struct join_asked, discard), false, 0, 0},
};

static void joining_deliver(struct mail *m)
{
	struct joining *j = container_of(m, struct joining, mail);

	answer(j->worker, &j->later, j->code, j->text);
	free(j);
}

void server_join_answer(struct server_join *join, int code, const char *text)
{
	struct joining *j = (struct joining *)join;

	j->code = code;
	snprintf(j->text, sizeof(j->text), "%s", text);
	j->mail.deliver = joining_deliver;
	mailbox_post(j->worker->box, &j->mail);
}

/* What would be lost? */
static int join_check(struct worker *w, const struct join_asked *a, struct err *e)
{
	struct replica_member list[REPLICA_MEMBERS_MAX];
	struct replica_status status;
	struct tables *t;
	struct catalog_totals totals;

	if (w->server->options.on_join == NULL)
		return err_set(e, SVCD_ECONFLICT,
			"this member cannot join: it has no address for other members, "
			"set peers.listen and start it again");
	replica_status(w->server->replica, &status);
	if (!status.removed &&
		replica_members(w->server->replica, list, REPLICA_MEMBERS_MAX) > 1)
		return err_set(e, SVCD_ECONFLICT,
			"this member has a cluster with other members: remove it there "
			"first");
	t = store_read_begin(w->reader);
	if (t == NULL)
		return err_set(e, SVCD_EIO, "the state cannot be read");
	catalog_totals(t, &totals);
	store_read_end(w->reader);
	if (totals.instances > 0 && !a->discard)
		return err_set(e, SVCD_ECONFLICT,
			"this member has %llu instances that would be lost: with discard "
			"they are",
			(unsigned long long)totals.instances);
	return 0;
}

static int join_read(struct request *r, struct joining *j, struct err *e)
{
	struct join_asked a = {0};
	struct net_addr addr;
	char text[sizeof(j->join.address)];
	int rc = fields_decode(r->params, join_fields, 2, &a, NULL, "member_join", e);

	if (rc != 0)
		return rc;
	snprintf(text, sizeof(text), "%s%.*s",
		bytes_has_prefix(a.address, bytes_str("tcp:")) ? "" : "tcp:",
		(int)a.address.len, (const char *)a.address.data);
	rc = net_addr_parse(text, SVCD_PORT_PEER, &addr, e);
	if (rc != 0)
		err_prefix(e, "member_join.address");
	if (rc != 0)
		return rc;
	snprintf(j->join.address, sizeof(j->join.address), "%s", addr.text);
	return join_check(r->session->worker, &a, e);
}

void method_member_join(struct request *r)
{
	struct worker *w = r->session->worker;
	struct joining *j = calloc(1, sizeof(*j));
	struct err e;

	if (j == NULL) {
		request_fail(r, SVCD_ENOMEM, "out of memory");
		return;
	}
	j->worker = w;
	if (join_read(r, j, &e) != 0) {
		request_error(r, &e);
		free(j);
		return;
	}
	if (!later_begin(&j->later, r, LATER_WAITING)) {
		free(j);
		return;
	}
	w->outstanding++;
	w->server->options.on_join(w->server->options.arg, &j->join);
}
