# svcctl and svcbench use src/svcd.h and libsvcd only: they prove the public API.
# bin_PROGRAMS += svcctl
# svcctl_SOURCES = tools/svcctl.c
# svcctl_CFLAGS = $(AM_CFLAGS) $(SMARTCOLS_CFLAGS) $(JANSSON_CFLAGS) $(YAML_CFLAGS)
# svcctl_LDADD = libsvcd.la $(SMARTCOLS_LIBS) $(JANSSON_LIBS) $(YAML_LIBS)

# The load generator is a second, independent implementation of the protocol: it links nothing of ours.
noinst_PROGRAMS += svcbench
svcbench_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tools
svcbench_SOURCES = \
	tools/svcbench/cases.c \
	tools/svcbench/cases.h \
	tools/svcbench/engine.c \
	tools/svcbench/engine.h \
	tools/svcbench/fleet.c \
	tools/svcbench/main.c \
	tools/svcbench/measure.c \
	tools/svcbench/measure.h \
	tools/svcbench/message.c \
	tools/svcbench/message.h \
	tools/svcbench/peer.c \
	tools/svcbench/peer.h \
	tools/svcbench/watch.c

# A small HTTP server that quickstart and the tests register.
noinst_PROGRAMS += demo-server
demo_server_SOURCES = tools/demo/demo_server.c

EXTRA_DIST += tools/bench tools/quickstart tools/setup tools/test

# A short suite of svcbench against the svcd of this build.
bench: all
	top_srcdir='$(abs_top_srcdir)' top_builddir='$(abs_top_builddir)' $(srcdir)/tools/bench $(BENCH_ARGS)

.PHONY: bench
