# libhealth: probes and verdicts.
health_libs = libhealth.la $(net_libs)

noinst_LTLIBRARIES += libhealth.la
libhealth_la_SOURCES = \
	src/health/health.c \
	src/health/health.h \
	src/health/health_internal.h \
	src/health/http_answer.c \
	src/health/http_answer.h \
	src/health/probe.c \
	src/health/probe.h \
	src/health/probe_http.c \
	src/health/probe_tcp.c \
	src/health/reasons.c \
	src/health/reasons.h \
	src/health/report.c \
	src/health/results.c \
	src/health/results.h \
	src/health/schedule.c \
	src/health/schedule.h \
	src/health/target.c \
	src/health/target.h \
	src/health/turn.c \
	src/health/verdict.c \
	src/health/verdict.h
