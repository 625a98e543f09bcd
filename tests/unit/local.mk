# One Check program per module: pure, table-driven, all together within seconds.
#
#	unit_tests += tests/unit/test_wire
#	tests_unit_test_wire_SOURCES = tests/unit/test_wire.c
#	tests_unit_test_wire_CFLAGS = $(UNIT_CFLAGS)
#	tests_unit_test_wire_LDADD = $(wire_libs) $(UNIT_LIBS)
UNIT_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
UNIT_LIBS = $(CHECK_LIBS)
# tests/unit/crash_steps.h
CRASH_STEPS_WRAPS = -Wl,--wrap=renameat2,--wrap=renameat,--wrap=rename,--wrap=fsync,--wrap=fdatasync \
	-Wl,--wrap=unlink,--wrap=unlinkat,--wrap=rmdir,--wrap=mkdir,--wrap=write,--wrap=pwrite
unit_tests =

unit_tests += tests/unit/test_bytes
tests_unit_test_bytes_SOURCES = tests/unit/test_bytes.c tests/unit/unit.h
tests_unit_test_bytes_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_bytes_LDADD = $(base_libs) $(UNIT_LIBS)

unit_tests += tests/unit/test_containers
tests_unit_test_containers_SOURCES = tests/unit/test_containers.c tests/unit/unit.h
tests_unit_test_containers_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_containers_LDADD = $(base_libs) $(UNIT_LIBS)

unit_tests += tests/unit/test_base
tests_unit_test_base_SOURCES = tests/unit/test_base.c tests/unit/unit.h
tests_unit_test_base_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_base_LDADD = $(base_libs) $(UNIT_LIBS)

unit_tests += tests/unit/test_wire_frame
tests_unit_test_wire_frame_SOURCES = tests/unit/test_wire_frame.c tests/unit/unit.h tests/unit/hex.h
tests_unit_test_wire_frame_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_wire_frame_LDADD = $(wire_libs) $(UNIT_LIBS)

unit_tests += tests/unit/test_wire_pack
tests_unit_test_wire_pack_SOURCES = tests/unit/test_wire_pack.c tests/unit/unit.h tests/unit/hex.h
tests_unit_test_wire_pack_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_wire_pack_LDADD = $(wire_libs) $(UNIT_LIBS)

unit_tests += tests/unit/test_wire_value
tests_unit_test_wire_value_SOURCES = tests/unit/test_wire_value.c tests/unit/unit.h tests/unit/hex.h tests/unit/repack.h
tests_unit_test_wire_value_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_wire_value_LDADD = $(wire_libs) $(UNIT_LIBS)

unit_tests += tests/unit/test_wire_fields
tests_unit_test_wire_fields_SOURCES = tests/unit/test_wire_fields.c tests/unit/unit.h tests/unit/hex.h
tests_unit_test_wire_fields_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_wire_fields_LDADD = $(wire_libs) $(UNIT_LIBS)

unit_tests += tests/unit/test_net_addr
tests_unit_test_net_addr_SOURCES = tests/unit/test_net_addr.c tests/unit/unit.h
tests_unit_test_net_addr_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_net_addr_LDADD = $(net_libs) $(UNIT_LIBS)

unit_tests += tests/unit/test_net_loop
tests_unit_test_net_loop_SOURCES = tests/unit/test_net_loop.c tests/unit/test_net.h tests/unit/unit.h
tests_unit_test_net_loop_CFLAGS = $(UNIT_CFLAGS) $(EVENT_CFLAGS)
tests_unit_test_net_loop_LDADD = $(net_libs) $(EVENT_LIBS) $(UNIT_LIBS)

unit_tests += tests/unit/test_net_conn
tests_unit_test_net_conn_SOURCES = tests/unit/test_net_conn.c tests/unit/test_net.h tests/unit/unit.h
tests_unit_test_net_conn_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_net_conn_LDADD = $(net_libs) $(UNIT_LIBS)

unit_tests += tests/unit/test_net_listener
tests_unit_test_net_listener_SOURCES = tests/unit/test_net_listener.c tests/unit/test_net.h tests/unit/unit.h
tests_unit_test_net_listener_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_net_listener_LDADD = $(net_libs) $(UNIT_LIBS)

unit_tests += tests/unit/test_config
tests_unit_test_config_SOURCES = tests/unit/test_config.c
tests_unit_test_config_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_config_LDADD = $(daemon_libs) $(UNIT_LIBS)

