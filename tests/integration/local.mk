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

check_PROGRAMS += $(integration_tests)
EXTRA_DIST += $(integration_scripts)
TESTS += $(integration_tests) $(integration_scripts)

# The daemon from the outside.
EXTRA_DIST += tests/integration/lib.sh
