/* The first call of a session: who the client is, which protocol it speaks. */
#ifndef SVCD_SERVER_HELLO_H
#define SVCD_SERVER_HELLO_H

struct request;

void method_hello(struct request *r);

#endif
