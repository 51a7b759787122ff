/* Registers are the guest's to read and write: any value, any size, any moment. */
#include "virtio/pci.h"

#include <stdlib.h>

#include "base/util.h"
#include "check.h"
#include "toy.h"

#define BAR 0xd0000000u

static struct {
	unsigned routed[VPCI_VECTORS_MAX], held[VPCI_VECTORS_MAX], fired[VPCI_VECTORS_MAX], kicked[QUEUES], ran, moved;
} seen;

static struct vdev dev;
static struct vpci pci;

static void toy_route(struct vpci_host *h, unsigned v)
{
	(void)h;
	CHECK(v < pci.nvectors);
	seen.routed[v]++;
}

static void toy_hold(struct vpci_host *h, unsigned v)
{
	(void)h;
	CHECK(v < pci.nvectors);
	seen.held[v]++;
}

static void toy_fire(struct vpci_host *h, unsigned v)
{
	(void)h;
	CHECK(v < pci.nvectors);
	seen.fired[v]++;
}

static void toy_kick(struct vpci_host *h, int q)
{
	(void)h;
	CHECK(q < QUEUES);
	if (q < 0)
		seen.ran++;
	else
		seen.kicked[q]++;
}

static void toy_moved(struct vpci_host *h)
{
	(void)h;
	seen.moved++;
}

static struct vpci_host host = { toy_route, toy_hold, toy_fire, toy_kick, toy_moved };

static void plug_in(void)
{
	memset(&seen, 0, sizeof(seen));
	memset(ram, 0, sizeof(ram));
	vdev_init(&dev, &toy, &mem, config, sizeof(config));
	vpci_init(&pci, &dev, &host, 0xff0000, BAR);
}

/* --- as the driver finds things ------------------------------------------------------------- */

enum { CFG_COMMAND = 4, CFG_BAR0 = 0x10, CAP_MSIX = 0x11, CAP_VENDOR = 9 };
enum { COMMON = 1, NOTIFY, ISR, DEVICE, PCI_CFG };

static uint32_t cfg(unsigned off, unsigned size)
{
	return vpci_config_read(&pci, off, size);
}

/* Where capability `id` (and virtio type) lies in config space; 0: there is none. */
static unsigned find_cap(uint8_t id, uint8_t type)
{
	unsigned steps = 0;

	for (unsigned at = cfg(0x34, 1); at && steps++ < 48; at = cfg(at + 1, 1))
		if (cfg(at, 1) == id && (id != CAP_VENDOR || cfg(at + 3, 1) == type))
			return at;
	return 0;
}

static unsigned window(uint8_t type)
{
	return cfg(find_cap(CAP_VENDOR, type) + 8, 4);
}

static void common(unsigned off, unsigned size, uint64_t value)
{
	vpci_bar_write(&pci, window(COMMON) + off, size, value);
}

static uint64_t common_is(unsigned off, unsigned size)
{
	return vpci_bar_read(&pci, window(COMMON) + off, size);
}

enum { FEATURE_SELECT = 0, FEATURE = 4, DRIVER_SELECT = 8, DRIVER_FEATURE = 12, MSIX_CONFIG = 16 };
enum { NUM_QUEUES = 18, STATUS = 20, GENERATION = 21, QUEUE_SELECT = 22, QUEUE_SIZE = 24, QUEUE_VECTOR = 26 };
enum { QUEUE_ENABLE = 28, NOTIFY_OFF = 30, QUEUE_DESC = 32, QUEUE_AVAIL = 40, QUEUE_USED = 48 };

static void features_agreed(void)
{
	plug_in();
	common(STATUS, 1, 1);
	common(STATUS, 1, 3);
	common(DRIVER_SELECT, 4, 1);
	common(DRIVER_FEATURE, 4, 1); /* VERSION_1 */
	common(STATUS, 1, 11);
	CHECK(common_is(STATUS, 1) == 11);
}

