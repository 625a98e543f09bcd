/* catalog/command.h: requests become commands, or a sentence says why not. */
#include "catalog/command.h"

#include <stdio.h>
#include <string.h>

#include "catalog/ref.h"
#include "catalog/spec.h"
#include "say.h"
#include "unit.h"
#include "wire/pack.h"
#include "world.h"

static struct world w;

static void set_up(void)
{
	world_init(&w, NULL);
}

static void tear_down(void)
{
	world_fini(&w);
}

#define ONE(fields) "{instances:[{service:web,id:a," fields "}]}"

#define NO_LABEL " is not a DNS label (a-z, 0-9, '-', at most 63)"
#define NO_ADDRESS " is no IP address, host name or unix:/path"

static const struct {
	const char *method, *params, *expected; /* "": accepted */
} rows[] = {
	{"register", ONE(""), ""},
	{"register", "{}", "register.instances: missing"},
	{"register", "{instances:[]}", "register.instances: empty"},
	{"register", "{instances:[7]}",
		"register.instances[0]: expected map, got integer"},
	{"register", "{instances:[{service:web}]}", "register.instances[0].id: missing"},
	{"register", "{instances:[{service:'Foo_Bar',id:a}]}",
		"register.instances[0].service: 'Foo_Bar'" NO_LABEL},
	{"register", "{instances:[{service:web,id:a,ns:'-x'}]}",
		"register.instances[0].ns: '-x'" NO_LABEL},
	{"register", "{instances:[{service:web,id:''}]}",
		"register.instances[0].id: empty"},
	{"register",
		"{instances:[{service:web,id:a},{service:web,id:b},{service:web,id:c,"
		"ports:{http:{port:70000}}}]}",
		"register.instances[2].ports.http.port: 70000 is not within 1..65535"},
	{"register", ONE("ports:{http:{port:0}}"),
		"register.instances[0].ports.http.port: 0 is not within 1..65535"},
	{"register", ONE("ports:{http:{}}"),
		"register.instances[0].ports.http.port: missing"},
	{"register", ONE("ports:{http:7}"),
		"register.instances[0].ports.http: expected map, got integer"},
	{"register", ONE("ports:{'h t':{port:1}}"),
		"register.instances[0].ports: 'h t'" NO_LABEL},
	{"register", ONE("ports:{a:{port:1},b:{port:2},a:{port:3}}"),
		"register.instances[0].ports: 'a' is given twice"},
	{"register", ONE("ports:{7:{port:1}}"),
		"register.instances[0].ports: expected string keys, got integer"},
	{"register", ONE("weight:70000"),
		"register.instances[0].weight: 70000 is not within 0..65535"},
	{"register", ONE("tier:256"),
		"register.instances[0].tier: 256 is not within 0..255"},
	{"register", ONE("weight:heavy"),
		"register.instances[0].weight: expected integer, got string"},
	{"register", ONE("addresses:['10.0.0.256']"),
		"register.instances[0].addresses[0]: '10.0.0.256'" NO_ADDRESS},
	{"register", ONE("addresses:['10.0.0.1','a b']"),
		"register.instances[0].addresses[1]: 'a b'" NO_ADDRESS},
	{"register", ONE("addresses:[1]"),
		"register.instances[0].addresses[0]: expected string, got integer"},
	{"register",
		ONE("addresses:['1.1.1.1','1.1.1.1','1.1.1.1','1.1.1.1','1.1.1.1','1.1.1.1',"
		    "'1.1.1.1','1.1.1.1','1.1.1.1']"),
		"register.instances[0].addresses: 9 elements, at most 8"},
	{"register",
		ONE("addresses:['10.0.0.1','fe80::1','db-1.example.org','unix:/run/x']"),
		""},
	{"register", ONE("tags:['']"),
		"register.instances[0].tags[0]: 0 bytes, must be 1..128"},
	{"register", ONE("tags:[x,7]"),
		"register.instances[0].tags[1]: expected string, got integer"},
	{"register", ONE("meta:{a:1}"),
		"register.instances[0].meta: expected strings, got integer"},
	{"register", ONE("meta:{a:b,a:c}"),
		"register.instances[0].meta: 'a' is given twice"},
	{"register", ONE("meta:{'':b}"),
		"register.instances[0].meta: a key of 0 bytes, must be text of 1..64"},
	{"register", ONE("locality:{zone:7}"),
		"register.instances[0].locality.zone: expected string, got integer"},
	{"register", ONE("admin:off"),
		"register.instances[0].admin: 'off' is none of enabled, draining, maintenance"},
	{"register", ONE("checks:[{type:tcp}]"),
		"register.instances[0].checks[0].port: missing, and the instance has no ports"},
	{"register", ONE("addresses:['unix:/run/x'],checks:[{type:tcp}]"), ""},
	{"register", ONE("ports:{http:{port:1}},checks:[{type:tcp,port:grpc}]"),
		"register.instances[0].checks[0].port: 'grpc' is no port of the instance"},
	{"register", ONE("ports:{http:{port:1}},checks:[{type:icmp}]"),
		"register.instances[0].checks[0].type: 'icmp' is none of tcp, http"},
	{"register", ONE("ports:{http:{port:1}},checks:[{}]"),
		"register.instances[0].checks[0].type: missing"},
	{"register", ONE("ports:{http:{port:1}},checks:[{type:tcp},{type:tcp}]"),
		"register.instances[0].checks[1].name: 'tcp' is the name of checks[0] too"},
	{"register", ONE("ports:{http:{port:1}},checks:[{type:tcp},{type:tcp,name:two}]"),
		""},
	{"register", ONE("ports:{http:{port:1}},checks:[{type:http,path:'no'}]"),
		"register.instances[0].checks[0].path: must start with '/' and hold no spaces"},
	{"register", ONE("ports:{http:{port:1}},checks:[{type:tcp,path:'/x'}]"),
		"register.instances[0].checks[0].path: only for type http"},
	{"register",
		ONE("ports:{http:{port:1}},checks:[{type:http,status_min:300,status_max:200}]"),
		"register.instances[0].checks[0].status_min: 300 is above status_max, 200"},
	{"register", ONE("ports:{http:{port:1}},checks:[{type:tcp,interval_ms:1}]"),
		"register.instances[0].checks[0].interval_ms: 1 is not within 100..3600000"},
	{"register", ONE("something_new:{a:[1]}"), ""}, /* a later version's field */
	{"register", ONE("weight:null"), ""},
	{"register", "{session:1,instances:[{service:web,id:a}]}",
		"register.seq: missing, session needs it"},
	{"register", "{seq:1,instances:[{service:web,id:a}]}",
		"register.session: missing, seq needs it"},
	{"register", "{session:0,seq:1,instances:[{service:web,id:a}]}",
		"register.session: 0 is not within 1..18446744073709551615"},
	{"deregister", "{service:web,id:a}", ""},
	{"deregister", "{service:web}", "deregister.id: missing"},
	{"deregister", "{instances:[{service:web,id:a},{service:'W',id:a}]}",
		"deregister.instances[1].service: 'W'" NO_LABEL},
	{"update", "{service:web,id:a,weight:70000}",
		"update.weight: 70000 is not within 0..65535"},
	{"update", "{service:web,id:a,admin:gone}",
		"update.admin: 'gone' is none of enabled, draining, maintenance"},
	{"update", "{service:web,id:a,admin:enabled,for_ms:5}",
		"update.for_ms: only with admin draining or maintenance"},
	{"update", "{service:web,id:a,for_ms:5}",
		"update.for_ms: only with admin draining or maintenance"},
	{"update", "{service:web,id:a,tags:[1]}",
		"update.tags[0]: expected string, got integer"},
	{"update",
		"{service:web,id:a,admin:draining,for_ms:5,reason:x,tags:[],meta:{},version:''}",
		""},
	{"lease_grant", "{}", ""},
	{"lease_grant", "{ttl_ms:10}",
		"lease_grant.ttl_ms: 10 is not within 1000..86400000"},
	{"lease_grant", "{on_close:maybe}",
		"lease_grant.on_close: 'maybe' is none of drop, keep"},
	{"lease_revoke", "{}", "lease_revoke.lease: missing"},
	{"service_set", "{service:web,floor_percent:101}",
		"service_set.floor_percent: 101 is not within 0..100"},
	{"service_set", "{floor:1}", "service_set.service: missing"},
	{"service_delete", "{service:'x.y'}", "service_delete.service: 'x.y'" NO_LABEL},
};

