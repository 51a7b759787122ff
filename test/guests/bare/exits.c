/*
 * exits - what leaves the guest comes back whole: ports, strings, device memory of every size.
 */
#include "bare.h"

enum { NOBODY = 0x1234, SCRATCH = PORT_COM1 + 7 };
#define NOBODYS_MEMORY 0xc8000000ull /* in the hole */

/* The scratch register, `count` times with one instruction. */
static void in_string(uint16_t port, void *to, uint64_t count)
{
	__asm__ volatile("cld; rep insb" : "+D"(to), "+c"(count) : "d"(port) : "memory");
}

static void ports_without_a_device(void)
{
	uint32_t words[8];
	uint64_t count = 8;
	void *to = words;
	int ones = 1;

	check(in8(NOBODY) == 0xff, "a port of nobody's reads a byte of ones");
	check(in16(NOBODY) == 0xffff, "and a word of them");
	check(in32(NOBODY) == 0xffffffff, "and four bytes");
	out8(NOBODY, 1);
	out16(NOBODY, 1);
	out32(NOBODY, 1);
	memset(words, 0, sizeof(words));
	__asm__ volatile("cld; rep insl"
			 : "+D"(to), "+c"(count)
			 : "d"((uint16_t)NOBODY)
			 : "memory");
	for (unsigned i = 0; i < 8; i++)
		ones &= words[i] == 0xffffffff;
	check(ones && count == 0, "a string of them is read whole");
	check(in16(PORT_COM1 + 7) == 0xffff, "an access across a device's end reaches nobody");
}

static void strings(void)
{
	static const char text[] = "ok - a string goes out whole and in order\n";
	const char *from = text;
	uint64_t count = sizeof(text) - 1;
	uint8_t bytes[200];
	int same = 1;

	__asm__ volatile("cld; rep outsb"
			 : "+S"(from), "+c"(count)
			 : "d"((uint16_t)PORT_COM1)
			 : "memory");
	check(count == 0 && from == text + sizeof(text) - 1, "and its registers tell so");
	out8(SCRATCH, 0x5a);
	memset(bytes, 0, sizeof(bytes));
	in_string(SCRATCH, bytes, sizeof(bytes) - 1);
	for (unsigned i = 0; i < sizeof(bytes) - 1; i++)
		same &= bytes[i] == 0x5a;
	check(same && bytes[sizeof(bytes) - 1] == 0, "one comes in whole, and no byte more");
}

static void device_memory(void)
{
	uint64_t copy = 0;
	void *to = &copy;
	const void *from = (const void *)NOBODYS_MEMORY;
	uint64_t count = sizeof(copy);

	check(read8(NOBODYS_MEMORY) == 0xff && read16(NOBODYS_MEMORY) == 0xffff &&
		      read32(NOBODYS_MEMORY) == 0xffffffff && read64(NOBODYS_MEMORY) == UINT64_MAX,
	      "memory of nobody's reads ones, of each size");
	check(read64(NOBODYS_MEMORY + 4093) == UINT64_MAX, "also across a page");
	write8(NOBODYS_MEMORY, 0);
	write64(NOBODYS_MEMORY + 4093, 0);
	check(read32(NOBODYS_MEMORY) == 0xffffffff, "and keeps nothing");
	__asm__ volatile("cld; rep movsb" : "+D"(to), "+S"(from), "+c"(count) : : "memory");
	check(copy == UINT64_MAX, "a string of it is copied whole");
}

/* The first function with a device, the socket device or the entropy device. */
static void configuration_space(void)
{
	unsigned slot = 2;
	uint32_t id = read32(ecam(slot, 0)), class = read32(ecam(slot, 8));
	uint64_t both = id | (uint64_t)read32(ecam(slot, 4)) << 32;
	int same = 1;

	check((id & 0xffff) == 0x1af4, "a virtio device is in slot 2");
	for (unsigned i = 0; i < 4; i++)
		same &= read8(ecam(slot, i)) == (uint8_t)(id >> 8 * i);
	check(same, "its bytes are those of its words");
	for (unsigned i = 1; i < 4; i++)
		same &= read32(ecam(slot, i)) == (uint32_t)(both >> 8 * i);
	check(same, "an unaligned access reads the bytes that lie there");
	check(read16(ecam(slot, 9)) == (uint16_t)(class >> 8), "of two bytes as well");
	check(read32(ecam(slot, 0xfe)) == 0 && read32(ecam(slot, 0xffe)) != id,
	      "none goes on in the next function");
	check(read64(ecam(slot, 0)) == UINT64_MAX, "eight bytes are none of its sizes");
	out32(PORT_PCI, 1u << 31 | slot << 11);
	check(in32(PORT_PCI + 4) == id && in16(PORT_PCI + 6) == id >> 16 &&
		      in8(PORT_PCI + 5) == (uint8_t)(id >> 8),
	      "mechanism 1 shows the same");
	write32(ecam(slot, 0), 0);
	check(read32(ecam(slot, 0)) == id, "what is fixed stays");
}

void bare_run(void)
{
	ports_without_a_device();
	strings();
	device_memory();
	configuration_space();
}
