# libbase: only libc, threads and xxhash.
base_libs = libbase.la

noinst_LTLIBRARIES += libbase.la
libbase_la_SOURCES = \
	src/base/buf.c \
	src/base/bytes.c \
	src/base/bytes.h \
	src/base/clock.c \
	src/base/clock.h \
	src/base/err.c \
	src/base/err.h \
	src/base/former.h \
	src/base/heap.c \
	src/base/heap.h \
	src/base/list.h \
	src/base/log.c \
	src/base/log.h \
	src/base/log_gate.c \
	src/base/log_gate.h \
	src/base/map.c \
	src/base/map.h \
	src/base/number.c \
	src/base/rng.c \
	src/base/rng.h \
	src/base/shared.c \
	src/base/suggest.c \
	src/base/text.c \
	src/base/text.h \
	src/base/thread.c \
	src/base/thread.h \
	src/base/utf8.c
libbase_la_CFLAGS = $(AM_CFLAGS) $(XXHASH_CFLAGS)
libbase_la_LIBADD = $(XXHASH_LIBS) -lpthread
