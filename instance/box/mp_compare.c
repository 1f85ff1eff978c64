#include "instance/box/mp_compare.h"

#include <math.h>

#include "instance/box/mp_decimal.h"
#include "instance/box/mp_raw.h"

#define COMPARE(a, b) (((a) > (b)) - ((a) < (b)))

/* Classes of values, in their order. */
enum {
	CLASS_NIL,
	CLASS_BOOL,
	CLASS_NUMBER,
	CLASS_STR,
	CLASS_BIN,
	CLASS_UUID,
	CLASS_OTHER
};

static int value_class(const char *p)
{
	static const uint8_t classes[] = {
		[MP_NIL] = CLASS_NIL,
		[MP_BOOL] = CLASS_BOOL,
		[MP_UINT] = CLASS_NUMBER,
		[MP_INT] = CLASS_NUMBER,
		[MP_FLOAT] = CLASS_NUMBER,
		[MP_DOUBLE] = CLASS_NUMBER,
		[MP_STR] = CLASS_STR,
		[MP_BIN] = CLASS_BIN,
		[MP_ARRAY] = CLASS_OTHER,
		[MP_MAP] = CLASS_OTHER,
		[MP_BAD] = CLASS_OTHER,
	};
	enum mp_type type = mp_raw_type(p);
	if (type != MP_EXT)
		return classes[type];
	int8_t ext;
	uint32_t len;
	mp_raw_ext(&p, &ext, &len);
	if (ext == MP_EXT_DECIMAL)
		return CLASS_NUMBER;
	return ext == MP_EXT_UUID ? CLASS_UUID : CLASS_OTHER;
}

/* ---- Numbers ---- */

enum num_kind { NUM_UINT, NUM_INT, NUM_DOUBLE, NUM_DECIMAL };

struct num {
	enum num_kind kind;
	union {
		uint64_t u;
		int64_t i; /* negative */
		double d;
		const char *decimal;
	};
};

static struct num read_num(const char *p)
{
	struct num n = {.kind = NUM_DOUBLE};
	switch (mp_raw_type(p)) {
	case MP_UINT:
		n.kind = NUM_UINT;
		n.u = mp_raw_uint(&p);
		break;
	case MP_INT:
		n.i = mp_raw_int(&p);
		n.kind = n.i < 0 ? NUM_INT : NUM_UINT;
		break;
	case MP_FLOAT:
		n.d = mp_raw_float(&p);
		break;
	case MP_DOUBLE:
		n.d = mp_raw_double(&p);
		break;
	default:
		n.kind = NUM_DECIMAL;
		n.decimal = p;
		break;
	}
	return n;
}

static int compare_doubles(double a, double b)
{
	if (isnan(a) || isnan(b))
		return !isnan(a) - !isnan(b);
	return COMPARE(a, b);
}

static int compare_uint_double(uint64_t u, double d)
{
	if (isnan(d) || d < 0)
		return 1;
	if (d >= 18446744073709551616.0)
		return -1;
	uint64_t whole = (uint64_t)d;
	return u != whole ? COMPARE(u, whole) : COMPARE(0, d - (double)whole);
}

static int compare_int_double(int64_t i, double d)
{
	if (isnan(d) || d < -9223372036854775808.0)
		return 1;
	if (d >= 0)
		return -1;
	int64_t whole = (int64_t)d;
	return i != whole ? COMPARE(i, whole) : COMPARE(0, d - (double)whole);
}

/* Not NaN, nor an infinity. */
static void num_to_decimal(const struct num *n, struct mp_decimal *ret)
{
	switch (n->kind) {
	case NUM_UINT:
		mp_decimal_from_uint(n->u, false, ret);
		break;
	case NUM_INT:
		mp_decimal_from_uint(-(uint64_t)n->i, true, ret);
		break;
	case NUM_DOUBLE:
		mp_decimal_from_double(n->d, ret);
		break;
	case NUM_DECIMAL:
		if (!mp_decimal_read(n->decimal, ret))
			mp_decimal_from_uint(0, false, ret);
		break;
	}
}

static int compare_decimals(const struct num *a, const struct num *b)
{
	if (a->kind == NUM_DOUBLE && !isfinite(a->d))
		return a->d > 0 ? 1 : -1;
	if (b->kind == NUM_DOUBLE && !isfinite(b->d))
		return b->d > 0 ? -1 : 1;
	struct mp_decimal da, db;
	num_to_decimal(a, &da);
	num_to_decimal(b, &db);
	return mp_decimal_compare(&da, &db);
}

