# Every allocation, short writes, a full disk, kill -9 and recovery. -Wl,--wrap=malloc goes into a program's LDFLAGS.
fault_tests =
fault_scripts =

check_PROGRAMS += $(fault_tests)
EXTRA_DIST += $(fault_scripts)
TESTS += $(fault_tests) $(fault_scripts)
