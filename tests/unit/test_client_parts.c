/* The small pure parts of the client: server lists, back-off, methods, faults, specs,
 * queries. */
#include <stdlib.h>
#include <string.h>

#include "notation.h"
#include "client/backoff.h"
#include "client/fault.h"
#include "client/method.h"
#include "client/query.h"
#include "client/raw.h"
#include "client/servers.h"
#include "client/spec.h"
#include "unit.h"
#include "wire/pack.h"

/* ---- servers ----------------------------------------------------------- */

static const struct {
	const char *text;
	const char *servers; /* as they are shown, with blanks between */
} lists[] = {
	{"unix:/tmp/s", "unix:/tmp/s"},
	{"10.0.0.1", "tcp:10.0.0.1:7820"},
	{"10.0.0.1:80", "tcp:10.0.0.1:80"},
	{"tcp:10.0.0.1", "tcp:10.0.0.1:7820"},
	{"[::1]:5,[::2]", "tcp:[::1]:5 tcp:[::2]:7820"},
	{"localhost,localhost:9", "tcp:127.0.0.1:7820 tcp:127.0.0.1:9"},
	{"a.example,b:81 , tcp:c:82", "tcp:a.example:7820 tcp:b:81 tcp:c:82"},
	{"localhost.example:1", "tcp:localhost.example:1"},
	{"3com.example", "tcp:3com.example:7820"},
};

START_TEST(a_list_of_servers_is_read)
{
	char text[1024] = "";
	struct servers s;

	ck_assert_int_eq(servers_parse(lists[_i].text, &s, NULL), 0);
	for (size_t i = 0; i < s.n; i++) {
		strcat(text, i > 0 ? " " : "");
		strcat(text, s.list[i].text);
	}
	ck_assert_str_eq(text, lists[_i].servers);
}
END_TEST

static const struct {
	const char *text;
	const char *why;
} bad_lists[] = {
	{",", "there is an empty address in the list of servers"},
	{"a,,b", "there is an empty address in the list of servers"},
	{"unix:", "unix socket path is empty"},
	{"host:", "port \"\" is not a number within 1..65535"},
	{"host:0", "port \"0\" is not a number within 1..65535"},
	{"10.0.0.1:0", "port 0 is nobody's"},
	{"host:99999", "port \"99999\" is not a number within 1..65535"},
	{"*", "\"*\" is not one member's address"},
	{"ho st", "\"ho st\" is not a host"},
	{"10.0.0", "host \"10.0.0\" is not a numeric address, \"localhost\" or \"*\""},
	{"a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q", "more than 16 servers"},
};

START_TEST(a_bad_list_of_servers_is_explained)
{
	struct servers s = {.n = 77};
	struct err e = {0};

	ck_assert_int_eq(servers_parse(bad_lists[_i].text, &s, &e), SVCD_EINVAL);
	ck_assert_str_eq(e.text, bad_lists[_i].why);
	ck_assert_uint_eq(s.n, 77);
}
END_TEST

START_TEST(without_a_list_the_environment_counts)
{
	struct servers s;

	setenv("SVCD_ADDR", "one:1,two:2", 1);
	ck_assert_int_eq(servers_parse(NULL, &s, NULL), 0);
	ck_assert_uint_eq(s.n, 2);
	ck_assert_str_eq(s.list[1].text, "tcp:two:2");
	unsetenv("SVCD_ADDR");
	ck_assert_int_eq(servers_parse("", &s, NULL), 0);
	ck_assert_uint_eq(s.n, 2);
	ck_assert_str_eq(s.list[0].text, "unix:/run/svcd/svcd.sock");
	ck_assert_str_eq(s.list[1].text, "tcp:127.0.0.1:7820");
}
END_TEST

/* ---- back-off ---------------------------------------------------------- */

START_TEST(the_pause_doubles_up_to_its_maximum)
{
	static const uint64_t ceilings[] = {
		50, 100, 200, 400, 800, 1600, 3200, 5000, 5000};
	struct rng rng;

	rng_seed(&rng, 1);
	for (int round = 0; round < 1000; round++) {
		struct backoff b = {.min_ms = 50, .max_ms = 5000};

		for (size_t i = 0; i < LENGTH(ceilings); i++) {
			uint64_t ms = backoff_next_ms(&b, &rng);

			ck_assert_uint_ge(ms, ceilings[i] / 2);
			ck_assert_uint_le(ms, ceilings[i]);
		}
	}
}
END_TEST

START_TEST(the_pause_begins_anew_after_a_reset)
{
	struct backoff b = {.min_ms = 50, .max_ms = 5000, .tries = UINT32_MAX};
	struct rng rng;

	rng_seed(&rng, 1);
	ck_assert_uint_ge(backoff_next_ms(&b, &rng), 2500);
	ck_assert_uint_eq(b.tries, UINT32_MAX);
	backoff_reset(&b);
	ck_assert_uint_le(backoff_next_ms(&b, &rng), 50);
}
END_TEST

