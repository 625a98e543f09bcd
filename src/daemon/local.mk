# svcd: the daemon. Home of libyaml and libsystemd.
# sbin_PROGRAMS += svcd
# svcd_SOURCES = src/daemon/main.c
# svcd_CPPFLAGS = $(AM_CPPFLAGS) \
# 	-DSVCD_SYSCONFDIR='"$(sysconfdir)"' \
# 	-DSVCD_LOCALSTATEDIR='"$(localstatedir)"' \
# 	-DSVCD_RUNSTATEDIR='"$(runstatedir)"'
# svcd_CFLAGS = $(AM_CFLAGS) $(YAML_CFLAGS) $(SYSTEMD_CFLAGS)
# svcd_LDADD = $(server_libs) $(YAML_LIBS) $(SYSTEMD_LIBS)