static void queue_placed(unsigned q)
{
	common(QUEUE_SELECT, 2, q);
	common(QUEUE_SIZE, 2, 16);
	common(QUEUE_DESC, 8, 0x1000 * q);
	common(QUEUE_AVAIL, 8, 0x1000 * q + 0x400);
	common(QUEUE_USED, 4, 0x1000 * q + 0x800); /* as two halves */
	common(QUEUE_USED + 4, 4, 0);
	common(QUEUE_VECTOR, 2, q + 1);
	common(QUEUE_ENABLE, 2, 1);
}

static void driver_up(void)
{
	features_agreed();
	for (unsigned q = 0; q < QUEUES; q++)
		queue_placed(q);
	common(STATUS, 1, 15);
}

static void msix_vector(unsigned v, uint32_t masked)
{
	unsigned table = cfg(find_cap(CAP_MSIX, 0) + 4, 4);

	vpci_bar_write(&pci, table + 16 * v, 8, 0xfee00000u);
	vpci_bar_write(&pci, table + 16 * v + 8, 4, 0x40 + v);
	vpci_bar_write(&pci, table + 16 * v + 12, 4, masked);
}

static void msix_control(uint16_t value)
{
	vpci_config_write(&pci, find_cap(CAP_MSIX, 0) + 2, 2, value);
}

/* --- the way a driver goes ------------------------------------------------------------------ */

static void a_driver_does_not_find_its_way(void)
{
	plug_in();
	CHECK(cfg(0, 4) == (0x1af4u | (0x1040u + 42) << 16));
	for (uint8_t type = COMMON; type <= PCI_CFG; type++) {
		unsigned cap = find_cap(CAP_VENDOR, type);

		CHECK(cap && cfg(cap + 2, 1) >= 16 && cfg(cap + 4, 1) == 0);
		CHECK(type == PCI_CFG || cfg(cap + 8, 4) + cfg(cap + 12, 4) <= VPCI_BAR_BYTES);
		CHECK(cfg(cap + 8, 4) % 4 == 0);
	}
	CHECK((cfg(find_cap(CAP_MSIX, 0) + 2, 2) & 0x7ff) == QUEUES);
	CHECK(cfg(0x3d, 1) == 0); /* no INTx pin */
	driver_up();
	CHECK(dev.status == 15 && seen.ran == 1);
	for (unsigned q = 0; q < QUEUES; q++) {
		CHECK(dev.vq[q].desc == (void *)(ram + 0x1000 * q) && dev.vq[q].size == 16);
		common(QUEUE_SELECT, 2, q);
		CHECK(common_is(QUEUE_ENABLE, 2) == 1 && common_is(QUEUE_VECTOR, 2) == q + 1);
		vpci_bar_write(&pci,
			       window(NOTIFY) + (unsigned)common_is(NOTIFY_OFF, 2) *
							cfg(find_cap(CAP_VENDOR, NOTIFY) + 16, 4),
			       2, q);
		CHECK(seen.kicked[q] == 1);
	}
	CHECK(common_is(NUM_QUEUES, 2) == QUEUES);
	CHECK(vpci_bar_read(&pci, window(DEVICE) + 2, 4) == 0x06050403);
}

static void features_read_wrongly(void)
{
	plug_in();
	common(FEATURE_SELECT, 4, 0);
	CHECK(common_is(FEATURE, 4) == (uint32_t)vdev_features(&dev));
	common(FEATURE_SELECT, 4, 1);
	CHECK(common_is(FEATURE, 4) == vdev_features(&dev) >> 32);
	common(FEATURE_SELECT, 4, 2);
	CHECK(common_is(FEATURE, 4) == 0);
	common(FEATURE_SELECT, 4, UINT32_MAX);
	CHECK(common_is(FEATURE, 4) == 0);
	common(DRIVER_SELECT, 4, 2);
	common(DRIVER_FEATURE, 4, UINT32_MAX);
	CHECK(dev.driver_features == 0 && common_is(DRIVER_FEATURE, 4) == 0);
	driver_up();
	common(DRIVER_FEATURE, 4, UINT32_MAX); /* once agreed, agreed */
	CHECK(dev.driver_features == VDEV_F_VERSION_1);
}

