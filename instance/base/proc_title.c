#include "instance/base/proc_title.h"

#include <string.h>
#include <unistd.h>

#include "instance/base/util.h"

static char *room; /* argv and environ as exec() laid them out */
static size_t room_size;

/** A copy of a NULL-ended list with its strings; NULL without memory. */
static char **copy_list(char **list)
{
	size_t count = 0;
	while (list[count] != NULL)
		count++;
	char **copy = calloc(count + 1, sizeof(*copy));
	for (size_t i = 0; copy != NULL && i < count; i++)
		if ((copy[i] = strdup(list[i])) == NULL)
			return NULL;
	return copy;
}

/** Where the strings end that begin at `end`, one after another. */
static char *end_of(char *end, char **list)
{
	for (; *list != NULL; list++)
		if (*list == end)
			end += strlen(*list) + 1;
	return end;
}

char **proc_title_init(int argc, char **argv)
{
	char **args = copy_list(argv);
	char **env = copy_list(environ);
	if (args == NULL || env == NULL || argc == 0)
		return argv;
	room = argv[0];
	room_size = (size_t)(end_of(end_of(room, argv), environ) - room);
	environ = env;
	return args;
}

void proc_title_set(const char *text)
{
	if (room_size == 0)
		return;
	size_t len = strlen(text);
	if (len > room_size - 1)
		len = room_size - 1;
	memcpy(room, text, len);
	memset(room + len, 0, room_size - len);
}