int mp_compare_number(const char *pa, const char *pb)
{
	struct num a = read_num(pa), b = read_num(pb);
	if (a.kind == NUM_DECIMAL || b.kind == NUM_DECIMAL)
		return compare_decimals(&a, &b);
	if (a.kind == NUM_DOUBLE && b.kind == NUM_DOUBLE)
		return compare_doubles(a.d, b.d);
	if (a.kind == NUM_DOUBLE)
		return b.kind == NUM_UINT ? -compare_uint_double(b.u, a.d)
					  : -compare_int_double(b.i, a.d);
	if (b.kind == NUM_DOUBLE)
		return a.kind == NUM_UINT ? compare_uint_double(a.u, b.d)
					  : compare_int_double(a.i, b.d);
	if (a.kind != b.kind)
		return a.kind == NUM_INT ? -1 : 1;
	return a.kind == NUM_UINT ? COMPARE(a.u, b.u) : COMPARE(a.i, b.i);
}

/* ---- Others ---- */

static int compare_bytes(const char *a, uint32_t a_len, const char *b, uint32_t b_len)
{
	int rc = memcmp(a, b, a_len < b_len ? a_len : b_len);
	return rc != 0 ? rc : COMPARE(a_len, b_len);
}

static int compare_str(const char *a, const char *b)
{
	uint32_t a_len, b_len;
	a = mp_raw_str(&a, &a_len);
	b = mp_raw_str(&b, &b_len);
	return compare_bytes(a, a_len, b, b_len);
}

static int compare_bin(const char *a, const char *b)
{
	uint32_t a_len, b_len;
	a = mp_raw_bin(&a, &a_len);
	b = mp_raw_bin(&b, &b_len);
	return compare_bytes(a, a_len, b, b_len);
}

static int compare_ext(const char *a, const char *b)
{
	int8_t a_type, b_type;
	uint32_t a_len, b_len;
	a = mp_raw_ext(&a, &a_type, &a_len);
	b = mp_raw_ext(&b, &b_type, &b_len);
	return compare_bytes(a, a_len, b, b_len);
}

int mp_compare_scalar(const char *a, const char *b)
{
	int class = value_class(a), b_class = value_class(b);
	if (class != b_class)
		return COMPARE(class, b_class);
	switch (class) {
	case CLASS_BOOL:
		return COMPARE((uint8_t)*a, (uint8_t)*b);
	case CLASS_NUMBER:
		return mp_compare_number(a, b);
	case CLASS_STR:
		return compare_str(a, b);
	case CLASS_BIN:
		return compare_bin(a, b);
	case CLASS_UUID:
		return compare_ext(a, b);
	default:
		return 0;
	}
}

int mp_compare_field(const char *a, const char *b, enum field_type type)
{
	bool a_nil = a == NULL || mp_raw_type(a) == MP_NIL;
	bool b_nil = b == NULL || mp_raw_type(b) == MP_NIL;
	if (a_nil || b_nil)
		return b_nil - a_nil;
	switch (type) {
	case FIELD_TYPE_UNSIGNED: {
		uint64_t x = mp_raw_uint(&a), y = mp_raw_uint(&b);
		return COMPARE(x, y);
	}
	case FIELD_TYPE_STRING:
		return compare_str(a, b);
	case FIELD_TYPE_INTEGER:
	case FIELD_TYPE_NUMBER:
	case FIELD_TYPE_DOUBLE:
	case FIELD_TYPE_DECIMAL:
		return mp_compare_number(a, b);
	default:
		return mp_compare_scalar(a, b);
	}
}

/* ---- Hints ---- */

#define HINT_LIMIT ((int64_t)1 << 59)

static uint64_t hint_int(int64_t v)
{
	v = v > HINT_LIMIT - 1 ? HINT_LIMIT - 1 : v < -HINT_LIMIT ? -HINT_LIMIT : v;
	return (uint64_t)(v + HINT_LIMIT);
}

static uint64_t hint_number(const char *p)
{
	struct num n = read_num(p);
	struct mp_decimal d;
	switch (n.kind) {
	case NUM_UINT:
		return hint_int(n.u > INT64_MAX ? INT64_MAX : (int64_t)n.u);
	case NUM_INT:
		return hint_int(n.i);
	case NUM_DOUBLE:
		if (isnan(n.d) || n.d < (double)-HINT_LIMIT)
			return 0;
		return n.d >= (double)HINT_LIMIT ? hint_int(INT64_MAX)
						 : hint_int((int64_t)floor(n.d));
	default:
		num_to_decimal(&n, &d);
		return hint_int(mp_decimal_floor(&d, HINT_LIMIT));
	}
}

