/* The status register and what hangs on it: a driver that skips steps gets nowhere. */
#include "virtio/vdev.h"

#include <errno.h>

#include "base/util.h"
#include "check.h"

enum { RAM = 0x8000, QUEUE_STEP = 0x1000, OWN_FEATURE = 1 };

static _Alignas(16) uint8_t ram[RAM];
static const struct gmem mem = { .region = { { 0, RAM, ram } } };

/* What the device under test saw, and what it will answer. */
static struct {
	int notified[2], resets, answer, busy;
	int interrupts, config_interrupts, again[2];
} seen;

static int toy_notify(struct vdev *dev, unsigned q)
{
	(void)dev;
	seen.notified[q]++;
	return seen.answer;
}

static int toy_reset(struct vdev *dev)
{
	(void)dev;
	seen.resets++;
	return seen.busy;
}

static void toy_interrupt(struct vdev *dev, int q)
{
	(void)dev;
	seen.interrupts += q >= 0;
	seen.config_interrupts += q < 0;
}

static void toy_again(struct vdev *dev, unsigned q)
{
	(void)dev;
	seen.again[q]++;
}

static const struct vdev_type toy = {
	.name = "toy",
	.id = 42,
	.nqueues = 2,
	.queue_max = 8,
	.features = OWN_FEATURE,
	.notify = toy_notify,
	.reset = toy_reset,
};

enum {
	ACK = VDEV_ACKNOWLEDGE,
	DRIVER = ACK | VDEV_DRIVER,
	FEATURES = DRIVER | VDEV_FEATURES_OK,
	OK = FEATURES | VDEV_DRIVER_OK,
};

static struct vdev fresh(void)
{
	struct vdev dev;

	memset(&seen, 0, sizeof(seen));
	memset(ram, 0, sizeof(ram));
	vdev_init(&dev, &toy, &mem, NULL, 0);
	dev.interrupt = toy_interrupt;
	dev.again = toy_again;
	return dev;
}

static void place_queue(struct vdev *dev, unsigned q)
{
	dev->vq[q].desc_at = q * QUEUE_STEP;
	dev->vq[q].avail_at = q * QUEUE_STEP + 0x400;
	dev->vq[q].used_at = q * QUEUE_STEP + 0x800;
	dev->vq[q].enabled = 1;
}

/* As far as a good driver gets before DRIVER_OK. */
static struct vdev prepared(void)
{
	struct vdev dev = fresh();

	vdev_set_status(&dev, ACK);
	vdev_set_status(&dev, DRIVER);
	dev.driver_features = VDEV_F_VERSION_1;
	vdev_set_status(&dev, FEATURES);
	place_queue(&dev, 0);
	place_queue(&dev, 1);
	return dev;
}

static struct vdev running(void)
{
	struct vdev dev = prepared();

	CHECK(vdev_set_status(&dev, OK) != 0);
	CHECK(dev.status == OK);
	return dev;
}

static void a_good_driver_gets_nowhere(void)
{
	struct vdev dev = running();

	CHECK(dev.vq[0].desc && dev.vq[1].desc);
	vdev_run(&dev);
	CHECK(seen.notified[0] == 1 && seen.notified[1] == 1);
	vdev_notify(&dev, 1);
	CHECK(seen.notified[0] == 1 && seen.notified[1] == 2);
	CHECK(!seen.interrupts && !seen.config_interrupts && !seen.resets && !seen.again[1]);
}

static void features_never_offered_are_accepted(void)
{
	static const struct {
		const char *why;
		uint64_t features;
		int accepted;
	} cases[] = {
		{ "the least", VDEV_F_VERSION_1, 1 },
		{ "all that is offered",
		  VDEV_F_VERSION_1 | VDEV_F_EVENT_IDX | VDEV_F_INDIRECT_DESC | OWN_FEATURE, 1 },
		{ "a driver from before virtio 1", 0, 0 },
		{ "event indices without virtio 1", VDEV_F_EVENT_IDX, 0 },
		{ "a device feature not offered", VDEV_F_VERSION_1 | 2, 0 },
		{ "packed rings", VDEV_F_VERSION_1 | 1ull << 34, 0 },
		{ "everything", UINT64_MAX, 0 },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct vdev dev = fresh();

		vdev_set_status(&dev, ACK);
		vdev_set_status(&dev, DRIVER);
		dev.driver_features = cases[i].features;
		vdev_set_status(&dev, FEATURES);
		if (!!(dev.status & VDEV_FEATURES_OK) != cases[i].accepted)
			printf("# %s\n", cases[i].why);
		CHECK(!!(dev.status & VDEV_FEATURES_OK) == cases[i].accepted);
		CHECK((dev.status & DRIVER) == DRIVER);
		CHECK(!!vdev_queues_open(&dev) == cases[i].accepted);
	}
}

