# libreplica: home of raft.
replica_libs = libreplica.la libstore.la libcatalog.la $(tls_libs) $(net_libs)

noinst_LTLIBRARIES += libreplica.la
libreplica_la_SOURCES = \
	src/replica/apply.c \
	src/replica/ballot.c \
	src/replica/ballot.h \
	src/replica/checkpointing.c \
	src/replica/checkpoints.c \
	src/replica/checkpoints.h \
	src/replica/crc32c.c \
	src/replica/crc32c.h \
	src/replica/cures.c \
	src/replica/cures.h \
	src/replica/datadir.c \
	src/replica/datadir.h \
	src/replica/disk.c \
	src/replica/disk.h \
	src/replica/driver.c \
	src/replica/driver.h \
	src/replica/driver_apply.c \
	src/replica/driver_internal.h \
	src/replica/driver_members.c \
	src/replica/driver_messages.c \
	src/replica/driver_peers.c \
	src/replica/driver_read.c \
	src/replica/driver_snapshot.c \
	src/replica/driver_start.c \
	src/replica/driver_status.c \
	src/replica/driver_transfer.c \
	src/replica/journal.c \
	src/replica/journal.h \
	src/replica/journal_internal.h \
	src/replica/journal_open.c \
	src/replica/journal_spare.c \
	src/replica/must.c \
	src/replica/must.h \
	src/replica/payload.c \
	src/replica/payload.h \
	src/replica/peer_accept.c \
	src/replica/peer_codec.c \
	src/replica/peer_codec.h \
	src/replica/peer_cursor.h \
	src/replica/peer_dial.c \
	src/replica/peer_discover.c \
	src/replica/peer_hello.c \
	src/replica/peer_hello.h \
	src/replica/peer_link.c \
	src/replica/peer_link.h \
	src/replica/peer_table.c \
	src/replica/peer_where.c \
	src/replica/peers.c \
	src/replica/peers.h \
	src/replica/peers_internal.h \
	src/replica/propose.c \
	src/replica/publish.c \
	src/replica/recover.c \
	src/replica/recover.h \
	src/replica/recovery.c \
	src/replica/recovery.h \
	src/replica/replica.c \
	src/replica/replica.h \
	src/replica/replica_internal.h \
	src/replica/restore.c \
	src/replica/restore.h \
	src/replica/segment.c \
	src/replica/segment.h \
	src/replica/sole.c \
	src/replica/sole.h \
	src/replica/status.c \
	src/replica/stream.c \
	src/replica/stream.h \
	src/replica/stream_frame.c \
	src/replica/stream_frame.h \
	src/replica/stream_intake.c \
	src/replica/stream_internal.h \
	src/replica/stream_receive.c \
	src/replica/stream_receive.h \
	src/replica/stream_send.c \
	src/replica/stream_send.h \
	src/replica/stream_source.c \
	src/replica/timing.c
libreplica_la_CFLAGS = $(AM_CFLAGS) $(RAFT_CFLAGS)
libreplica_la_LIBADD = $(RAFT_LIBS)
