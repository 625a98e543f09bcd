/* What a link says and hears: frames, hello, ping. */
#include "client/link_hello.h"

#include <ctype.h>
#include <string.h>

#include "client/raw.h"
#include "wire/pack.h"
#include "wire/peer_magic.h"

#define METHOD_EVENT "event"

void link_hello(struct link *l)
{
	struct buf *b = conn_out(l->conn);

	l->hello_id = link_next_id(l);
	pack_request(b, l->hello_id, "hello");
	pack_map(b, 2u + (l->opt.token != NULL));
	pack_kv_u64(b, "version", SVCD_PROTOCOL_VERSION);
	pack_kv_cstr(b, "client", l->opt.name);
	if (l->opt.token != NULL)
		pack_kv_cstr(b, "token", l->opt.token);
	link_flush(l);
}

void link_ping(struct link *l)
{
	struct buf *b = link_out(l);

	pack_request(b, link_next_id(l), "ping");
	pack_map(b, 0);
	link_flush(l);
}

/* ---- hearing ----------------------------------------------------------- */

struct wire_head {
	uint64_t rev;
	uint64_t age_ms;
	struct bytes source;
	struct bytes cluster;
};

#define ROW(field, kind) \
	{ \
#field, kind, offsetof(struct wire_head, field), false, 0, 0 \
	}
static const struct field head_rows[] = {
	ROW(rev, FIELD_U64), ROW(age_ms, FIELD_U64), ROW(source, FIELD_TEXT),
	ROW(cluster, FIELD_TEXT), /* only in the answer to hello */
};
#undef ROW

/* Notes the head of a result; false when it is malformed. */
static bool link_take_head(struct link *l, struct value result, struct wire_head *out)
{
	*out = (struct wire_head){0};
	if (fields_decode(result, head_rows, sizeof(head_rows) / sizeof(head_rows[0]),
		    out, NULL, "", NULL) != 0)
		return false;
	if (out->rev > l->head.rev)
		l->head.rev = out->rev;
	l->head.age_ms = out->age_ms;
	l->head.source = bytes_eq_str(out->source, "leader") ? SVCD_FROM_LEADER
							     : SVCD_FROM_FOLLOWER;
	return true;
}

/* True when this is another cluster than the one of the last hello. */
static bool link_note_cluster(struct link *l, struct bytes cluster)
{
	size_t len = cluster.len < sizeof(l->cluster) - 1 ? cluster.len
							  : sizeof(l->cluster) - 1;
	bool other = l->cluster[0] != '\0' &&
		!bytes_eq_str(bytes_of(cluster.data, len), l->cluster);

	if (len > 0)
		memcpy(l->cluster, cluster.data, len);
	l->cluster[len] = '\0';
	return other;
}

static void link_take_hello(
	struct link *l, const struct svcd_fault *fault, struct value result)
{
	struct wire_head head;

	if (fault != NULL) {
		l->why = *fault;
		link_end_conn(l, fault->code, fault->text);
	} else if (!link_take_head(l, result, &head)) {
		link_end_conn(l, SVCD_EPROTOCOL, "its answer to hello is malformed");
	} else {
		link_be_ready(l, link_note_cluster(l, head.cluster));
	}
}

/* Also the error with id 0 by which a member says why it is about to close. */
static void link_take_answer(
	struct link *l, uint32_t id, const struct svcd_fault *fault, struct value result)
{
	struct wire_head head;

	if (fault != NULL && id == 0) {
		l->why = *fault;
		link_end_conn(l, fault->code, fault->text);
	} else if (l->state == LINK_GREETING) {
		if (id == l->hello_id)
			link_take_hello(l, fault, result);
	} else if (fault == NULL && !link_take_head(l, result, &head)) {
		link_end_conn(l, SVCD_EPROTOCOL, "it sent a malformed result");
	} else {
		l->ev->on_response(l->arg, id, fault, fault == NULL ? &result : NULL);
	}
}

