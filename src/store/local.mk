# libstore: home of LMDB.
store_libs = libstore.la $(catalog_libs)

noinst_LTLIBRARIES += libstore.la
libstore_la_SOURCES = \
	src/store/checkpoint.c \
	src/store/digest.c \
	src/store/env.c \
	src/store/files.c \
	src/store/internal.h \
	src/store/reader.c \
	src/store/space.c \
	src/store/store.c \
	src/store/store.h \
	src/store/swap.c \
	src/store/txn.c
libstore_la_CFLAGS = $(AM_CFLAGS) $(LMDB_CFLAGS)
libstore_la_LIBADD = $(LMDB_LIBS)
