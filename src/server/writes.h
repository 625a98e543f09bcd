/*
 * Methods that write: request -> command -> replica -> answer.
 *
 * The command is made and checked on the worker's thread. The answer comes when the
 * command was applied and what it changed was published; requests of one session are
 * proposed in the order they came.
 */
#ifndef SVCD_SERVER_WRITES_H
#define SVCD_SERVER_WRITES_H

struct request;

void method_register(struct request *r);
void method_deregister(struct request *r);
void method_update(struct request *r);
void method_lease_grant(struct request *r);
void method_lease_revoke(struct request *r);
void method_service_set(struct request *r);
void method_service_delete(struct request *r);

#endif
