/* catalog/query.h, spec.h: answers, as text. */
#include "catalog/query.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "catalog/spec.h"
#include "say.h"
#include "unit.h"
#include "wire/frame.h"
#include "wire/pack.h"
#include "world.h"

static struct world w;

static void set_up(void)
{
	world_init(&w, &(struct catalog_options){.tombstone_ms = 60000});
}

static void tear_down(void)
{
	ck_assert_str_eq(world_fault(&w), "");
	world_fini(&w);
}

static void ok(const char *method, const char *params)
{
	ck_assert_msg(
		world_do(&w, method, params) == 0, "%s %s: %s", method, params, w.e.text);
}

/* The ids in an answer, in their order. */
static const char *ids(const char *answer)
{
	static char out[4096];
	size_t len = 0;

	out[0] = '\0';
	while ((answer = strstr(answer, "{id:'")) != NULL) {
		answer += 5;
		len += (size_t)snprintf(out + len, sizeof(out) - len, "%s%.*s",
			len > 0 ? " " : "", (int)strcspn(answer, "'"), answer);
	}
	return out;
}

/* ---- the encoding ------------------------------------------------------ */

START_TEST(seen_is_what_pack_would_write)
{
	static const uint64_t numbers[] = {0, 127, 128, 255, 256, 65535, 65536,
		UINT32_MAX, (uint64_t)UINT32_MAX + 1, UINT64_MAX};
	static const size_t lengths[] = {1, 31, 32, LIMIT_ID};
	uint8_t id[LIMIT_ID];
	struct buf a = {0}, b = {0};

	memset(id, 'i', sizeof(id));
	for (size_t k = 0; k < LENGTH(numbers) * LENGTH(lengths); k++) {
		uint64_t v = numbers[k % LENGTH(numbers)];
		struct instance i = {
			.key.id = bytes_of(id, lengths[k / LENGTH(numbers)]),
			.state = {.incarnation = v,
				.rev = v,
				.weight = (uint16_t)v,
				.tier = (uint8_t)v,
				.since_wall_ms = v,
				.health = HEALTH_DEGRADED,
				.admin = ADMIN_MAINTENANCE,
				.effective = EFFECTIVE_PENDING},
		};

		buf_clear(&a);
		buf_clear(&b);
		seen_encode(&a, &i);
		pack_map(&b, SEEN_OWN);
		pack_kv_str(&b, "id", i.key.id);
		pack_kv_cstr(&b, "state", "pending");
		pack_kv_cstr(&b, "health", "degraded");
		pack_kv_cstr(&b, "admin", "maintenance");
		pack_kv_u64(&b, "incarnation", v);
		pack_kv_u64(&b, "rev", v);
		pack_kv_u64(&b, "weight", (uint16_t)v);
		pack_kv_u64(&b, "tier", (uint8_t)v);
		pack_kv_u64(&b, "since", v);
		ck_assert(bytes_eq(buf_bytes(&a), buf_bytes(&b)));
	}
	buf_fini(&a);
	buf_fini(&b);
}
END_TEST

START_TEST(items_are_counted_as_frames_count_them)
{
	struct buf b = {0};

	say(&b, "{addresses:['1.2.3.4'],ports:{http:{port:80}},tags:[x,y],meta:{a:'b'}}");
	/* 8 of the map, 1 address, 2 and 2 of ports, 2 tags, 2 of meta */
	ck_assert_uint_eq(spec_items(bytes_of(b.data + 3, b.len - 3)), 17);
	buf_fini(&b);
}
END_TEST

static const char *const odd_specs[] = {"", "\xc1", "\xa4tags", "\xa4tags\x91",
	"\xa4tags\x92\xa1", "\xa4tags\xdc\xff", "\xa4tags\xd9\xff",
	"\xa8locality\x81\xa4zone", "\xff\xff\xff", "\xa4meta\x81"};

START_TEST(an_odd_spec_matches_nothing)
{
	struct bytes spec = bytes_str(odd_specs[_i]);
	uint8_t *copy = malloc(spec.len + 1);

	memcpy(copy, spec.data, spec.len);
	spec.data = copy;
	ck_assert(!spec_has_tag(spec, bytes_str("x")));
	ck_assert(!spec_zone_is(spec, bytes_str("x")));
	ck_assert(!spec_version_is(spec, bytes_str("x")));
	ck_assert(!spec_meta_is(spec, bytes_str("x"), bytes_str("y")));
	spec_items(spec);
	free(copy);
}
END_TEST