START_TEST(a_member_that_asks_for_time_gets_it)
{
	struct rng rng;

	rng_seed(&rng, 1);
	for (int i = 0; i < 1000; i++) {
		uint64_t ms = retry_delay_ms(1, 700, &rng);

		ck_assert_uint_ge(ms, 700);
		ck_assert_uint_le(ms, 1050);
		ck_assert_uint_le(retry_delay_ms(1, 0, &rng), 20);
		ck_assert_uint_le(retry_delay_ms(100, 0, &rng), 1000);
	}
}
END_TEST

/* ---- methods ----------------------------------------------------------- */

static const struct {
	const char *name;
	enum method_kind kind;
} kinds[] = {
	{"register", METHOD_WRITE},
	{"update", METHOD_WRITE},
	{"resolve", METHOD_READ},
	{"renew", METHOD_READ},
	{"watch", METHOD_OURS},
	{"something_new", METHOD_ONCE},
};

START_TEST(it_is_known_what_may_be_sent_twice)
{
	ck_assert_int_eq(method_kind(kinds[_i].name), kinds[_i].kind);
}
END_TEST

/* ---- faults ------------------------------------------------------------ */

static const struct {
	const char *error;
	int code;
	const char *text;
	uint32_t retry_after_ms;
} faults[] = {
	{"{code:-13,name:'busy',text:'too many',retry_after_ms:20}", SVCD_EBUSY,
		"too many", 20},
	{"{code:-1,name:'no_service'}", SVCD_ENOSERVICE, "no such service", 0},
	{"{code:-90,name:'from_the_future',text:'hm'}", -90, "hm", 0},
	{"{name:'from_the_future',text:'hm'}", SVCD_EINTERNAL, "hm", 0},
	{"{code:5,text:'hm'}", SVCD_EINTERNAL, "hm", 0},
	{"{name:1}", SVCD_EPROTOCOL,
		"a member's error is malformed: error.name: expected string, got integer",
		0},
};

START_TEST(an_error_of_a_member_is_understood)
{
	struct arena *a = arena_new();
	struct svcd_fault f;
	struct buf b = {0};
	struct value v;

	notation_pack(&b, faults[_i].error);
	ck_assert_int_eq(value_parse(a, buf_bytes(&b), &v), 0);
	fault_from_wire(&f, v);
	ck_assert_int_eq(f.code, faults[_i].code);
	ck_assert_str_eq(f.text, faults[_i].text);
	ck_assert_uint_eq(f.retry_after_ms, faults[_i].retry_after_ms);
	buf_fini(&b);
	arena_free(a);
}
END_TEST

START_TEST(a_long_fault_is_cut_at_a_whole_character)
{
	struct svcd_fault f;

	ck_assert_int_eq(fault_set(&f, SVCD_EIO, "%0254d%s", 1, "öö"), SVCD_EIO);
	ck_assert_uint_eq(strlen(f.text), 254);
	ck_assert_int_eq(fault_set(NULL, SVCD_EIO, "x"), SVCD_EIO);
}
END_TEST

/* ---- specs ------------------------------------------------------------- */

static char *spec_text(const struct spec *s)
{
	struct arena *a = arena_new();
	struct buf packed = {0};
	struct buf text = {0};
	struct value v;

	pack_map(&packed, s->n);
	pack_raw(&packed, buf_bytes(&s->pairs));
	ck_assert_int_eq(value_parse(a, buf_bytes(&packed), &v), 0);
	notation_print(&text, v);
	buf_put_u8(&text, '\0');
	ck_assert_int_eq(text.error, 0);
	buf_fini(&packed);
	arena_free(a);
	return (char *)text.data;
}

START_TEST(an_instance_is_packed_as_the_protocol_has_it)
{
	static const char *const addresses[] = {"10.0.0.1", "10.0.0.2"};
	static const char *const tags[] = {"blue"};
	static const struct svcd_pair meta[] = {{"a", "b"}};
	static const struct svcd_port ports[] = {
		{.name = "http", .number = 80, .protocol = "h2c", .tls = true},
		{.number = 81}};
	static const struct svcd_check checks[] = {
		{.type = "http", .path = "/up", .fall = 5}};
	static const struct svcd_instance in = {
		.service = "web",
		.id = "w1",
		.addresses = addresses,
		.n_addresses = 2,
		.ports = ports,
		.n_ports = 2,
		.weight = 10,
		.tier = 1,
		.zone = "z",
		.version = "1",
		.tags = tags,
		.n_tags = 1,
		.meta = meta,
		.n_meta = 1,
		.checks = checks,
		.n_checks = 1,
	};
	struct spec *s;
	char *text;

	ck_assert_int_eq(spec_new(&in, "unused", &s), 0);
	text = spec_text(s);
	ck_assert_str_eq(text,
		"{ns:'default',service:'web',id:'w1',addresses:['10.0.0.1','10.0.0.2'],"
		"ports:{http:{port:80,protocol:'h2c',tls:true},default:{port:81}},weight:10,tier:1,"
		"locality:{zone:'z'},version:'1',tags:['blue'],meta:{a:'b'},"
		"checks:[{type:'http',path:'/up',fall:5}]}");
	free(text);
	spec_unref(s);
}
END_TEST

