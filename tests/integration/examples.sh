# Runs the example commands of a document as they stand, in one bash, in a network of its own: on a loopback
# interface that nobody else has, so that fixed ports are free. Sourced after lib.sh, before anything is started.

in_own_network() {
	[[ ${SVCD_TEST_NETWORK:-} != own ]] || return 0
	unshare -rn true 2>/dev/null || {
		echo "network namespaces are not allowed here"
		exit 77
	}
	rm -rf "$work"
	trap - EXIT
	SVCD_TEST_NETWORK=own exec unshare -rn bash ${SVCD_TEST_TRACE:+-x} "$0"
}

loopback_up() {
	ip link set lo up 2>/dev/null || {
		echo "the loopback interface cannot be brought up"
		exit 77
	}
}

# svcd and svcctl by their names, in an empty directory.
use_programs() {
	mkdir "$work/bin" "$work/cwd"
	ln -s "$svcctl_bin" "$work/bin/svcctl"
	ln -s "$svcd_bin" "$work/bin/svcd"
	export PATH=$work/bin:$PATH SVCD=$svcd_bin
	unset SVCD_ADDR
	cd "$work/cwd"
}

# A daemon in the background, whose start is waited for as a person would look: job numbers are as in the document.
run_daemon() {
	local command=$1 log
	log=$work/daemon-$((++n_daemons)).log
	: >"$log"
	eval "${command%&} 2>>'$log' &"
	daemons+=("$!")
	wait_for "$log" 'event=ready'
	[[ $command != *' --join '* ]] || wait_until_joined "$command"
}

# The value of the option NAME in a command.
option_of() {
	sed -n "s/.* $1 \([^ ,]*\).*/\1/p" <<<"$2"
}

wait_until_joined() {
	svcctl -q --server "$(option_of --listen "$1")" cluster join "$(option_of --join "$1")" 2>"$work/err" ||
		fail "'$1' has not joined: $(cat "$work/err")"
}

# Until the others have noticed that so many are gone: each look is a question to a member, to any of them, so a row of
# looks has to agree.
wait_until_missed() {
	local n=$1 i agreed=0
	for ((i = 0; i < 1000 && agreed < 30; i++)); do
		svcctl cluster status >"$work/look" 2>&1 || true
		agreed=$((agreed + 1))
		grep -q "^$n of .* cannot be reached" "$work/look" || agreed=0
	done
	[[ $agreed -ge 30 ]] || fail "nobody misses $n members: $(cat "$work/look")"
}

# run_examples FILE: one command a line. Output of all is in $work/out, of the last one in $work/last.
run_examples() {
	local line
	n_daemons=0
	set -m
	: >"$work/out"
	while IFS= read -r line <&8; do
		if [[ $line == *'&' ]]; then
			run_daemon "$line"
		else
			eval "$line" </dev/null >"$work/last" 2>"$work/err" ||
				fail "'$line' ended with $?: $(cat "$work/last" "$work/err")"
			{
				echo "\$ $line"
				cat "$work/last" "$work/err"
			} >>"$work/out"
			[[ $line != 'kill -KILL '* ]] || wait_until_missed "$(grep -o % <<<"$line" | wc -l)"
		fi
		checks=$((checks + 1))
	done 8<"$1"
	set +m
}

# mdoc_examples PAGE: the lines that begin with "$ " in its literal displays, continued ones joined.
mdoc_examples() {
	awk '
	/^\$ / { sub(/^\$ /, ""); line = $0; more = 1 }
	more && continued && /^    / { line = line substr($0, 4) }
	more {
		continued = sub(/ *\\e$/, " ", line)
		if (!continued) {
			gsub(/\\e/, "\\", line)
			print line
			more = 0
		}
	}' "$1" | sed 's/  */ /g'
}
