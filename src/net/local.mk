# libnet: home of libevent.
net_libs = libnet.la $(wire_libs)

noinst_LTLIBRARIES += libnet.la
libnet_la_SOURCES = \
	src/net/addr.c \
	src/net/addr.h \
	src/net/conn.c \
	src/net/conn.h \
	src/net/conn_in.c \
	src/net/conn_internal.h \
	src/net/conn_out.c \
	src/net/listener.c \
	src/net/loop.c \
	src/net/loop.h \
	src/net/loop_internal.h \
	src/net/mailbox.c \
	src/net/resolve.c \
	src/net/resolve.h \
	src/net/timer.c
libnet_la_CFLAGS = $(AM_CFLAGS) $(EVENT_CFLAGS)
libnet_la_LIBADD = $(EVENT_LIBS)

# TLS is apart, so that who does not use it does not link OpenSSL: libsvcd.
tls_libs = libtls.la

noinst_LTLIBRARIES += libtls.la
libtls_la_SOURCES = \
	src/net/tls.c \
	src/net/tls.h \
	src/net/tls_conn.c \
	src/net/tls_internal.h \
	src/net/tls_words.c
libtls_la_CFLAGS = $(AM_CFLAGS) $(EVENT_CFLAGS) $(OPENSSL_CFLAGS)
libtls_la_LIBADD = $(OPENSSL_LIBS)
