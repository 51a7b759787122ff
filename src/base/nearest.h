/*
 * nearest - the word somebody probably meant, by edit distance.
 *
 *	struct nearest n = NEAREST("memry");
 *	for each word there is: nearest_try(&n, word);
 *	n.best is "memory", or NULL when nothing is near enough to be worth saying
 */
#ifndef BASE_NEAREST_H
#define BASE_NEAREST_H

struct nearest {
	const char *meant;
	const char *best; /* borrowed from whoever tried it; NULL: none is near */
	unsigned distance;
};

#define NEAREST(word) ((struct nearest){ .meant = (word) })

/* Of two equally near words the first tried stays. */
void nearest_try(struct nearest *n, const char *word);

#endif