START_TEST(an_instance_without_an_id_gets_one)
{
	static const struct svcd_instance in = {.ns = "prod", .service = "web"};
	struct spec *s;
	char *text;

	ck_assert_int_eq(spec_new(&in, "host-1-1", &s), 0);
	text = spec_text(s);
	ck_assert_str_eq(text, "{ns:'prod',service:'web',id:'host-1-1',weight:0}");
	free(text);
	spec_unref(s);
}
END_TEST

START_TEST(what_cannot_be_packed_is_refused)
{
	static const char *const hole[] = {"a", NULL};
	static const struct svcd_pair half[] = {{"a", NULL}};
	static const struct svcd_check no_type[1];
	static const struct svcd_instance bad[] = {
		{.id = "a"},
		{.service = "", .id = "a"},
		{.service = "web", .id = ""},
		{.service = "web", .n_tags = 1},
		{.service = "web", .tags = hole, .n_tags = 2},
		{.service = "web", .addresses = hole, .n_addresses = 2},
		{.service = "web", .meta = half, .n_meta = 1},
		{.service = "web", .checks = no_type, .n_checks = 1},
		{.service = "web", .tags = hole, .n_tags = 100000},
	};
	struct spec *s = NULL;

	for (size_t i = 0; i < LENGTH(bad); i++)
		ck_assert_int_eq(spec_new(&bad[i], "id", &s), SVCD_EINVAL);
	ck_assert_ptr_null(s);
}
END_TEST

/* ---- queries, raw bytes ------------------------------------------------ */

START_TEST(a_query_is_packed_as_the_protocol_has_it)
{
	static const char *const tags[] = {"blue"};
	static const struct svcd_pair meta[] = {{"a", "b"}};
	static const struct svcd_query q = {.service = "web",
		.all_states = true,
		.tags = tags,
		.n_tags = 1,
		.version = "1",
		.zone = "z",
		.meta = meta,
		.n_meta = 1,
		.limit = 3,
		.min_revision = 9};
	struct spec s = {0};
	char *text;

	s.n = query_pack(&s.pairs, &q);
	text = spec_text(&s);
	ck_assert_str_eq(text,
		"{ns:'default',service:'web',states:['up','warm','pending','drain','down'],"
		"tags:['blue'],version:'1',zone:'z',meta:{a:'b'},limit:3}");
	free(text);
	buf_fini(&s.pairs);
}
END_TEST

START_TEST(a_part_is_found_as_it_was_sent)
{
	struct buf b = {0};
	struct bytes list;
	struct raw_walk walk;

	notation_pack(&b,
		"{a:{x:[1,2]},long_key_of_more_than_thirty_one_bytes:[300,'x'],list:7}");
	list = raw_find(buf_bytes(&b), "long_key_of_more_than_thirty_one_bytes");
	walk = raw_walk_array(list);
	ck_assert_uint_eq(walk.left, 2);
	ck_assert_uint_eq(raw_walk_next(&walk).len, 3);
	ck_assert_uint_eq(raw_walk_next(&walk).len, 2);
	ck_assert_uint_eq(raw_walk_array(raw_find(buf_bytes(&b), "list")).left, 0);
	ck_assert_uint_eq(raw_find(buf_bytes(&b), "none").len, 0);
	ck_assert_uint_eq(raw_find(list, "a").len, 0);
	ck_assert_uint_eq(raw_find(BYTES_NONE, "a").len, 0);
	buf_fini(&b);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("client parts");
	TCase *tc = unit_case(s, "parts");

	tcase_add_loop_test(tc, a_list_of_servers_is_read, 0, LENGTH(lists));
	tcase_add_loop_test(tc, a_bad_list_of_servers_is_explained, 0, LENGTH(bad_lists));
	tcase_add_test(tc, without_a_list_the_environment_counts);
	tcase_add_test(tc, the_pause_doubles_up_to_its_maximum);
	tcase_add_test(tc, the_pause_begins_anew_after_a_reset);
	tcase_add_test(tc, a_member_that_asks_for_time_gets_it);
	tcase_add_loop_test(tc, it_is_known_what_may_be_sent_twice, 0, LENGTH(kinds));
	tcase_add_loop_test(tc, an_error_of_a_member_is_understood, 0, LENGTH(faults));
	tcase_add_test(tc, a_long_fault_is_cut_at_a_whole_character);
	tcase_add_test(tc, an_instance_is_packed_as_the_protocol_has_it);
	tcase_add_test(tc, an_instance_without_an_id_gets_one);
	tcase_add_test(tc, what_cannot_be_packed_is_refused);
	tcase_add_test(tc, a_query_is_packed_as_the_protocol_has_it);
	tcase_add_test(tc, a_part_is_found_as_it_was_sent);
	return unit_run(s);
}
