/* tests/vectors/: conversations byte by byte, with a server alone. See the README there.
 */
#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include "../unit/unit.h"
#include "rpc_fixture.h"
#include "vectors.h"

static struct fixture f;
static struct vectors x;

static void setup(void)
{
	fixture_init(&f);
	f.options.backup_dir = f.data_dir;
	fixture_start(&f);
	vectors_init(&x, rpc_dial(&f.unix_addr), false);
}

static void teardown(void)
{
	rpc_close(x.conn);
	vectors_fini(&x);
	fixture_stop(&f);
}

static const char *const files[] = {"hello.txt", "lookup.txt", "write.txt", "lease.txt",
	"watch.txt", "malformed.txt", "backup.txt",
	/* test_rpc_vectors_cluster */
	"members.txt", "follower.txt", "unfit.txt"};
#define ALONE 7

START_TEST(the_bytes_are_as_written_down)
{
	vectors_run(&x, files[_i]);
}
END_TEST

START_TEST(all_files_are_read)
{
	DIR *d = opendir(x.folder);
	struct dirent *e;

	ck_assert_ptr_nonnull(d);
	while ((e = readdir(d)) != NULL) {
		size_t i = 0;

		while (i < LENGTH(files) && strcmp(files[i], e->d_name) != 0)
			i++;
		ck_assert_msg(i < LENGTH(files) || strstr(e->d_name, ".txt") == NULL,
			"%s", e->d_name);
	}
	closedir(d);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("rpc_vectors");
	TCase *tc = unit_case(s, "vectors");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, the_bytes_are_as_written_down, 0, ALONE);
	tcase_add_test(tc, all_files_are_read);
	return unit_run(s);
}
