# libwire: home of msgpack.
wire_libs = libwire.la $(base_libs)

noinst_LTLIBRARIES += libwire.la
libwire_la_SOURCES =
libwire_la_CFLAGS = $(AM_CFLAGS) $(MSGPACK_CFLAGS)
libwire_la_LIBADD = $(MSGPACK_LIBS)
