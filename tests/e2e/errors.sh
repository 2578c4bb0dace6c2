#!/bin/bash
# What a user gets wrong is one message with the place, the word and the remedy, and exit code 2.
cd -- "$(dirname -- "$0")/../.." || exit 2
. tests/e2e/lib.sh
cd -- "$folder" || exit 2

# wrong FACT PATTERN TEXT: a scenario of that text.
wrong() {
	printf '%b' "$3" >wrong.yaml
	expect "$1" 2 "$2" "$skerry" run wrong.yaml --no-record
	expect "$1, in one line" 0 '^1$' bash -c '"$0" run wrong.yaml --no-record 2>&1 | wc -l' "$skerry"
}
clients='clients: [{trace: find}]\n'

wrong 'an unknown key is named with what was meant' 'wrong\.yaml:2: .*clustrs.*did you mean "clusters"' "${clients}machine: {clustrs: 4}\n"
wrong 'a time where cycles are expected is refused' 'wrong\.yaml:2: .*1000ns.*cycles' "${clients}machine: {link: {wire: 1000ns}}\n"
wrong 'a negative number is refused' 'wrong\.yaml:2: .*-1' "${clients}seed: -1\n"
wrong 'a key that stands twice is refused' 'wrong\.yaml:3: .*seed' "${clients}seed: 1\nseed: 2\n"
wrong 'a wrong type is refused' 'wrong\.yaml:1: .*clients' 'clients: 3\n'
wrong 'a second document is refused' 'wrong\.yaml:[23]: .*document' "${clients}---\nseed: 1\n"
wrong 'an empty file is refused' 'wrong\.yaml:1: ' ''
wrong 'a missing trace is named' 'wrong\.yaml:1: .*fnd.*did you mean "find"' 'clients: [{trace: fnd}]\n'
wrong 'an impossible topology is refused' 'wrong\.yaml:[23]: .*23' "${clients}machine: {preset: scc-mesh, clusters: 23}\n"

expect 'a missing scenario is named' 2 'nowhere\.yaml' "$skerry" run nowhere.yaml
expect 'an unknown command is named with what was meant' 2 'did you mean "run"' "$skerry" rum
expect 'an unknown option is named with what was meant' 2 'did you mean "--seed"' "$skerry" run --sed 1
expect 'an unknown protocol is named with what was meant' 2 'memory/msi' "$skerry" check memory/mis
expect '--set is read as strictly as the file' 2 '^skerry: .*--set machine\.clustrs=4: .*did you mean "clusters"' \
	"$skerry" run --set machine.clustrs=4 --no-record
expect 'a synthetic host is not taken for this one' 2 'HWLOC_SYNTHETIC' \
	env HWLOC_SYNTHETIC='nonsense:' "$skerry" run --set machine.preset=host --no-record
printf '# skerry-trace 1\n1 io_uring_setup(8, 0x1) = 3\n1 +++ exited with 0 +++\n' >bad.strace
expect 'a recording that cannot be replayed is refused by name' 2 'bad\.strace:2: .*io_uring_setup' \
	"$skerry" run --trace bad.strace --no-record
expect 'a folder that cannot be written is an error before the run' 2 'runs' \
	bash -c 'touch runs && "$0" run --quiet' "$skerry"
expect '--help lists the commands' 0 'skerry check' "$skerry" --help
expect '--version names the model' 0 'model_version' "$skerry" --version
for command in run check test compare list table doctor; do
	expect "$command --help lists its options" 0 '--help' "$skerry" "$command" --help
done
finish
