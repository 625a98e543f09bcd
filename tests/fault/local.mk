# Every allocation, short writes, a full disk, kill -9 and recovery. -Wl,--wrap=malloc goes into a program's LDFLAGS.
fault_tests =
fault_scripts =

# Which allocation fails: see tests/fault/fail_alloc.h. A program names the two files and adds the flags.
FAIL_ALLOC_FILES = tests/fault/fail_alloc.c tests/fault/fail_alloc.h
if SANITIZED
WRAP_ALLOC = -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc
else
WRAP_ALLOC =
endif

fault_tests += tests/fault/test_alloc_base
tests_fault_test_alloc_base_SOURCES = tests/fault/test_alloc_base.c tests/unit/unit.h $(FAIL_ALLOC_FILES)
tests_fault_test_alloc_base_CFLAGS = $(UNIT_CFLAGS)
tests_fault_test_alloc_base_LDADD = $(wire_libs) $(UNIT_LIBS)
tests_fault_test_alloc_base_LDFLAGS = $(AM_LDFLAGS) $(WRAP_ALLOC)

# A few rounds in every test run; tests/fault/kill9_rounds runs as many as one likes.
check_PROGRAMS += tests/fault/kill9
tests_fault_kill9_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tools
tests_fault_kill9_SOURCES = \
	tests/fault/kill9.c \
	tools/svcbench/engine.c \
	tools/svcbench/measure.c \
	tools/svcbench/message.c \
	tools/svcbench/peer.c
fault_scripts += tests/fault/kill9_rounds

fault_tests += tests/fault/test_alloc_health
tests_fault_test_alloc_health_SOURCES = tests/fault/test_alloc_health.c tests/sim/fake_net.c tests/sim/fake_net.h tests/unit/unit.h $(FAIL_ALLOC_FILES)
tests_fault_test_alloc_health_CFLAGS = $(UNIT_CFLAGS)
tests_fault_test_alloc_health_LDADD = $(health_libs) $(UNIT_LIBS)
tests_fault_test_alloc_health_LDFLAGS = $(AM_LDFLAGS) $(WRAP_ALLOC)

fault_tests += tests/fault/test_alloc_catalog
tests_fault_test_alloc_catalog_SOURCES = tests/fault/test_alloc_catalog.c $(CATALOG_WORLD) $(FAIL_ALLOC_FILES)
tests_fault_test_alloc_catalog_CFLAGS = $(UNIT_CFLAGS)
tests_fault_test_alloc_catalog_LDADD = $(catalog_libs) $(UNIT_LIBS)
tests_fault_test_alloc_catalog_LDFLAGS = $(AM_LDFLAGS) $(WRAP_ALLOC)

fault_tests += tests/fault/test_alloc_client
tests_fault_test_alloc_client_SOURCES = tests/fault/test_alloc_client.c $(FAKE_REGISTRY) $(FAIL_ALLOC_FILES)
tests_fault_test_alloc_client_CFLAGS = $(UNIT_CFLAGS) $(EVENT_CFLAGS)
tests_fault_test_alloc_client_LDADD = $(client_libs) $(EVENT_LIBS) $(UNIT_LIBS)
tests_fault_test_alloc_client_LDFLAGS = $(AM_LDFLAGS) $(WRAP_ALLOC)

# Whether histories are linearizable.
LINEAR_FILES = \
	tests/fault/linear.c \
	tests/fault/linear.h \
	tests/fault/linear_model.c \
	tests/fault/linear_model.h

fault_tests += tests/fault/test_linear
tests_fault_test_linear_SOURCES = tests/fault/test_linear.c tests/unit/unit.h $(LINEAR_FILES)
tests_fault_test_linear_CFLAGS = $(UNIT_CFLAGS)
tests_fault_test_linear_LDADD = $(base_libs) $(UNIT_LIBS)

# Random faults on a cluster of real processes. What it judges by is tested by itself.
fault_tests += tests/fault/cluster/test_history
tests_fault_cluster_test_history_SOURCES = tests/fault/cluster/test_history.c \
	tests/fault/cluster/history.c tests/fault/cluster/history.h tests/unit/unit.h $(LINEAR_FILES)
tests_fault_cluster_test_history_CFLAGS = $(UNIT_CFLAGS)
tests_fault_cluster_test_history_LDADD = $(base_libs) $(UNIT_LIBS)

check_PROGRAMS += tests/fault/cluster/run
tests_fault_cluster_run_SOURCES = \
	tests/fault/cluster/caller.c \
	tests/fault/cluster/caller.h \
	tests/fault/cluster/faults.c \
	tests/fault/cluster/faults.h \
	tests/fault/cluster/finale.c \
	tests/fault/cluster/finale.h \
	tests/fault/cluster/history.c \
	tests/fault/cluster/history.h \
	tests/fault/cluster/leases.c \
	tests/fault/cluster/leases.h \
	tests/fault/cluster/load.c \
	tests/fault/cluster/load.h \
	tests/fault/cluster/member.c \
	tests/fault/cluster/member.h \
	tests/fault/cluster/net.c \
	tests/fault/cluster/net.h \
	tests/fault/cluster/pace.h \
	tests/fault/cluster/run.c \
	tests/fault/cluster/shim.h \
	tests/fault/cluster/trust.c \
	tests/fault/cluster/trust.h \
	tests/fault/cluster/watchers.c \
	tests/fault/cluster/watchers.h \
	$(LINEAR_FILES)
tests_fault_cluster_run_CFLAGS = $(AM_CFLAGS) -pthread
tests_fault_cluster_run_LDADD = $(client_libs) -lpthread

# Loaded into the members: it tells them another time, and makes their disk slow.
check_LTLIBRARIES += tests/fault/cluster/shim.la
tests_fault_cluster_shim_la_SOURCES = tests/fault/cluster/shim.c tests/fault/cluster/shim.h
tests_fault_cluster_shim_la_CFLAGS = $(AM_CFLAGS) -fvisibility=default -fno-sanitize=all
tests_fault_cluster_shim_la_LDFLAGS = -module -avoid-version -shared -rpath /nowhere
EXTRA_DIST += tests/fault/cluster_run
fault_scripts += tests/fault/cluster_faults tests/fault/cluster_full_disk

fault_tests += tests/fault/test_alloc_peers
tests_fault_test_alloc_peers_SOURCES = tests/fault/test_alloc_peers.c tests/unit/test_certs.h tests/unit/test_peers.h tests/unit/test_net.h tests/unit/unit.h $(FAIL_ALLOC_FILES)
tests_fault_test_alloc_peers_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests/unit
tests_fault_test_alloc_peers_CFLAGS = $(UNIT_CFLAGS) $(RAFT_CFLAGS) $(OPENSSL_CFLAGS)
tests_fault_test_alloc_peers_LDADD = $(replica_libs) $(OPENSSL_LIBS) $(UNIT_LIBS)
tests_fault_test_alloc_peers_LDFLAGS = $(AM_LDFLAGS) $(WRAP_ALLOC)

check_PROGRAMS += $(fault_tests)
EXTRA_DIST += $(fault_scripts)
TESTS += $(fault_tests) $(fault_scripts)
