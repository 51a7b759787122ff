/* A console: whatever stands in it, what is kept of it is one clean line of a known symptom. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "host/diagnosis.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct diagnosis d, back;
	struct patient p;
	json_t *j;

	if (size == 0)
		return 0;
	p = (struct patient){ data[0] & 1, data[0] >> 1 & 1, data[0] >> 2 & 1 };
	diagnose(&d, &p, (const char *)data + 1, size - 1);
	if (d.id[0] && !symptom_find(d.id))
		abort();
	for (const char *c = d.line; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			abort();
	j = diagnosis_json(&d); /* fails on what is not UTF-8 */
	diagnosis_take(&back, j);
	if (!j || strcmp(back.id, d.id) || strcmp(back.line, d.line))
		abort();
	json_decref(j);
	return 0;
}