unit_tests += tests/unit/test_health_verdict
tests_unit_test_health_verdict_SOURCES = tests/unit/test_health_verdict.c tests/unit/unit.h
tests_unit_test_health_verdict_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_health_verdict_LDADD = $(health_libs) $(UNIT_LIBS)

unit_tests += tests/unit/test_health_schedule
tests_unit_test_health_schedule_SOURCES = tests/unit/test_health_schedule.c tests/unit/unit.h
tests_unit_test_health_schedule_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_health_schedule_LDADD = $(health_libs) $(UNIT_LIBS)

unit_tests += tests/unit/test_health_http
tests_unit_test_health_http_SOURCES = tests/unit/test_health_http.c tests/unit/unit.h
tests_unit_test_health_http_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_health_http_LDADD = $(health_libs) $(UNIT_LIBS)

unit_tests += tests/unit/test_net_resolve
tests_unit_test_net_resolve_SOURCES = tests/unit/test_net_resolve.c tests/unit/test_net.h tests/unit/unit.h
tests_unit_test_net_resolve_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_net_resolve_LDADD = $(net_libs) $(UNIT_LIBS)
tests_unit_test_net_resolve_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=getaddrinfo

unit_tests += tests/unit/test_store
tests_unit_test_store_SOURCES = tests/unit/test_store.c tests/unit/scratch_dir.h tests/unit/unit.h
tests_unit_test_store_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_store_LDADD = $(store_libs) $(UNIT_LIBS)

unit_tests += tests/unit/test_store_swap
tests_unit_test_store_swap_SOURCES = tests/unit/test_store_swap.c tests/unit/crash_steps.h \
	tests/unit/scratch_dir.h tests/unit/unit.h
tests_unit_test_store_swap_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_store_swap_LDADD = $(store_libs) $(UNIT_LIBS)
tests_unit_test_store_swap_LDFLAGS = $(AM_LDFLAGS) $(CRASH_STEPS_WRAPS)

unit_tests += tests/unit/test_replica_recovery
tests_unit_test_replica_recovery_SOURCES = tests/unit/test_replica_recovery.c tests/unit/crash_steps.h \
	tests/unit/scratch_dir.h tests/unit/unit.h
tests_unit_test_replica_recovery_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_replica_recovery_LDADD = $(replica_libs) $(UNIT_LIBS)
tests_unit_test_replica_recovery_LDFLAGS = $(AM_LDFLAGS) $(CRASH_STEPS_WRAPS)

unit_tests += tests/unit/test_replica_words
tests_unit_test_replica_words_SOURCES = tests/unit/test_replica_words.c tests/unit/unit.h
tests_unit_test_replica_words_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_replica_words_LDADD = $(replica_libs) $(UNIT_LIBS)

unit_tests += tests/unit/test_replica_journal
tests_unit_test_replica_journal_SOURCES = tests/unit/test_replica_journal.c \
	tests/sim/fake_disk.c tests/sim/fake_disk.h tests/unit/scratch_dir.h tests/unit/unit.h
tests_unit_test_replica_journal_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_replica_journal_LDADD = $(replica_libs) $(UNIT_LIBS)

unit_tests += tests/unit/test_replica_recover
tests_unit_test_replica_recover_SOURCES = tests/unit/test_replica_recover.c tests/unit/crash_steps.h \
	tests/unit/scratch_dir.h tests/unit/unit.h
tests_unit_test_replica_recover_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_replica_recover_LDADD = $(replica_libs) $(UNIT_LIBS)
tests_unit_test_replica_recover_LDFLAGS = $(AM_LDFLAGS) $(CRASH_STEPS_WRAPS)

unit_tests += tests/unit/test_replica_stream
tests_unit_test_replica_stream_SOURCES = tests/unit/test_replica_stream.c tests/unit/fake_peers.c \
	tests/unit/fake_peers.h tests/unit/stream_member.c tests/unit/stream_member.h \
	tests/unit/scratch_dir.h tests/unit/unit.h
tests_unit_test_replica_stream_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_replica_stream_LDADD = $(replica_libs) $(UNIT_LIBS)

unit_tests += tests/unit/test_replica_stream_net
tests_unit_test_replica_stream_net_SOURCES = tests/unit/test_replica_stream_net.c \
	tests/unit/stream_member.c tests/unit/stream_member.h tests/unit/scratch_dir.h tests/unit/unit.h
tests_unit_test_replica_stream_net_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_replica_stream_net_LDADD = $(replica_libs) $(UNIT_LIBS)