/* ---- resolve ----------------------------------------------------------- */

static void five(void)
{
	ok("register",
		"{instances:["
		"{service:web,id:a,version:'1',tags:[x,y],locality:{zone:z1},meta:{k:v}},"
		"{service:web,id:b,version:'2',tags:[x],locality:{zone:z2},meta:{k:u}},"
		"{service:web,id:c,version:'2',tags:[y],locality:{zone:z1,region:x}},"
		"{service:web,id:d,ports:{p:{port:1}},checks:[{type:tcp}],tags:[x]},"
		"{service:web,id:e,admin:draining}]}");
}

static const struct {
	const char *params, *ids, *presence;
	unsigned total;
} resolve_rows[] = {
	{"", "a b c", "present", 3},
	{",states:[up]", "a b c", "present", 3},
	{",states:[down,drain]", "d e", "present", 2},
	{",states:[warm]", "", "none_match", 0},
	{",tags:[x]", "a b", "present", 2},
	{",tags:[x,y]", "a", "present", 1},
	{",tags:[z]", "", "none_match", 0},
	{",version:'2'", "b c", "present", 2},
	{",zone:z1", "a c", "present", 2},
	{",zone:z1,version:'2'", "c", "present", 1},
	{",meta:{k:v}", "a", "present", 1},
	{",meta:{k:v,l:m}", "", "none_match", 0},
	{",limit:2", "a b", "present", 3},
	{",limit:2,after:b", "c", "present", 3},
	{",after:bb", "c", "present", 3},
	{",after:zzz", "", "present", 3},
	{",tags:[x],limit:1", "a", "present", 2},
	{",tags:[x],limit:1,after:a", "b", "present", 2},
	{",tags:[x],states:[up,down]", "a b d", "present", 3},
	{",tags:[x],states:[up,down],limit:1", "a", "present", 3},
};

START_TEST(resolve_gives_what_matches)
{
	char params[128], total[64];
	const char *answer;

	five();
	snprintf(params, sizeof(params), "{service:web%s}", resolve_rows[_i].params);
	answer = world_ask(&w, "resolve", params);
	snprintf(total, sizeof(total), "total:%u,presence:'%s'", resolve_rows[_i].total,
		resolve_rows[_i].presence);
	ck_assert_str_eq(ids(answer), resolve_rows[_i].ids);
	ck_assert_msg(strstr(answer, total) != NULL, "%s", answer);
}
END_TEST

START_TEST(a_page_says_where_the_next_begins)
{
	five();
	ck_assert_ptr_nonnull(
		strstr(world_ask(&w, "resolve", "{service:web,limit:2}"), "next:'b'}"));
	ck_assert_ptr_null(
		strstr(world_ask(&w, "resolve", "{service:web,limit:3}"), "next"));
	ck_assert_ptr_null(strstr(
		world_ask(&w, "resolve", "{service:web,limit:2,after:b}"), "next"));
	ck_assert_ptr_nonnull(strstr(
		world_ask(&w, "resolve", "{service:web,tags:[x],limit:1}"), "next:'a'}"));
}
END_TEST

/* Promise 10. */
START_TEST(an_empty_list_says_why_it_is_empty)
{
	ck_assert_str_eq(world_ask(&w, "resolve", "{service:web}"),
		"no service 'web' in namespace 'default'");
	ck_assert_int_eq(w.e.code, SVCD_ENOSERVICE);
	ok("service_set", "{service:web,slow_start_ms:5,policy:p2c}");
	ck_assert_str_eq(world_ask(&w, "resolve", "{service:web}"),
		"{ns:'default',service:'web',service_rev:1,digest:0,count:0,usable:0,"
		"slow_start_ms:5,"
		"policy:'p2c',instances:[],total:0,presence:'no_instances'}");
	ok("register",
		"{instances:[{service:web,id:a,ports:{p:{port:1}},checks:[{type:tcp}],tags:[x]}]}");
	ck_assert_ptr_nonnull(strstr(
		world_ask(&w, "resolve", "{service:web}"), "presence:'none_healthy'"));
	ck_assert_ptr_nonnull(strstr(world_ask(&w, "resolve", "{service:web,tags:[x]}"),
		"presence:'none_healthy'"));
	ck_assert_ptr_nonnull(strstr(world_ask(&w, "resolve", "{service:web,tags:[y]}"),
		"presence:'none_match'"));
}
END_TEST