static void a_queue_moves_under_the_devices_feet(void)
{
	static const struct {
		const char *why;
		unsigned off, size;
		uint64_t value;
	} writes[] = {
		{ "size", QUEUE_SIZE, 2, 64 },
		{ "size 0", QUEUE_SIZE, 2, 0 },
		{ "size 3", QUEUE_SIZE, 2, 3 },
		{ "desc", QUEUE_DESC, 4, 0x8000 },
		{ "desc high", QUEUE_DESC + 4, 4, 1 },
		{ "desc, all of it", QUEUE_DESC, 8, UINT64_MAX },
		{ "avail", QUEUE_AVAIL, 4, 0x8000 },
		{ "used", QUEUE_USED, 4, 0x8000 },
		{ "used high", QUEUE_USED + 4, 4, 1 },
		{ "disable", QUEUE_ENABLE, 2, 0 },
		{ "enable again", QUEUE_ENABLE, 2, 1 },
	};

	for (unsigned w = 0; w < COUNT(writes); w++) {
		struct vq before;

		driver_up();
		common(QUEUE_SELECT, 2, 1);
		before = dev.vq[1];
		common(writes[w].off, writes[w].size, writes[w].value);
		if (memcmp(&before, &dev.vq[1], sizeof(before)))
			printf("# running: %s\n", writes[w].why);
		CHECK(!memcmp(&before, &dev.vq[1], sizeof(before)));

		plug_in(); /* before the features are agreed, either */
		before = dev.vq[0];
		common(writes[w].off, writes[w].size, writes[w].value);
		CHECK(!memcmp(&before, &dev.vq[0], sizeof(before)));

		driver_up(); /* and while a reset is under way */
		common(STATUS, 1, 0);
		before = dev.vq[0];
		common(QUEUE_SELECT, 2, 0);
		common(writes[w].off, writes[w].size, writes[w].value);
		CHECK(!memcmp(&before, &dev.vq[0], sizeof(before)));
	}
}

static void an_enabled_queue_is_moved(void)
{
	features_agreed();
	queue_placed(1);
	common(QUEUE_DESC, 8, 0x8000);
	common(QUEUE_AVAIL, 4, 0x8000);
	common(QUEUE_USED + 4, 4, 1);
	CHECK(common_is(QUEUE_DESC, 8) == 0x1000 && common_is(QUEUE_AVAIL, 8) == 0x1400);
	CHECK(common_is(QUEUE_USED, 8) == 0x1800);
}

static void a_queue_gets_a_size_it_cannot_have(void)
{
	static const uint32_t bad[] = { 0, 3, 48, QUEUE_MAX + 1, 2 * QUEUE_MAX, 0x8000, 0xffff };

	for (unsigned i = 0; i < COUNT(bad); i++) {
		features_agreed();
		common(QUEUE_SELECT, 2, 0);
		common(QUEUE_SIZE, 2, bad[i]);
		CHECK(common_is(QUEUE_SIZE, 2) == QUEUE_MAX);
	}
}

static void queues_that_are_not_there_answer(void)
{
	static const unsigned none[] = { QUEUES, VDEV_QUEUES_MAX - 1, VDEV_QUEUES_MAX, 0x8000,
					 0xffff };

	features_agreed();
	for (unsigned i = 0; i < COUNT(none); i++) {
		struct vdev before = dev;

		common(QUEUE_SELECT, 2, none[i]);
		CHECK(common_is(QUEUE_SIZE, 2) == 0 && common_is(QUEUE_ENABLE, 2) == 0);
		for (unsigned off = QUEUE_SIZE; off < 56; off += 2) {
			common(off, 2, 1);
			common(off & ~3u, 4, UINT32_MAX);
		}
		CHECK(!memcmp(&before, &dev, sizeof(dev)));
	}
	for (unsigned off = VPCI_NOTIFY_STEP * QUEUES; off < 0x1000; off++)
		vpci_bar_write(&pci, VPCI_BAR_NOTIFY + off, 2, 0);
	CHECK(!seen.kicked[0] && !seen.kicked[1] && !seen.kicked[2]);
}