START_TEST(what_is_wrong_is_said)
{
	int rv = world_build(&w, rows[_i].method, rows[_i].params);

	ck_assert_str_eq(w.e.text, rows[_i].expected);
	ck_assert_int_eq(rv, rows[_i].expected[0] == '\0' ? 0 : SVCD_EINVAL);
	/* Nothing is left behind by what was refused; what was built is a command. */
	if (rv == 0)
		ck_assert_int_eq(
			command_head(buf_bytes(&w.command), &(struct command_head){0}),
			0);
	else
		ck_assert_uint_eq(w.command.len, 0);
}
END_TEST

/* A byte that no text may hold, in every text of a registration. */
START_TEST(control_bytes_are_refused_everywhere)
{
	static const char *const texts[] = {"{instances:[{service:'we#b',id:a}]}",
		"{instances:[{service:web,id:'a#'}]}", ONE("addresses:['10.0.0.#1']"),
		ONE("version:'1#'"), ONE("tags:['x#']"), ONE("meta:{'a#':b}"),
		ONE("meta:{a:'b#'}"), ONE("locality:{rack:'r#'}"),
		ONE("ports:{'a#':{port:1}}"), ONE("ports:{a:{port:1,protocol:'t#'}}"),
		ONE("ports:{a:{port:1}},checks:[{type:http,path:'/#'}]")};
	struct command_origin from = {.actor = bytes_str("tester")};

	for (size_t i = 0; i < LENGTH(texts); i++) {
		struct value v;

		buf_clear(&w.params);
		say(&w.params, texts[i]);
		*(uint8_t *)memchr(w.params.data, '#', w.params.len) = 0;
		ck_assert_int_eq(value_parse(w.arena, buf_bytes(&w.params), &v), 0);
		ck_assert_int_eq(
			command_register(v, &from, &w.command, &w.e), SVCD_EINVAL);
	}
}
END_TEST