static const struct {
	const char *query, *params, *sentence;
} wrong_rows[] = {
	{"resolve", "{}", "resolve.service: missing"},
	{"resolve", "{service:7}", "resolve.service: expected string, got integer"},
	{"resolve", "{service:web,states:[off]}",
		"resolve.states: 'off' is none of up, warm, pending, drain, down"},
	{"resolve", "{service:web,tags:[7]}", "resolve.tags: expected strings"},
	{"resolve", "{service:web,meta:{a:7}}", "resolve.meta: expected strings"},
	{"list", "{limit:0}", "list.limit: 0 is not within 1..4294967295"},
	{"list", "{after:web}", "list.after: 'web' is not ns/name"},
	{"get", "{id:a}", "get.service: missing"},
	{"history", "{id:a}", "history.id: only with service"},
};

START_TEST(what_is_wrong_with_a_question_is_said)
{
	ck_assert_str_eq(world_ask(&w, wrong_rows[_i].query, wrong_rows[_i].params),
		wrong_rows[_i].sentence);
	ck_assert_int_eq(w.e.code, SVCD_EINVAL);
}
END_TEST

/* ---- list -------------------------------------------------------------- */

START_TEST(list_walks_all_services_page_by_page)
{
	char params[128], after[64] = "";
	unsigned seen = 0;

	for (int k = 0; k < 23; k++) {
		snprintf(params, sizeof(params),
			"{instances:[{ns:n%d,service:s%d,id:a}]}", k % 3, k);
		ok("register", params);
	}
	for (;;) {
		const char *answer, *next;

		snprintf(params, sizeof(params), "{limit:5%s%s%s}",
			*after ? ",after:'" : "", after, *after ? "'" : "");
		answer = world_ask(&w, "list", params);
		for (const char *p = answer; (p = strstr(p, "{ns:")) != NULL; p++)
			seen++;
		next = strstr(answer, "next:'");
		if (next == NULL)
			break;
		snprintf(after, sizeof(after), "%.*s", (int)strcspn(next + 6, "'"),
			next + 6);
	}
	ck_assert_uint_eq(seen, 23);
}
END_TEST

static const struct {
	const char *params, *expected;
} list_rows[] = {
	{"{ns:a}", "a/web a/web-2"},
	{"{prefix:web}", "a/web a/web-2 b/web"},
	{"{ns:a,prefix:'web-'}", "a/web-2"},
	{"{ns:a,after:'a/web'}", "a/web-2"},
	{"{ns:b,after:'a/web'}", "b/db b/web"},
	{"{after:'a/web-2'}", "b/db b/web"},
	{"{ns:a,after:'b/web'}", ""},
	{"{ns:c}", ""},
	{"{}", "a/web a/web-2 b/db b/web"},
};

START_TEST(list_filters)
{
	char got[256] = "";
	const char *p;

	ok("register",
		"{instances:[{ns:a,service:web,id:i},{ns:a,service:web-2,id:i},"
		"{ns:b,service:web,id:i},{ns:b,service:db,id:i}]}");
	p = world_ask(&w, "list", list_rows[_i].params);
	while ((p = strstr(p, "{ns:'")) != NULL) {
		char ns[8], name[16];

		ck_assert_int_eq(
			sscanf(p, "{ns:'%7[^']',service:'%15[^']'", ns, name), 2);
		if (got[0] != '\0')
			strcat(got, " ");
		sprintf(got + strlen(got), "%s/%s", ns, name);
		p++;
	}
	ck_assert_str_eq(got, list_rows[_i].expected);
}
END_TEST

START_TEST(list_counts)
{
	five();
	ok("service_set", "{service:web,floor:1,floor_percent:20}");
	ck_assert_str_eq(world_ask(&w, "list", "{}"),
		"{services:[{ns:'default',service:'web',rev:2,count:5,up:3,warm:0,pending:0,"
		"drain:1,down:1,"
		"floor:1,floor_percent:20}]}");
}
END_TEST

