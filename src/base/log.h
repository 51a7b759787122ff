/*
 * log - a sentence and then facts, one line each: "exec: command ended status=1 ms=340".
 *
 * Each line starts with the milliseconds since log_open and the role ("agent",
 * "vmm", "init"), so that the logs of one boot can be read side by side. The
 * sink and the level are the only globals in the program that change.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

enum log_level {
	LOG_ERROR, /* someone must act */
	LOG_WARN,  /* we coped */
	LOG_INFO,  /* a VM's life, a few lines per boot */
	LOG_DEBUG,
};

/* fd is borrowed for good (2, or a log file); role must be a literal. The environment's
 * VMTOOL_LOG (error, warn, info, debug) sets the level, else `level`. */
void log_open(int fd, const char *role, enum log_level level);

void log_at(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#define log_error(...) log_at(LOG_ERROR, __VA_ARGS__)
#define log_warn(...)  log_at(LOG_WARN, __VA_ARGS__)
#define log_info(...)  log_at(LOG_INFO, __VA_ARGS__)
#define log_debug(...) log_at(LOG_DEBUG, __VA_ARGS__)

#endif
