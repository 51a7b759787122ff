/*
 * words - a value of several words, as fstab(5) has them.
 */
#include "host/words.h"

#include <string.h>

/* Octal, which is how a blank gets into a word. */
static void unescape(char *s)
{
	char *to = s;

	while (*s) {
		if (s[0] == '\\' && strspn(s + 1, "01234567") >= 3 && s[1] <= '3') {
			*to++ = (char)((s[1] - '0') << 6 | (s[2] - '0') << 3 | (s[3] - '0'));
			s += 4;
		} else {
			*to++ = *s++;
		}
	}
	*to = '\0';
}

int words_split(char *text, const char **words, int max)
{
	int n = 0;

	for (text += strspn(text, " \t"); *text; text += strspn(text, " \t")) {
		size_t len = strcspn(text, " \t");
		int more = text[len] != '\0';

		if (n == max)
			return -1;
		words[n++] = text;
		text[len] = '\0';
		unescape(text);
		text += len + (size_t)more;
	}
	return n;
}
