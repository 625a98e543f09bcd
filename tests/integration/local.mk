# Real processes on loopback, ports from the kernel, temporary directories. Scripts are run as they are.
#
#	integration_scripts += tests/integration/register_and_resolve
integration_tests =
integration_scripts =

integration_scripts += tests/integration/daemon tests/integration/daemon_members \
	tests/integration/daemon_metrics tests/integration/full_disk tests/integration/readme

# The load generator, for a moment.
integration_scripts += tests/integration/svcbench

integration_scripts += \
	tests/integration/cluster_man \
	tests/integration/cluster_readme \
	tests/integration/svcctl \
	tests/integration/svcctl_cluster \
	tests/integration/svcctl_completion \
	tests/integration/svcctl_man \
	tests/integration/svcctl_register

# Data directories of earlier versions.
integration_tests += tests/integration/test_upgrade
tests_integration_test_upgrade_SOURCES = tests/integration/test_upgrade.c tests/unit/notation.c \
	tests/unit/notation.h tests/unit/scratch_dir.h tests/unit/state_look.h tests/unit/unit.h
tests_integration_test_upgrade_CFLAGS = $(UNIT_CFLAGS)
tests_integration_test_upgrade_LDADD = $(replica_libs) $(UNIT_LIBS)

# The client against a registry that misbehaves as it is told, and against the real daemon.
FAKE_REGISTRY = \
	tests/integration/fake.c \
	tests/integration/fake.h \
	tests/integration/record.c \
	tests/integration/record.h \
	tests/unit/notation.c \
	tests/unit/notation.h \
	tests/unit/unit.h

integration_tests += tests/integration/test_client
tests_integration_test_client_SOURCES = tests/integration/test_client.c tests/integration/test_client.h $(FAKE_REGISTRY)
tests_integration_test_client_CFLAGS = $(UNIT_CFLAGS) $(EVENT_CFLAGS)
tests_integration_test_client_LDADD = $(client_libs) $(EVENT_LIBS) $(UNIT_LIBS)

integration_tests += tests/integration/test_client_register
tests_integration_test_client_register_SOURCES = tests/integration/test_client_register.c tests/integration/test_client.h $(FAKE_REGISTRY)
tests_integration_test_client_register_CFLAGS = $(UNIT_CFLAGS)
tests_integration_test_client_register_LDADD = $(client_libs) $(UNIT_LIBS)

integration_tests += tests/integration/test_client_watch
tests_integration_test_client_watch_SOURCES = tests/integration/test_client_watch.c tests/integration/test_client.h $(FAKE_REGISTRY)
tests_integration_test_client_watch_CFLAGS = $(UNIT_CFLAGS)
tests_integration_test_client_watch_LDADD = $(client_libs) $(UNIT_LIBS)

integration_tests += tests/integration/test_client_live
tests_integration_test_client_live_SOURCES = tests/integration/test_client_live.c tests/integration/record.c \
	tests/integration/record.h tests/unit/scratch_dir.h tests/unit/unit.h
tests_integration_test_client_live_CFLAGS = $(UNIT_CFLAGS)
tests_integration_test_client_live_LDADD = libsvcd.la $(UNIT_LIBS) -lpthread

MEMBERS = tests/integration/members.c tests/integration/members.h
integration_tests += tests/integration/test_client_cluster
tests_integration_test_client_cluster_SOURCES = tests/integration/test_client_cluster.c $(MEMBERS) tests/integration/record.c \
	tests/integration/record.h tests/unit/scratch_dir.h tests/unit/unit.h
tests_integration_test_client_cluster_CFLAGS = $(UNIT_CFLAGS)
tests_integration_test_client_cluster_LDADD = libsvcd.la $(UNIT_LIBS) -lpthread

# The public header by itself, also as C++, and the program of libsvcd(3).
integration_scripts += tests/integration/test_client_header tests/integration/test_client_example

