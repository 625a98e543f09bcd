/* Methods that read: everything but lookups. Each is one short read transaction. */
#ifndef SVCD_SERVER_READS_H
#define SVCD_SERVER_READS_H

struct request;

void method_ping(struct request *r);
void method_list(struct request *r);
void method_get(struct request *r);
void method_history(struct request *r);
void method_status(struct request *r);

#endif
