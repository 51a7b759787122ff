/* What is said on the agent's port: the first byte picks the message. */
#include <stdlib.h>
#include <string.h>

#include "proto/agent.h"
#include "proto/ready.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What was accepted is encoded to the same bytes. */
static void same(long len, const uint8_t *mem, const uint8_t *data, size_t size)
{
	if (len < 0 || (size_t)len != size || memcmp(mem, data, size) != 0)
		abort();
}

static uint8_t mem[64 + PORTS_BYTES_MAX];

static void info(const uint8_t *data, size_t size)
{
	struct agent_info i;

	if (size <= sizeof(mem) && agent_info_decode(&i, data, size) == 0)
		same(agent_info_encode(&i, mem, sizeof(mem)), mem, data, size);
}

static void ports(const uint8_t *data, size_t size)
{
	static struct agent_ports p;

	if (agent_ports_decode(&p, data, size) == 0)
		same(agent_ports_encode(&p, mem, sizeof(mem)), mem, data, size);
}

/* A change to what nobody has seen is refused, or leaves a list that can be told. */
static void change(const uint8_t *data, size_t size)
{
	static struct agent_ports_change c;
	static struct agent_ports p;

	if (agent_ports_change_decode(&c, data, size) < 0)
		return;
	same(agent_ports_change_encode(&c, mem, sizeof(mem)), mem, data, size);
	p.epoch = c.epoch - 1;
	p.count = 0;
	if (agent_ports_apply(&p, &c) == 0 && p.count != c.nadded)
		abort();
}

static void clocks(const uint8_t *data, size_t size)
{
	struct clock_sample s;
	struct clock_done d;
	struct clock_set set;

	if (clock_sample_decode(&s, data, size) == 0)
		clock_sample_encode(&s, mem), same(CLOCK_SAMPLE_BYTES, mem, data, size);
	if (clock_set_decode(&set, data, size) == 0)
		clock_set_encode(&set, mem), same(CLOCK_SET_BYTES, mem, data, size);
	if (clock_done_decode(&d, data, size) == 0)
		clock_done_encode(&d, mem), same(CLOCK_DONE_BYTES, mem, data, size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const messages[])(const uint8_t *data, size_t size) = { info, ports, change,
									      clocks };

	if (size > 0)
		messages[data[0] % 4](data + 1, size - 1);
	return 0;
}
