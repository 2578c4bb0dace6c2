#!/bin/bash
# skerry run: the result has what its schema promises, the record lies where it should, and the digest depends on what
# it must depend on and on nothing else.
cd -- "$(dirname -- "$0")/../.." || exit 2
. tests/e2e/lib.sh
root=$PWD
cd -- "$folder" || exit 2
small=(demo --set machine.clusters=3)

expect 'the demonstration ends well, in at most 40 lines' 0 . \
	bash -c '"$0" run --quiet >out.txt && (($(wc -l <out.txt) <= 40)) && echo fits' "$skerry"
expect 'it says three commands to try next' 0 '^3$' bash -c 'grep -cE "^(Next:| {5}) +[^ ]*skerry " out.txt'
expect 'the record lies in runs/latest' 0 . cat runs/latest/result.json runs/latest/scenario.yaml
expect 'the record has no half-written folder beside it' 1 '^0$' bash -c 'ls -A runs | grep -c tmp'
expect 'the resolved scenario gives the same digest' 0 . \
	bash -c '[[ $("$0" run runs/latest/scenario.yaml --json --no-record | grep digest) == $(grep digest runs/latest/result.json) ]] && echo same' "$skerry"

"$skerry" run "${small[@]}" --json --no-record >result.json 2>/dev/null
expect 'the result has what its schema promises' 0 '^whole$' python3 "$root/tests/e2e/result.py" result.json
expect 'the replayed contents were compared' 0 '^[1-9]' \
	python3 -c 'import json; print(next(c["count"] for c in json.load(open("result.json"))["checks"] if c["name"].startswith("contents")))'
expect '--json prints nothing but JSON' 0 . python3 -m json.tool result.json
expect '--no-record keeps no record' 0 '^1$' bash -c 'ls -d runs/2* | wc -l'
expect '--out keeps it there' 0 . bash -c '"$0" run "${@}" --quiet --out kept >/dev/null && cat kept/result.json' "$skerry" "${small[@]}"
expect 'a folder that is not empty is not overwritten' 2 'kept' "$skerry" run "${small[@]}" --quiet --out kept
expect 'a limit of time ends a run without a verdict' 3 . "$skerry" run kilo --quiet --no-record --timeout 1ms
expect 'a recording of one'"'"'s own is replayed' 0 'trace|find|open' \
	"$skerry" run --trace "$root/workloads/traces/find.strace" --set machine.clusters=2 --quiet --no-record
expect 'the step log replays through the table' 0 'inclusion' "$skerry" run "${small[@]}" --quiet --no-record --inclusion

first=$(digest "${small[@]}")
same 'the same run gives the same digest' "$first" "$(digest "${small[@]}")"
same 'the heap engine gives the same digest' "$first" "$(digest "${small[@]}" --set engine=heap)"
differs() { same "$1" differs "$([[ -n $2 && $2 != "$first" ]] && echo differs || echo "the same: $2")"; }
differs 'another seed gives another digest' "$(digest "${small[@]}" --seed 2)"
differs 'one latency that changed gives another digest' "$(digest "${small[@]}" --set machine.link.wire=901)"
differs 'one cost that changed gives another digest' "$(digest "${small[@]}" --set cost.step=51)"

"$skerry" run "${small[@]}" --quiet --out a >/dev/null
"$skerry" run "${small[@]}" --quiet --out b >/dev/null
"$skerry" run "${small[@]}" --quiet --set cost.step=60 --out c >/dev/null
expect 'equal runs compare as equal' 0 'same|equal|identical' "$skerry" compare a b
expect 'different runs compare as different, by their first event' 0 '[Ff]irst' "$skerry" compare a c
expect 'a figure that is worse than allowed is an exit code' 1 'p99|p50' "$skerry" compare a c --fail-on 'p50>+0.1%'
finish
