# libsvcd: the library that applications link. It exports svcd_* and nothing else. Its objects are a
# library of their own, so that tests can reach what is hidden.
client_libs = libclient.la $(net_libs)

noinst_LTLIBRARIES += libclient.la
libclient_la_SOURCES = \
	src/client/answers.c \
	src/client/answers.h \
	src/client/backoff.c \
	src/client/backoff.h \
	src/client/call.c \
	src/client/call.h \
	src/client/client.c \
	src/client/client.h \
	src/client/client_new.c \
	src/client/convert.c \
	src/client/error.c \
	src/client/event.c \
	src/client/event.h \
	src/client/fault.c \
	src/client/fault.h \
	src/client/feed.c \
	src/client/feed.h \
	src/client/feed_internal.h \
	src/client/feed_open.c \
	src/client/feed_tell.c \
	src/client/gate.h \
	src/client/item.c \
	src/client/item.h \
	src/client/lease.c \
	src/client/lease.h \
	src/client/link.c \
	src/client/link.h \
	src/client/link_hello.c \
	src/client/link_hello.h \
	src/client/lookup.c \
	src/client/lookup.h \
	src/client/method.c \
	src/client/method.h \
	src/client/model.c \
	src/client/model.h \
	src/client/query.c \
	src/client/query.h \
	src/client/raw.c \
	src/client/raw.h \
	src/client/register.c \
	src/client/register.h \
	src/client/register_call.c \
	src/client/registration.c \
	src/client/registrations.c \
	src/client/request.c \
	src/client/resolve.c \
	src/client/servers.c \
	src/client/servers.h \
	src/client/set.c \
	src/client/set.h \
	src/client/spec.c \
	src/client/spec.h \
	src/client/thread.c \
	src/client/thread.h \
	src/client/value.c \
	src/client/value.h \
	src/client/waiter.c \
	src/client/waiter.h \
	src/client/watch.c

lib_LTLIBRARIES += libsvcd.la
include_HEADERS += src/svcd.h
libsvcd_la_SOURCES =
libsvcd_la_LIBADD = $(client_libs)
libsvcd_la_LDFLAGS = $(AM_LDFLAGS) -version-info 0:0:0 -no-undefined \
	-Wl,--version-script=$(top_srcdir)/src/libsvcd.map
libsvcd_la_DEPENDENCIES = $(client_libs) src/libsvcd.map
EXTRA_DIST += src/libsvcd.map

pkgconfig_DATA += src/libsvcd.pc
