# libbase: only libc, threads and xxhash.
base_libs = libbase.la

noinst_LTLIBRARIES += libbase.la
libbase_la_SOURCES =
libbase_la_CFLAGS = $(AM_CFLAGS) $(XXHASH_CFLAGS)
libbase_la_LIBADD = $(XXHASH_LIBS) -lpthread
