# Whole server, checks, client or replicas in one process on a fake clock, disk and network.
#
#	sim_tests += tests/sim/sim_replica
#	tests_sim_sim_replica_SOURCES = tests/sim/sim_replica.c
#	tests_sim_sim_replica_CFLAGS = $(UNIT_CFLAGS) $(RAFT_CFLAGS)
#	tests_sim_sim_replica_LDADD = $(replica_libs) $(UNIT_LIBS)
sim_tests =

check_PROGRAMS += $(sim_tests)
TESTS += $(sim_tests)
