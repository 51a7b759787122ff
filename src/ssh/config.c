/*
 * config - what OpenSSH's client is told, as lines of ssh_config(5), and a command's words as its
 * server's shell reads them.
 */
#include "ssh/config.h"

#include <errno.h>
#include <string.h>

static int put_path(char *out, size_t cap, const char *path, char quote, const char *bad,
		    struct err *e)
{
	size_t used = 0;

	out[used++] = quote;
	for (const char *at = path; *at && used + 4 < cap; at++) {
		if ((unsigned char)*at < 0x20 || *at == 0x7f || strchr(bad, *at))
			return err_set(e, -EINVAL,
				       "%.100s: a path that ssh is told may have no quotes, "
				       "backslashes or control bytes%s",
				       path, strchr(bad, '$') ? ", and no $" : "");
		if (*at == '%')
			out[used++] = '%';
		out[used++] = *at;
	}
	out[used++] = quote;
	out[used] = '\0';
	return used + 4 < cap ? 0 : err_set(e, -ENAMETOOLONG, "%.100s...: too long a path", path);
}

int sshconfig_path(char *out, size_t cap, const char *path, struct err *e)
{
	return put_path(out, cap, path, '\'', "'\"\\", e);
}

/* Double quotes are all that OpenSSH before 8.7 knows. */
int sshconfig_file(char *out, size_t cap, const char *path, struct err *e)
{
	return put_path(out, cap, path, '"', "'\"\\$", e);
}

int sshconfig_word(const char *what, const char *word, struct err *e)
{
	if (*word == '\0' || *word == '-')
		return err_usage(e, "%s: '%s': a word that begins with no -", what, word);
	for (const char *at = word; *at; at++)
		if (*at <= ' ' || *at == 0x7f || strchr("'\"\\%$`#", *at))
			return err_usage(e, "%s: no blanks, quotes, $, %%, # or control bytes",
					 what);
	return 0;
}

static int is_safe(const char *word)
{
	static const char safe[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				   "0123456789_-+./,:@%^";

	return *word != '\0' && strspn(word, safe) == strlen(word);
}

static void put_word(FILE *out, const char *word)
{
	if (is_safe(word)) {
		fputs(word, out);
		return;
	}
	putc('\'', out);
	for (; *word; word++) {
		if (*word == '\'')
			fputs("'\\''", out);
		else
			putc(*word, out);
	}
	putc('\'', out);
}

void sshconfig_command(FILE *out, char *const *argv)
{
	for (size_t i = 0; argv[i]; i++) {
		if (i > 0)
			putc(' ', out);
		put_word(out, argv[i]);
	}
}