/* The first 60 bits. */
static uint64_t hint_bytes(const char *p, uint32_t len)
{
	uint64_t v = 0;
	memcpy(&v, p, len < 8 ? len : 8);
	return be64toh(v) >> 4;
}

uint64_t mp_hint(const char *p)
{
	if (p == NULL)
		return 1;
	uint64_t class = (uint64_t)value_class(p);
	uint64_t body = 1;
	uint32_t len;
	int8_t type;
	switch (class) {
	case CLASS_BOOL:
		body = (uint8_t)*p - 0xc1;
		break;
	case CLASS_NUMBER:
		body = hint_number(p);
		break;
	case CLASS_STR:
		p = mp_raw_str(&p, &len);
		body = hint_bytes(p, len);
		break;
	case CLASS_BIN:
		p = mp_raw_bin(&p, &len);
		body = hint_bytes(p, len);
		break;
	case CLASS_UUID:
		p = mp_raw_ext(&p, &type, &len);
		body = hint_bytes(p, len);
		break;
	default:
		break;
	}
	return class << 60 | body;
}

/* ---- Hashes ---- */

static uint64_t mix(uint64_t hash, uint64_t v)
{
	hash = (hash ^ v) * 0x9e3779b97f4a7c15u;
	return hash ^ hash >> 32;
}

uint64_t mp_hash_finish(uint64_t hash)
{
	hash = (hash ^ hash >> 33) * 0xff51afd7ed558ccdu;
	hash = (hash ^ hash >> 33) * 0xc4ceb9fe1a85ec53u;
	return hash ^ hash >> 33;
}

static uint64_t hash_bytes(uint64_t hash, const char *p, size_t len)
{
	hash = mix(hash, len);
	for (; len >= 8; p += 8, len -= 8) {
		uint64_t v;
		memcpy(&v, p, 8);
		hash = mix(hash, v);
	}
	uint64_t v = 0;
	memcpy(&v, p, len);
	return mix(hash, v);
}

/* Integers by their value; what is none by the digits that a decimal of it has. */
static uint64_t hash_number(uint64_t hash, const char *p)
{
	struct num n = read_num(p);
	struct mp_decimal d;
	if (n.kind == NUM_UINT)
		return mix(hash, n.u);
	if (n.kind == NUM_INT)
		return mix(hash, (uint64_t)n.i);
	if (n.kind == NUM_DOUBLE) {
		if (!isfinite(n.d))
			return mix(hash, isnan(n.d) ? 1 : n.d > 0 ? 2 : 3);
		if (n.d >= 0 && n.d < 18446744073709551616.0 &&
			(double)(uint64_t)n.d == n.d)
			return mix(hash, (uint64_t)n.d);
		if (n.d < 0 && n.d >= -9223372036854775808.0 &&
			(double)(int64_t)n.d == n.d)
			return mix(hash, (uint64_t)(int64_t)n.d);
	}
	num_to_decimal(&n, &d);
	if (d.point <= 18 && (int32_t)d.count <= d.point)
		return mix(hash, (uint64_t)mp_decimal_floor(&d, INT64_MAX));
	hash = mix(hash, (uint64_t)d.point << 1 | d.is_negative);
	return hash_bytes(hash, (const char *)d.digits, d.count);
}

uint64_t mp_hash(uint64_t hash, const char *p)
{
	if (p == NULL)
		return mix(hash, CLASS_NIL);
	int class = value_class(p);
	hash = mix(hash, (uint64_t) class);
	uint32_t len;
	int8_t type;
	switch (class) {
	case CLASS_BOOL:
		return mix(hash, (uint8_t)*p);
	case CLASS_NUMBER:
		return hash_number(hash, p);
	case CLASS_STR:
		p = mp_raw_str(&p, &len);
		return hash_bytes(hash, p, len);
	case CLASS_BIN:
		p = mp_raw_bin(&p, &len);
		return hash_bytes(hash, p, len);
	case CLASS_UUID:
		p = mp_raw_ext(&p, &type, &len);
		return hash_bytes(hash, p, len);
	default:
		return hash;
	}
}
