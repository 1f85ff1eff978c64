#include "ctl/edit.h"

#include <dlfcn.h>
#include <errno.h>
#include <histedit.h>
#include <limits.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>
#include <wchar.h>

#include "ctl/history.h"

#define PROMPT_MARK '\1'
#define PASTE_END "\033[201~"
#define WORD_BREAKS "\t\r\n !\"#$%&'()*+,-/;<=>?@[\\]^`{|}~"

/* What is used of libedit. */
/* clang-format off */
#define LIBEDIT_LIST(X) \
	X(el_init) X(el_end) X(el_gets) X(el_wgetc) X(el_set) X(el_line) \
	X(el_insertstr) X(el_deletestr) X(el_cursor) X(el_resize) \
	X(history_init) X(history_end) X(history)
/* clang-format on */
struct libedit {
#define X(name) __typeof__(name) *name;
	LIBEDIT_LIST(X)
#undef X
};

/* Owned by who made it. */
struct edit {
	struct libedit lib;
	void *handle; /* of libedit; NULL: lines are read as they are */
	EditLine *el;
	History *hist;
	char *history_path;
	char *prompt;
	char *line; /* what edit_read() gave out */
	char *last; /* the newest history entry */
	struct edit_hooks hooks;
	struct winsize size;
	bool is_reading, is_interrupted, is_ended;
	bool is_tty;
};

/* The terminal as it was; for edit_restore(). */
static struct termios saved_termios;
static volatile bool is_terminal_saved;

void edit_restore(void)
{
	static const char paste_off[] = "\033[?2004l";
	if (!is_terminal_saved)
		return;
	tcsetattr(STDIN_FILENO, TCSANOW, &saved_termios);
	if (write(STDOUT_FILENO, paste_off, sizeof(paste_off) - 1) < 0)
		return;
}

int edit_words_add(struct edit_words *words, const char *word, size_t len)
{
	char **items = realloc(words->items, sizeof(*items) * (words->count + 1));
	if (items == NULL)
		return -1;
	words->items = items;
	items[words->count] = strndup(word, len);
	if (items[words->count] == NULL)
		return -1;
	words->count++;
	return 0;
}

void edit_words_fini(struct edit_words *words)
{
	for (size_t i = 0; i < words->count; i++)
		free(words->items[i]);
	free(words->items);
	*words = (struct edit_words){0};
}

/* One terminal, one editor: libedit's callbacks find it here. */
static struct edit *current;

static char *on_prompt(EditLine *el)
{
	return current->prompt;
}

static size_t count_chars(const char *text, size_t len)
{
	size_t n = 0;
	for (size_t i = 0; i < len; i++)
		n += ((unsigned char)text[i] & 0xc0) != 0x80;
	return n;
}

/** Forget what was typed. */
static void clear_line(struct edit *e)
{
	const LineInfo *li = e->lib.el_line(e->el);
	size_t behind = count_chars(li->cursor, (size_t)(li->lastchar - li->cursor));
	size_t all = count_chars(li->buffer, (size_t)(li->lastchar - li->buffer));
	e->lib.el_cursor(e->el, (int)behind);
	e->lib.el_deletestr(e->el, (int)all);
}

static void follow_size(struct edit *e)
{
	struct winsize now;
	if (ioctl(STDIN_FILENO, TIOCGWINSZ, &now) != 0)
		return;
	if (now.ws_col != e->size.ws_col || now.ws_row != e->size.ws_row) {
		e->size = now;
		e->lib.el_resize(e->el);
	}
}