static void a_reset_is_not_one(void)
{
	driver_up();
	common(MSIX_CONFIG, 2, 0);
	common(STATUS, 1, 0);
	CHECK(seen.ran == 2 && common_is(STATUS, 1) != 0); /* until the loop has done it */
	vdev_run(&dev);
	CHECK(common_is(STATUS, 1) == 0 && common_is(MSIX_CONFIG, 2) == VQ_NO_VECTOR);
	for (unsigned q = 0; q < QUEUES; q++) {
		common(QUEUE_SELECT, 2, q);
		CHECK(common_is(QUEUE_SIZE, 2) == QUEUE_MAX && common_is(QUEUE_DESC, 4) == 0);
		CHECK(common_is(QUEUE_ENABLE, 2) == 0);
		CHECK(common_is(QUEUE_VECTOR, 2) == VQ_NO_VECTOR);
	}
}

/* --- interrupts ----------------------------------------------------------------------------- */

static void an_interrupt_goes_astray(void)
{
	driver_up();
	msix_control(0x8000);
	CHECK(!seen.routed[2]);
	dev.interrupt(&dev, 1); /* masked from the start */
	CHECK(!seen.fired[2]);
	CHECK(vpci_bar_read(&pci, cfg(find_cap(CAP_MSIX, 0) + 8, 4), 4) == 1 << 2);
	msix_vector(2, 0);
	CHECK(seen.routed[2] > 0 && seen.fired[2] == 1);
	CHECK(vpci_bar_read(&pci, cfg(find_cap(CAP_MSIX, 0) + 8, 4), 4) == 0);
	dev.interrupt(&dev, 1);
	CHECK(seen.fired[2] == 2);
	msix_control(0xc000); /* all masked */
	dev.interrupt(&dev, 1);
	dev.interrupt(&dev, 1);
	CHECK(seen.fired[2] == 2);
	msix_control(0x8000);
	CHECK(seen.fired[2] == 3);
	dev.interrupt(&dev, -1); /* the configuration's has no vector */
	common(MSIX_CONFIG, 2, 0);
	msix_vector(0, 0);
	dev.interrupt(&dev, -1);
	CHECK(seen.fired[0] == 1 && seen.fired[1] == 0 && seen.fired[3] == 0);
}

/* Who fires a vector without asking us has to be held back by whoever knows him. */
static void a_mask_is_passed_by(void)
{
	unsigned held, routed;

	driver_up();
	msix_control(0x8000);
	CHECK(!vpci_delivers(&pci, 2));
	msix_vector(2, 0);
	CHECK(vpci_delivers(&pci, 2) && !vpci_delivers(&pci, VQ_NO_VECTOR));
	held = seen.held[2];
	msix_vector(2, 1);
	CHECK(seen.held[2] == held + 1 && !vpci_delivers(&pci, 2));
	routed = seen.routed[2];
	msix_vector(2, 0);
	CHECK(seen.routed[2] > routed);
	held = seen.held[2];
	msix_control(0xc000); /* all masked */
	CHECK(seen.held[2] > held && !vpci_delivers(&pci, 2));
	msix_control(0);
	CHECK(!vpci_delivers(&pci, 2));
}

static void a_vector_that_is_not_there_is_taken(void)
{
	driver_up();
	msix_control(0x8000);
	common(QUEUE_SELECT, 2, 0);
	for (unsigned v = QUEUES + 1; v < 0x10000; v = v * 2 + 1) {
		common(QUEUE_VECTOR, 2, v);
		CHECK(common_is(QUEUE_VECTOR, 2) == VQ_NO_VECTOR);
		common(MSIX_CONFIG, 2, v);
		CHECK(common_is(MSIX_CONFIG, 2) == VQ_NO_VECTOR);
		dev.interrupt(&dev, 0);
		dev.interrupt(&dev, -1);
	}
	for (unsigned v = 0; v < VPCI_VECTORS_MAX; v++)
		CHECK(!seen.fired[v]);
}

