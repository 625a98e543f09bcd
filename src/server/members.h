/* Methods about the cluster: who its members are, changes of them. */
#ifndef SVCD_SERVER_MEMBERS_H
#define SVCD_SERVER_MEMBERS_H

struct request;

void method_members(struct request *r);
void method_member_change(struct request *r);
void method_member_join(struct request *r);

#endif
