/*
 * version - which vmtool this is.
 */
#include "base/version.h"

const char vmtool_version[] = VMTOOL_VERSION;
