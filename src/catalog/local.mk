# libcatalog: pure, no foreign library.
catalog_libs = libcatalog.la $(wire_libs)

noinst_LTLIBRARIES += libcatalog.la
libcatalog_la_SOURCES = \
	src/catalog/answer.c \
	src/catalog/answer.h \
	src/catalog/apply_instance.c \
	src/catalog/apply_lease.c \
	src/catalog/apply_member.c \
	src/catalog/apply_register.c \
	src/catalog/apply_service.c \
	src/catalog/apply_tick.c \
	src/catalog/catalog.c \
	src/catalog/catalog.h \
	src/catalog/changes.c \
	src/catalog/changes.h \
	src/catalog/check.c \
	src/catalog/checks.c \
	src/catalog/checks.h \
	src/catalog/codec.c \
	src/catalog/codec.h \
	src/catalog/command.c \
	src/catalog/command.h \
	src/catalog/command_head.c \
	src/catalog/command_head.h \
	src/catalog/command_register.c \
	src/catalog/commit.c \
	src/catalog/effective.c \
	src/catalog/effective.h \
	src/catalog/keys.c \
	src/catalog/keys.h \
	src/catalog/member.c \
	src/catalog/member.h \
	src/catalog/names.c \
	src/catalog/query.h \
	src/catalog/query_history.c \
	src/catalog/query_list.c \
	src/catalog/query_resolve.c \
	src/catalog/query_watch.c \
	src/catalog/read.c \
	src/catalog/read.h \
	src/catalog/record.c \
	src/catalog/record.h \
	src/catalog/record_event.c \
	src/catalog/record_session.c \
	src/catalog/ref.c \
	src/catalog/ref.h \
	src/catalog/scratch.c \
	src/catalog/scratch.h \
	src/catalog/sessions.c \
	src/catalog/settings.c \
	src/catalog/settings.h \
	src/catalog/settle.c \
	src/catalog/slots.c \
	src/catalog/spec.c \
	src/catalog/spec.h \
	src/catalog/spec_pack.c \
	src/catalog/spec_pack.h \
	src/catalog/tables.c \
	src/catalog/tables.h \
	src/catalog/touch.c \
	src/catalog/types.h \
	src/catalog/update.c \
	src/catalog/update.h \
	src/catalog/validate.c \
	src/catalog/validate.h \
	src/catalog/work.h
