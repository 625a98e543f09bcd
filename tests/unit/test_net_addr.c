/* net/addr.h: addresses as text. */
#include <netinet/in.h>
#include <string.h>
#include <sys/un.h>

#include "net/addr.h"
#include "unit.h"

#define P40 "0123456789012345678901234567890123456789"
#define P107 P40 P40 "012345678901234567890123456"

static const struct {
	const char *text;
	uint16_t default_port;
	int family;
	const char *canonical;
} good[] = {
	{"tcp:127.0.0.1:7820", 0, AF_INET, "tcp:127.0.0.1:7820"},
	{"tcp:127.0.0.1", 7820, AF_INET, "tcp:127.0.0.1:7820"},
	{"tcp:127.0.0.1", 0, AF_INET, "tcp:127.0.0.1:0"},
	{"tcp:127.0.0.1:0", 7820, AF_INET, "tcp:127.0.0.1:0"},
	{"tcp:localhost:1", 0, AF_INET, "tcp:127.0.0.1:1"},
	{"tcp:*:65535", 0, AF_INET6, "tcp:*:65535"},
	{"tcp:*", 80, AF_INET6, "tcp:*:80"},
	{"tcp:[::1]:7820", 0, AF_INET6, "tcp:[::1]:7820"},
	{"tcp:[2001:DB8:0::1]", 9, AF_INET6, "tcp:[2001:db8::1]:9"},
	{"tcp:[0:0:0:0:0:0:0:0]:5", 0, AF_INET6, "tcp:[::]:5"},
	{"unix:/run/svcd/svcd.sock", 7820, AF_UNIX, "unix:/run/svcd/svcd.sock"},
	{"unix:a:b", 0, AF_UNIX, "unix:a:b"},
	{"unix:" P107, 0, AF_UNIX, "unix:" P107},
};

START_TEST(an_address_has_one_canonical_text)
{
	struct err e = {0};
	struct net_addr a;

	ck_assert_msg(net_addr_parse(good[_i].text, good[_i].default_port, &a, &e) == 0,
		"%s", e.text);
	ck_assert_str_eq(a.text, good[_i].canonical);
	ck_assert_int_eq(net_addr_family(&a), good[_i].family);
}
END_TEST

START_TEST(the_canonical_text_means_the_same_address)
{
	struct net_addr a;
	struct net_addr again;

	ck_assert_int_eq(
		net_addr_parse(good[_i].text, good[_i].default_port, &a, NULL), 0);
	ck_assert_int_eq(net_addr_parse(a.text, 4711, &again, NULL), 0);
	ck_assert_mem_eq(&a, &again, sizeof(a));
}
END_TEST

