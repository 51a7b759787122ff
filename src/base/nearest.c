/*
 * nearest - the word somebody probably meant, by edit distance.
 */
#include "base/nearest.h"

#include <string.h>

#include "base/util.h"

enum { WORD_MAX = 32 }; /* nobody meant a longer one */

/* Insertions, deletions, replacements and swaps of neighbours that lead from a to b (Damerau's
 * distance in its restricted form), by three rows of the usual matrix. */
static unsigned distance(const char *a, size_t na, const char *b, size_t nb)
{
	unsigned row[3][WORD_MAX + 1];
	unsigned *before = row[0], *above = row[1], *here = row[2];

	for (size_t j = 0; j <= nb; j++)
		above[j] = (unsigned)j;
	for (size_t i = 1; i <= na; i++) {
		unsigned *oldest = before;

		here[0] = (unsigned)i;
		for (size_t j = 1; j <= nb; j++) {
			here[j] = MIN(above[j], here[j - 1]) + 1;
			here[j] = MIN(here[j], above[j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				here[j] = MIN(here[j], before[j - 2] + 1);
		}
		before = above;
		above = here;
		here = oldest;
	}
	return above[nb];
}

/* Half of a short word may be wrong before it is another, two letters of a longer one. */
static unsigned tolerance(size_t len)
{
	return len < 3 ? 1 : 2;
}

void nearest_try(struct nearest *n, const char *word)
{
	size_t have = strlen(n->meant), want = strlen(word);
	unsigned d;

	if (have > WORD_MAX || want > WORD_MAX)
		return;
	d = distance(n->meant, have, word, want);
	if (d > tolerance(have) || d >= want || (n->best && d >= n->distance))
		return;
	n->best = word;
	n->distance = d;
}
