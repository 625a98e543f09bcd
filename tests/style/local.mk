# What a reader should not have to check: layers, exported symbols, formatting, text. `make format` lays out the C.
style_scripts = \
	tests/style/layers \
	tests/style/exports \
	tests/style/format \
	tests/style/words \
	tests/style/refuses \
	tests/style/settings \
	tests/style/man \
	tests/style/promises

EXTRA_DIST += $(style_scripts)
TESTS += $(style_scripts)

format:
	top_srcdir='$(top_srcdir)' $(srcdir)/tests/style/format --fix

.PHONY: format
