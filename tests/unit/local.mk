# One Check program per module: pure, table-driven, all together within seconds.
#
#	unit_tests += tests/unit/test_wire
#	tests_unit_test_wire_SOURCES = tests/unit/test_wire.c
#	tests_unit_test_wire_CFLAGS = $(UNIT_CFLAGS)
#	tests_unit_test_wire_LDADD = $(wire_libs) $(UNIT_LIBS)
UNIT_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
UNIT_LIBS = $(CHECK_LIBS)
unit_tests =

check_PROGRAMS += $(unit_tests)
TESTS += $(unit_tests)
