# libwire: home of msgpack.
wire_libs = libwire.la $(base_libs)

noinst_LTLIBRARIES += libwire.la
libwire_la_SOURCES = \
	src/wire/fields.c \
	src/wire/frame.c \
	src/wire/frame.h \
	src/wire/peer_magic.h \
	src/wire/pack.c \
	src/wire/pack.h \
	src/wire/pack_rpc.c \
	src/wire/value.c \
	src/wire/value.h
libwire_la_CFLAGS = $(AM_CFLAGS) $(MSGPACK_CFLAGS)
libwire_la_LIBADD = $(MSGPACK_LIBS)
