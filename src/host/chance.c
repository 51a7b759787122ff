/*
 * chance - names nobody thought of: a boot id, a VM's name.
 */
#include "host/chance.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/random.h>

#include "base/util.h"

static int random_bytes(void *out, size_t len, struct err *e)
{
	/* Up to 256 bytes, getrandom(2) is never short. */
	return getrandom(out, len, 0) < 0 ? err_sys(e, "get random bytes") : 0;
}

int chance_boot_id(char out[BOOT_ID_LEN + 1], struct err *e)
{
	uint8_t b[16];
	int rc = random_bytes(b, sizeof(b), e);

	if (rc < 0)
		return rc;
	b[6] = (b[6] & 0x0f) | 0x40;
	b[8] = (b[8] & 0x3f) | 0x80;
	snprintf(out, BOOT_ID_LEN + 1,
		 "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0], b[1],
		 b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14],
		 b[15]);
	return 0;
}

int chance_name(char out[VM_NAME_ROOM], struct err *e)
{
	static const char *const how[] = {
		"amber", "brave", "calm",  "clever", "crisp", "eager", "fair",	"gentle",
		"glad",	 "green", "happy", "keen",   "light", "lucky", "merry", "mild",
		"neat",	 "noble", "plain", "proud",  "quick", "quiet", "rapid", "red",
		"round", "sharp", "shy",   "silver", "swift", "tidy",  "warm",	"wise",
	};
	static const char *const who[] = {
		"badger", "beaver", "bison", "crane", "crow",  "deer", "dove",	"eagle",
		"falcon", "finch",  "fox",   "gecko", "goose", "hare", "heron", "ibex",
		"jay",	  "lark",   "lynx",  "mole",  "moose", "newt", "otter", "owl",
		"panda",  "raven",  "robin", "seal",  "stork", "swan", "tern",	"wren",
	};
	uint8_t r[2];
	int rc = random_bytes(r, sizeof(r), e);

	if (rc == 0)
		snprintf(out, VM_NAME_ROOM, "%s-%s", how[r[0] % COUNT(how)],
			 who[r[1] % COUNT(who)]);
	return rc;
}