unit_tests += tests/unit/test_replica
tests_unit_test_replica_SOURCES = tests/unit/test_replica.c tests/unit/scratch_dir.h tests/unit/state_look.h \
	tests/unit/unit.h
tests_unit_test_replica_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_replica_LDADD = $(replica_libs) $(UNIT_LIBS)

# A catalog on tables in memory, driven by text.
CATALOG_WORLD = \
	tests/unit/mem_tables.c \
	tests/unit/mem_tables.h \
	tests/unit/say.c \
	tests/unit/say.h \
	tests/unit/unit.h \
	tests/unit/world.c \
	tests/unit/world.h

unit_tests += tests/unit/test_catalog_effective
tests_unit_test_catalog_effective_SOURCES = tests/unit/test_catalog_effective.c tests/unit/unit.h
tests_unit_test_catalog_effective_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_catalog_effective_LDADD = $(catalog_libs) $(UNIT_LIBS)

unit_tests += tests/unit/test_catalog_record
tests_unit_test_catalog_record_SOURCES = tests/unit/test_catalog_record.c $(CATALOG_WORLD)
tests_unit_test_catalog_record_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_catalog_record_LDADD = $(catalog_libs) $(UNIT_LIBS)

unit_tests += tests/unit/test_catalog_member
tests_unit_test_catalog_member_SOURCES = tests/unit/test_catalog_member.c $(CATALOG_WORLD)
tests_unit_test_catalog_member_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_catalog_member_LDADD = $(catalog_libs) $(UNIT_LIBS)

unit_tests += tests/unit/test_catalog_command
tests_unit_test_catalog_command_SOURCES = tests/unit/test_catalog_command.c $(CATALOG_WORLD)
tests_unit_test_catalog_command_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_catalog_command_LDADD = $(catalog_libs) $(UNIT_LIBS)

unit_tests += tests/unit/test_catalog_apply
tests_unit_test_catalog_apply_SOURCES = tests/unit/test_catalog_apply.c $(CATALOG_WORLD)
tests_unit_test_catalog_apply_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_catalog_apply_LDADD = $(catalog_libs) $(UNIT_LIBS)

unit_tests += tests/unit/test_catalog_query
tests_unit_test_catalog_query_SOURCES = tests/unit/test_catalog_query.c $(CATALOG_WORLD)
tests_unit_test_catalog_query_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_catalog_query_LDADD = $(catalog_libs) $(UNIT_LIBS)

unit_tests += tests/unit/test_catalog_model
tests_unit_test_catalog_model_SOURCES = tests/unit/test_catalog_model.c $(CATALOG_WORLD)
tests_unit_test_catalog_model_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_catalog_model_LDADD = $(catalog_libs) $(UNIT_LIBS)

unit_tests += tests/unit/test_svcctl
tests_unit_test_svcctl_SOURCES = tests/unit/test_svcctl.c tests/unit/unit.h
tests_unit_test_svcctl_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tools
tests_unit_test_svcctl_CFLAGS = $(UNIT_CFLAGS) $(JANSSON_CFLAGS)
tests_unit_test_svcctl_LDADD = $(svcctl_libs) $(UNIT_LIBS)

unit_tests += tests/unit/test_svcctl_cluster
tests_unit_test_svcctl_cluster_SOURCES = tests/unit/test_svcctl_cluster.c tests/unit/unit.h
tests_unit_test_svcctl_cluster_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tools
tests_unit_test_svcctl_cluster_CFLAGS = $(UNIT_CFLAGS) $(JANSSON_CFLAGS)
tests_unit_test_svcctl_cluster_LDADD = $(svcctl_libs) $(UNIT_LIBS)

unit_tests += tests/unit/test_svcctl_known
tests_unit_test_svcctl_known_SOURCES = tests/unit/test_svcctl_known.c tests/unit/unit.h
tests_unit_test_svcctl_known_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tools
tests_unit_test_svcctl_known_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_svcctl_known_LDADD = $(svcctl_libs) $(UNIT_LIBS)

# What the load generator says to ZooKeeper.
unit_tests += tests/unit/test_svcbench_zookeeper
tests_unit_test_svcbench_zookeeper_SOURCES = tests/unit/test_svcbench_zookeeper.c \
	tests/unit/hex.h tests/unit/unit.h \
	tools/svcbench/message.c tools/svcbench/message.h \
	tools/svcbench/zookeeper.c tools/svcbench/zookeeper.h
tests_unit_test_svcbench_zookeeper_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tools
tests_unit_test_svcbench_zookeeper_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_svcbench_zookeeper_LDADD = $(base_libs) $(UNIT_LIBS)

