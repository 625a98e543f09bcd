/* The rows of the table that are about the members of the cluster and their data. */
#include "svcctl/handlers.h"

#define DATA_DIR \
	{ \
		"data-dir", 0, KIND_FILE, "DIR", \
			.help = "of svcd, default: what its configuration says" \
	}
#define YES \
	{ \
		"yes", 'y', KIND_FLAG, NULL, .help = "do not ask" \
	}
#define FORCE_QUORUM \
	{ \
		"force", 0, KIND_FLAG, NULL, \
			.help = "even when nothing can be written after it" \
	}

static const struct param one_member[] = {{"MEMBER", 0, KIND_MEMBER}, {NULL}};
static const struct param maybe_member[] = {
	{"MEMBER", 0, KIND_MEMBER, .optional = true}, {NULL}};
static const struct param one_file[] = {{"FILE", 0, KIND_FILE}, {NULL}};

static const struct command cluster_status = {
	.name = "cluster status",
	.help = "List the members, and say how many may fail",
	.run = cmd_cluster_status,
	.more = "BEHIND: entries of the log that it lacks. RTT: round trip from the member that\n"
		"answers. SYNC: how long its disk takes to make a write durable. SEEN: when it\n"
		"was heard of last.\n",
};

static const struct command cluster_join = {
	.name = "cluster join",
	.help = "Let the connected member join a cluster",
	.words = (const struct param[]){{"ADDRESS", 0, KIND_TEXT}, {NULL}},
	.run = cmd_cluster_join,
	.more = "ADDRESS is where a member of that cluster listens for other members, like\n"
		"tcp:10.0.0.1:7821. The member that joins starts again by itself, takes over the\n"
		"cluster's state and follows; it becomes a voter while there are too few. What it\n"
		"held before is discarded, so it asks when that is anything. Safe to repeat.\n",
	.options =
		(const struct param[]){
			{"discard", 0, KIND_FLAG, NULL,
				.help = "do not ask: what the member holds may go"},
			{"no-wait", 0, KIND_FLAG, NULL,
				.help = "do not wait until it has caught up"},
			{NULL},
		},
};

static const struct command cluster_leave = {
	.name = "cluster leave",
	.help = "Take the connected member out of its cluster",
	.run = cmd_cluster_leave,
	.more = "A leader hands over first.\n",
	.options = (const struct param[]){YES, FORCE_QUORUM, {NULL}},
};

static const struct command cluster_remove = {
	.name = "cluster remove",
	.help = "Take a member out of the cluster, for good",
	.words = one_member,
	.run = cmd_cluster_remove,
	.more = "For a member that is dead, or is to go. It does not come back with its old\n"
		"data: a new one joins with an empty data directory.\n",
	.options = (const struct param[]){YES, FORCE_QUORUM, {NULL}},
};

static const struct command cluster_promote = {
	.name = "cluster promote",
	.help = "Let a standby vote",
	.words = one_member,
	.run = cmd_cluster_promote,
};

static const struct command cluster_demote = {
	.name = "cluster demote",
	.help = "Make a voter a standby, which only reads",
	.words = one_member,
	.run = cmd_cluster_demote,
	.options = (const struct param[]){FORCE_QUORUM, {NULL}},
};

static const struct command cluster_transfer = {
	.name = "cluster transfer",
	.help = "Hand leadership to another voter",
	.words = maybe_member,
	.run = cmd_cluster_transfer,
	.more = "Without MEMBER to the one that is most up to date.\n",
};

static const struct command cluster_recover = {
	.name = "cluster recover",
	.help = "Make the member whose data is here the only voter",
	.run = cmd_cluster_recover,
	.more = "For when more than half of the voters are lost for good. Works on the data\n"
		"directory of a member that is stopped, and runs svcd for it. Take the member\n"
		"whose log goes furthest: --dry-run tells. Writes that only the lost members had\n"
		"are lost. The cluster gets a new id: members that come back with old data are\n"
		"refused. Start it afterwards, and let new members join.\n",
	.options =
		(const struct param[]){
			DATA_DIR,
			{"dry-run", 0, KIND_FLAG, NULL,
				.help = "only tell what is there and what would be lost"},
			YES,
			{NULL},
		},
};

static const struct command backup = {
	.name = "backup",
	.help = "Write a copy of all data into a file",
	.words = one_file,
	.run = cmd_backup,
	.more = "Online, from any member. The file appears under its name when it is whole.\n",
	.options =
		(const struct param[]){
			{"force", 0, KIND_FLAG, NULL, .help = "replace a file"},
			{NULL},
		},
};

static const struct command inspect = {
	.name = "inspect",
	.help = "Tell what a backup holds, and whether it is whole",
	.words = one_file,
	.run = cmd_inspect,
};

static const struct command restore = {
	.name = "restore",
	.help = "Make a new cluster of one from a backup",
	.words = one_file,
	.run = cmd_restore,
	.more = "Fills the data directory of a svcd that is stopped: same data, new cluster.\n"
		"Start it afterwards, and let other members join.\n",
	.options =
		(const struct param[]){
			DATA_DIR,
			{"force", 0, KIND_FLAG, NULL,
				.help = "when it has data: put that aside, into 'replaced'"},
			{NULL},
		},
};

static const struct command doctor = {
	.name = "doctor",
	.help = "Look for trouble in all members, and say what to do",
	.run = cmd_doctor,
	.more = "One line for each finding: ok, warn or fail. Exits with 5 when one is fail.\n",
};

const struct command *const cluster_commands[] = {&cluster_status, &cluster_join,
	&cluster_leave, &cluster_remove, &cluster_promote, &cluster_demote,
	&cluster_transfer, &cluster_recover, &backup, &inspect, &restore, &doctor, NULL};
