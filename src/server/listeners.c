#include "server/listeners.h"

#include <assert.h>

int listeners_open(struct listeners *ls, struct loop *l, const char *const *addresses,
	uint32_t n, uint16_t port, uint32_t backlog, void (*on_accept)(int fd, void *arg),
	void *arg, struct err *e)
{
	struct net_addr addr;

	for (ls->n = 0; ls->n < n; ls->n++) {
		int rc = net_addr_parse(addresses[ls->n], port, &addr, e);

		if (rc != 0)
			return rc;
		ls->at[ls->n] = listener_new(l, &addr, backlog, on_accept, arg, e);
		if (ls->at[ls->n] == NULL)
			return e->code;
	}
	return 0;
}

void listeners_close(struct listeners *ls)
{
	for (uint32_t i = 0; i < ls->n; i++) {
		listener_free(ls->at[i]);
		ls->at[i] = NULL;
	}
}

void listeners_addr(const struct listeners *ls, uint32_t i, struct net_addr *out)
{
	assert(i < ls->n);
	listener_addr(ls->at[i], out);
}