static int link_take_response(struct link *l, const struct frame *f)
{
	struct value error, result;
	struct svcd_fault fault;
	int rv = value_parse(l->arena, f->error, &error);

	if (rv == 0)
		rv = value_parse(l->arena, f->body, &result);
	if (rv != 0)
		return rv;
	if (error.type != VALUE_NIL)
		fault_from_wire(&fault, error);
	link_take_answer(l, f->id, error.type != VALUE_NIL ? &fault : NULL, result);
	return 0;
}

static int link_take_event(struct link *l, const struct frame *f)
{
	struct raw_walk walk = raw_walk_array(f->body);
	struct value params;
	int rv = value_parse(l->arena, f->body, &params);

	if (rv != 0)
		return rv;
	if (walk.left != 1)
		return SVCD_EPROTOCOL; /* params is [map] */
	return l->ev->on_event(l->arg, value_at(params, 0), raw_walk_next(&walk));
}

static int link_take_message(struct link *l, struct bytes message)
{
	struct frame f;
	int rv = frame_parse(message, &f);

	if (rv != 0)
		return rv;
	if (f.kind == FRAME_RESPONSE)
		rv = link_take_response(l, &f);
	else if (f.kind == FRAME_REQUEST)
		rv = SVCD_EPROTOCOL; /* members do not call us */
	else if (l->state == LINK_READY && bytes_eq_str(f.method, METHOD_EVENT))
		rv = link_take_event(l, &f);
	arena_reset(l->arena);
	return rv;
}

/* in begins with what cannot be understood. */
static void link_note_nonsense(struct link *l, int code, struct bytes in)
{
	if (l->state == LINK_GREETING && in.len >= PEER_MAGIC_AT + PEER_MAGIC_BYTES &&
		memcmp(in.data + PEER_MAGIC_AT, PEER_MAGIC, PEER_MAGIC_BYTES) == 0)
		fault_set(&l->why, code,
			"this is its port for members: clients use another one, %d "
			"unless svcd was told otherwise",
			SVCD_PORT_RPC);
	else
		fault_set(&l->why, code,
			"it sent something that this client does not understand");
}

static ssize_t link_on_data(struct conn *c, struct bytes in, void *arg)
{
	struct link *l = arg;
	struct bytes rest = in;
	size_t used = 0;
	size_t len;
	int rv = 0;

	(void)c;
	l->heard_at_ms = loop_now_ms(l->loop);
	while (!l->dropping && used < in.len && rv == 0) {
		rest = bytes_of(in.data + used, in.len - used);
		rv = frame_find(&l->scan, rest, &len);
		if (rv != 0)
			break;
		used += len;
		rv = link_take_message(l, bytes_of(rest.data, len));
	}
	if (rv == 0 || rv == SVCD_EAGAIN)
		return (ssize_t)used;
	if (rv == SVCD_ENOMEM)
		fault_code(&l->why, rv);
	else
		link_note_nonsense(l, rv, rest);
	l->dropping = true;
	return rv;
}

static void link_on_drained(struct conn *c, void *arg)
{
	struct link *l = arg;

	(void)c;
	if (link_is_ready(l))
		l->ev->on_room(l->arg);
}

static void link_on_open(struct conn *c, void *arg)
{
	struct link *l = arg;

	(void)c;
	l->heard_at_ms = loop_now_ms(l->loop);
	link_greet(l);
}

/* Why it ended, as the end of a sentence: what the system said, else the code's text. */
static void link_on_close(struct conn *c, int reason, void *arg)
{
	struct link *l = arg;
	struct svcd_fault why;
	char buf[128];
	int os_error = conn_errno(c);

	if (os_error != 0)
		fault_set(&why, reason, "%s", strerror_r(os_error, buf, sizeof(buf)));
	else if (reason == SVCD_ECLOSED)
		fault_set(&why, reason, "it closed the connection");
	else
		fault_code(&why, reason);
	why.text[0] = (char)tolower((unsigned char)why.text[0]);
	link_gone(l, &why);
}

const struct conn_events link_conn_events = {
	.on_data = link_on_data,
	.on_drained = link_on_drained,
	.on_close = link_on_close,
	.on_open = link_on_open,
};