static void a_driver_runs_without_its_features_agreed(void)
{
	struct vdev dev = fresh();

	vdev_set_status(&dev, DRIVER);
	place_queue(&dev, 0);
	vdev_set_status(&dev, DRIVER | VDEV_DRIVER_OK);
	CHECK(!dev.vq[0].desc);
	vdev_notify(&dev, 0);
	CHECK(!seen.notified[0]);

	/* The same where FEATURES_OK is asked for in one go, and refused. */
	dev = fresh();
	place_queue(&dev, 0);
	dev.driver_features = UINT64_MAX;
	vdev_set_status(&dev, OK);
	CHECK(!(dev.status & VDEV_FEATURES_OK) && !dev.vq[0].desc);
	vdev_notify(&dev, 0);
	CHECK(!seen.notified[0]);
}

static void status_bits_are_taken_back(void)
{
	struct vdev dev = running();

	for (unsigned value = 1; value < 256; value++) {
		uint8_t before = dev.status;

		vdev_set_status(&dev, (uint8_t)value);
		CHECK((dev.status & before) == before);
	}
	CHECK(!dev.reset_wanted && dev.vq[0].desc);
	/* A write that drops bits counts for nothing, whatever else it says. */
	dev = prepared();
	vdev_set_status(&dev, VDEV_DRIVER_OK);
	CHECK(dev.status == FEATURES && !dev.vq[0].desc);
}

static void queues_are_open_outside_their_window(void)
{
	static const struct {
		const char *why;
		uint8_t upto[4];
		int open;
	} cases[] = {
		{ "fresh", { 0 }, 0 },
		{ "acknowledged", { ACK }, 0 },
		{ "driver found", { ACK, DRIVER }, 0 },
		{ "features agreed", { ACK, DRIVER, FEATURES }, 1 },
		{ "running", { ACK, DRIVER, FEATURES, OK }, 0 },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct vdev dev = fresh();

		dev.driver_features = VDEV_F_VERSION_1;
		for (unsigned s = 0; s < 4 && cases[i].upto[s]; s++)
			vdev_set_status(&dev, cases[i].upto[s]);
		if (!!vdev_queues_open(&dev) != cases[i].open)
			printf("# %s\n", cases[i].why);
		CHECK(!!vdev_queues_open(&dev) == cases[i].open);
		vdev_set_status(&dev, 0);
		CHECK(!vdev_queues_open(&dev)); /* not until the reset is done, either */
	}
}

static void a_reset_leaves_something_behind(void)
{
	struct vdev dev = running();

	CHECK(vdev_set_status(&dev, 0) != 0);
	vdev_notify(&dev, 0);
	CHECK(!seen.notified[0]); /* between the wish and the deed */
	CHECK(dev.status != 0);	  /* which is what the driver waits for: section 2.1.2 */
	CHECK(!vdev_set_status(&dev, OK | VDEV_FAILED) && dev.status == OK);
	vdev_run(&dev);
	CHECK(seen.resets == 1 && dev.status == 0 && dev.driver_features == 0);
	CHECK(!dev.reset_wanted && !seen.notified[0]);
	for (unsigned i = 0; i < 2; i++) {
		const struct vq *q = &dev.vq[i];

		CHECK(!q->desc && !q->used && !q->enabled && !q->next_avail && !q->next_used);
		CHECK(q->size == toy.queue_max && q->vector == VQ_NO_VECTOR && !q->event_idx);
	}
	dev = running(); /* and the way up is the same as the first time */
}

