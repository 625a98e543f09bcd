/*
 * What feed.c (asking, events, the link), feed_tell.c and feed_open.c (handles) share.
 * Not for other files.
 */
#ifndef SVCD_CLIENT_FEED_INTERNAL_H
#define SVCD_CLIENT_FEED_INTERNAL_H

#include "client/feed.h"

#define FEED_RETRY_MS 500 /* after an error that may pass, or without memory */

/* feed.c */
void feed_move(struct feed *f, enum feed_state to);
void feed_ask(struct feed *f); /* from FEED_WANTED, while the link is ready */
void feed_lose(struct feed *f);
/* The entries of watch and unwatch; their number. */
uint32_t feed_pack_key(struct buf *b, const struct feed *f);
void feeds_ask_wanted(struct feeds *fs);

/* feed_tell.c */
void watch_tell(struct svcd_watch *w, enum svcd_watch_event event);
void feed_tell(struct feed *f, enum svcd_watch_event event);
void feed_tell_raw(struct feed *f, const struct svcd_value *event);
void feed_take_set(struct feed *f, struct set *s); /* s may be NULL */
/* From what the model knows now. 0 or SVCD_ENOMEM. */
int feed_make_set(struct feed *f);
/* Without memory it stays as it is. */
void feed_change_source(struct feed *f, enum svcd_source source);
/* The handles have been told all up to rev. */
void feed_ack(const struct feed *f, uint64_t rev);
void feeds_ack(struct feeds *fs, struct bytes ns, struct bytes service, uint64_t rev);

/* feed_open.c */
struct feed *feeds_get(struct feeds *fs, struct bytes ns, struct bytes service);

#endif
