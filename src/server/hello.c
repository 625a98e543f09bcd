#include "server/hello.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "server/request.h"
#include "server/worker.h"
#include "wire/pack.h"

struct greeting {
	uint32_t version;
	struct bytes client;
	struct bytes token;
	struct value features;
};

static const struct field greeting_fields[] = {
	{"version", FIELD_U32, offsetof(struct greeting, version), true, 0, UINT32_MAX},
	{"client", FIELD_TEXT, offsetof(struct greeting, client), false, 1,
		CLIENT_NAME_MAX},
	{"token", FIELD_TEXT, offsetof(struct greeting, token), false, 0, TOKEN_MAX},
	{"features", FIELD_ARRAY, offsetof(struct greeting, features), false, 0, 64},
};

/* "web-1 tcp:10.0.0.7:41022", no longer than an actor may be; NULL when out of memory. */
static char *actor_make(const struct session *s, struct bytes client)
{
	char *actor = malloc(LIMIT_ACTOR + 1);
	char *at;

	if (actor == NULL)
		return NULL;
	memcpy(actor, client.data, client.len);
	at = actor + client.len;
	*at++ = ' ';
	conn_peer(s->conn, at, (size_t)(actor + LIMIT_ACTOR + 1 - at));
	return actor;
}

static const char *role_name(enum replica_role role)
{
	static const char *const names[] = {
		[ROLE_FOLLOWER] = "follower",
		[ROLE_CANDIDATE] = "candidate",
		[ROLE_LEADER] = "leader",
	};

	return names[role];
}

static void put_limits(struct buf *out)
{
	pack_cstr(out, "limits");
	pack_map(out, 3);
	pack_kv_u64(out, "frame_bytes", FRAME_BYTES_MAX);
	pack_kv_u64(out, "batch", LIMIT_BATCH);
	pack_kv_u64(out, "depth", FRAME_DEPTH_MAX);
}

static void greet(struct request *r)
{
	struct worker *w = r->session->worker;
	struct replica_status status;
	char hex[17];

	replica_status(w->server->replica, &status);
	buf_clear(&w->entries);
	pack_kv_u64(&w->entries, "version", SVCD_PROTOCOL_VERSION);
	pack_kv_cstr(&w->entries, "server", "svcd " SVCD_VERSION);
	pack_kv_cstr(&w->entries, "cluster", text_hex64(status.cluster, hex));
	pack_kv_cstr(&w->entries, "node", text_hex64(status.node, hex));
	pack_kv_cstr(&w->entries, "role", role_name(status.role));
	pack_cstr(&w->entries, "features");
	pack_array(&w->entries, 0);
	put_limits(&w->entries);
	if (status.leader_client[0] != '\0')
		pack_kv_cstr(&w->entries, "leader", status.leader_client);
	request_result(r, 7 + (status.leader_client[0] != '\0'), buf_bytes(&w->entries));
}

void method_hello(struct request *r)
{
	struct greeting g = {.client = bytes_str("client")};
	struct err e;
	char *actor;
	int rc = fields_decode(r->params, greeting_fields,
		sizeof(greeting_fields) / sizeof(greeting_fields[0]), &g, NULL, "hello",
		&e);

	if (rc == 0 && r->session->state == SESSION_READY)
		rc = err_set(&e, SVCD_EPROTOCOL, "hello was said already");
	if (rc == 0 && g.version != SVCD_PROTOCOL_VERSION)
		rc = err_set(&e, SVCD_EVERSION,
			"protocol version %u is asked for, this server speaks %d",
			g.version, SVCD_PROTOCOL_VERSION);
	actor = rc == 0 ? actor_make(r->session, g.client) : NULL;
	if (rc == 0 && actor == NULL)
		rc = err_set(&e, SVCD_ENOMEM, "out of memory");
	if (rc != 0) {
		request_error(r, &e);
		return;
	}
	session_ready(r->session, actor);
	greet(r);
}
