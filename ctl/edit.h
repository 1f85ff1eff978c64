/*
 * Line editing for consoles: a thin layer over libedit, which is opened when a
 * console needs it (without it lines are read as they are). A library of its own
 * that depends on nothing else: `tarantella -i` (instance/lua/l_terminal.c) uses
 * it too.
 *
 * Keys are emacs'; beside them Home, End and Del work in every terminal, a
 * bracketed paste is one entry, Ctrl-C clears the line, Tab completes.
 */
#ifndef CTL_EDIT_H
#define CTL_EDIT_H

#include <stdbool.h>
#include <stddef.h>

enum edit_status {
	EDIT_LINE,        /* a line was entered */
	EDIT_EOF,         /* Ctrl-D, end of input, or the hook said EDIT_INPUT_END */
	EDIT_INTERRUPTED, /* Ctrl-C: what was typed is gone */
};

enum edit_input {
	EDIT_INPUT_READY,       /* a byte of stdin can be read */
	EDIT_INPUT_INTERRUPTED, /* Ctrl-C came while waiting */
	EDIT_INPUT_END,         /* there is no use in reading on */
};

/* Candidates for a word. Owned by the caller of the hook. */
struct edit_words {
	char **items; /* the first one is what they all begin with */
	size_t count;
};

struct edit_hooks {
	/**
	 * Wait until stdin is readable. It may print above the line with
	 * edit_print() and may yield.
	 */
	enum edit_input (*wait)(void *arg);
	/**
	 * Find what completes line[start, end); NULL: no completion.
	 * @param words filled with malloc'ed strings; free by edit_words_fini()
	 */
	void (*complete)(void *arg, const char *line, size_t start, size_t end,
		struct edit_words *words);
	void *arg;
};

struct edit;

/**
 * Take stdin and stdout.
 * @param history_path where entries are kept, NULL: nowhere
 * @return NULL when out of memory
 */
struct edit *edit_new(
	const char *program, const char *history_path, const struct edit_hooks *hooks);
/** Give the terminal back and free. */
void edit_free(struct edit *e);
/**
 * Read a line.
 * @param prompt   what stands between two \001 takes no room on the screen: colours
 * @param ret_line without its newline; valid until the next call
 */
enum edit_status edit_read(struct edit *e, const char *prompt, char **ret_line);
/** Add a statement (of one or more lines) to the history and to its file. */
void edit_remember(struct edit *e, const char *entry);
/** Print a line above the one that is being edited. */
void edit_print(struct edit *e, const char *text);
/** Another prompt for the line that is being edited. */
void edit_set_prompt(struct edit *e, const char *prompt);
/** Set the terminal back. Safe in a signal handler. */
void edit_restore(void);
/** Is stdin a terminal with an editor? */
bool edit_is_interactive(const struct edit *e);

/** Add a copy of the word. @return 0, or -1 when out of memory */
int edit_words_add(struct edit_words *words, const char *word, size_t len);
/** Free the words. */
void edit_words_fini(struct edit_words *words);

#endif