/* ---- get --------------------------------------------------------------- */

START_TEST(get_tells_everything)
{
	w.actor = "web-1";
	ok("lease_grant", "{}");
	ok("register",
		"{lease:1,instances:[{service:web,id:a,ports:{p:{port:1}},checks:[{type:tcp}]}]}");
	world_verdict(&w, "web", "a", HEALTH_FAILING, "connect refused");
	w.actor = "ops";
	ok("update", "{service:web,id:a,admin:maintenance,reason:disk,for_ms:9000}");
	w.now.time_ms += 4000;
	world_tick(&w, 0);
	ck_assert_ptr_nonnull(strstr(world_ask(&w, "get", "{service:web,id:a}"),
		"lease:1,lifecycle:'registered',registered:1700000000000,cause:'admin',actor:'ops',"
		"reason:'disk',health_rev:3,health_reason:'connect refused',admin_actor:'ops',"
		"admin_reason:'disk',admin_for_ms:5000,checks:[{name:'tcp',type:'tcp',port:'p',"
		"interval_ms:5000,fast_interval_ms:1000,slow_interval_ms:5000,"
		"timeout_ms:1000,rise:2,"
		"fall:3}]}]}"));
}
END_TEST

START_TEST(the_words_of_who_is_well_come_from_its_event_or_its_lease)
{
	tear_down();
	world_init(&w, &(struct catalog_options){.history_bytes = 200});
	w.actor = "web-1";
	ok("lease_grant", "{}");
	w.actor = "somebody";
	ok("register", "{lease:1,instances:[{service:web,id:a}]}");
	ck_assert_ptr_nonnull(
		strstr(world_ask(&w, "get", "{service:web,id:a}"), "actor:'somebody'"));
	for (int k = 0; k < 5; k++)
		ok("register",
			k % 2 ? "{instances:[{service:db,id:a,weight:1}]}"
			      : "{instances:[{service:db,id:a,weight:2}]}");
	ck_assert_ptr_nonnull(
		strstr(world_ask(&w, "get", "{service:web,id:a}"), "actor:'web-1'"));
}
END_TEST

START_TEST(get_tells_what_is_not_there_apart)
{
	ck_assert_str_eq(world_ask(&w, "get", "{service:web}"),
		"no service 'web' in namespace 'default'");
	ck_assert_str_eq(world_ask(&w, "get", "{service:web,id:a}"),
		"no service 'web' in namespace 'default'");
	ok("register", "{instances:[{service:web,id:a}]}");
	ck_assert_str_eq(world_ask(&w, "get", "{service:web,id:b}"),
		"no instance 'b' of service 'web'");
	ck_assert_int_eq(w.e.code, SVCD_ENOINSTANCE);
	ok("deregister", "{service:web,id:a}");
	ck_assert_str_eq(world_ask(&w, "get", "{service:web,id:a}"),
		"'a' of service 'web' was removed at revision 2: deregistered by tester");
	ck_assert_int_eq(w.e.code, SVCD_EGONE);
}
END_TEST

START_TEST(get_goes_page_by_page)
{
	five();
	ck_assert_str_eq(ids(world_ask(&w, "get", "{service:web}")), "a b c d e");
	ck_assert_str_eq(
		ids(world_ask(&w, "get", "{service:web,limit:2,after:b}")), "c d");
	ck_assert_ptr_nonnull(strstr(
		world_ask(&w, "get", "{service:web,limit:2,after:b}"), "next:'d'}"));
	ck_assert_ptr_null(
		strstr(world_ask(&w, "get", "{service:web,limit:2,after:c}"), "next"));
}
END_TEST

/* ---- a large service --------------------------------------------------- */

static void register_many(int n, const char *more)
{
	char params[700];

	for (int k = 0; k < n; k++) {
		snprintf(params, sizeof(params), "{instances:[{service:web,id:i%05d%s}]}",
			k, more);
		ok("register", params);
	}
}

/* Asks until there is no next; the frames must be such that the other side can read them.
 */
