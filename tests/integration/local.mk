# Real processes on loopback, ports from the kernel, temporary directories. Scripts are run as they are.
#
#	integration_scripts += tests/integration/register_and_resolve
integration_tests =
integration_scripts =

integration_scripts += tests/integration/daemon tests/integration/full_disk

integration_scripts += \
	tests/integration/svcctl \
	tests/integration/svcctl_completion \
	tests/integration/svcctl_man \
	tests/integration/svcctl_register

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

# The public header by itself, also as C++, and the program of libsvcd(3).
integration_scripts += tests/integration/test_client_header tests/integration/test_client_example

check_PROGRAMS += $(integration_tests)
EXTRA_DIST += $(integration_scripts)
TESTS += $(integration_tests) $(integration_scripts)

# The daemon from the outside.
EXTRA_DIST += tests/integration/lib.sh
