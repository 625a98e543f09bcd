# mdoc pages; tests/style/man checks them with mandoc.
dist_man_MANS += \
	man/libsvcd.3 \
	man/svcctl.1 \
	man/svcd-cluster.7 \
	man/svcd-metrics.7 \
	man/svcd-protocol.7 \
	man/svcd.8 \
	man/svcd.conf.5
