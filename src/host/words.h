/*
 * words - a value of several words, as fstab(5) has them: blanks between, \040 for a blank in one.
 */
#ifndef HOST_WORDS_H
#define HOST_WORDS_H

/* Cuts the text, which the words then are; their number, or -1 when they are more than max. */
int words_split(char *text, const char **words, int max);

#endif