static unsigned ask_pages(const char *query, unsigned *pages)
{
	struct buf params = {0}, out = {0}, frame = {0};
	struct arena *arena = arena_new();
	char after[LIMIT_ID + 1] = "";
	unsigned seen = 0;

	for (*pages = 1;; ++*pages) {
		struct value v, list, next;
		struct service_key key;
		uint32_t n = 0;
		char text[256];
		size_t len;

		snprintf(text, sizeof(text), "{service:web%s%s%s}",
			*after ? ",after:'" : "", after, *after ? "'" : "");
		buf_clear(&params);
		buf_clear(&out);
		buf_clear(&frame);
		say(&params, text);
		arena_reset(arena);
		ck_assert_int_eq(value_parse(arena, buf_bytes(&params), &v), 0);
		ck_assert_int_eq(strcmp(query, "get") == 0
				? query_get(&w.t.base, v, &out, &n, &w.e)
				: query_resolve(&w.t.base, v, &out, &n, &key, &w.e),
			0);
		pack_result(&frame, 1);
		pack_map(&frame, n + 3);
		pack_kv_u64(&frame, "rev", UINT64_MAX);
		pack_kv_u64(&frame, "age_ms", UINT32_MAX);
		pack_kv_cstr(&frame, "source", "follower");
		pack_raw(&frame, buf_bytes(&out));
		ck_assert_int_eq(
			frame_find(&(struct frame_scan){0}, buf_bytes(&frame), &len), 0);
		ck_assert_int_eq(value_parse(arena, buf_bytes(&frame), &v), 0);
		v = value_at(v, 3);
		ck_assert(value_find(v, "instances", &list));
		seen += list.n;
		if (!value_find(v, "next", &next))
			break;
		snprintf(after, sizeof(after), "%.*s", (int)next.s.len,
			(const char *)next.s.data);
	}
	arena_free(arena);
	buf_fini(&params);
	buf_fini(&out);
	buf_fini(&frame);
	return seen;
}

START_TEST(an_answer_fits_into_a_frame)
{
	unsigned pages;

	w.t.strict = false;
	register_many(3000,
		",tags:[a,b,c],meta:{a:'1',b:'2',c:'3',d:'4',e:'5'},"
		"ports:{p:{port:1}},checks:[{type:tcp}],admin:maintenance");
	ck_assert_uint_eq(ask_pages("get", &pages), 3000);
	ck_assert_uint_gt(pages, 2);
	register_many(
		3000, ",tags:[a,b,c],meta:{a:'1',b:'2',c:'3',d:'4',e:'5'},admin:enabled");
	ck_assert_uint_eq(ask_pages("resolve", &pages), 3000);
	ck_assert_uint_gt(pages, 1);
}
END_TEST

/* ---- history ----------------------------------------------------------- */

/* The weights are the revisions: n changes of web/a and db/a in turn. */
static void changes(int n)
{
	char params[96];

	for (int k = 1; k <= n; k++) {
		snprintf(params, sizeof(params),
			"{instances:[{service:%s,id:a,weight:%d}]}", k % 3 ? "web" : "db",
			k);
		ok("register", params);
	}
}

/* All revisions of a history, newest first, page by page; checks their order. */
static unsigned walk_history(const char *who, int limit)
{
	uint64_t last = UINT64_MAX;
	char next[64] = "";
	unsigned seen = 0;

	for (;;) {
		char params[160];
		const char *answer, *p;
		uint64_t rev, n;

		snprintf(params, sizeof(params), "{%slimit:%d%s}", who, limit, next);
		answer = world_ask(&w, "history", params);
		for (p = answer; (p = strstr(p, "{rev:")) != NULL; p++) {
			rev = strtoull(p + 5, NULL, 10);
			ck_assert_msg(rev < last, "%s: %" PRIu64 " after %" PRIu64,
				params, rev, last);
			last = rev;
			seen++;
		}
		p = strstr(answer, "next:");
		if (p == NULL)
			return seen;
		ck_assert_int_eq(
			sscanf(p, "next:%" SCNu64 ",next_n:%" SCNu64, &rev, &n), 2);
		snprintf(next, sizeof(next), ",before:%" PRIu64 ",before_n:%" PRIu64, rev,
			n);
	}
}

