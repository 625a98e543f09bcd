/* Writing answers: map entries that count themselves, and pages that end before a frame
 * is full. */
#ifndef SVCD_CATALOG_ANSWER_H
#define SVCD_CATALOG_ANSWER_H

#include "catalog/query.h"
#include "catalog/spec.h"

/* An answer must fit into a frame (wire/frame.h), with its head. */
#define ANSWER_BYTES_MAX ((size_t)900 << 10)
#define ANSWER_ITEMS_MAX 60000

struct answer {
	struct buf *out;
	uint32_t n; /* entries */
};

void answer_u64(struct answer *a, const char *key, uint64_t v);
void answer_text(struct answer *a, const char *key, const char *v);
void answer_str(struct answer *a, const char *key, struct bytes v);
void answer_str_if(struct answer *a, const char *key, struct bytes v); /* not when empty
									*/
void answer_u64_if(struct answer *a, const char *key, uint64_t v);     /* not when 0 */

/* A list under a key, whose length is known at the end. */
struct page {
	struct answer *a;
	size_t head;    /* where its length goes */
	size_t from;    /* length of out at its begin */
	uint32_t n;     /* elements */
	uint32_t items; /* of msgpack, in all */
	uint32_t limit; /* elements; 0: none */
};

void page_begin(struct page *p, struct answer *a, const char *key, uint32_t limit);
bool page_full(const struct page *p);
void page_added(struct page *p, uint32_t items); /* one more element was packed */
void page_end(struct page *p);

void answer_service_key(struct answer *a, const struct service_key *k);
uint32_t service_usable(const struct service *s);
/* Elements of msgpack in an instance's SEEN map. */
uint32_t seen_items(const struct instance *i);

int answer_no_service(const struct service_key *k, struct err *e);

#endif
