/* Did you mean: edit distance with swapped neighbours (optimal string alignment). */
#include "svcctl/text.h"

#include <string.h>

#define WORD_MAX 128 /* longer words get no suggestion: bounds stack and time */

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* row[j]: distance of the first i characters of a to the first j of b; up and up2 are the
 * rows before. */
static void fill_row(size_t *row, const size_t *up, const size_t *up2, const char *a,
	size_t i, const char *b)
{
	row[0] = i;
	for (size_t j = 1; b[j - 1] != '\0'; j++) {
		row[j] = least(
			least(row[j - 1], up[j]) + 1, up[j - 1] + (a[i - 1] != b[j - 1]));
		if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
			row[j] = least(row[j], up2[j - 2] + 1);
	}
}

static size_t distance(const char *a, const char *b)
{
	size_t rows[3][WORD_MAX + 1];
	size_t a_len = strlen(a), b_len = strlen(b);

	if (a_len > WORD_MAX || b_len > WORD_MAX)
		return SIZE_MAX;
	for (size_t j = 0; j <= b_len; j++)
		rows[0][j] = j;
	for (size_t i = 1; i <= a_len; i++)
		fill_row(rows[i % 3], rows[(i - 1) % 3], rows[(i + 1) % 3], a, i, b);
	return rows[a_len % 3][b_len];
}

const char *text_suggest(const char *word, const char *const *candidates)
{
	size_t best_distance = strlen(word) / 3 + 2;
	const char *best = NULL;

	for (; *candidates != NULL; candidates++) {
		size_t d = distance(word, *candidates);

		/* A word of two letters is not meant by another one that shares none of
		 * them. */
		if (d >= best_distance || d >= strlen(*candidates))
			continue;
		best_distance = d;
		best = *candidates;
	}
	return best;
}