static void the_isr_does_not_clear(void)
{
	driver_up();
	dev.interrupt(&dev, 0);
	dev.interrupt(&dev, -1);
	CHECK(vpci_bar_read(&pci, window(ISR), 1) == 3);
	CHECK(vpci_bar_read(&pci, window(ISR), 1) == 0);
}

static void a_change_of_the_configuration_goes_unseen(void)
{
	uint64_t before;

	features_agreed();
	before = common_is(GENERATION, 1);
	vdev_reconfigured(&dev);
	CHECK(common_is(GENERATION, 1) != before && vpci_bar_read(&pci, window(ISR), 1) == 0);
	driver_up();
	before = common_is(GENERATION, 1);
	vdev_reconfigured(&dev);
	CHECK(common_is(GENERATION, 1) != before && vpci_bar_read(&pci, window(ISR), 1) == 2);
	common(STATUS, 1, 0); /* the loop has not obeyed yet */
	vdev_reconfigured(&dev);
	CHECK(vpci_bar_read(&pci, window(ISR), 1) == 0);
}

/* --- the BAR and the window into it --------------------------------------------------------- */

static void the_bar_is_sized_or_moved_wrongly(void)
{
	plug_in();
	CHECK(vpci_bar(&pci) == 0 && seen.moved == 0);
	vpci_config_write(&pci, CFG_COMMAND, 2, PCI_COMMAND_MEMORY);
	CHECK(vpci_bar(&pci) == BAR && seen.moved == 1);
	vpci_config_write(&pci, CFG_COMMAND, 2, 0);
	CHECK(vpci_bar(&pci) == 0 && seen.moved == 2);
	vpci_config_write(&pci, CFG_BAR0, 4, UINT32_MAX);
	CHECK(cfg(CFG_BAR0, 4) == ~(uint32_t)(VPCI_BAR_BYTES - 1));
	vpci_config_write(&pci, CFG_BAR0, 4, 0xd0100000);
	CHECK(seen.moved == 2); /* decoding is off */
	vpci_config_write(&pci, CFG_COMMAND, 1, PCI_COMMAND_MEMORY);
	CHECK(vpci_bar(&pci) == 0xd0100000 && seen.moved == 3);
	for (unsigned off = CFG_BAR0 + 4; off < CFG_BAR0 + 24; off += 4) {
		vpci_config_write(&pci, off, 4, UINT32_MAX);
		CHECK(cfg(off, 4) == 0); /* no other BARs */
	}
	vpci_config_write(&pci, 0, 4, 0);
	CHECK(cfg(0, 2) == 0x1af4);
}

static void the_window_reaches_beyond_the_bar(void)
{
	unsigned cap;

	plug_in();
	cap = find_cap(CAP_VENDOR, PCI_CFG);
	vpci_config_write(&pci, cap + 8, 4, window(COMMON) + NUM_QUEUES);
	vpci_config_write(&pci, cap + 12, 4, 2);
	CHECK(cfg(cap + 16, 4) == QUEUES);
	vpci_config_write(&pci, cap + 8, 4, window(COMMON) + STATUS);
	vpci_config_write(&pci, cap + 12, 4, 1);
	vpci_config_write(&pci, cap + 16, 1, 1);
	CHECK(dev.status == 1);
	for (unsigned bar = 0; bar < 7; bar++)
		for (unsigned len = 0; len < 10; len++)
			for (unsigned at = VPCI_BAR_BYTES - 8; at < VPCI_BAR_BYTES + 8; at++) {
				vpci_config_write(&pci, cap + 4, 1, bar);
				vpci_config_write(&pci, cap + 8, 4, at);
				vpci_config_write(&pci, cap + 12, 4, len);
				vpci_config_write(&pci, cap + 16, 4, 0);
				cfg(cap + 16, 4);
			}
	vpci_config_write(&pci, cap + 4, 1, 0);
	vpci_config_write(&pci, cap + 8, 4, UINT32_MAX - 3);
	vpci_config_write(&pci, cap + 12, 4, 4);
	vpci_config_write(&pci, cap + 16, 4, UINT32_MAX);
	CHECK(dev.status == 1);
}

