# libserver: sessions, handlers, watches.
server_libs = libserver.la libhealth.la $(replica_libs)

noinst_LTLIBRARIES += libserver.la
libserver_la_SOURCES =
