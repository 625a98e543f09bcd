#include "svcctl/ctl.h"

#include <errno.h>
#include <langinfo.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "svcctl/mem.h"
#include "svcctl/text.h"

#define TOKEN_MAX 4096
#define MEMBER_TIMEOUT_MS \
	1000 /* the library's own: one that is silent leaves time for the next */
#define CLIENT_NAME_MAX 65 /* 64 bytes are allowed */
#define CTL_REPORTED 1 /* instead of an enum svcd_error: ctl_open said what is wrong */

/* ---- options ----------------------------------------------------------- */

static enum format format_of(const char *name)
{
	static const char *const names[] = {
		"table", "wide", "json", "yaml", "name", "csv"};
	enum format f = FORMAT_TABLE;

	while (f < FORMAT_CSV && strcmp(names[f], name) != 0)
		f++;
	return f;
}

static bool environment_has(const char *name)
{
	const char *value = getenv(name);

	return value != NULL && *value != '\0';
}

static bool wants_color(const char *when, int fd)
{
	const char *term = getenv("TERM");

	if (strcmp(when, "auto") != 0)
		return strcmp(when, "always") == 0;
	return isatty(fd) && !environment_has("NO_COLOR") && term != NULL &&
		strcmp(term, "dumb") != 0;
}

static void init_view(struct view *v, const struct args *a)
{
	v->format = format_of(args_text(a, "output", "table"));
	v->headers = !args_flag(a, "no-headers");
	v->color = wants_color(args_text(a, "color", "auto"), STDOUT_FILENO);
	v->utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
	v->terminal = isatty(STDOUT_FILENO);
	v->now_ms = text_wall_now();
}

static enum outcome read_token(struct ctl *c, const char *path)
{
	FILE *in = fopen(path, "re");
	char text[TOKEN_MAX + 1];
	size_t n;

	if (in == NULL) {
		report_error("token file %s: %s", path, strerror(errno));
		return OUT_FAILED;
	}
	n = fread(text, 1, TOKEN_MAX, in);
	fclose(in);
	text[n] = '\0';
	text[strcspn(text, "\r\n")] = '\0';
	if (*text == '\0') {
		report_error("token file %s is empty", path);
		return OUT_FAILED;
	}
	c->token = mem_copy(text);
	return OUT_OK;
}

enum outcome ctl_init(struct ctl *c, const struct args *a)
{
	const char *token_file = args_text(a, "token-file", getenv("SVCD_TOKEN_FILE"));
	uint64_t timeout_ms = args_duration(a, "timeout", TIMEOUT_DEFAULT_MS);

	*c = (struct ctl){
		.servers = args_text(a, "server", NULL),
		.ns = args_text(a, "namespace", "default"),
		.timeout_ms = timeout_ms > INT32_MAX ? INT32_MAX : (uint32_t)timeout_ms,
		.has_timeout = args_flag(a, "timeout"),
		.quiet = args_flag(a, "quiet"),
		.verbose = args_flag(a, "verbose"),
	};
	report_setup(wants_color(args_text(a, "color", "auto"), STDERR_FILENO), c->quiet);
	init_view(&c->view, a);
	if (token_file != NULL && *token_file != '\0')
		return read_token(c, token_file);
	return OUT_OK;
}

void ctl_fini(struct ctl *c)
{
	svcd_client_free(c->client);
	free(c->token);
	c->client = NULL;
	c->token = NULL;
}

/* ---- connection -------------------------------------------------------- */

const char *ctl_servers(const struct ctl *c)
{
	if (c->servers != NULL)
		return c->servers;
	if (environment_has("SVCD_ADDR"))
		return getenv("SVCD_ADDR");
	return "unix:" SVCD_SOCKET_DEFAULT ", tcp:127.0.0.1:7820";
}

bool ctl_has_several(const struct ctl *c)
{
	bool named = c->servers != NULL || environment_has("SVCD_ADDR");

	return named && strchr(ctl_servers(c), ',') != NULL;
}

static uint32_t connect_timeout(const struct ctl *c)
{
	return c->timeout_ms > 0 && c->timeout_ms < TIMEOUT_DEFAULT_MS
		? c->timeout_ms
		: TIMEOUT_DEFAULT_MS;
}

/* The history tells who did it: "svcctl anna@devbox". */
static void name_ourselves(char out[CLIENT_NAME_MAX])
{
	const char *user = environment_has("SUDO_USER") ? getenv("SUDO_USER") : NULL;
	const struct passwd *entry = user == NULL ? getpwuid(geteuid()) : NULL;
	char host[64] = "";

	if (entry != NULL)
		user = entry->pw_name;
	gethostname(host, sizeof(host) - 1);
	if (user != NULL && *host != '\0')
		snprintf(out, CLIENT_NAME_MAX, "svcctl %.28s@%.28s", user, host);
	else
		strcpy(out, "svcctl");
}

enum outcome ctl_open(struct ctl *c)
{
	char name[CLIENT_NAME_MAX];
	struct svcd_options options = {
		.servers = c->servers,
		.name = name,
		.token = c->token,
		.connect_timeout_ms = c->timeout_ms < MEMBER_TIMEOUT_MS ? c->timeout_ms
									: 0,
		.request_timeout_ms = c->timeout_ms,
	};
	int rv;

	if (c->client != NULL)
		return OUT_OK;
	name_ourselves(name);
	rv = svcd_client_new(&options, &c->client);
	if (rv == 0)
		return OUT_OK;
	if (rv != SVCD_EINVAL) {
		report_error("%s", svcd_strerror(rv));
		return outcome_of(rv);
	}
	report_error("'%s' is not an address of a registry", ctl_servers(c));
	report_hint(
		"addresses are unix:PATH, tcp:HOST:PORT, HOST or HOST:PORT, separated by commas");
	return OUT_USAGE;
}