/* meta of n pairs, each of so many bytes in all. */
static int register_meta(unsigned n, size_t bytes)
{
	struct command_origin from = {.actor = bytes_str("tester")};
	char text[LIMIT_META_BYTES + 1];
	struct value v;

	memset(text, 'v', sizeof(text));
	buf_clear(&w.params);
	pack_map(&w.params, 1);
	pack_cstr(&w.params, "instances");
	pack_array(&w.params, 1);
	pack_map(&w.params, 3);
	pack_kv_cstr(&w.params, "service", "web");
	pack_kv_cstr(&w.params, "id", "a");
	pack_cstr(&w.params, "meta");
	pack_map(&w.params, n);
	for (unsigned i = 0; i < n; i++) {
		char key[12];

		snprintf(key, sizeof(key), "k%03u", i);
		pack_kv_str(&w.params, key, bytes_of(text, bytes - 4));
	}
	ck_assert_int_eq(value_parse(w.arena, buf_bytes(&w.params), &v), 0);
	buf_clear(&w.command);
	return command_register(v, &from, &w.command, &w.e);
}

START_TEST(metadata_is_bounded_in_all)
{
	ck_assert_int_eq(register_meta(64, 64), 0);
	ck_assert_int_eq(register_meta(64, 65), SVCD_EINVAL);
	ck_assert_str_eq(
		w.e.text, "register.instances[0].meta: 4160 bytes, at most 4096");
	ck_assert_int_eq(register_meta(65, 10), SVCD_EINVAL);
	ck_assert_str_eq(w.e.text, "register.instances[0].meta: 65 pairs, at most 64");
}
END_TEST

START_TEST(the_largest_instance_fits)
{
	/* Every part at its limit: must not pass LIMIT_SPEC_BYTES, or limits would depend
	 * on each other. */
	const size_t largest = 16 + LIMIT_ADDRESSES * (LIMIT_ADDRESS + 2) +
		LIMIT_PORTS * (LIMIT_NAME + 64) + 4 * (LIMIT_LOCALITY + 16) +
		LIMIT_VERSION + 16 + LIMIT_TAGS * (LIMIT_TAG + 2) + LIMIT_META_BYTES +
		LIMIT_META_KEYS * 5 + 64;

	ck_assert_uint_le(largest, LIMIT_SPEC_BYTES);
}
END_TEST

