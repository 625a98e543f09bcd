# libserver: sessions, handlers, watches.
server_libs = libserver.la libhealth.la $(replica_libs)
# The same where a test brings a replica of its own.
server_alone_libs = libserver.la libhealth.la libstore.la libcatalog.la $(tls_libs) $(net_libs)

noinst_LTLIBRARIES += libserver.la
libserver_la_SOURCES = \
	src/server/acceptor.c \
	src/server/acceptor.h \
	src/server/ageing.c \
	src/server/ageing.h \
	src/server/answers.c \
	src/server/answers.h \
	src/server/backup.c \
	src/server/backup.h \
	src/server/barrier.c \
	src/server/barrier.h \
	src/server/checks.c \
	src/server/checks.h \
	src/server/closing.c \
	src/server/closing.h \
	src/server/control.c \
	src/server/control.h \
	src/server/core.h \
	src/server/current.c \
	src/server/current.h \
	src/server/event.c \
	src/server/event.h \
	src/server/evidence.c \
	src/server/evidence.h \
	src/server/expiry.c \
	src/server/expiry.h \
	src/server/grants.c \
	src/server/grants.h \
	src/server/hello.c \
	src/server/hello.h \
	src/server/leading.c \
	src/server/leading.h \
	src/server/http.c \
	src/server/http.h \
	src/server/http_request.c \
	src/server/http_request.h \
	src/server/lease.c \
	src/server/lease.h \
	src/server/lease_ask.c \
	src/server/lease_ask.h \
	src/server/listeners.c \
	src/server/listeners.h \
	src/server/members.c \
	src/server/members.h \
	src/server/methods.c \
	src/server/methods.h \
	src/server/metrics.c \
	src/server/metrics.h \
	src/server/metrics_collect.c \
	src/server/narrator.c \
	src/server/narrator.h \
	src/server/reads.c \
	src/server/reads.h \
	src/server/remains.c \
	src/server/remains.h \
	src/server/renewals.c \
	src/server/renewals.h \
	src/server/reply.c \
	src/server/reply.h \
	src/server/request.c \
	src/server/request.h \
	src/server/resolve.c \
	src/server/resolve.h \
	src/server/server.c \
	src/server/server.h \
	src/server/session.c \
	src/server/session.h \
	src/server/status.c \
	src/server/verdicts.c \
	src/server/verdicts.h \
	src/server/watch.c \
	src/server/watch.h \
	src/server/watch_internal.h \
	src/server/watch_prefix.c \
	src/server/watch_tell.c \
	src/server/watching.c \
	src/server/watching.h \
	src/server/worker.c \
	src/server/worker.h \
	src/server/writes.c \
	src/server/writes.h
