# libnet: home of libevent.
net_libs = libnet.la $(wire_libs)

noinst_LTLIBRARIES += libnet.la
libnet_la_SOURCES =
libnet_la_CFLAGS = $(AM_CFLAGS) $(EVENT_CFLAGS)
libnet_la_LIBADD = $(EVENT_LIBS)
