# Tests in tiers, see each folder. Everything in TESTS finds $top_srcdir and $top_builddir in its environment,
# as absolute paths. A script says 77 to be skipped.
include tests/unit/local.mk
include tests/sim/local.mk
include tests/integration/local.mk
include tests/fault/local.mk
include tests/fuzz/local.mk
include tests/style/local.mk

# What gains most by sanitizers, without the long runs of tests/fault.
check-core:
	$(MAKE) $(AM_MAKEFLAGS) check \
		TESTS='$(unit_tests) $(sim_tests) $(integration_tests) $(integration_scripts) $(fuzz_replays)'

.PHONY: check-core
