/*
 * sink - where the steps of a tree go.
 */
#include "tree/sink.h"

#include <errno.h>

int sink_is_in_order(const struct copy_msg *m, int is_in_file)
{
	int is_of_file = m->type == FRAME_COPY_DATA || m->type == FRAME_COPY_HOLE ||
			 m->type == FRAME_COPY_EOF;

	return m->type >= FRAME_COPY_ROOT && m->type <= FRAME_COPY_EOF &&
	       is_of_file == !!is_in_file;
}

int sink_out_of_order(struct err *e)
{
	return err_set(e, -EPROTO, "the steps of the tree are out of order");
}
