# svcd: the daemon. Home of libyaml and libsystemd. Everything but main() is a library that the tests link.
noinst_LTLIBRARIES += libdaemon.la
libdaemon_la_SOURCES = \
	src/daemon/config_file.c \
	src/daemon/config_file.h \
	src/daemon/daemon.c \
	src/daemon/daemon.h \
	src/daemon/daemon_internal.h \
	src/daemon/notify.c \
	src/daemon/notify.h \
	src/daemon/offline.c \
	src/daemon/offline.h \
	src/daemon/options.c \
	src/daemon/options.h \
	src/daemon/problems.c \
	src/daemon/problems.h \
	src/daemon/settings.c \
	src/daemon/settings_check.c \
	src/daemon/settings.h \
	src/daemon/start.c
libdaemon_la_CPPFLAGS = $(AM_CPPFLAGS) -DSVCD_SYSCONFDIR='"$(sysconfdir)"'
libdaemon_la_CFLAGS = $(AM_CFLAGS) $(YAML_CFLAGS) $(SYSTEMD_CFLAGS)
daemon_libs = libdaemon.la $(server_libs) $(YAML_LIBS) $(SYSTEMD_LIBS)

sbin_PROGRAMS += svcd
svcd_SOURCES = src/daemon/main.c
svcd_LDADD = $(daemon_libs)
