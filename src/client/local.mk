# libsvcd: the library that applications link. It exports svcd_* and nothing else.
# lib_LTLIBRARIES += libsvcd.la
# include_HEADERS += src/svcd.h
# libsvcd_la_SOURCES =
# libsvcd_la_CFLAGS = $(AM_CFLAGS) $(EVENT_CFLAGS)
# libsvcd_la_LIBADD = $(net_libs)
# libsvcd_la_LDFLAGS = $(AM_LDFLAGS) -version-info 0:0:0 -no-undefined \
# 	-Wl,--version-script=$(top_srcdir)/src/libsvcd.map
# libsvcd_la_DEPENDENCIES = $(net_libs) src/libsvcd.map
EXTRA_DIST += src/libsvcd.map

# pkgconfig_DATA += src/libsvcd.pc
