/*
 * A checkpoint of any bytes: inspected shallow and deep, and restored. What is damaged is
 * refused before LMDB, which trusts its file, sees it.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz.h"
#include "base/log.h"
#include "store/store.h"

#define PAGE 4096
#define LABEL_BYTES 80 /* before its own hash */

/* With a last byte that is odd the description's hash is made right, so that the fields
 * behind it count. */
static void write_file(int fd, const uint8_t *data, size_t size)
{
	REQUIRE(ftruncate(fd, 0) == 0 && lseek(fd, 0, SEEK_SET) == 0);
	REQUIRE(write(fd, data, size) == (ssize_t)size);
	if (size >= 2 * PAGE && size % PAGE == 0 && data[size - 1] % 2 != 0) {
		uint64_t hash = bytes_hash(bytes_of(data + size - PAGE, LABEL_BYTES));

		REQUIRE(pwrite(fd, &hash, sizeof(hash),
				(off_t)(size - PAGE + LABEL_BYTES)) == sizeof(hash));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int fd = -1;
	static char path[64], state[] = "/tmp/svcd-fuzz-XXXXXX";
	struct checkpoint_info info;
	struct err e;

	if (fd < 0) {
		fd = memfd_create("checkpoint", 0);
		REQUIRE(fd >= 0 && mkdtemp(state) != NULL);
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	}
	write_file(fd, data, size);
	store_checkpoint_inspect(path, false, &info, &e);
	if (store_checkpoint_inspect(path, true, &info, &e) == 0)
		REQUIRE(store_restore(state, path, &e) == 0);
	else
		REQUIRE(store_restore(state, path, &e) != 0 || e.code != SVCD_ECORRUPT);
	store_remove(state);
	return 0;
}
