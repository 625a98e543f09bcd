# Shared by the integration scripts: a directory of their own, daemons that end with them, waiting on events.
# Sourced by bash scripts after `set -euo pipefail`.

svcd_bin=$top_builddir/svcd
svcctl_bin=$top_builddir/svcctl
[[ -x $svcd_bin ]] || {
	echo "svcd is not built"
	exit 77
}
work=$(mktemp -d)
daemons=()
checks=0

cleanup() {
	local status=$? pid
	for pid in "${daemons[@]}"; do
		kill -9 "$pid" 2>/dev/null || true
	done
	wait 2>/dev/null || true
	if [[ $status -ne 0 && $status -ne 77 ]]; then
		tail -n 30 "$work"/*.log 2>/dev/null || true
	fi
	umount "$work/disk" 2>/dev/null || true # full_disk mounts one
	rm -rf "$work"
	exit "$status"
}
trap cleanup EXIT

fail() {
	echo "FAILED: $*" >&2
	exit 1
}

# wait_for FILE PATTERN: until the file has a line that matches; it is read as it grows.
wait_for() {
	local file=$1 pattern=$2 line found=no reader
	exec 9< <(exec tail -n +1 -s 0.02 -F "$file" 2>/dev/null)
	reader=$!
	while [[ $found == no ]] && IFS= read -r -t 30 line <&9; do
		grep -q -e "$pattern" <<<"$line" && found=yes
	done
	exec 9<&-
	kill "$reader" 2>/dev/null || true
	[[ $found == yes ]] || fail "no '$pattern' in $(basename "$file")"
}

# start NAME ARGUMENTS...: svcd with its data in $work/NAME and its log in $work/NAME.log; sets $pid and $address.
start() {
	local name=$1
	shift
	: >"$work/$name.log"
	"$svcd_bin" --config /dev/null --data-dir "$work/$name" --listen tcp:127.0.0.1:0 "$@" \
		2>>"$work/$name.log" &
	pid=$!
	daemons+=("$pid")
	wait_for "$work/$name.log" 'event=ready'
	address=$(sed -n 's/.*event=listening.* address=\(tcp:[^ ]*\).*/\1/p' "$work/$name.log" | head -n 1)
	[[ -n $address ]] || fail "svcd does not say where it listens"
}

# ends STATUS COMMAND...: runs it and compares the exit status; output is in $work/out and $work/err.
ends() {
	local expected=$1 status=0
	shift
	"$@" >"$work/out" 2>"$work/err" || status=$?
	[[ $status -eq $expected ]] ||
		fail "'$*' ended with $status instead of $expected: $(cat "$work/out" "$work/err")"
	checks=$((checks + 1))
}

# says FILE PATTERN
says() {
	grep -q -e "$2" "$work/$1" || fail "no '$2' in $1: $(cat "$work/$1")"
	checks=$((checks + 1))
}

done_with() {
	echo "$1: $checks checks"
}
