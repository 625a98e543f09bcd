# libcatalog: pure, no foreign library.
catalog_libs = libcatalog.la $(wire_libs)

noinst_LTLIBRARIES += libcatalog.la
libcatalog_la_SOURCES =
