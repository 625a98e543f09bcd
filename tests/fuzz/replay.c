/*
 * main() of a fuzz target without libFuzzer: runs the target once on every file of the
 * folders given, by default of tests/fuzz/corpus/NAME where NAME is the program's own, so
 * that what was once found is looked at in every test run.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define PATH_BYTES 4096

/* The whole file, in a block that ends where the file does. NULL: cannot be read. The
 * caller frees. */
static uint8_t *read_file(const char *path, size_t *size)
{
	FILE *f = fopen(path, "rb");
	uint8_t *data = NULL;
	long end;

	if (f == NULL)
		return NULL;
	fseek(f, 0, SEEK_END);
	end = ftell(f);
	rewind(f);
	if (end >= 0)
		data = malloc((size_t)end);
	if (data != NULL && fread(data, 1, (size_t)end, f) != (size_t)end) {
		free(data);
		data = NULL;
	}
	fclose(f);
	*size = (size_t)end;
	return data;
}

static int replay_file(const char *path)
{
	size_t size = 0;
	uint8_t *data = read_file(path, &size);

	if (data == NULL) {
		perror(path);
		return -1;
	}
	fprintf(stderr, "%s\n", path); /* the last line names what crashed */
	LLVMFuzzerTestOneInput(data, size);
	free(data);
	return 0;
}

/* How many files there were, or -1. */
static int replay_folder(const char *folder)
{
	struct dirent **entries;
	int n = scandir(folder, &entries, NULL, alphasort);
	int files = 0;

	if (n < 0) {
		perror(folder);
		return -1;
	}
	for (int i = 0; i < n; i++) {
		char path[PATH_BYTES];

		snprintf(path, sizeof(path), "%s/%s", folder, entries[i]->d_name);
		if (entries[i]->d_name[0] != '.' && files >= 0)
			files = replay_file(path) == 0 ? files + 1 : -1;
		free(entries[i]);
	}
	free(entries);
	return files;
}

static int replay_own_corpus(const char *program)
{
	const char *top = getenv("top_srcdir");
	const char *slash = strrchr(program, '/');
	char folder[PATH_BYTES];

	snprintf(folder, sizeof(folder), "%s/tests/fuzz/corpus/%s",
		top == NULL ? "." : top, slash == NULL ? program : slash + 1);
	return replay_folder(folder);
}

int main(int argc, char **argv)
{
	int files = argc == 1 ? replay_own_corpus(argv[0]) : 0;

	for (int i = 1; i < argc && files >= 0; i++) {
		int more = replay_folder(argv[i]);

		files = more < 0 ? -1 : files + more;
	}
	if (files == 0)
		fprintf(stderr, "no files to replay\n");
	return files > 0 ? 0 : 1;
}