/** libedit asks for a character. @return 1, 0: end */
static int on_getc(EditLine *el, wchar_t *ret_char)
{
	struct edit *e = current;
	mbstate_t state = {0};
	for (;;) {
		char byte;
		enum edit_input input = e->hooks.wait(e->hooks.arg);
		if (input == EDIT_INPUT_INTERRUPTED) {
			clear_line(e);
			e->is_interrupted = true;
			*ret_char = L'\n';
			fputs("^C", stdout);
			fflush(stdout);
			return 1;
		}
		if (input == EDIT_INPUT_END) {
			e->is_ended = true;
			return 0;
		}
		ssize_t n = read(STDIN_FILENO, &byte, 1);
		if (n < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (n <= 0)
			return 0;
		follow_size(e);
		size_t len = mbrtowc(ret_char, &byte, 1, &state);
		if (len == (size_t)-1)
			state = (mbstate_t){0};
		else if (len != (size_t)-2)
			return 1;
	}
}

/** Behind ESC [200~: everything up to ESC [201~ is text. */
static unsigned char on_paste(EditLine *el, int ch)
{
	struct edit *e = current;
	size_t len = 0, cap = 4096;
	char *text = malloc(cap);
	wchar_t wide;
	const size_t end_len = sizeof(PASTE_END) - 1;
	while (text != NULL && e->lib.el_wgetc(el, &wide) > 0) {
		char bytes[MB_LEN_MAX];
		int n = wctomb(bytes, wide == L'\r' ? L'\n' : wide);
		if (e->is_interrupted || n <= 0)
			break;
		if (len + (size_t)n + 1 > cap) {
			char *more = realloc(text, cap *= 2);
			if (more == NULL)
				break;
			text = more;
		}
		memcpy(text + len, bytes, (size_t)n);
		len += (size_t)n;
		if (len >= end_len &&
			memcmp(text + len - end_len, PASTE_END, end_len) == 0) {
			len -= end_len;
			break;
		}
	}
	if (text == NULL)
		return CC_ERROR;
	/* The newline that a copied line ends with would only be in the way. */
	while (len > 0 && text[len - 1] == '\n')
		len--;
	text[len] = '\0';
	e->lib.el_insertstr(el, text);
	free(text);
	return e->is_interrupted ? CC_NEWLINE : CC_REFRESH;
}

/** Print the candidates in columns. */
static void list_words(const struct edit *e, const struct edit_words *words)
{
	size_t width = 0, columns;
	for (size_t i = 1; i < words->count; i++) {
		size_t len = strlen(words->items[i]);
		width = len > width ? len : width;
	}
	width += 2;
	columns = e->size.ws_col / width;
	columns = columns == 0 ? 1 : columns;
	size_t n = words->count - 1, rows = (n + columns - 1) / columns;
	putchar('\n');
	for (size_t row = 0; row < rows; row++) {
		for (size_t i = row; i < n; i += rows)
			printf("%-*s", (int)(i + rows < n ? width : 0),
				words->items[1 + i]);
		putchar('\n');
	}
	fflush(stdout);
}

static unsigned char on_tab(EditLine *el, int ch)
{
	struct edit *e = current;
	const LineInfo *li = e->lib.el_line(el);
	size_t end = (size_t)(li->cursor - li->buffer), start = end;
	while (start > 0 && strchr(WORD_BREAKS, li->buffer[start - 1]) == NULL)
		start--;
	if (start == end) {
		e->lib.el_insertstr(el, strspn(li->buffer, " \t") >= end ? "    " : "");
		return CC_REFRESH;
	}
	if (e->hooks.complete == NULL)
		return CC_ERROR;
	struct edit_words words = {0};
	char *line = strndup(li->buffer, (size_t)(li->lastchar - li->buffer));
	if (line != NULL)
		e->hooks.complete(e->hooks.arg, line, start, end, &words);
	unsigned char rc = CC_ERROR;
	if (line != NULL && words.count > 0 && strlen(words.items[0]) >= end - start) {
		bool is_longer =
			strncmp(words.items[0], line + start, end - start) != 0 ||
			strlen(words.items[0]) > end - start;
		if (!is_longer && words.count > 2)
			list_words(e, &words);
		e->lib.el_deletestr(el, (int)count_chars(line + start, end - start));
		e->lib.el_insertstr(el, words.items[0]);
		rc = CC_REDISPLAY;
	}
	edit_words_fini(&words);
	free(line);
	return rc;
}

static void bind_keys(struct edit *e)
{
	static const char *const keys[][2] = {{"\033[200~", "ed-paste"},
		{"^I", "ed-words"}, {"\033[1~", "ed-move-to-beg"},
		{"\033[7~", "ed-move-to-beg"}, {"\033[H", "ed-move-to-beg"},
		{"\033OH", "ed-move-to-beg"}, {"\033[4~", "ed-move-to-end"},
		{"\033[8~", "ed-move-to-end"}, {"\033[F", "ed-move-to-end"},
		{"\033OF", "ed-move-to-end"}, {"\033[3~", "ed-delete-next-char"},
		{"\033[1;5C", "em-next-word"}, {"\033[1;5D", "ed-prev-word"},
		{"^R", "em-inc-search-prev"}};
	int (*set)(EditLine *, int, ...) = e->lib.el_set;
	set(e->el, EL_ADDFN, "ed-paste", "bracketed paste", on_paste);
	set(e->el, EL_ADDFN, "ed-words", "complete a word", on_tab);
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		set(e->el, EL_BIND, keys[i][0], keys[i][1], NULL);
}

static void add_entry(void *arg, const char *entry)
{
	struct edit *e = arg;
	HistEvent ev;
	e->lib.history(e->hist, &ev, H_ENTER, entry);
}

static int open_editor(struct edit *e, const char *program)
{
	static const char *const names[] = {"libedit.so.2", "libedit.so.0", "libedit.so"};
	HistEvent ev;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]) && e->handle == NULL; i++)
		e->handle = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
	if (e->handle == NULL)
		return -1;
