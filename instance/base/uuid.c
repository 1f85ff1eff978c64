#include "instance/base/uuid.h"

#include <endian.h>
#include <stdio.h>
#include <sys/random.h>

void uuid_create(struct tt_uuid *uuid)
{
	char *p = (char *)uuid;
	for (size_t got = 0; got < sizeof(*uuid);) {
		ssize_t n = getrandom(p + got, sizeof(*uuid) - got, 0);
		if (n > 0)
			got += (size_t)n;
	}
	uuid->clock_seq_hi_and_reserved = (uuid->clock_seq_hi_and_reserved & 0x3f) | 0x80;
	uuid->time_hi_and_version = (uuid->time_hi_and_version & 0x0fff) | 0x4000;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int uuid_from_string(const char *text, struct tt_uuid *uuid)
{
	char bytes[UUID_LEN];
	const char *p = text;
	for (int i = 0; i < UUID_LEN; i++) {
		if ((i == 4 || i == 6 || i == 8 || i == 10) && *p++ != '-')
			return -1;
		int high = hex_digit(p[0]);
		int low = high < 0 ? -1 : hex_digit(p[1]);
		if (low < 0)
			return -1;
		bytes[i] = (char)(high << 4 | low);
		p += 2;
	}
	if (*p != '\0')
		return -1;
	struct tt_uuid result;
	uuid_unpack(bytes, &result);
	if (!uuid_is_valid(&result))
		return -1;
	*uuid = result;
	return 0;
}

void uuid_to_string(const struct tt_uuid *u, char *out)
{
	snprintf(out, UUID_STR_LEN + 1,
		"%08x-%04x-%04x-%02x%02x-%02x%02x%02x%02x%02x%02x", u->time_low,
		u->time_mid, u->time_hi_and_version, u->clock_seq_hi_and_reserved,
		u->clock_seq_low, u->node[0], u->node[1], u->node[2], u->node[3],
		u->node[4], u->node[5]);
}

void uuid_pack(const struct tt_uuid *uuid, char *out)
{
	struct tt_uuid net = *uuid;
	net.time_low = htobe32(net.time_low);
	net.time_mid = htobe16(net.time_mid);
	net.time_hi_and_version = htobe16(net.time_hi_and_version);
	memcpy(out, &net, UUID_LEN);
}

void uuid_unpack(const char *in, struct tt_uuid *uuid)
{
	memcpy(uuid, in, UUID_LEN);
	uuid->time_low = be32toh(uuid->time_low);
	uuid->time_mid = be16toh(uuid->time_mid);
	uuid->time_hi_and_version = be16toh(uuid->time_hi_and_version);
}
