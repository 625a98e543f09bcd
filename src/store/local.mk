# libstore: home of LMDB.
store_libs = libstore.la $(catalog_libs)

noinst_LTLIBRARIES += libstore.la
libstore_la_SOURCES =
libstore_la_CFLAGS = $(AM_CFLAGS) $(LMDB_CFLAGS)
libstore_la_LIBADD = $(LMDB_LIBS)