#define X(name)                                                    \
	e->lib.name = (__typeof__(name) *)dlsym(e->handle, #name); \
	if (e->lib.name == NULL)                                   \
		return -1;
	LIBEDIT_LIST(X)
#undef X
	e->el = e->lib.el_init(program, stdin, stdout, stderr);
	e->hist = e->lib.history_init();
	if (e->el == NULL || e->hist == NULL)
		return -1;
	e->lib.el_set(e->el, EL_PROMPT_ESC, on_prompt, PROMPT_MARK);
	e->lib.el_set(e->el, EL_EDITOR, "emacs");
	e->lib.el_set(e->el, EL_SIGNAL, 0);
	e->lib.el_set(e->el, EL_GETCFN, on_getc);
	e->lib.history(e->hist, &ev, H_SETSIZE, HISTORY_MAX);
	e->lib.history(e->hist, &ev, H_SETUNIQUE, 1);
	e->lib.el_set(e->el, EL_HIST, e->lib.history, e->hist);
	bind_keys(e);
	if (e->history_path != NULL)
		history_file_load(e->history_path, add_entry, e);
	return 0;
}

static void close_editor(struct edit *e)
{
	if (e->el != NULL)
		e->lib.el_end(e->el);
	if (e->hist != NULL)
		e->lib.history_end(e->hist);
	if (e->handle != NULL)
		dlclose(e->handle);
	e->el = NULL;
	e->hist = NULL;
	e->handle = NULL;
}

struct edit *edit_new(
	const char *program, const char *history_path, const struct edit_hooks *hooks)
{
	struct edit *e = calloc(1, sizeof(*e));
	if (e == NULL)
		return NULL;
	e->hooks = *hooks;
	e->history_path = history_path != NULL ? strdup(history_path) : NULL;
	e->is_tty = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
	current = e;
	if (!e->is_tty)
		return e;
	setlocale(LC_CTYPE, "");
	ioctl(STDIN_FILENO, TIOCGWINSZ, &e->size);
	if (tcgetattr(STDIN_FILENO, &saved_termios) == 0)
		is_terminal_saved = true;
	if (open_editor(e, program) != 0)
		close_editor(e);
	return e;
}

void edit_free(struct edit *e)
{
	if (e == NULL)
		return;
	close_editor(e);
	if (e->is_tty)
		edit_restore();
	is_terminal_saved = false;
	free(e->history_path);
	free(e->prompt);
	free(e->line);
	free(e->last);
	current = NULL;
	free(e);
}

bool edit_is_interactive(const struct edit *e)
{
	return e->is_tty;
}

/** As libedit does it: what stands between the marks is not counted, the marks vanish. */
static void print_prompt(const char *prompt)
{
	for (const char *p = prompt; *p != '\0'; p++) {
		if (*p != PROMPT_MARK)
			putchar(*p);
	}
	fflush(stdout);
}

