/* The process title by its parts: `interpreter script <status>: custom`. */
#ifndef LUA_TITLE_H
#define LUA_TITLE_H

/** Set, without showing. @param script NULL: none */
void title_init(const char *interpreter, const char *script);
/** Set and show. */
void title_set_status(const char *status);
void title_set_custom(const char *text);

#endif
