/* Methods about watches; what a watch does is in watch.h. */
#ifndef SVCD_SERVER_WATCHING_H
#define SVCD_SERVER_WATCHING_H

struct request;

void method_watch(struct request *r);
void method_unwatch(struct request *r);
void method_ack(struct request *r);

#endif