START_TEST(history_goes_back_page_by_page)
{
	static const int limits[] = {1, 7, 100, 1000};

	changes(600);
	for (size_t i = 0; i < LENGTH(limits); i++) {
		ck_assert_uint_eq(walk_history("", limits[i]), 600);
		ck_assert_uint_eq(walk_history("service:web,", limits[i]), 400);
		ck_assert_uint_eq(walk_history("service:db,id:a,", limits[i]), 200);
		ck_assert_uint_eq(walk_history("ns:default,", limits[i]), 600);
		ck_assert_uint_eq(walk_history("ns:none,", limits[i]), 0);
	}
}
END_TEST

START_TEST(history_survives_what_it_is_about)
{
	changes(20);
	ok("deregister", "{service:web,id:a}");
	ck_assert_uint_eq(walk_history("service:web,id:a,", 3), 15);
	ok("register", "{instances:[{service:web,id:a}]}");
	ck_assert_uint_eq(walk_history("service:web,id:a,", 3), 16);
	ok("deregister", "{service:web,id:a}");
	world_tick(&w, 60000);
	/* Nobody knows web any more, but the ring does. */
	ck_assert_uint_eq(walk_history("service:web,id:a,", 3), 17);
	ck_assert_uint_eq(walk_history("service:web,", 3), 18);
}
END_TEST

START_TEST(a_revision_with_many_events_is_told_in_pages)
{
	char params[64];
	uint64_t n, last = UINT64_MAX;
	unsigned seen = 0;

	ok("lease_grant", "{}");
	for (int k = 0; k < 5000; k++) {
		snprintf(params, sizeof(params),
			"{lease:1,instances:[{service:web,id:i%d}]}", k);
		ok("register", params);
	}
	world_lease_end(&w, 1, CAUSE_LEASE_CLOSED);
	for (;;) {
		const char *answer, *p;
		char next[160] = "{limit:1000,before:5003}";

		if (last != UINT64_MAX)
			snprintf(next, sizeof(next),
				"{limit:1000,before:5002,before_n:%" PRIu64 "}", last);
		answer = world_ask(&w, "history", next);
		for (p = answer; (p = strstr(p, "{rev:5002,")) != NULL; p++)
			seen++;
		p = strstr(answer, "next:5002,next_n:");
		if (p == NULL)
			break;
		n = strtoull(p + 17, NULL, 10);
		ck_assert(n < last);
		last = n;
	}
	ck_assert_uint_eq(seen, 5000);
}
END_TEST

/* ---- watching ---------------------------------------------------------- */

/* Delta from a revision as text; *rev. "" when there is none, "again" when it is not
 * known. */
static const char *delta(uint64_t from, uint64_t *rev)
{
	struct service_key key = default_service("web");
	struct buf entries = {0}, map = {0};
	uint32_t n = 0;
	int rv = query_delta(&w.t.base, &key, from, &entries, &n, rev);

	buf_clear(&w.text);
	pack_map(&map, n);
	pack_raw(&map, buf_bytes(&entries));
	tell(&w.text, buf_bytes(&map));
	buf_fini(&entries);
	buf_fini(&map);
	return rv == SVCD_EAGAIN ? "again" : n == 0 ? "" : (const char *)w.text.data;
}

START_TEST(a_delta_tells_what_changed_since)
{
	uint64_t rev;

	five();
	ok("update", "{service:web,id:b,weight:7}");
	ok("deregister", "{service:web,id:c}");
	ck_assert_str_eq(delta(3, &rev), "");
	ck_assert(rev == 3);
	ck_assert_ptr_nonnull(strstr(delta(2, &rev),
		"changes:[{id:'c',gone:true,incarnation:1,cause:'deregistered'}]}"));
	ck_assert_str_eq(ids(delta(1, &rev)), "b c");
	ck_assert_ptr_nonnull(strstr(delta(1, &rev),
		"{kind:'delta',ns:'default',service:'web',from:1,rev:3,"));
	ck_assert_str_eq(delta(4, &rev), "again"); /* from the future: another cluster's
						    */
	world_tick(&w, 60000);
	ck_assert_str_eq(delta(2, &rev), "again");
	ck_assert_str_eq(delta(0, &rev), "again");
	ck_assert_str_eq(delta(3, &rev), "");
	ok("update", "{service:web,id:b,weight:8}");
	ck_assert_str_eq(ids(delta(3, &rev)), "b");
}
END_TEST

