# Real processes on loopback, ports from the kernel, temporary directories. Scripts are run as they are.
#
#	integration_scripts += tests/integration/register_and_resolve
integration_tests =
integration_scripts =

check_PROGRAMS += $(integration_tests)
EXTRA_DIST += $(integration_scripts)
TESTS += $(integration_tests) $(integration_scripts)
