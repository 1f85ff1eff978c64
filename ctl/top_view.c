#include "ctl/top_view.h"

#include <stdio.h>
#include <string.h>

enum {
	NAME_MIN = 14,
	FIXED = 50, /* columns of all but name and sparkline, with their spaces */
	SPARK_MIN = 4,
	LINE_MAX_BYTES = 2048,
	LINES_AROUND = 3, /* title, header, "more" */
};

/** Append a line cut to the width, counted in characters. */
static int add_line(
	const struct top_view *view, struct buf *out, const char *text, bool is_first)
{
	size_t len = strlen(text), at = 0;
	for (int column = 0; column < view->width && at < len; column++) {
		size_t n = utf8_length(text + at, len - at);
		at += n > 0 ? n : 1;
	}
	int rc = is_first ? 0 : buf_puts(out, "\r\n");
	return rc | utf8_append(out, text, at) | buf_puts(out, "\033[K");
}

/** The name in exactly `width` columns. */
static void pad_name(const char *name, int width, char *out, size_t size)
{
	size_t len = strlen(name), at = 0;
	int column = 0;
	for (; column < width && at < len; column++) {
		size_t n = utf8_length(name + at, len - at);
		at += n > 0 ? n : 1;
	}
	snprintf(out, size, "%.*s%*s", (int)at, name, width - column, "");
}

/** The last `width` rates, scaled to the largest of them. */
static void sparkline(const struct top_view *view, const struct top_row *row, int width,
	char *out, size_t size)
{
	static const char *const blocks[] = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
	static const char *const ascii[] = {" ", ".", ":", "-", "=", "+", "*", "%", "#"};
	const char *const *levels = view->is_utf8 ? blocks : ascii;
	int count = row->history_len < width ? row->history_len : width;
	const double *rates = row->history + row->history_len - count;
	double top = 0;
	size_t len = 0;
	for (int i = 0; i < count; i++)
		top = rates[i] > top ? rates[i] : top;
	len += (size_t)snprintf(out, size, "%*s", width - count, "");
	for (int i = 0; i < count && len < size; i++) {
		int level = top > 0 && rates[i] > 0 ? 1 + (int)(rates[i] / top * 7.0) : 0;
		len += (size_t)snprintf(out + len, size - len, "%s", levels[level]);
	}
}

/** A number in seven columns: 999999, 1.23M, 4.56G. */
static void short_number(double value, char *out, size_t size)
{
	if (value < 0)
		text_set(out, size, "-");
	else if (value < 1e6)
		text_set(out, size, "%.0f", value);
	else if (value < 1e9)
		text_set(out, size, "%.2fM", value / 1e6);
	else
		text_set(out, size, "%.2fG", value / 1e9);
}

static void short_memory(uint64_t bytes, char *out, size_t size)
{
	if (bytes == 0)
		text_set(out, size, "-");
	else if (bytes < 1000000000)
		text_set(out, size, "%.1f MB", (double)bytes / 1e6);
	else
		text_set(out, size, "%.1f GB", (double)bytes / 1e9);
}

static int add_row(const struct top_view *view, const struct top_row *row, int name_width,
	int spark_width, struct buf *out)
{
	char name[1024], spark[4 * TOP_HISTORY], rate[32], latency[32] = "-", memory[32];
	char fibers[32], generation[32], line[LINE_MAX_BYTES];
	const struct top_sample *s = &row->now;
	pad_name(row->name, name_width, name, sizeof(name));
	sparkline(view, row, spark_width, spark, sizeof(spark));
	short_number(row->rate, rate, sizeof(rate));
	if (s->latency_ms >= 0)
		text_set(latency, sizeof(latency),
			s->latency_ms < 100 ? "%.2f ms" : "%.0f ms", s->latency_ms);
	short_memory(s->memory, memory, sizeof(memory));
	short_number((double)s->fibers, fibers, sizeof(fibers));
	short_number((double)s->generation, generation, sizeof(generation));
	snprintf(line, sizeof(line), "%s %-8s %7s %s %9s %9s %6s %4s", name,
		s->is_crashed ? "crashed" : probe_state_name(s->state), rate, spark,
		latency, memory, fibers, generation);
	return add_line(view, out, line, false);
}

static int add_title(const struct top_view *view, const struct top_row *rows, int count,
	struct buf *out)
{
	int running = 0;
	char line[256];
	for (int i = 0; i < count; i++)
		running += rows[i].now.state == PROBE_RUNNING;
	snprintf(line, sizeof(line), "%s  %d of %d running  (q quits, arrows scroll)",
		view->time, running, count);
	return add_line(view, out, line, true);
}

static int add_header(
	const struct top_view *view, int name_width, int spark_width, struct buf *out)
{
	char line[LINE_MAX_BYTES];
	snprintf(line, sizeof(line), "%-*s %-8s %7s %-*s %9s %9s %6s %4s", name_width,
		"NAME", "STATE", "REQ/S", spark_width, "", "LATENCY", "MEMORY", "FIBERS",
		"GEN");
	int rc = view->is_plain ? 0 : buf_puts(out, "\033[7m");
	rc |= add_line(view, out, line, false);
	return rc | (view->is_plain ? 0 : buf_puts(out, "\033[0m"));
}

/** Columns go to names first, as many as the longest needs, then to sparklines. */
static void split_width(const struct top_view *view, const struct top_row *rows,
	int count, int *ret_name, int *ret_spark)
{
	int name = NAME_MIN, most = view->width - FIXED - SPARK_MIN;
	for (int i = 0; i < count; i++) {
		int len = (int)strlen(rows[i].name);
		if (len > name && view->width > 80)
			name = len;
	}
	if (name > most)
		name = most > NAME_MIN ? most : NAME_MIN;
	int spark = view->width - FIXED - name;
	*ret_name = name;
	*ret_spark = spark < SPARK_MIN     ? SPARK_MIN
		     : spark > TOP_HISTORY ? TOP_HISTORY
					   : spark;
}

int top_view_draw(const struct top_view *view, const struct top_row *rows, int count,
	struct buf *out)
{
	int name_width, spark_width, room = view->height - LINES_AROUND;
	split_width(view, rows, count, &name_width, &spark_width);
	int rc = add_title(view, rows, count, out);
	if (view->height > 1)
		rc |= add_header(view, name_width, spark_width, out);
	for (int i = view->first; i < count && i - view->first < room && rc == 0; i++)
		rc = add_row(view, &rows[i], name_width, spark_width, out);
	int left = count - view->first - (room > 0 ? room : 0);
	if (left > 0 && room >= 0) {
		char line[64];
		text_set(line, sizeof(line), "... %d more", left);
		rc |= add_line(view, out, line, false);
	}
	return rc | buf_puts(out, "\033[J");
}
