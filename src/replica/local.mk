# libreplica: home of raft.
replica_libs = libreplica.la libstore.la libcatalog.la $(net_libs)

noinst_LTLIBRARIES += libreplica.la
libreplica_la_SOURCES =
libreplica_la_CFLAGS = $(AM_CFLAGS) $(RAFT_CFLAGS)
libreplica_la_LIBADD = $(RAFT_LIBS)
