# dist_man_MANS += man/svcd.8 man/svcd.conf.5 man/svcctl.1 man/libsvcd.3 man/svcd-protocol.7
