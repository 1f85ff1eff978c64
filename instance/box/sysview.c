#include "instance/box/sysview.h"

#include <stdlib.h>

#include "instance/base/diag.h"
#include "instance/base/util.h"
#include "instance/box/alter.h"
#include "instance/box/func.h"

/* May the current user see this row? */
typedef bool (*row_filter)(const struct tuple *tuple);

struct sysview_index {
	struct index base;
	uint32_t source_id;
	row_filter is_visible;
};

enum { PRIV_WRDA = PRIV_W | PRIV_R | PRIV_D | PRIV_A };

static uint32_t field_u32(const struct tuple *tuple, uint32_t fieldno)
{
	uint32_t v;
	return tuple_field_u32(tuple, fieldno, &v) == 0 ? v : OBJECT_ID_ALL;
}

static bool is_universal(uint32_t access)
{
	struct object_ref universe = {OBJECT_UNIVERSE, 0, OBJECT_ID_ALL, ""};
	return access_has_any(&universe, access);
}

static bool space_is_visible(const struct tuple *tuple)
{
	const struct space *space = space_by_id(field_u32(tuple, 0));
	if (space == NULL)
		return is_universal(PRIV_WRDA);
	struct object_ref obj = space_object(space);
	return access_has_any(&obj, PRIV_WRDA);
}

static bool user_is_visible(const struct tuple *tuple)
{
	uint32_t id = field_u32(tuple, 0), uid = session_effective_uid();
	return id == uid || id == ROLE_PUBLIC || field_u32(tuple, 1) == uid ||
	       is_universal(PRIV_WRDA);
}

static bool priv_is_visible(const struct tuple *tuple)
{
	uint32_t uid = session_effective_uid();
	return field_u32(tuple, 0) == uid || field_u32(tuple, 1) == uid ||
	       is_universal(PRIV_WRDA);
}

static bool func_is_visible(const struct tuple *tuple)
{
	const struct func *func = func_by_id(field_u32(tuple, 0));
	return func != NULL ? access_has_any(&func->ref, PRIV_WRDA | PRIV_X)
			    : is_universal(PRIV_WRDA | PRIV_X);
}

static bool sequence_is_visible(const struct tuple *tuple)
{
	struct object_ref obj = {
		OBJECT_SEQUENCE, field_u32(tuple, 0), field_u32(tuple, 1), ""};
	return access_has_any(&obj, PRIV_WRDA | PRIV_X);
}

static bool all_is_visible(const struct tuple *tuple)
{
	return true;
}

static const struct {
	uint32_t view_id, source_id;
	row_filter is_visible;
} views[] = {
	{SPACE_VCOLLATION, SPACE_COLLATION, all_is_visible},
	{SPACE_VSPACE, SPACE_SPACE, space_is_visible},
	{SPACE_VSEQUENCE, SPACE_SEQUENCE, sequence_is_visible},
	{SPACE_VINDEX, SPACE_INDEX, space_is_visible},
	{SPACE_VFUNC, SPACE_FUNC, func_is_visible},
	{SPACE_VUSER, SPACE_USER, user_is_visible},
	{SPACE_VPRIV, SPACE_PRIV, priv_is_visible},
};

static struct sysview_index *view_of(const struct index *index)
{
	return (struct sysview_index *)index;
}

/** The index behind the view. NULL with diag set. */
static struct index *source_of(const struct index *index)
{
	struct space *space = space_find(view_of(index)->source_id);
	return space != NULL ? space_index_find(space, index->def->iid) : NULL;
}

static void sysview_free(struct index *index)
{
	free(index);
}

/** Rows of the space behind: counting what is visible is count()'s business. */
static size_t sysview_size(struct index *index)
{
	struct index *source = source_of(index);
	return source != NULL ? index_size(source) : 0;
}

static size_t sysview_bsize(struct index *index)
{
	return 0;
}

static int sysview_get(
	struct index *index, const char *key, uint32_t part_count, struct tuple **ret)
{
	struct index *source = source_of(index);
	if (source == NULL || source->vtab->get(source, key, part_count, ret) != 0)
		return -1;
	if (*ret != NULL && !view_of(index)->is_visible(*ret))
		*ret = NULL;
	return 0;
}

/* Owns the iterator over the space behind. */
struct sysview_iterator {
	struct iterator base;
	struct iterator *source;
};

static int sysview_iterator_next(struct iterator *base, struct tuple **ret)
{
	struct sysview_iterator *it = (struct sysview_iterator *)base;
	do {
		if (iterator_next(it->source, ret) != 0)
			return -1;
	} while (*ret != NULL && !view_of(base->index)->is_visible(*ret));
	return 0;
}

static void sysview_iterator_free(struct iterator *base)
{
	struct sysview_iterator *it = (struct sysview_iterator *)base;
	iterator_free(it->source);
	index_unref(base->index);
	free(it);
}

static struct iterator *sysview_create_iterator(struct index *index,
	enum iterator_type type, const char *key, uint32_t part_count)
{
	struct index *source = source_of(index);
	if (source == NULL)
		return NULL;
	struct sysview_iterator *it = calloc(1, sizeof(*it));
	if (it == NULL) {
		diag_set(oom, "Failed to allocate %zu bytes in malloc for iterator",
			sizeof(*it));
		return NULL;
	}
	it->source = source->vtab->create_iterator(source, type, key, part_count);
	if (it->source == NULL) {
		free(it);
		return NULL;
	}
	it->base.next = sysview_iterator_next;
	it->base.free = sysview_iterator_free;
	it->base.index = index;
	index_ref(index);
	return &it->base;
}

static const struct index_vtab sysview_vtab = {
	.free = sysview_free,
	.size = sysview_size,
	.bsize = sysview_bsize,
	.get = sysview_get,
	.replace = generic_index_replace,
	.create_iterator = sysview_create_iterator,
	.count = generic_index_count,
	.min = generic_index_min,
	.max = generic_index_max,
	.random = generic_index_random,
	.compact = generic_index_compact,
};

struct index *sysview_index_new(uint32_t space_id, struct index_def *def)
{
	for (size_t i = 0; i < lengthof(views); i++) {
		if (views[i].view_id != space_id)
			continue;
		struct sysview_index *view = calloc(1, sizeof(*view));
		if (view == NULL) {
			diag_set(oom, "Failed to allocate %zu bytes in malloc for index",
				sizeof(*view));
			return NULL;
		}
		view->source_id = views[i].source_id;
		view->is_visible = views[i].is_visible;
		index_init(&view->base, &sysview_vtab, def);
		return &view->base;
	}
	diag_set_client(ER_UNSUPPORTED, "sysview", "spaces of one's own");
	return NULL;
}
