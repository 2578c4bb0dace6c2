#!/bin/bash
# skerry check, table, list and test: a right protocol closes, a wrong one is shown to be wrong, expectations hold.
cd -- "$(dirname -- "$0")/../.." || exit 2
. tests/e2e/lib.sh
cd -- "$folder" || exit 2

expect 'memory/msi closes on three kernels, with its count' 0 '[0-9,]+ states' "$skerry" check memory/msi --kernels 3 --quiet
expect 'capability/acks has a counter-example' 1 'I1: the revoke has returned' "$skerry" check capability/acks --quiet
expect 'it is a numbered story of kernels' 1 '^ *1 .*kernel 0' "$skerry" check capability/acks --quiet
expect 'file/posix closes' 0 '[0-9,]+ states' "$skerry" check file/posix --quiet
expect 'a limit of time is inconclusive' 3 . "$skerry" check capability/tree --kernels 4 --timeout 200ms --quiet
expect 'a check is JSON as well' 0 '"states"' "$skerry" check memory/msi --kernels 2 --json --quiet

for protocol in capability/tree memory/msi file/posix capability/acks; do
	expect "the table of $protocol is Markdown" 0 '^\| ' "$skerry" table "$protocol"
	expect "list knows $protocol" 0 "$protocol" "$skerry" list
done

mkdir cases
printf 'name: good\nmachine: {clusters: 2}\nclients: [{trace: find}]\nexpect: {checks: pass}\n' >cases/good.yaml
expect 'a scenario that is as expected passes' 0 '1 passed, 0 failed' "$skerry" test cases
printf 'name: bad\nmachine: {clusters: 2}\nclients: [{trace: find}]\nexpect: {operations.open.count: 1}\n' >cases/bad.yaml
expect 'one that is not fails by name' 1 'bad' "$skerry" test cases
expect 'and the report for CI says so' 0 '<failure' bash -c '"$0" test cases --junit report.xml >/dev/null 2>&1; cat report.xml' "$skerry"
expect '--update writes the figures of this build' 0 . bash -c '"$0" test cases --update >/dev/null && "$0" test cases' "$skerry"
expect 'doctor tells about this host' 0 . "$skerry" doctor
finish
