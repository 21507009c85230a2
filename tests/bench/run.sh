#!/usr/bin/env bash
#
# How quick the injector and its rules are; see usage below.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
source "$root/packaging/packages.sh"
source "$root/examples/lib/script.sh"

usage() {
  cat <<TXT
usage: ${0##*/} [--quick] [--only WHAT[,WHAT]] [--out DIR] [--check] [--readme] [--build DIR]

Builds the tools optimised, and measures, each against alternatives in turn, medians of 5:

  passes   whole passes of the injector, in both layouts, with 1,000 to 200,000 routes: the first, one where nothing changed, one where
           a route was withdrawn; against iptables-legacy-restore of the same rules, nft, and one iptables process a rule
  packets  how many a router carries with 100,000 routes: those that routes decide, that miss them all, that meet the
           default; of a few flows and of many; with the tree, linear, with nft, with an empty chain, and with one that drops
  latency  from the announcement at BIRD to the rule in the kernel, through FRR and the daemon, with 10,000 routes

Prints tables, and writes DIR/speed.json and DIR/speed.svg. Everything happens in network namespaces of its own. Needs root. On
Debian, installs what is missing with apt. The machine should have nothing else to do: 15 minutes, besides the build.

  --quick       fewer routes and repetitions: a few minutes, to see that it works
  --only WHAT   not all three
  --out DIR     where to write (build/speed)
  --check       exit 1 when a limit is missed; else the table says so
  --readme      write the tables into README.md too
  --build DIR   measure these programs instead of building (build/bench)
  --help

Exit: 0 done; 1 a measurement or, with --check, a limit failed; 2 usage, or the build failed.
More, for small runs: --sets, --sizes, --repetitions, --seconds, --changes.
TXT
}

main() {
  local out=$root/build/speed given='' rest=()
  while (($#)); do
    case $1 in
      --out | --build | --only | --sets | --sizes | --repetitions | --seconds | --changes)
        (($# > 1)) || usage_error "$1 needs a value"
        case $1 in
          --out) out=$(realpath -m "$2") ;;
          --build) given=$(realpath -m "$2") ;;
          *) rest+=("$1" "$2") ;;
        esac
        shift
        ;;
      --quick | --check | --readme) rest+=("$1") ;;
      --help | -h) usage && return ;;
      *) usage_error "unknown argument: $1" ;;
    esac
    shift
  done
  need_root
  packages_install "${packages_build[@]}" "${packages_lab[@]}" nftables python3
  scratch=$(mktemp -d)
  cd "$root"
  if [[ -z $given ]]; then
    given=$root/build/bench
    build || fail "the build failed" 2
  else
    copy "$given" || fail "$given has no flowspec-injector or no packet_flood: build it first" 2
  fi
  mkdir -p "$out"
  local code=0
  PYTHONPATH=$root/tests/bench:$root/tests/e2e FLOWSPEC_BUILD=$scratch \
    interruptible /usr/bin/python3 -B -m speed --out "$out" "${rest[@]}" || code=$?
  return "$code"
}

at_exit() { [[ -z ${scratch:-} ]] || rm -rf "$scratch"; }

# Another run may be building it: one after the other, and each keeps a copy.
build() {
  mkdir -p build
  exec {build_lock}>"$given.lock"
  flock "$build_lock"
  heading "Build: $given (optimised)"
  if ! { interruptible cmake --preset release -B "$given" &&
    interruptible cmake --build "$given" --target flowspec-injector packet_flood -j "$(nproc)" -- --quiet; } >"$scratch/output" 2>&1; then
    cat "$scratch/output" >&2
    return 1
  fi
  copy "$given"
  exec {build_lock}>&-
}

# The programs, as they are now, into a build directory of our own.
copy() { # BUILD
  mkdir -p "$scratch/injector" "$scratch/tests/bench"
  cp "$1/injector/flowspec-injector" "$scratch/injector/" && cp "$1/tests/bench/packet_flood" "$scratch/tests/bench/"
}

main "$@"
