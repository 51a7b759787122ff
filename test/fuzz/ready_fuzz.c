/* What a guest says of itself, before anybody has a reason to believe it. */
#include <stdlib.h>
#include <string.h>

#include "proto/ready.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct beacon_hello hello;
	struct beacon_stage stage;

	if (beacon_hello_decode(&hello, data, size) == 0 && strlen(hello.boot) != BOOT_ID_LEN)
		abort();
	if (beacon_stage_decode(&stage, data, size) == 0 &&
	    (strlen(stage.name) >= STAGE_NAME_MAX || !stage_state_name(stage.state)))
		abort();
	return 0;
}
