/*
 * version - which vmtool this is. version.c's text comes from the build (-DVMTOOL_VERSION).
 */
#ifndef BASE_VERSION_H
#define BASE_VERSION_H

extern const char vmtool_version[];

#endif