START_TEST(a_service_that_came_again_is_not_told_from_its_former_life)
{
	uint64_t rev;

	ok("register", "{instances:[{service:web,id:a}]}");
	ok("deregister", "{service:web,id:a}");
	ok("service_delete", "{service:web}");
	ck_assert_str_eq(delta(2, &rev), "again");
	ck_assert_str_eq(delta(0, &rev), "");
	ok("register", "{instances:[{service:web,id:b}]}");
	ck_assert_str_eq(delta(2, &rev), "again");
}
END_TEST

/* Body of an event in its frame, as the server sends it; can the other side read it? Its
 * instances. */
static uint32_t frame_of_event(struct bytes body, uint32_t n, const char *list)
{
	struct arena *arena = arena_new();
	struct buf frame = {0};
	struct value v, entries;
	size_t len;

	pack_notification(&frame, "event");
	pack_map(&frame, n);
	pack_raw(&frame, body);
	ck_assert_int_eq(frame_find(&(struct frame_scan){0}, buf_bytes(&frame), &len), 0);
	ck_assert_int_eq(value_parse(arena, buf_bytes(&frame), &v), 0);
	ck_assert(value_find(value_at(value_at(v, 2), 0), list, &entries));
	buf_fini(&frame);
	arena_free(arena);
	return entries.n;
}

START_TEST(a_large_service_is_told_in_parts)
{
	struct service_key key = default_service("web");
	struct bytes after = BYTES_NONE;
	unsigned parts = 0, seen = 0;
	uint64_t rev;

	w.t.strict = false;
	register_many(3000, ",tags:[a,b,c],meta:{a:'1',b:'2',c:'3',d:'4',e:'5'}");
	do {
		struct buf body = {0};
		uint32_t n = 0;

		ck_assert_int_eq(
			query_snapshot_part(&w.t.base, &key, &after, &body, &n, &rev), 0);
		ck_assert(rev == 3000);
		seen += frame_of_event(buf_bytes(&body), n, "instances");
		parts++;
		buf_fini(&body);
	} while (after.len > 0);
	ck_assert_uint_eq(seen, 3000);
	ck_assert_uint_gt(parts, 1);
}
END_TEST

/* A part as text; *after as query_snapshot_part() leaves it. */
static const char *part(struct bytes *after)
{
	struct service_key key = default_service("web");
	struct buf body = {0}, map = {0};
	uint32_t n = 0;
	uint64_t rev;

	ck_assert_int_eq(query_snapshot_part(&w.t.base, &key, after, &body, &n, &rev), 0);
	pack_map(&map, n);
	pack_raw(&map, buf_bytes(&body));
	buf_clear(&w.text);
	tell(&w.text, buf_bytes(&map));
	buf_fini(&body);
	buf_fini(&map);
	return (const char *)w.text.data;
}

START_TEST(a_part_says_where_it_begins_and_ends)
{
	struct bytes after = bytes_str("c");
	const char *text;

	five();
	text = part(&after);
	ck_assert_uint_eq(after.len, 0);
	ck_assert_str_eq(ids(text), "d e");
	ck_assert_ptr_nonnull(strstr(text, "after:'c'"));
	ck_assert_ptr_null(strstr(text, "next"));
	w.t.strict = false;
	register_many(2000, ",tags:[a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q]");
	text = part(&after);
	ck_assert_uint_gt(after.len, 0);
	ck_assert_ptr_null(strstr(text, "after:"));
	ck_assert_ptr_nonnull(strstr(text, "],next:'i0"));
}
END_TEST

START_TEST(a_change_that_fits_into_no_frame_is_not_told_as_one)
{
	struct service_key key = default_service("web");
	struct buf body = {0};
	uint32_t n = 0;
	uint64_t rev;

	w.t.strict = false;
	ok("service_set", "{service:web,owner:x}");
	ok("lease_grant", "{}");
	register_many(3000, ",tags:[a,b,c],meta:{a:'1',b:'2',c:'3',d:'4',e:'5'}");
	ck_assert_int_eq(query_delta(&w.t.base, &key, 1, &body, &n, &rev), SVCD_EAGAIN);
	ck_assert_uint_eq(body.len + n, 0);
	ck_assert_int_eq(query_delta(&w.t.base, &key, 2500, &body, &n, &rev), 0);
	ck_assert_uint_eq(frame_of_event(buf_bytes(&body), n, "changes"), 502);
	buf_fini(&body);
}
END_TEST

