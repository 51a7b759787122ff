/*
 * signals - what people call a signal. The guest's numbers are those of Linux, as ours.
 */
#include "host/signals.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/parse.h"
#include "base/util.h"

static const struct {
	const char *name;
	uint32_t number;
} table[] = {
	{ "HUP", SIGHUP },   { "INT", SIGINT },	      { "QUIT", SIGQUIT }, { "ILL", SIGILL },
	{ "TRAP", SIGTRAP }, { "ABRT", SIGABRT },     { "BUS", SIGBUS },   { "FPE", SIGFPE },
	{ "KILL", SIGKILL }, { "USR1", SIGUSR1 },     { "SEGV", SIGSEGV }, { "USR2", SIGUSR2 },
	{ "PIPE", SIGPIPE }, { "ALRM", SIGALRM },     { "TERM", SIGTERM }, { "STKFLT", SIGSTKFLT },
	{ "CHLD", SIGCHLD }, { "CONT", SIGCONT },     { "STOP", SIGSTOP }, { "TSTP", SIGTSTP },
	{ "TTIN", SIGTTIN }, { "TTOU", SIGTTOU },     { "URG", SIGURG },   { "XCPU", SIGXCPU },
	{ "XFSZ", SIGXFSZ }, { "VTALRM", SIGVTALRM }, { "PROF", SIGPROF }, { "WINCH", SIGWINCH },
	{ "IO", SIGIO },     { "PWR", SIGPWR },	      { "SYS", SIGSYS },
};

int signals_parse(uint32_t *out, const char *what, const char *text, struct err *e)
{
	const char *name = strncasecmp(text, "SIG", 3) ? text : text + 3;
	uint64_t number;

	if (parse_u64(&number, text) == 0 && number >= 1 && number <= SIGNALS_MAX) {
		*out = (uint32_t)number;
		return 0;
	}
	for (size_t i = 0; i < COUNT(table); i++) {
		if (strcasecmp(name, table[i].name) != 0)
			continue;
		*out = table[i].number;
		return 0;
	}
	return err_usage(
		e,
		"%s: '%s' is neither a signal's name, as TERM or SIGTERM, nor a number from "
		"1 to %d\n  try: vmtool kill --list",
		what, text, SIGNALS_MAX);
}

const char *signals_name(uint32_t number)
{
	for (size_t i = 0; i < COUNT(table); i++)
		if (table[i].number == number)
			return table[i].name;
	return NULL;
}

void signals_print(void)
{
	for (size_t i = 0; i < COUNT(table); i++)
		printf("%2u %s\n", (unsigned)table[i].number, table[i].name);
}
