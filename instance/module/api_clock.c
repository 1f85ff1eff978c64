/* The C API: clocks. */
#include <time.h>

#include "instance/module/api.h"

static uint64_t read_clock(clockid_t id)
{
	struct timespec ts;
	clock_gettime(id, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

static double read_seconds(clockid_t id)
{
	struct timespec ts;
	clock_gettime(id, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

double clock_realtime(void)
{
	return read_seconds(CLOCK_REALTIME);
}

double clock_monotonic(void)
{
	return read_seconds(CLOCK_MONOTONIC);
}

double clock_process(void)
{
	return read_seconds(CLOCK_PROCESS_CPUTIME_ID);
}

double clock_thread(void)
{
	return read_seconds(CLOCK_THREAD_CPUTIME_ID);
}

uint64_t clock_realtime64(void)
{
	return read_clock(CLOCK_REALTIME);
}

uint64_t clock_monotonic64(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

uint64_t clock_process64(void)
{
	return read_clock(CLOCK_PROCESS_CPUTIME_ID);
}

uint64_t clock_thread64(void)
{
	return read_clock(CLOCK_THREAD_CPUTIME_ID);
}