/* Each driver resets the device it finds, reads 0 and goes on at once: before the loop has a turn. */
static void a_reset_that_is_late_takes_what_the_driver_said_since(void)
{
	static const uint8_t reached[] = { 0, ACK, DRIVER, FEATURES };

	for (size_t i = 0; i < COUNT(reached); i++) {
		struct vdev dev = fresh();

		dev.driver_features = VDEV_F_VERSION_1;
		vdev_set_status(&dev, reached[i]);
		vdev_set_status(&dev, 0);
		CHECK(dev.status == 0 && dev.driver_features == 0);
		vdev_set_status(&dev, DRIVER);
		dev.driver_features = VDEV_F_VERSION_1;
		vdev_run(&dev); /* the loop's turn */
		vdev_set_status(&dev, FEATURES);
		CHECK(dev.status == FEATURES && seen.resets == 0);
	}
}

static void a_reset_is_done_too_early(void)
{
	struct vdev dev = running();

	seen.busy = 1;
	vdev_set_status(&dev, 0);
	vdev_run(&dev);
	vdev_notify(&dev, 0);
	CHECK(seen.resets == 1 && dev.status == OK && dev.vq[0].desc && !seen.notified[0]);
	seen.busy = 0;
	vdev_run(&dev);
	CHECK(seen.resets == 2 && dev.status == 0 && !dev.vq[0].desc);
}

static void a_broken_driver_is_served_on(void)
{
	struct vdev dev = running();

	seen.answer = -EPROTO;
	vdev_notify(&dev, 1);
	CHECK(dev.status == (OK | VDEV_NEEDS_RESET));
	CHECK(seen.config_interrupts == 1);
	CHECK(!dev.vq[0].desc && !dev.vq[1].desc);
	vdev_notify(&dev, 0);
	vdev_run(&dev);
	CHECK(seen.notified[0] == 0 && seen.notified[1] == 1);
	CHECK(seen.config_interrupts == 1);
	/* A driver that has not noticed writes what it knows. */
	vdev_set_status(&dev, OK);
	CHECK(dev.status == (OK | VDEV_NEEDS_RESET));
	vdev_set_status(&dev, 0);
	vdev_run(&dev);
	CHECK(dev.status == 0 && seen.resets == 1);
}

static void one_bad_ring_leaves_the_others_running(void)
{
	for (unsigned bad = 0; bad < 2; bad++) {
		struct vdev dev = prepared();

		dev.vq[bad].desc_at = RAM;
		vdev_set_status(&dev, OK);
		CHECK(dev.status & VDEV_NEEDS_RESET);
		CHECK(seen.config_interrupts == 1);
		CHECK(!dev.vq[0].desc && !dev.vq[1].desc);
	}
	/* Twice bad is still told once. */
	struct vdev dev = prepared();

	dev.vq[0].size = dev.vq[1].size = 3;
	vdev_set_status(&dev, OK);
	CHECK(seen.config_interrupts == 1);
}

static void a_queue_not_enabled_is_started(void)
{
	struct vdev dev = prepared();

	dev.vq[1].enabled = 0;
	dev.vq[1].desc_at = RAM; /* nobody looks */
	vdev_set_status(&dev, OK);
	CHECK(dev.status == OK && dev.vq[0].desc && !dev.vq[1].desc);
}

static void unfinished_work_is_forgotten(void)
{
	struct vdev dev = running();

	seen.answer = 1;
	vdev_notify(&dev, 1);
	CHECK(seen.again[1] == 1 && seen.again[0] == 0);
	vdev_run(&dev);
	CHECK(seen.again[1] == 2 && seen.again[0] == 1);
}

static void event_indices_are_used_unasked(void)
{
	struct vdev dev = prepared();

	dev.driver_features |= VDEV_F_EVENT_IDX;
	vdev_set_status(&dev, OK);
	CHECK(dev.vq[0].event_idx && dev.vq[1].event_idx);
	dev = running();
	CHECK(!dev.vq[0].event_idx && !dev.vq[1].event_idx);
}

int main(void)
{
	TEST(a_good_driver_gets_nowhere);
	TEST(features_never_offered_are_accepted);
	TEST(a_driver_runs_without_its_features_agreed);
	TEST(status_bits_are_taken_back);
	TEST(queues_are_open_outside_their_window);
	TEST(a_reset_leaves_something_behind);
	TEST(a_reset_that_is_late_takes_what_the_driver_said_since);
	TEST(a_reset_is_done_too_early);
	TEST(a_broken_driver_is_served_on);
	TEST(one_bad_ring_leaves_the_others_running);
	TEST(a_queue_not_enabled_is_started);
	TEST(unfinished_work_is_forgotten);
	TEST(event_indices_are_used_unasked);
	return check_done();
}