# The server in the test's own process, spoken to in bytes.
RPC_CLIENT = \
	tests/integration/rpc_client.c \
	tests/integration/rpc_client.h \
	tests/integration/rpc_fixture.c \
	tests/integration/rpc_fixture.h \
	tests/unit/notation.c \
	tests/unit/notation.h \
	tests/unit/scratch_dir.h \
	tests/unit/unit.h

integration_tests += tests/integration/test_rpc
tests_integration_test_rpc_SOURCES = tests/integration/test_rpc.c $(RPC_CLIENT)
tests_integration_test_rpc_CFLAGS = $(UNIT_CFLAGS)
tests_integration_test_rpc_LDADD = $(server_libs) $(UNIT_LIBS)

integration_tests += tests/integration/test_rpc_watch
tests_integration_test_rpc_watch_SOURCES = tests/integration/test_rpc_watch.c $(RPC_CLIENT)
tests_integration_test_rpc_watch_CFLAGS = $(UNIT_CFLAGS)
tests_integration_test_rpc_watch_LDADD = $(server_libs) $(UNIT_LIBS)

integration_tests += tests/integration/test_rpc_lease
tests_integration_test_rpc_lease_SOURCES = tests/integration/test_rpc_lease.c $(RPC_CLIENT)
tests_integration_test_rpc_lease_CFLAGS = $(UNIT_CFLAGS)
tests_integration_test_rpc_lease_LDADD = $(server_libs) $(UNIT_LIBS)

integration_tests += tests/integration/test_rpc_limits
tests_integration_test_rpc_limits_SOURCES = tests/integration/test_rpc_limits.c tests/unit/hex.h $(RPC_CLIENT)
tests_integration_test_rpc_limits_CFLAGS = $(UNIT_CFLAGS)
tests_integration_test_rpc_limits_LDADD = $(server_libs) $(UNIT_LIBS)

integration_tests += tests/integration/test_rpc_checks
tests_integration_test_rpc_checks_SOURCES = tests/integration/test_rpc_checks.c $(RPC_CLIENT)
tests_integration_test_rpc_checks_CFLAGS = $(UNIT_CFLAGS)
tests_integration_test_rpc_checks_LDADD = $(server_libs) $(UNIT_LIBS)

integration_tests += tests/integration/test_rpc_workers
tests_integration_test_rpc_workers_SOURCES = tests/integration/test_rpc_workers.c $(RPC_CLIENT)
tests_integration_test_rpc_workers_CFLAGS = $(UNIT_CFLAGS)
tests_integration_test_rpc_workers_LDADD = $(server_libs) $(UNIT_LIBS)

VECTORS = tests/integration/vectors.c tests/integration/vectors.h tests/unit/repack.h
integration_tests += tests/integration/test_rpc_vectors
tests_integration_test_rpc_vectors_SOURCES = tests/integration/test_rpc_vectors.c $(VECTORS) $(RPC_CLIENT)
tests_integration_test_rpc_vectors_CFLAGS = $(UNIT_CFLAGS)
tests_integration_test_rpc_vectors_LDADD = $(server_libs) $(UNIT_LIBS)

# Several replicas in the test's own process, over real connections.
CLUSTER = \
	tests/integration/cluster.c \
	tests/integration/cluster.h \
	tests/unit/scratch_dir.h \
	tests/unit/state_look.h \
	tests/unit/unit.h

integration_tests += tests/integration/test_cluster
tests_integration_test_cluster_SOURCES = tests/integration/test_cluster.c $(CLUSTER)
tests_integration_test_cluster_CFLAGS = $(UNIT_CFLAGS)
tests_integration_test_cluster_LDADD = $(replica_libs) $(UNIT_LIBS)

integration_tests += tests/integration/test_cluster_members
tests_integration_test_cluster_members_SOURCES = tests/integration/test_cluster_members.c $(CLUSTER)
tests_integration_test_cluster_members_CFLAGS = $(UNIT_CFLAGS)
tests_integration_test_cluster_members_LDADD = $(replica_libs) $(UNIT_LIBS)

