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
	SVCD_TEST_NETWORK=own exec unshare -rn "$0"
}

loopback_up() {
	ip link set lo up 2>/dev/null || {
		echo "the loopback interface cannot be brought up"
		exit 77
	}
}

# A daemon in the background, whose start is waited for as a person would look: job numbers are as in the document.
run_daemon() {
	local command=$1 log
	log=$work/daemon-$((++n_daemons)).log
	: >"$log"
	eval "${command%&} 2>>'$log' &"
	daemons+=("$!")
	wait_for "$log" 'event=ready'
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
