#include "ctl/top_sample.h"

#include <string.h>
#include <time.h>

#include "ctl/mpfield.h"
#include "ctl/supervisor_file.h"

static double clock_us(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e6 + (double)ts.tv_nsec * 1e-3;
}

/** How long the event loop takes to answer. @return milliseconds, -1: it does not */
static double ping_ms(const struct instance *inst, deadline_ms deadline)
{
	struct conn c;
	double took_ms = -1;
	conn_init(&c);
	if (conn_open_unix(&c, inst->sock_path, deadline) == CONN_OK) {
		double from_us = clock_us();
		if (conn_ping(&c, deadline) == CONN_OK)
			took_ms = (clock_us() - from_us) / 1e3;
	}
	conn_fini(&c);
	return took_ms;
}

void top_sample_take(
	const struct instance *inst, deadline_ms deadline, struct top_sample *ret_sample)
{
	struct probe p;
	struct mp_cursor info, value;
	struct supervisor sv;
	struct top_sample *s = ret_sample;
	*s = (struct top_sample){.requests = -1,
		.latency_ms = -1,
		.fibers = -1,
		.connections = -1,
		.generation = -1};
	probe_instance(inst, true, deadline, &p);
	s->at_ms = clock_ms();
	s->state = p.state;
	s->memory = probe_memory(p.pid);
	if (p.info.len > 0) {
		mp_cursor_init(&info, p.info.data, p.info.data + p.info.len);
		if (mpfield_find(&info, "requests", &value))
			s->requests = mp_read_double(&value);
		s->fibers = mpfield_int(&info, "fibers", -1);
		s->connections = mpfield_int(&info, "connections", -1);
		s->generation = mpfield_int(&info, "generation", -1);
		s->latency_ms = ping_ms(inst, deadline);
	}
	supervisor_read(inst, &sv);
	s->is_crashed = sv.state == SUPERVISOR_CRASHED &&
			(p.state == PROBE_STOPPED || p.state == PROBE_STALE);
	probe_fini(&p);
}

void top_row_add(struct top_row *row, const struct top_sample *sample)
{
	const struct top_sample *old = &row->now;
	double seconds = (double)(sample->at_ms - old->at_ms) / 1e3;
	row->rate = -1;
	/* A counter that fell is another process's. */
	if (old->at_ms > 0 && old->requests >= 0 && sample->requests >= old->requests &&
		seconds > 0)
		row->rate = (sample->requests - old->requests) / seconds;
	row->now = *sample;
	if (row->history_len == TOP_HISTORY)
		memmove(row->history, row->history + 1,
			sizeof(row->history[0]) * (size_t)--row->history_len);
	row->history[row->history_len++] = row->rate > 0 ? row->rate : 0;
}
