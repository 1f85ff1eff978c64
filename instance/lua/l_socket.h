/* The C part of `socket` in three files; what they share. */
#ifndef LUA_L_SOCKET_H
#define LUA_L_SOCKET_H

#include <sys/socket.h>

#include "instance/lua/utils.h"

/** A table {host, family, port} of an address, on the top; with is_full also
 * type and protocol. */
void l_socket_push_address(lua_State *L, const struct sockaddr *sa, socklen_t len);
/**
 * Make an address of the arguments host and port at idx and idx + 1: "unix/" and
 * a path, or a name and a service, looked up for this socket's family. Yields.
 * @return 0, or -1 with errno
 */
int l_socket_to_address(
	lua_State *L, int fd, int idx, struct sockaddr_storage *ret, socklen_t *ret_len);
/** getaddrinfo(host, port, timeout, flags, type, family, protocol) */
int l_socket_getaddrinfo(lua_State *L);
int l_socket_name(lua_State *L);
int l_socket_peer(lua_State *L);
/** A new read buffer: fill, find, take, size. */
int l_socket_rbuf(lua_State *L);
/** Set the tables of constants in the table on the top. */
void l_socket_push_constants(lua_State *L);

#endif