integration_tests += tests/integration/test_cluster_recover
tests_integration_test_cluster_recover_SOURCES = tests/integration/test_cluster_recover.c $(CLUSTER)
tests_integration_test_cluster_recover_CFLAGS = $(UNIT_CFLAGS)
tests_integration_test_cluster_recover_LDADD = $(replica_libs) $(UNIT_LIBS)

integration_tests += tests/integration/test_cluster_snapshot
tests_integration_test_cluster_snapshot_SOURCES = tests/integration/test_cluster_snapshot.c $(CLUSTER)
tests_integration_test_cluster_snapshot_CFLAGS = $(UNIT_CFLAGS)
tests_integration_test_cluster_snapshot_LDADD = $(replica_libs) $(UNIT_LIBS)

integration_tests += tests/integration/test_cluster_trust
tests_integration_test_cluster_trust_SOURCES = tests/integration/test_cluster_trust.c $(CLUSTER)
tests_integration_test_cluster_trust_CFLAGS = $(UNIT_CFLAGS)
tests_integration_test_cluster_trust_LDADD = $(replica_libs) $(UNIT_LIBS)

# The same with a replica that does what the test tells it.
integration_tests += tests/integration/test_rpc_replica
tests_integration_test_rpc_replica_SOURCES = tests/integration/test_rpc_replica.c tests/unit/fake_replica.c \
	tests/unit/fake_replica.h $(RPC_CLIENT)
tests_integration_test_rpc_replica_CFLAGS = $(UNIT_CFLAGS)
tests_integration_test_rpc_replica_LDADD = $(server_alone_libs) $(UNIT_LIBS)

integration_tests += tests/integration/test_http
tests_integration_test_http_SOURCES = tests/integration/test_http.c tests/unit/fake_replica.c \
	tests/unit/fake_replica.h $(RPC_CLIENT)
tests_integration_test_http_CFLAGS = $(UNIT_CFLAGS)
tests_integration_test_http_LDADD = $(server_alone_libs) $(UNIT_LIBS)

integration_tests += tests/integration/test_rpc_vectors_cluster
tests_integration_test_rpc_vectors_cluster_SOURCES = tests/integration/test_rpc_vectors_cluster.c \
	tests/unit/fake_replica.c tests/unit/fake_replica.h $(VECTORS) $(RPC_CLIENT)
tests_integration_test_rpc_vectors_cluster_CFLAGS = $(UNIT_CFLAGS)
tests_integration_test_rpc_vectors_cluster_LDADD = $(server_alone_libs) $(UNIT_LIBS)

integration_tests += tests/integration/test_rpc_cluster
tests_integration_test_rpc_cluster_SOURCES = tests/integration/test_rpc_cluster.c tests/unit/fake_replica.c \
	tests/unit/fake_replica.h $(RPC_CLIENT)
tests_integration_test_rpc_cluster_CFLAGS = $(UNIT_CFLAGS)
tests_integration_test_rpc_cluster_LDADD = $(server_alone_libs) $(UNIT_LIBS)

integration_tests += tests/integration/test_members_leases
tests_integration_test_members_leases_SOURCES = tests/integration/test_members_leases.c $(MEMBERS) \
	tests/unit/scratch_dir.h $(RPC_CLIENT)
tests_integration_test_members_leases_CFLAGS = $(UNIT_CFLAGS)
tests_integration_test_members_leases_LDADD = $(server_libs) $(UNIT_LIBS)

EXTRA_DIST += tests/vectors

check_PROGRAMS += $(integration_tests)
EXTRA_DIST += $(integration_scripts)
TESTS += $(integration_tests) $(integration_scripts)

# The daemon from the outside.
EXTRA_DIST += tests/integration/examples.sh tests/integration/lib.sh
