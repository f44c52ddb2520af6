#!/usr/bin/env bash
# The program from the outside: exit codes, messages, life and death. TAP.
# usage: test_cmd.sh PATH_TO_NDC
set -u
ndc=$1
dir=$(mktemp -d)
export NDC_DATA_DIR=$dir/data NDC_LISTEN=127.0.0.1:0 NDC_WEAK_PASSWORDS=yes NDC_CONFIG=/dev/null
n=0
pid=
trap '[ -n "$pid" ] && kill "$pid" 2>/dev/null; rm -rf "$dir"' EXIT

check() { # NAME CONDITION_STATUS
  n=$((n + 1))
  if [ "$2" -eq 0 ]; then echo "ok $n - $1"; else echo "not ok $n - $1"; fi
}
says() { # NAME EXIT_CODE WORDS COMMAND...
  local name=$1 code=$2 words=$3
  shift 3
  local out
  out=$("$@" 2>&1 </dev/null)
  local got=$?
  [ $got -eq "$code" ] && [[ $out == *"$words"* ]]
  local ok=$?
  [ $ok -eq 0 ] || echo "# exit $got, said: $out"
  check "$name" $ok
}
wait_for() { # FILE WORDS
  for _ in $(seq 600); do
    grep -q "$2" "$1" 2>/dev/null && return 0
    sleep 0.1
  done
  return 1
}

says "no command is a usage error" 2 "usage: ndc COMMAND" "$ndc"
says "help" 0 "user add NAME" "$ndc" help
says "help of one" 0 "--days N" "$ndc" help key add
says "help of a group" 0 "ndc user passwd" "$ndc" help user
says "help of settings" 0 "data_dir = data" "$ndc" help config
says "version" 0 "ndc 0." "$ndc" --version
says "nearest command" 2 'did you mean "serve"' "$ndc" serv
says "nearest command of two words" 2 'did you mean "source list"' "$ndc" sourc list
says "nearest second word" 2 'did you mean "user add"' "$ndc" user ad
says "nearest first word" 2 'did you mean "source"' "$ndc" sourc
says "what may follow" 2 "is followed by add, list, passwd" "$ndc" user
says "what may follow, after nonsense" 2 "is followed by add, list" "$ndc" key zzzzzz
says "variables of tests are no settings" 0 "data_dir" env NDC_TEST_POSTGRES_URL=x "$ndc" config
says "nearest option" 2 "did you mean --demo" "$ndc" serve --dem 5
says "nearest setting as an option" 2 "did you mean --data_dir" "$ndc" serve --data-dri x
says "nearest setting" 2 'did you mean "data_dir"' "$ndc" config --set data_dri=x
says "a wrong value" 2 "is not yes or no" "$ndc" config --log-requests maybe
says "a missing argument" 2 "an argument is missing" "$ndc" key revoke
says "one argument too many" 2 "one argument too many" "$ndc" user list x
says "an argument of an option" 2 "needs a value" "$ndc" key add tax --days
says "where a value is from" 0 "# environment" "$ndc" config
printf 'listen = :1\nbad line\n' >"$dir/bad.conf"
says "line of a wrong file" 2 "bad.conf:2" "$ndc" config --config "$dir/bad.conf"
says "the example file is a configuration" 0 "" bash -c "'$ndc' config --example >'$dir/e.conf' && '$ndc' config --config '$dir/e.conf'"
for shell in bash zsh fish; do says "completion of $shell" 0 "passwd" "$ndc" completion $shell; done
"$ndc" completion bash >"$dir/completion"
bash -n "$dir/completion"
check "bash completion parses" $?
says "manual page" 0 ".SH COMMANDS" "$ndc" man

"$ndc" serve >"$dir/out" 2>&1 &
pid=$!
wait_for "$dir/out" "Password"
check "first start prints a password" $?
says "a second one is refused" 1 "another ndc (process $pid)" "$ndc" serve
says "a user beside the daemon" 0 "the password is" "$ndc" user add lan --roles auditor
says "the user is listed" 0 "lan" "$ndc" user list
says "a wrong role" 1 "there is no role" "$ndc" user add minh --roles king
url=$(grep -o 'http://127[^ /]*' "$dir/out" | head -1)
command -v curl >/dev/null && says "it is alive" 0 '"status":"ok"' curl -s "$url/health/live"
kill -TERM $pid
wait $pid
check "SIGTERM ends it with 0" $?
start=$(date +%s%N)
"$ndc" serve >"$dir/out2" 2>&1 &
pid=$!
wait_for "$dir/out2" "ndc serves"
check "it starts again" $?
took_ms=$((($(date +%s%N) - start) / 1000000))
! grep -q Password "$dir/out2" || ! grep -q "Sign in as" "$dir/out2"
check "and prints no password" $?
kill -INT $pid
wait $pid
check "SIGINT ends it with 0" $?
# Once more if the machine was busy just then: what a start needs is the best of four.
for _ in 1 2 3; do
  [ $took_ms -lt 3000 ] && break
  start=$(date +%s%N)
  "$ndc" serve >"$dir/out4" 2>&1 &
  pid=$!
  wait_for "$dir/out4" "ndc serves"
  took_ms=$((($(date +%s%N) - start) / 1000000))
  kill -INT $pid
  wait $pid
done
[ $took_ms -lt 3000 ]
check "within 3 s ($took_ms ms)" $?
"$ndc" serve >"$dir/out3" 2>&1 &
pid=$!
wait_for "$dir/out3" "ndc serves"
kill -KILL $pid
wait $pid 2>/dev/null
says "the lock goes with a killed process" 0 "lan" "$ndc" user list
pid=
echo "1..$n"