/** Without an editor: a line as the terminal, or a pipe, gives it. */
static enum edit_status read_plain(struct edit *e, char **ret_line)
{
	size_t len = 0, cap = 256;
	char *line = malloc(cap);
	if (e->is_tty)
		print_prompt(e->prompt);
	free(e->line);
	e->line = line;
	while (line != NULL) {
		enum edit_input input = e->hooks.wait(e->hooks.arg);
		if (input == EDIT_INPUT_INTERRUPTED)
			return EDIT_INTERRUPTED;
		ssize_t n =
			input == EDIT_INPUT_END ? 0 : read(STDIN_FILENO, line + len, 1);
		if (n < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (n <= 0 && len == 0)
			return EDIT_EOF;
		if (n <= 0 || line[len] == '\n') {
			line[len] = '\0';
			*ret_line = line;
			return EDIT_LINE;
		}
		if (++len + 1 >= cap) {
			line = realloc(line, cap *= 2);
			if (line != NULL)
				e->line = line;
		}
	}
	return EDIT_EOF;
}

static enum edit_status read_edited(struct edit *e, char **ret_line)
{
	int len;
	e->is_interrupted = e->is_ended = false;
	e->is_reading = true;
	fputs("\033[?2004h", stdout);
	fflush(stdout);
	const char *text = e->lib.el_gets(e->el, &len);
	fputs("\033[?2004l", stdout);
	fflush(stdout);
	e->is_reading = false;
	if (e->is_interrupted)
		return EDIT_INTERRUPTED;
	if (text == NULL || len <= 0 || e->is_ended)
		return EDIT_EOF;
	if (text[len - 1] == '\n')
		len--;
	free(e->line);
	*ret_line = e->line = strndup(text, (size_t)len);
	return e->line != NULL ? EDIT_LINE : EDIT_EOF;
}

enum edit_status edit_read(struct edit *e, const char *prompt, char **ret_line)
{
	free(e->prompt);
	e->prompt = strdup(prompt);
	if (e->prompt == NULL)
		return EDIT_EOF;
	return e->el != NULL ? read_edited(e, ret_line) : read_plain(e, ret_line);
}

void edit_remember(struct edit *e, const char *entry)
{
	if (!e->is_tty || entry[0] == '\0')
		return;
	if (e->last != NULL && strcmp(e->last, entry) == 0)
		return;
	free(e->last);
	e->last = strdup(entry);
	if (e->hist != NULL)
		add_entry(e, entry);
	if (e->history_path != NULL)
		history_file_append(e->history_path, entry);
}

/** Columns that the text takes on the screen. */
static size_t count_columns(const char *text, size_t len)
{
	mbstate_t state = {0};
	size_t columns = 0;
	bool is_marked = false;
	for (const char *end = text + len; text < end;) {
		wchar_t wide;
		size_t n = mbrtowc(&wide, text, (size_t)(end - text), &state);
		if (n == 0 || n > (size_t)(end - text))
			break;
		text += n;
		if (wide == PROMPT_MARK)
			is_marked = !is_marked;
		else if (!is_marked)
			columns += wcwidth(wide) > 0 ? (size_t)wcwidth(wide) : 0;
	}
	return columns;
}

/** Go to where the prompt begins and clear all from there on. */
static void erase_line(const struct edit *e)
{
	const LineInfo *li = e->lib.el_line(e->el);
	size_t columns = e->size.ws_col > 0 ? e->size.ws_col : 80;
	size_t before = count_columns(e->prompt, strlen(e->prompt));
	const char *p = li->buffer;
	size_t rows = 0;
	for (const char *nl; (nl = memchr(p, '\n', (size_t)(li->cursor - p))) != NULL;
		p = nl + 1) {
		rows += (before + count_columns(p, (size_t)(nl - p))) / columns + 1;
		before = 0;
	}
	rows += (before + count_columns(p, (size_t)(li->cursor - p))) / columns;
	if (rows > 0)
		printf("\033[%zuA", rows);
	fputs("\r\033[J", stdout);
}

void edit_set_prompt(struct edit *e, const char *prompt)
{
	bool is_shown = e->el != NULL && e->is_reading;
	char *copy = strdup(prompt);
	if (copy == NULL)
		return;
	if (is_shown)
		erase_line(e);
	free(e->prompt);
	e->prompt = copy;
	fflush(stdout);
	if (is_shown)
		e->lib.el_set(e->el, EL_REFRESH);
}

void edit_print(struct edit *e, const char *text)
{
	bool is_above = e->el != NULL && e->is_reading;
	if (is_above)
		erase_line(e);
	printf("%s\n", text);
	fflush(stdout);
	if (is_above)
		e->lib.el_set(e->el, EL_REFRESH);
}
