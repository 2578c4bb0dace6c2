# What the end-to-end tests share: sourced with the program as $1. A test names a fact, and the command that shows it.
skerry=$(readlink -f -- "$1")
passed=0 failed=0
folder=$(mktemp -d)
trap 'rm -rf -- "$folder"' EXIT

# expect FACT CODE PATTERN COMMAND...: the command ends with CODE, and its output (both streams) matches the extended
# regular expression.
expect() {
	local fact=$1 code=$2 pattern=$3 output got
	shift 3
	output=$("$@" 2>&1 </dev/null)
	got=$?
	if [[ $got == "$code" ]] && grep -qE -- "$pattern" <<<"$output"; then
		passed=$((passed + 1))
		return
	fi
	failed=$((failed + 1))
	printf 'FAILED: %s\n  exit code %s instead of %s, or nothing matches %s\n  %s\n' "$fact" "$got" "$code" "$pattern" "$*"
	head -n 12 <<<"$output" | sed 's/^/  | /'
}

# same FACT A B
same() {
	if [[ -n $2 && $2 == "$3" ]]; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		printf 'FAILED: %s: "%s" and "%s"\n' "$1" "$2" "$3"
	fi
}

# digest ARGS...: of skerry run ARGS.
digest() { "$skerry" run "$@" --json --no-record 2>/dev/null | sed -n 's/^.*"digest": *"\([^"]*\)".*$/\1/p' | head -n 1; }

finish() {
	printf '%d passed, %d failed\n' "$passed" "$failed"
	((failed == 0 && passed > 0))
}
