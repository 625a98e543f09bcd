# Whole server, checks, client or replicas in one process on a fake clock, disk and network.
#
#	sim_tests += tests/sim/sim_replica
#	tests_sim_sim_replica_SOURCES = tests/sim/sim_replica.c
#	tests_sim_sim_replica_CFLAGS = $(UNIT_CFLAGS) $(RAFT_CFLAGS)
#	tests_sim_sim_replica_LDADD = $(replica_libs) $(UNIT_LIBS)
sim_tests =

# Health checks without a kernel: fake_net stands in for the objects of libnet.
sim_tests += tests/sim/test_health
tests_sim_test_health_SOURCES = tests/sim/test_health.c tests/sim/fake_net.c tests/sim/fake_net.h tests/unit/unit.h
tests_sim_test_health_CFLAGS = $(UNIT_CFLAGS)
tests_sim_test_health_LDADD = $(health_libs) $(UNIT_LIBS)

sim_tests += tests/sim/test_health_probe
tests_sim_test_health_probe_SOURCES = tests/sim/test_health_probe.c tests/unit/test_net.h tests/unit/unit.h
tests_sim_test_health_probe_CFLAGS = $(UNIT_CFLAGS)
tests_sim_test_health_probe_LDADD = $(health_libs) $(UNIT_LIBS)

sim_tests += tests/sim/test_driver
tests_sim_test_driver_SOURCES = tests/sim/test_driver.c tests/sim/fake_disk.c tests/sim/fake_disk.h tests/unit/unit.h
tests_sim_test_driver_CFLAGS = $(UNIT_CFLAGS)
tests_sim_test_driver_LDADD = $(replica_libs) $(UNIT_LIBS)

# Whole clusters: sim.h.
SIM_FILES = \
	tests/sim/fake_disk.c \
	tests/sim/fake_disk.h \
	tests/sim/sim.c \
	tests/sim/sim.h \
	tests/sim/sim_check.c \
	tests/sim/sim_check_lease.c \
	tests/sim/sim_client.c \
	tests/sim/sim_lease.c \
	tests/sim/sim_member.c \
	tests/sim/sim_net.c \
	tests/sim/sim_stream.c \
	tests/sim/sim_trouble.c \
	tests/sim/sim_write.c \
	$(CATALOG_WORLD)

sim_tests += tests/sim/test_driver_cluster
tests_sim_test_driver_cluster_SOURCES = tests/sim/test_driver_cluster.c $(SIM_FILES)
tests_sim_test_driver_cluster_CFLAGS = $(UNIT_CFLAGS) $(RAFT_CFLAGS)
tests_sim_test_driver_cluster_LDADD = $(server_libs) $(RAFT_LIBS) $(UNIT_LIBS)

sim_tests += tests/sim/test_driver_scenes
tests_sim_test_driver_scenes_SOURCES = tests/sim/test_driver_scenes.c $(SIM_FILES)
tests_sim_test_driver_scenes_CFLAGS = $(UNIT_CFLAGS) $(RAFT_CFLAGS)
tests_sim_test_driver_scenes_LDADD = $(server_libs) $(RAFT_LIBS) $(UNIT_LIBS)

sim_tests += tests/sim/test_lease_scenes
tests_sim_test_lease_scenes_SOURCES = tests/sim/test_lease_scenes.c $(SIM_FILES)
tests_sim_test_lease_scenes_CFLAGS = $(UNIT_CFLAGS) $(RAFT_CFLAGS)
tests_sim_test_lease_scenes_LDADD = $(server_libs) $(RAFT_LIBS) $(UNIT_LIBS)

# tests/sim/run --seeds N: as many as one likes.
check_PROGRAMS += tests/sim/run
tests_sim_run_SOURCES = tests/sim/sim_main.c $(SIM_FILES)
tests_sim_run_CFLAGS = $(UNIT_CFLAGS) $(RAFT_CFLAGS)
tests_sim_run_LDADD = $(server_libs) $(RAFT_LIBS) $(UNIT_LIBS)

check_PROGRAMS += $(sim_tests)
TESTS += $(sim_tests)
