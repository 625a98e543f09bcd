/* The texts of errors, and who we are. */
#include "base/err.h"

const char *svcd_strerror(int error)
{
	return err_text(error);
}

const char *svcd_error_name(int error)
{
	return err_name(error);
}

const char *svcd_version(void)
{
	return SVCD_VERSION;
}