START_TEST(defaults_are_not_written)
{
	struct registration g;
	struct command_head head;
	struct reader r;
	struct buf text = {0};

	ck_assert_int_eq(
		world_build(&w, "register",
			"{session:9,seq:4,lease:7,instances:[{service:web,id:a,tags:[],meta:{},"
			"locality:{zone:''},version:'',"
			"ports:{http:{port:80,protocol:tcp,tls:false}},"
			"checks:[{type:http,path:'/',rise:2,interval_ms:5000,port:http}]}]}"),
		0);
	ck_assert_int_eq(command_head(buf_bytes(&w.command), &head), 0);
	ck_assert_int_eq(head.kind, COMMAND_REGISTER);
	ck_assert(head.session == 9 && head.seq == 4);
	r = reader_of(buf_bytes(&w.command));
	read_bytes(&r, 4);
	ck_assert(bytes_eq_str(read_blob(&r, LIMIT_ACTOR), "tester"));
	ck_assert_uint_eq(read_varint(&r), 7);
	read_bytes(&r, 2);
	registration_read(&r, &g);
	ck_assert(reader_done(&r));
	ck_assert(bytes_eq_str(g.ref.key.ns, "default"));
	ck_assert_uint_eq(g.weight, 100);
	ck_assert_int_eq(g.admin, -1);
	ck_assert_uint_eq(g.spec_n, 2);
	tell(&text, g.checks);
	ck_assert_str_eq((char *)text.data, "[{type:'http',port:'http'}]");
	buf_fini(&text);
}
END_TEST

START_TEST(an_address_is_taken_from_the_connection)
{
	struct command_origin from = {
		.actor = bytes_str("x"), .peer_address = bytes_str("10.9.8.7")};
	struct value v;

	say(&w.params, ONE(""));
	ck_assert_int_eq(value_parse(w.arena, buf_bytes(&w.params), &v), 0);
	ck_assert_int_eq(command_register(v, &from, &w.command, &w.e), 0);
	ck_assert_int_eq(world_apply(&w), 0);
	ck_assert_ptr_nonnull(strstr(
		world_ask(&w, "resolve", "{service:web}"), "addresses:['10.9.8.7']"));
}
END_TEST

START_TEST(a_long_actor_is_cut_between_characters)
{
	char actor[140];
	struct instance i;

	memset(actor, 'x', sizeof(actor));
	memcpy(actor + 126, "\xe2\x82\xac", 3); /* an euro sign over the limit */
	actor[139] = '\0';
	w.actor = actor;
	ck_assert_int_eq(world_do(&w, "register", ONE("")), 0);
	ck_assert(world_find(&w, "web", "a", &i));
	ck_assert_uint_eq(i.state.actor.len, 126);
}
END_TEST

static const struct {
	const char *bytes;
	size_t len;
} no_commands[] = {
	{"", 0},
	{"\x01", 1},
	{"\x02\x01\x00\x00", 4}, /* another format */
	{"\x01\x00\x00\x00", 4},
	{"\x01\x0c\x00\x00", 4}, /* no such kind */
	{"\x01\x01\x00\x01", 4}, /* a sequence number without a session */
	{"\x01\x01\x01\x00", 4},
	{"\x01\x01\x80", 3},
};

START_TEST(no_command_has_no_head)
{
	struct command_head head = {.seq = 77};

	ck_assert_int_eq(
		command_head(bytes_of(no_commands[_i].bytes, no_commands[_i].len), &head),
		SVCD_EPROTOCOL);
	ck_assert_uint_eq(head.seq, 77);
}
END_TEST

START_TEST(too_many_leases_are_refused)
{
	static uint64_t leases[LIMIT_BATCH + 1];

	ck_assert_int_eq(command_leases_end(leases, LIMIT_BATCH + 1, CAUSE_LEASE_EXPIRED,
				 &w.command),
		SVCD_ETOOBIG);
	ck_assert_uint_eq(w.command.len, 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("catalog_command");
	TCase *tc = unit_case(s, "command");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_loop_test(tc, what_is_wrong_is_said, 0, LENGTH(rows));
	tcase_add_test(tc, control_bytes_are_refused_everywhere);
	tcase_add_test(tc, metadata_is_bounded_in_all);
	tcase_add_test(tc, the_largest_instance_fits);
	tcase_add_test(tc, defaults_are_not_written);
	tcase_add_test(tc, an_address_is_taken_from_the_connection);
	tcase_add_test(tc, a_long_actor_is_cut_between_characters);
	tcase_add_loop_test(tc, no_command_has_no_head, 0, LENGTH(no_commands));
	tcase_add_test(tc, too_many_leases_are_refused);
	return unit_run(s);
}