START_TEST(a_published_change_that_fits_into_no_frame_says_so)
{
	struct changes *c = changes_new();
	struct outcome out = {0};
	struct buf body = {0};
	uint32_t n = 0;
	char params[128];

	w.t.strict = false;
	ck_assert_int_eq(catalog_begin(w.c, &w.t.base, &w.now), 0);
	for (int k = 0; k < 3000; k++) {
		snprintf(params, sizeof(params),
			"{instances:[{service:web,id:i%d,tags:[a,b,c,d,e,f,g]}]}", k);
		ck_assert_int_eq(world_build(&w, "register", params), 0);
		ck_assert_int_eq(catalog_apply(w.c, &w.t.base, &w.now,
					 buf_bytes(&w.command), &out, c),
			0);
	}
	ck_assert_int_eq(catalog_end(w.c), 0);
	ck_assert_int_eq(changes_finish(c), 0);
	query_change(c, changes_service(c, 0), &body, &n);
	ck_assert_int_eq(body.error, SVCD_ETOOBIG);
	buf_fini(&body);
	buf_fini(&out.incarnations);
	changes_free(c);
}
END_TEST

START_TEST(a_missing_service_is_told)
{
	ck_assert_str_eq(world_ask(&w, "snapshot", "{service:web}"),
		"{kind:'no_service',ns:'default',service:'web',from:0,rev:0}");
}
END_TEST

START_TEST(a_deleted_service_is_told)
{
	struct buf out = {0};
	uint32_t n = 0;

	ok("service_set", "{service:web,floor:1}");
	ok("service_delete", "{service:web}");
	ck_assert_uint_eq(changes_services(w.changes), 1);
	pack_map(&out, 5);
	query_change(w.changes, changes_service(w.changes, 0), &out, &n);
	ck_assert_uint_eq(n, 5);
	buf_clear(&w.text);
	tell(&w.text, buf_bytes(&out));
	ck_assert_str_eq((char *)w.text.data,
		"{kind:'no_service',ns:'default',service:'web',from:1,rev:2}");
	buf_fini(&out);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("catalog_query");
	TCase *tc = unit_case(s, "query");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, seen_is_what_pack_would_write);
	tcase_add_test(tc, items_are_counted_as_frames_count_them);
	tcase_add_loop_test(tc, an_odd_spec_matches_nothing, 0, LENGTH(odd_specs));
	tcase_add_loop_test(tc, resolve_gives_what_matches, 0, LENGTH(resolve_rows));
	tcase_add_test(tc, a_page_says_where_the_next_begins);
	tcase_add_test(tc, an_empty_list_says_why_it_is_empty);
	tcase_add_loop_test(
		tc, what_is_wrong_with_a_question_is_said, 0, LENGTH(wrong_rows));
	tcase_add_test(tc, list_walks_all_services_page_by_page);
	tcase_add_loop_test(tc, list_filters, 0, LENGTH(list_rows));
	tcase_add_test(tc, list_counts);
	tcase_add_test(tc, get_tells_everything);
	tcase_add_test(tc, the_words_of_who_is_well_come_from_its_event_or_its_lease);
	tcase_add_test(tc, get_tells_what_is_not_there_apart);
	tcase_add_test(tc, get_goes_page_by_page);
	tcase_add_test(tc, an_answer_fits_into_a_frame);
	tcase_add_test(tc, history_goes_back_page_by_page);
	tcase_add_test(tc, history_survives_what_it_is_about);
	tcase_add_test(tc, a_revision_with_many_events_is_told_in_pages);
	tcase_add_test(tc, a_delta_tells_what_changed_since);
	tcase_add_test(tc, a_service_that_came_again_is_not_told_from_its_former_life);
	tcase_add_test(tc, a_large_service_is_told_in_parts);
	tcase_add_test(tc, a_part_says_where_it_begins_and_ends);
	tcase_add_test(tc, a_change_that_fits_into_no_frame_is_not_told_as_one);
	tcase_add_test(tc, a_published_change_that_fits_into_no_frame_says_so);
	tcase_add_test(tc, a_missing_service_is_told);
	tcase_add_test(tc, a_deleted_service_is_told);
	return unit_run(s);
}
