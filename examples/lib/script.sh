# shellcheck shell=bash
#
# How the project's scripts talk and end. Source it first.
#
# A script defines at_exit, which then runs exactly once on every way out but SIGKILL: the end, `exit`, an error, a signal,
# a reader that closed the pipe.

if [[ -t 1 && -z ${NO_COLOR:-} ]]; then
  bold=$'\e[1m' green=$'\e[32m' red=$'\e[31m' plain=$'\e[0m'
else
  # shellcheck disable=SC2034 # for whoever sources this
  bold='' green='' red='' plain=''
fi

heading() { printf '\n%s== %s%s\n' "$bold" "$*" "$plain"; }
fail() { # MESSAGE [EXIT-CODE]
  printf '%s: %s\n' "${0##*/}" "$1" >&2
  exit "${2:-1}"
}
usage_error() { fail "$1 (try --help)" 2; }
need_root() { ((EUID == 0)) || fail "must run as root: it makes network namespaces (try: sudo $0)"; }

# Runs a command or function in a process group of its own, without standard input, and returns its exit code. A signal to
# this script ends the whole group at once; without this, bash would wait for the command first.
interruptible() { # COMMAND...
  local code=0
  set -m # job control: a group for the job
  "$@" </dev/null &
  interruptible_group=$!
  set +m
  wait "$interruptible_group" || code=$?
  interruptible_group=
  return "$code"
}

interruptible_group=
script_ends() {
  local code=$?
  trap '' HUP INT PIPE TERM
  trap - EXIT
  set +e
  if [[ -n $interruptible_group ]]; then
    kill -TERM -- "-$interruptible_group" 2>/dev/null
    wait "$interruptible_group" 2>/dev/null
  fi
  at_exit "$code"
  exit "$code"
}
trap script_ends EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 141' PIPE
trap 'exit 143' TERM
