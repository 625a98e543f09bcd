# libhealth: probes and verdicts.
health_libs = libhealth.la $(net_libs)

noinst_LTLIBRARIES += libhealth.la
libhealth_la_SOURCES =
