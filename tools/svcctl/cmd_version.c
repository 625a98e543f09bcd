/* version: of svcctl, of the library that is linked, and of the registry when there is
 * one. */
#include "svcctl/handlers.h"
#include "svcctl/json.h"
#include "svcctl/print.h"

#define REGISTRY_WAIT_MS 1000 /* the version of the registry is an extra */

struct versions {
	const char *registry; /* NULL: none can be reached */
};

static void screen_version(FILE *out, const struct view *v, const void *arg)
{
	const struct versions *all = arg;

	(void)v;
	fprintf(out, "svcctl   %s\nlibsvcd  %s\nregistry %s\nprotocol %d\n", SVCD_VERSION,
		svcd_version(),
		all->registry != NULL ? all->registry : "cannot be reached",
		SVCD_PROTOCOL_VERSION);
}

enum outcome cmd_version(struct ctl *c, const struct args *a)
{
	struct svcd_value *status = NULL;
	struct svcd_fault fault;
	struct versions all = {NULL};
	json_t *document = json_new_document();

	(void)a;
	if (!c->has_timeout)
		c->timeout_ms = REGISTRY_WAIT_MS;
	if (ctl_call(c, "status", NULL, &status, &fault) == 0)
		all.registry = svcd_value_str(svcd_value_get(status, "version"), NULL);
	json_put_text(document, "svcctl", SVCD_VERSION);
	json_put_text(document, "libsvcd", svcd_version());
	json_put_text(document, "registry", all.registry);
	json_put_number(document, "protocol", SVCD_PROTOCOL_VERSION);
	print_object(&c->view, document, SVCD_VERSION, screen_version, &all);
	svcd_value_free(status);
	return OUT_OK;
}
