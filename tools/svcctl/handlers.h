/*
 * What the commands do, one file each: cmd_NAME.c. All report their errors and return the
 * exit status.
 */
#ifndef SVCCTL_HANDLERS_H
#define SVCCTL_HANDLERS_H

#include "svcctl/args.h"
#include "svcctl/ctl.h"

typedef enum outcome handler(struct ctl *c, const struct args *a);

handler cmd_backup;
handler cmd_cluster_demote;
handler cmd_cluster_join;
handler cmd_cluster_leave;
handler cmd_cluster_promote;
handler cmd_cluster_recover;
handler cmd_cluster_remove;
handler cmd_cluster_status;
handler cmd_cluster_transfer;
handler cmd_complete;
handler cmd_completion;
handler cmd_config_check;
handler cmd_deregister;
handler cmd_doctor;
handler cmd_drain;
handler cmd_get;
handler cmd_help;
handler cmd_history;
handler cmd_inspect;
handler cmd_ls;
handler cmd_maintenance;
handler cmd_ping;
handler cmd_register;
handler cmd_resolve;
handler cmd_restore;
handler cmd_service;
handler cmd_status;
handler cmd_table;
handler cmd_undrain;
handler cmd_version;
handler cmd_wait;
handler cmd_watch;
handler cmd_weight;
handler cmd_why;

#endif