/* --- everything ----------------------------------------------------------------------------- */

static const uint64_t values[] = { 0, 1, 2, 3, 15, 0x40, 0x8000, UINT32_MAX, UINT64_MAX };

static void sweep_config(void)
{
	for (unsigned size = 1; size <= 4; size *= 2)
		for (unsigned off = 0; off + size <= PCI_CONFIG_BYTES; off++) {
			vpci_config_read(&pci, off, size);
			for (unsigned v = 0; v < COUNT(values); v++)
				vpci_config_write(&pci, off, size, (uint32_t)values[v]);
			vpci_config_read(&pci, off, size);
		}
}

static void sweep_bar(void)
{
	for (unsigned size = 1; size <= 8; size *= 2)
		for (unsigned off = 0; off + size <= VPCI_BAR_BYTES; off++) {
			vpci_bar_read(&pci, off, size);
			for (unsigned v = 0; v < COUNT(values); v++)
				vpci_bar_write(&pci, off, size, values[v]);
		}
}

static void some_access_reaches_what_it_should_not(void)
{
	for (int from = 0; from < 3; from++) {
		if (from == 0)
			plug_in();
		else if (from == 1)
			features_agreed();
		else
			driver_up();
		sweep_bar();
		sweep_config();
		sweep_bar();
		vdev_run(&dev);
		for (unsigned q = 0; q < QUEUES; q++) {
			const struct vq *vq = &dev.vq[q];

			CHECK(vq->size > 0 && vq->size <= QUEUE_MAX);
			CHECK((vq->size & (vq->size - 1)) == 0);
			vdev_notify(&dev, q);
		}
		CHECK(find_cap(CAP_MSIX, 0) && cfg(0, 2) == 0x1af4);
	}
}

/* In no order at all, with what is running being run: what the sweep would miss. */
static void some_order_of_accesses_does(void)
{
	uint64_t dice = 88172645463325252u;

	driver_up();
	for (unsigned step = 0; step < 400000; step++) {
		unsigned size, off;
		uint64_t value;

		dice ^= dice << 13;
		dice ^= dice >> 7;
		dice ^= dice << 17;
		size = 1u << (dice >> 8 & 3);
		value = dice >> 12 & 3 ? values[(dice >> 14) % COUNT(values)] : dice >> 20;
		off = (unsigned)(dice >> 40) % (dice & 1 ? 64 : VPCI_BAR_BYTES);
		off = MIN(off & ~(size - 1), VPCI_BAR_BYTES - size);
		if (dice >> 60 == 0)
			vpci_config_write(&pci, off % (PCI_CONFIG_BYTES - 4), MIN(size, 4u),
					  (uint32_t)value);
		else if (dice >> 60 == 1)
			vdev_run(&dev);
		else if (dice >> 60 == 2)
			vdev_notify(&dev, (unsigned)value % QUEUES);
		else if (dice >> 60 == 3)
			driver_up();
		else
			vpci_bar_write(&pci, off, size, value);
	}
}

int main(void)
{
	TEST(a_driver_does_not_find_its_way);
	TEST(features_read_wrongly);
	TEST(a_queue_moves_under_the_devices_feet);
	TEST(an_enabled_queue_is_moved);
	TEST(a_queue_gets_a_size_it_cannot_have);
	TEST(queues_that_are_not_there_answer);
	TEST(a_reset_is_not_one);
	TEST(an_interrupt_goes_astray);
	TEST(a_mask_is_passed_by);
	TEST(a_vector_that_is_not_there_is_taken);
	TEST(the_isr_does_not_clear);
	TEST(a_change_of_the_configuration_goes_unseen);
	TEST(the_bar_is_sized_or_moved_wrongly);
	TEST(the_window_reaches_beyond_the_bar);
	TEST(some_access_reaches_what_it_should_not);
	TEST(some_order_of_accesses_does);
	return check_done();
}
