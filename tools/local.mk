# svcctl uses src/svcd.h and libsvcd only: it proves the public API. All but main() is a library that the tests link.
noinst_LTLIBRARIES += libsvcctl.la
libsvcctl_la_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tools
libsvcctl_la_CFLAGS = $(AM_CFLAGS) $(SMARTCOLS_CFLAGS) $(JANSSON_CFLAGS) $(YAML_CFLAGS)
libsvcctl_la_SOURCES = \
	tools/svcctl/args.c \
	tools/svcctl/args.h \
	tools/svcctl/ask.c \
	tools/svcctl/ask.h \
	tools/svcctl/change.c \
	tools/svcctl/change.h \
	tools/svcctl/child.c \
	tools/svcctl/child.h \
	tools/svcctl/cmd_backup.c \
	tools/svcctl/cmd_change.c \
	tools/svcctl/cmd_cluster_change.c \
	tools/svcctl/cmd_cluster_join.c \
	tools/svcctl/cmd_cluster_status.c \
	tools/svcctl/cmd_complete.c \
	tools/svcctl/cmd_completion.c \
	tools/svcctl/cmd_config_check.c \
	tools/svcctl/cmd_doctor.c \
	tools/svcctl/cmd_drain.c \
	tools/svcctl/cmd_get.c \
	tools/svcctl/cmd_help.c \
	tools/svcctl/cmd_history.c \
	tools/svcctl/cmd_ls.c \
	tools/svcctl/cmd_offline.c \
	tools/svcctl/cmd_ping.c \
	tools/svcctl/cmd_register.c \
	tools/svcctl/cmd_resolve.c \
	tools/svcctl/cmd_service.c \
	tools/svcctl/cmd_status.c \
	tools/svcctl/cmd_version.c \
	tools/svcctl/cmd_wait.c \
	tools/svcctl/cmd_watch.c \
	tools/svcctl/cmd_why.c \
	tools/svcctl/columns.c \
	tools/svcctl/columns.h \
	tools/svcctl/command.h \
	tools/svcctl/commands.c \
	tools/svcctl/commands_cluster.c \
	tools/svcctl/complete.c \
	tools/svcctl/complete.h \
	tools/svcctl/condition.c \
	tools/svcctl/condition.h \
	tools/svcctl/ctl.c \
	tools/svcctl/ctl.h \
	tools/svcctl/deadline.h \
	tools/svcctl/describe.c \
	tools/svcctl/describe.h \
	tools/svcctl/doctor.c \
	tools/svcctl/doctor.h \
	tools/svcctl/handlers.h \
	tools/svcctl/help.c \
	tools/svcctl/help.h \
	tools/svcctl/joining.c \
	tools/svcctl/joining.h \
	tools/svcctl/json.c \
	tools/svcctl/json.h \
	tools/svcctl/known.c \
	tools/svcctl/known.h \
	tools/svcctl/mem.c \
	tools/svcctl/mem.h \
	tools/svcctl/members.c \
	tools/svcctl/members.h \
	tools/svcctl/pages.c \
	tools/svcctl/pages.h \
	tools/svcctl/peer_address.c \
	tools/svcctl/peer_address.h \
	tools/svcctl/pick.c \
	tools/svcctl/pick.h \
	tools/svcctl/print.c \
	tools/svcctl/print.h \
	tools/svcctl/print_table.c \
	tools/svcctl/print_table.h \
	tools/svcctl/progress.c \
	tools/svcctl/progress.h \
	tools/svcctl/report.c \
	tools/svcctl/report.h \
	tools/svcctl/runner.c \
	tools/svcctl/runner.h \
	tools/svcctl/screens.h \
	tools/svcctl/signalled.c \
	tools/svcctl/signalled.h \
	tools/svcctl/spec.c \
	tools/svcctl/spec.h \
	tools/svcctl/spec_value.c \
	tools/svcctl/suggest.c \
	tools/svcctl/svcd_program.c \
	tools/svcctl/svcd_program.h \
	tools/svcctl/target.c \
	tools/svcctl/target.h \
	tools/svcctl/text.c \
	tools/svcctl/text.h \
	tools/svcctl/view.c \
	tools/svcctl/view.h \
	tools/svcctl/yaml.c
svcctl_libs = libsvcctl.la libsvcd.la $(SMARTCOLS_LIBS) $(JANSSON_LIBS) $(YAML_LIBS)

bin_PROGRAMS += svcctl
svcctl_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tools
svcctl_SOURCES = tools/svcctl/main.c
svcctl_LDADD = $(svcctl_libs)

# The load generator is a second, independent implementation of the protocol: it links nothing of ours.
noinst_PROGRAMS += svcbench
svcbench_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tools
svcbench_SOURCES = \
	tools/svcbench/cases.c \
	tools/svcbench/cases.h \
	tools/svcbench/cluster.c \
	tools/svcbench/engine.c \
	tools/svcbench/engine.h \
	tools/svcbench/failover.c \
	tools/svcbench/fleet.c \
	tools/svcbench/load.c \
	tools/svcbench/load.h \
	tools/svcbench/main.c \
	tools/svcbench/measure.c \
	tools/svcbench/measure.h \
	tools/svcbench/message.c \
	tools/svcbench/message.h \
	tools/svcbench/peer.c \
	tools/svcbench/peer.h \
	tools/svcbench/redis_side.c \
	tools/svcbench/sides.h \
	tools/svcbench/svcd_side.c \
	tools/svcbench/trio.c \
	tools/svcbench/trio.h \
	tools/svcbench/watch.c \
	tools/svcbench/zookeeper.c \
	tools/svcbench/zookeeper.h \
	tools/svcbench/zookeeper_side.c

# A small HTTP server that quickstart and the tests register.
noinst_PROGRAMS += demo-server
demo_server_SOURCES = tools/demo/demo_server.c

EXTRA_DIST += tools/bench tools/quickstart tools/setup tools/test

# A short suite of svcbench against the svcd of this build.
bench: all
	top_srcdir='$(abs_top_srcdir)' top_builddir='$(abs_top_builddir)' $(srcdir)/tools/bench $(BENCH_ARGS)

.PHONY: bench