# The parts of the client that need no registry.
unit_tests += tests/unit/test_client_value
tests_unit_test_client_value_SOURCES = tests/unit/test_client_value.c tests/unit/unit.h
tests_unit_test_client_value_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_client_value_LDADD = $(client_libs) $(UNIT_LIBS)

unit_tests += tests/unit/test_client_parts
tests_unit_test_client_parts_SOURCES = tests/unit/test_client_parts.c tests/unit/notation.c tests/unit/notation.h tests/unit/unit.h
tests_unit_test_client_parts_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_client_parts_LDADD = $(client_libs) $(UNIT_LIBS)

unit_tests += tests/unit/test_client_model
tests_unit_test_client_model_SOURCES = tests/unit/test_client_model.c tests/unit/notation.c tests/unit/notation.h tests/unit/unit.h
tests_unit_test_client_model_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_client_model_LDADD = $(client_libs) $(UNIT_LIBS)

# The parts of the server that need no sockets.
unit_tests += tests/unit/test_server_lease
tests_unit_test_server_lease_SOURCES = tests/unit/test_server_lease.c tests/unit/unit.h
tests_unit_test_server_lease_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_server_lease_LDADD = $(server_libs) $(UNIT_LIBS)

unit_tests += tests/unit/test_server_http
tests_unit_test_server_http_SOURCES = tests/unit/test_server_http.c tests/unit/unit.h
tests_unit_test_server_http_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_server_http_LDADD = $(server_libs) $(UNIT_LIBS)

unit_tests += tests/unit/test_server_answers
tests_unit_test_server_answers_SOURCES = tests/unit/test_server_answers.c tests/unit/unit.h tests/unit/hex.h
tests_unit_test_server_answers_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_server_answers_LDADD = $(server_libs) $(UNIT_LIBS)

unit_tests += tests/unit/test_server_event
tests_unit_test_server_event_SOURCES = tests/unit/test_server_event.c tests/unit/unit.h tests/unit/notation.c tests/unit/notation.h
tests_unit_test_server_event_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_server_event_LDADD = $(server_libs) $(UNIT_LIBS)

unit_tests += tests/unit/test_server_watch
tests_unit_test_server_watch_SOURCES = tests/unit/test_server_watch.c $(CATALOG_WORLD)
tests_unit_test_server_watch_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_server_watch_LDADD = $(server_libs) $(UNIT_LIBS)

unit_tests += tests/unit/test_net_tls
tests_unit_test_net_tls_SOURCES = tests/unit/test_net_tls.c tests/unit/test_certs.h tests/unit/test_net.h tests/unit/unit.h
tests_unit_test_net_tls_CFLAGS = $(UNIT_CFLAGS) $(OPENSSL_CFLAGS)
tests_unit_test_net_tls_LDADD = $(tls_libs) $(net_libs) $(OPENSSL_LIBS) $(UNIT_LIBS)

unit_tests += tests/unit/test_replica_peer_codec
tests_unit_test_replica_peer_codec_SOURCES = tests/unit/test_replica_peer_codec.c tests/unit/unit.h
tests_unit_test_replica_peer_codec_CFLAGS = $(UNIT_CFLAGS) $(RAFT_CFLAGS)
tests_unit_test_replica_peer_codec_LDADD = $(replica_libs) $(UNIT_LIBS)

unit_tests += tests/unit/test_replica_peers
tests_unit_test_replica_peers_SOURCES = tests/unit/test_replica_peers.c tests/unit/test_peers.h tests/unit/test_net.h tests/unit/unit.h
tests_unit_test_replica_peers_CFLAGS = $(UNIT_CFLAGS) $(RAFT_CFLAGS)
tests_unit_test_replica_peers_LDADD = $(replica_libs) $(UNIT_LIBS)

unit_tests += tests/unit/test_replica_peer_tls
tests_unit_test_replica_peer_tls_SOURCES = tests/unit/test_replica_peer_tls.c tests/unit/test_certs.h tests/unit/test_peers.h tests/unit/test_net.h tests/unit/unit.h
tests_unit_test_replica_peer_tls_CFLAGS = $(UNIT_CFLAGS) $(RAFT_CFLAGS) $(OPENSSL_CFLAGS)
tests_unit_test_replica_peer_tls_LDADD = $(replica_libs) $(OPENSSL_LIBS) $(UNIT_LIBS)

check_PROGRAMS += $(unit_tests)
TESTS += $(unit_tests)
