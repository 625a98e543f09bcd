# svcctl and svcbench use src/svcd.h and libsvcd only: they prove the public API.
# bin_PROGRAMS += svcctl
# svcctl_SOURCES = tools/svcctl.c
# svcctl_CFLAGS = $(AM_CFLAGS) $(SMARTCOLS_CFLAGS) $(JANSSON_CFLAGS) $(YAML_CFLAGS)
# svcctl_LDADD = libsvcd.la $(SMARTCOLS_LIBS) $(JANSSON_LIBS) $(YAML_LIBS)

# noinst_PROGRAMS += svcbench
# svcbench_SOURCES = tools/svcbench.c
# svcbench_LDADD = libsvcd.la -lpthread

EXTRA_DIST += tools/setup tools/test

# A short suite of svcbench against the svcd of this build.
bench: all
	top_srcdir='$(abs_top_srcdir)' top_builddir='$(abs_top_builddir)' $(srcdir)/tools/bench $(BENCH_ARGS)

.PHONY: bench