/* Nobody answered in time: whatever the library calls it, for people that is "cannot be
 * reached". */
static int wait_for_member(struct ctl *c, struct svcd_fault *fault)
{
	int rv = svcd_client_wait(c->client, connect_timeout(c));

	*fault = (struct svcd_fault){
		.code = rv == SVCD_ETIMEOUT ? SVCD_EUNREACHABLE : rv};
	if (rv != 0)
		svcd_client_trouble(c->client, fault->text, sizeof(fault->text));
	return fault->code;
}

enum outcome ctl_connect(struct ctl *c)
{
	struct svcd_fault fault;
	enum outcome out = ctl_open(c);

	if (out != OUT_OK || wait_for_member(c, &fault) == 0)
		return out;
	return ctl_fail(c, &fault);
}

/* ---- calls ------------------------------------------------------------- */

static uint64_t now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static void tell_call(const char *method, uint64_t took_us,
	const struct svcd_value *result, const char *error)
{
	double ms = (double)took_us / 1000;

	if (result == NULL)
		fprintf(stderr, "svcctl: %s: %s after %.2f ms\n", method, error, ms);
	else
		fprintf(stderr,
			"svcctl: %s: %.2f ms, revision %llu, from the %s, at most %llu ms old\n",
			method, ms,
			(unsigned long long)svcd_value_uint(
				svcd_value_get(result, "rev"), 0),
			svcd_value_str(svcd_value_get(result, "source"), "registry"),
			(unsigned long long)svcd_value_uint(
				svcd_value_get(result, "age_ms"), 0));
}

int ctl_ask(struct ctl *c, const char *method, const struct svcd_value *params,
	struct svcd_value **result, struct svcd_fault *fault)
{
	struct svcd_value *answer = NULL;
	uint64_t start_us = now_us();
	int rv;

	*fault = (struct svcd_fault){0};
	if (ctl_open(c) != OUT_OK)
		rv = fault->code = CTL_REPORTED;
	else if ((rv = wait_for_member(c, fault)) == 0)
		rv = svcd_call(c->client, method, params, c->timeout_ms, &answer, fault);
	if (c->verbose)
		tell_call(method, now_us() - start_us, answer, svcd_strerror(rv));
	if (rv != 0)
		return rv;
	*result = answer;
	return 0;
}

int ctl_call(struct ctl *c, const char *method, struct svcd_value *params,
	struct svcd_value **result, struct svcd_fault *fault)
{
	int rv = ctl_ask(c, method, params, result, fault);

	svcd_value_free(params);
	return rv;
}

/* ---- failures ---------------------------------------------------------- */

_Static_assert(SVCD_PORT_PEER == 7821 && SVCD_PORT_RPC == 7820, "the hint names them");

/* With TLS the port for members is just silent: its number gives it away. */
static const char *hint_of_unreachable(const char *text)
{
	if (strstr(text, "port for members") != NULL)
		return "--server or SVCD_ADDR names the address for clients";
	if (strstr(text, ":7821: ") != NULL)
		return "7821 is the usual port for members: clients use another one, "
		       "7820 unless svcd was told otherwise";
	return "is svcd running? 'svcd --dev' starts one; --server or SVCD_ADDR names "
	       "others";
}

static enum outcome fail_unreachable(const struct ctl *c, const char *text)
{
	report_error("%s", *text != '\0' ? text : "no registry can be reached");
	if (*text == '\0')
		report_hint("tried %s", ctl_servers(c));
	report_hint("%s", hint_of_unreachable(text));
	return OUT_UNREACHABLE;
}

static const char *hint_of(int error)
{
	switch (error) {
	case SVCD_EDENIED:
		return "--token-file or SVCD_TOKEN_FILE names the file with the token";
	case SVCD_ENOLEADER:
		return "lookups still work; 'svcctl cluster status' says which members are missing";
	case SVCD_EVERSION:
		return "'svcctl version' shows both versions";
	case SVCD_ETIMEOUT:
		return "--timeout allows more time";
	case SVCD_EUNKNOWN:
		return "it may have happened: 'svcctl history' shows it; repeating it is safe";
	default:
		return NULL;
	}
}

enum outcome ctl_fail(const struct ctl *c, const struct svcd_fault *fault)
{
	const char *hint = hint_of(fault->code);

	if (fault->code == CTL_REPORTED)
		return OUT_USAGE;
	if (outcome_of(fault->code) == OUT_UNREACHABLE)
		return fail_unreachable(c, fault->text);
	report_error(
		"%s", *fault->text != '\0' ? fault->text : svcd_strerror(fault->code));
	if (hint != NULL)
		report_hint("%s", hint);
	return outcome_of(fault->code);
}

/* ---- parameters -------------------------------------------------------- */

static void check_set(int rv)
{
	if (rv != 0)
		mem_check(NULL);
}

struct svcd_value *params_new(const struct ctl *c)
{
	struct svcd_value *params = mem_check(svcd_value_new_map());

	params_text(params, "ns", c->ns);
	return params;
}

void params_text(struct svcd_value *params, const char *key, const char *text)
{
	if (text != NULL)
		check_set(svcd_value_set_str(params, key, text));
}

void params_number(struct svcd_value *params, const char *key, uint64_t number)
{
	check_set(svcd_value_set_uint(params, key, number));
}

void params_truth(struct svcd_value *params, const char *key, bool truth)
{
	check_set(svcd_value_set_bool(params, key, truth));
}

void params_child(struct svcd_value *params, const char *key, struct svcd_value *child)
{
	check_set(svcd_value_set(params, key, child));
}
