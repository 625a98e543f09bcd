# One target per parser; each defines LLVMFuzzerTestOneInput(). With --enable-fuzzing libFuzzer brings main();
# otherwise tests/fuzz/replay.c does, which runs every file of tests/fuzz/corpus/<target>/, so that
# `make check` replays what was once found.
#
#	fuzz_targets += tests/fuzz/fuzz_frame
#	tests_fuzz_fuzz_frame_SOURCES = tests/fuzz/fuzz_frame.c $(FUZZ_MAIN)
#	tests_fuzz_fuzz_frame_LDADD = $(wire_libs)
#	tests_fuzz_fuzz_frame_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
#	EXTRA_DIST += tests/fuzz/corpus/fuzz_frame
fuzz_targets =

fuzz_targets += tests/fuzz/fuzz_frame
tests_fuzz_fuzz_frame_SOURCES = tests/fuzz/fuzz_frame.c $(FUZZ_MAIN)
tests_fuzz_fuzz_frame_LDADD = $(wire_libs)
tests_fuzz_fuzz_frame_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
EXTRA_DIST += tests/fuzz/corpus/fuzz_frame

fuzz_targets += tests/fuzz/fuzz_value
tests_fuzz_fuzz_value_SOURCES = tests/fuzz/fuzz_value.c tests/unit/repack.h $(FUZZ_MAIN)
tests_fuzz_fuzz_value_LDADD = $(wire_libs)
tests_fuzz_fuzz_value_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
EXTRA_DIST += tests/fuzz/corpus/fuzz_value

fuzz_targets += tests/fuzz/fuzz_config
tests_fuzz_fuzz_config_SOURCES = tests/fuzz/fuzz_config.c $(FUZZ_MAIN)
tests_fuzz_fuzz_config_LDADD = $(daemon_libs)
tests_fuzz_fuzz_config_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
EXTRA_DIST += tests/fuzz/corpus/fuzz_config

EXTRA_DIST += tests/fuzz/run tests/fuzz/fuzz.h

fuzz_targets += tests/fuzz/fuzz_http_answer
tests_fuzz_fuzz_http_answer_SOURCES = tests/fuzz/fuzz_http_answer.c $(FUZZ_MAIN)
tests_fuzz_fuzz_http_answer_LDADD = $(health_libs)
tests_fuzz_fuzz_http_answer_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
EXTRA_DIST += tests/fuzz/corpus/fuzz_http_answer

fuzz_targets += tests/fuzz/fuzz_log
tests_fuzz_fuzz_log_SOURCES = tests/fuzz/fuzz_log.c tests/sim/fake_disk.c tests/sim/fake_disk.h $(FUZZ_MAIN)
tests_fuzz_fuzz_log_LDADD = $(replica_libs)
tests_fuzz_fuzz_log_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
EXTRA_DIST += tests/fuzz/corpus/fuzz_log

fuzz_targets += tests/fuzz/fuzz_checkpoint
tests_fuzz_fuzz_checkpoint_SOURCES = tests/fuzz/fuzz_checkpoint.c $(FUZZ_MAIN)
tests_fuzz_fuzz_checkpoint_LDADD = $(store_libs)
tests_fuzz_fuzz_checkpoint_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
EXTRA_DIST += tests/fuzz/corpus/fuzz_checkpoint

fuzz_targets += tests/fuzz/fuzz_words
tests_fuzz_fuzz_words_SOURCES = tests/fuzz/fuzz_words.c $(FUZZ_MAIN)
tests_fuzz_fuzz_words_LDADD = $(replica_libs)
tests_fuzz_fuzz_words_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
EXTRA_DIST += tests/fuzz/corpus/fuzz_words

fuzz_targets += tests/fuzz/fuzz_stream
tests_fuzz_fuzz_stream_SOURCES = tests/fuzz/fuzz_stream.c $(FUZZ_MAIN)
tests_fuzz_fuzz_stream_LDADD = $(replica_libs)
tests_fuzz_fuzz_stream_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
EXTRA_DIST += tests/fuzz/corpus/fuzz_stream

fuzz_targets += tests/fuzz/fuzz_command
tests_fuzz_fuzz_command_SOURCES = tests/fuzz/fuzz_command.c tests/unit/mem_tables.c tests/unit/mem_tables.h $(FUZZ_MAIN)
tests_fuzz_fuzz_command_LDADD = $(catalog_libs)
tests_fuzz_fuzz_command_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
EXTRA_DIST += tests/fuzz/corpus/fuzz_command

fuzz_targets += tests/fuzz/fuzz_session
tests_fuzz_fuzz_session_SOURCES = tests/fuzz/fuzz_session.c tests/unit/fake_replica.c tests/unit/fake_replica.h $(FUZZ_MAIN)
tests_fuzz_fuzz_session_LDADD = $(server_alone_libs)
tests_fuzz_fuzz_session_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
EXTRA_DIST += tests/fuzz/corpus/fuzz_session

fuzz_targets += tests/fuzz/fuzz_lease_ask
tests_fuzz_fuzz_lease_ask_SOURCES = tests/fuzz/fuzz_lease_ask.c $(FUZZ_MAIN)
tests_fuzz_fuzz_lease_ask_LDADD = $(server_libs)
tests_fuzz_fuzz_lease_ask_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
EXTRA_DIST += tests/fuzz/corpus/fuzz_lease_ask

fuzz_targets += tests/fuzz/fuzz_peer
tests_fuzz_fuzz_peer_SOURCES = tests/fuzz/fuzz_peer.c $(FUZZ_MAIN)
tests_fuzz_fuzz_peer_CFLAGS = $(AM_CFLAGS) $(RAFT_CFLAGS)
tests_fuzz_fuzz_peer_LDADD = $(replica_libs)
tests_fuzz_fuzz_peer_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
EXTRA_DIST += tests/fuzz/corpus/fuzz_peer

fuzz_targets += tests/fuzz/fuzz_members
tests_fuzz_fuzz_members_SOURCES = tests/fuzz/fuzz_members.c $(FUZZ_MAIN)
tests_fuzz_fuzz_members_CFLAGS = $(AM_CFLAGS) $(RAFT_CFLAGS)
tests_fuzz_fuzz_members_LDADD = $(replica_libs) $(RAFT_LIBS)
tests_fuzz_fuzz_members_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
EXTRA_DIST += tests/fuzz/corpus/fuzz_members

fuzz_targets += tests/fuzz/fuzz_http_request
tests_fuzz_fuzz_http_request_SOURCES = tests/fuzz/fuzz_http_request.c $(FUZZ_MAIN)
tests_fuzz_fuzz_http_request_LDADD = $(server_libs)
tests_fuzz_fuzz_http_request_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
EXTRA_DIST += tests/fuzz/corpus/fuzz_http_request

check_PROGRAMS += $(fuzz_targets)
if ENABLE_FUZZING
FUZZ_MAIN =
fuzz_replays =
else
FUZZ_MAIN = tests/fuzz/replay.c
fuzz_replays = $(fuzz_targets)
endif
TESTS += $(fuzz_replays)
