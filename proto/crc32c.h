/* CRC-32C as Tarantool's files and digest have it: without the final inversion. */
#ifndef PROTO_CRC32C_H
#define PROTO_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/** Go on from `crc`; files begin with 0. By the CPU's instruction where it has one. */
uint32_t crc32c(uint32_t crc, const void *data, size_t len);

#endif