static const struct {
	const char *text;
	int code;
	const char *why;
} bad[] = {
	{"", SVCD_EINVAL, "address \"\" does not begin with \"tcp:\" or \"unix:\""},
	{"127.0.0.1:80", SVCD_EINVAL,
		"address \"127.0.0.1:80\" does not begin with \"tcp:\" or \"unix:\""},
	{"udp:1.2.3.4:1", SVCD_EINVAL,
		"address \"udp:1.2.3.4:1\" does not begin with \"tcp:\" or \"unix:\""},
	{"tcp:127.0.0.1:70000", SVCD_ERANGE, "port 70000 is not within 0..65535"},
	{"tcp:127.0.0.1:99999999999999999999999", SVCD_ERANGE,
		"port 99999999999999999999999 is not within 0..65535"},
	{"tcp:127.0.0.1:", SVCD_EINVAL, "port \"\" is not a number"},
	{"tcp:127.0.0.1:http", SVCD_EINVAL, "port \"http\" is not a number"},
	{"tcp:127.0.0.1:-1", SVCD_EINVAL, "port \"-1\" is not a number"},
	{"tcp:127.0.0.1: 80", SVCD_EINVAL, "port \" 80\" is not a number"},
	{"tcp:", SVCD_EINVAL, "there is no host in \"tcp:\""},
	{"tcp::80", SVCD_EINVAL, "there is no host in \"tcp::80\""},
	{"tcp:[]:80", SVCD_EINVAL, "there is no host in \"tcp:[]:80\""},
	{"tcp:example.org:80", SVCD_EINVAL,
		"host \"example.org\" is not a numeric address, \"localhost\" or \"*\""},
	{"tcp:127.1:80", SVCD_EINVAL,
		"host \"127.1\" is not a numeric address, \"localhost\" or \"*\""},
	{"tcp:::1:80", SVCD_EINVAL, "IPv6 address \"::1:80\" must be within [ ]"},
	{"tcp:[::1", SVCD_EINVAL, "\"[::1\" has no closing ]"},
	{"tcp:[::1]80", SVCD_EINVAL, "\"80\" is not :PORT"},
	{"tcp:[::g]:80", SVCD_EINVAL, "host \"::g\" is not a numeric IPv6 address"},
	{"tcp:[1.2.3.4]:80", SVCD_EINVAL,
		"host \"1.2.3.4\" is not a numeric IPv6 address"},
	{"tcp:" P40 P40 ":80", SVCD_EINVAL,
		"host is 80 bytes, no numeric address is that long"},
	{"unix:", SVCD_EINVAL, "unix socket path is empty"},
	{"unix:" P107 "8", SVCD_ERANGE, "unix socket path is 108 bytes, at most 107"},
	{"unix:" P40 P40 P40 "0123456789", SVCD_ERANGE,
		"unix socket path is 130 bytes, at most 107"},
};

START_TEST(a_wrong_address_is_told_why)
{
	struct err e = {0};
	struct net_addr a;

	memset(&a, 'x', sizeof(a));
	ck_assert_int_eq(net_addr_parse(bad[_i].text, 7820, &a, &e), bad[_i].code);
	ck_assert_str_eq(e.text, bad[_i].why);
	ck_assert_int_eq(e.code, bad[_i].code);
	ck_assert_int_eq(a.text[0], 'x');
	ck_assert_int_eq(net_addr_parse(bad[_i].text, 7820, &a, NULL), bad[_i].code);
}
END_TEST

START_TEST(ipv4_within_ipv6_is_written_as_ipv4)
{
	struct sockaddr_in6 sin6 = {.sin6_family = AF_INET6, .sin6_port = htons(4711)};
	struct net_addr a;

	memcpy(&sin6.sin6_addr, "\0\0\0\0\0\0\0\0\0\0\xff\xff\x0a\x01\x02\x03", 16);
	net_addr_from_sockaddr((struct sockaddr *)&sin6, sizeof(sin6), &a);
	ck_assert_str_eq(a.text, "tcp:10.1.2.3:4711");
	ck_assert_int_eq(net_addr_family(&a), AF_INET);
}
END_TEST

START_TEST(a_unix_path_without_nul_is_read_to_its_end)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	struct net_addr a;

	memset(sun.sun_path, 'p', sizeof(sun.sun_path));
	net_addr_from_sockaddr((struct sockaddr *)&sun, sizeof(sun), &a);
	ck_assert_uint_eq(strlen(a.text), strlen("unix:") + 107);
	net_addr_from_sockaddr((struct sockaddr *)&sun, sizeof(sa_family_t), &a);
	ck_assert_str_eq(a.text, "unix:");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("net_addr");
	TCase *tc = unit_case(s, "addr");

	tcase_add_loop_test(tc, an_address_has_one_canonical_text, 0, LENGTH(good));
	tcase_add_loop_test(
		tc, the_canonical_text_means_the_same_address, 0, LENGTH(good));
	tcase_add_loop_test(tc, a_wrong_address_is_told_why, 0, LENGTH(bad));
	tcase_add_test(tc, ipv4_within_ipv6_is_written_as_ipv4);
	tcase_add_test(tc, a_unix_path_without_nul_is_read_to_its_end);
	return unit_run(s);
}
