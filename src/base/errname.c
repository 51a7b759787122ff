/*
 * errname - an errno by its name, as scripts look for it: "ENOENT".
 */
#include "base/errname.h"

#include <errno.h>

#include "base/util.h"

#define E(name) [name] = #name

/* What a file system may say, a remote one included. */
static const char *const names[] = {
	E(EPERM),	 E(ENOENT),	 E(ESRCH),	  E(EINTR),	 E(EIO),
	E(ENXIO),	 E(E2BIG),	 E(EBADF),	  E(ECHILD),	 E(EAGAIN),
	E(ENOMEM),	 E(EACCES),	 E(EFAULT),	  E(ENOTBLK),	 E(EBUSY),
	E(EEXIST),	 E(EXDEV),	 E(ENODEV),	  E(ENOTDIR),	 E(EISDIR),
	E(EINVAL),	 E(ENFILE),	 E(EMFILE),	  E(ENOTTY),	 E(ETXTBSY),
	E(EFBIG),	 E(ENOSPC),	 E(ESPIPE),	  E(EROFS),	 E(EMLINK),
	E(EPIPE),	 E(EDOM),	 E(ERANGE),	  E(EDEADLK),	 E(ENAMETOOLONG),
	E(ENOLCK),	 E(ENOSYS),	 E(ENOTEMPTY),	  E(ELOOP),	 E(ENODATA),
	E(ETIME),	 E(EPROTO),	 E(EOVERFLOW),	  E(EUSERS),	 E(EOPNOTSUPP),
	E(ENOBUFS),	 E(ETIMEDOUT),	 E(ECONNREFUSED), E(ECONNRESET), E(EHOSTDOWN),
	E(EHOSTUNREACH), E(ENOTCONN),	 E(ESTALE),	  E(EUCLEAN),	 E(EREMOTEIO),
	E(EDQUOT),	 E(ENOMEDIUM),	 E(EMEDIUMTYPE),  E(ECANCELED),	 E(ENOKEY),
	E(EKEYEXPIRED),	 E(EKEYREVOKED), E(EKEYREJECTED),
};

const char *errname(unsigned n)
{
	return n < COUNT(names) ? names[n] : (const char *)0;
}
