/* Did you mean: edit distance (Damerau-Levenshtein, optimal string alignment). */
#include "base/text.h"

#include <string.h>

#define WORD_MAX 64 /* longer words get no suggestion: bounds stack and time */

static size_t min2(size_t a, size_t b)
{
	return a < b ? a : b;
}

/*
 * One row of the table: row[j] is the distance of the first i + 1 characters of a to the
 * first j of b; up1 and up2 are the rows before.
 */
static void fill_row(size_t *row, const size_t *up1, const size_t *up2, const char *a,
	size_t i, const char *b, size_t b_len)
{
	row[0] = i + 1;
	for (size_t j = 0; j < b_len; j++) {
		size_t best = min2(row[j], up1[j + 1]) + 1;

		best = min2(best, up1[j] + (a[i] != b[j]));
		if (i > 0 && j > 0 && a[i] == b[j - 1] && a[i - 1] == b[j])
			best = min2(best, up2[j - 1] + 1);
		row[j + 1] = best;
	}
}

static size_t distance(const char *a, size_t a_len, const char *b, size_t b_len)
{
	size_t rows[3][WORD_MAX + 1];

	for (size_t j = 0; j <= b_len; j++)
		rows[0][j] = j;
	for (size_t i = 0; i < a_len; i++)
		fill_row(rows[(i + 1) % 3], rows[i % 3], rows[(i + 2) % 3], a, i, b,
			b_len);
	return rows[a_len % 3][b_len];
}

const char *text_did_you_mean(const char *word, const char *const *candidates)
{
	size_t word_len = strlen(word);
	size_t best_distance = SIZE_MAX;
	const char *best = NULL;

	if (word_len > WORD_MAX)
		return NULL;
	for (; *candidates != NULL; candidates++) {
		size_t len = strlen(*candidates);
		size_t d = len > WORD_MAX ? SIZE_MAX
					  : distance(word, word_len, *candidates, len);

		if (d >= best_distance || d > len / 3 + 1)
			continue;
		best_distance = d;
		best = *candidates;
	}
	return best;
}
