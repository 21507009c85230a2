#!/usr/bin/env bash
#
# Everything that is checked, in one command; see usage below. Its last line is "N passed, N failed".
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
source "$root/packaging/packages.sh"
source "$root/examples/lib/script.sh"

usage() {
  cat <<TXT
usage: ${0##*/} [--quick] [-k EXPRESSION]

Builds the tools with warnings as errors, AddressSanitizer and UBSan, and runs the unit, property and kernel tests; builds the packages; runs
the live tests on real BIRD, FRR and iptables, with the packages and the Ansible role in clean Debian systems; the examples, the soak test for a
minute, the fuzzers for half a minute each, and the checks of format, scripts and installation. Everything with packets or rules happens in network
namespaces. Needs root. On Debian, installs what is missing with apt.

  --quick         without the packages, the live tests, the examples, the soak test and the fuzzers
  -k EXPRESSION   only the live tests that match, as in pytest -k
  --help

The last line is "N passed, N failed". Exit: 0 all passed; 1 something failed, or nothing ran; 2 usage.
TXT
}

passed=0 failed=0

main() {
  local quick='' expression=''
  while (($#)); do
    case $1 in
      --quick) quick=yes ;;
      -k) (($# > 1)) || usage_error "$1 needs a value" && expression=$2 && shift ;;
      --help | -h) usage && return ;;
      *) usage_error "unknown argument: $1" ;;
    esac
    shift
  done
  [[ -z $quick || -z $expression ]] || usage_error "--quick runs no live tests: it goes with no -k"

  need_root
  packages_install "${packages_build[@]}" "${packages_lab[@]}" "${packages_packaging[@]}" "${packages_check[@]}"
  cd "$root"
  scratch=$(mktemp -d)
  take_build_directory

  set +e # from here on a failure is counted, and the rest runs
  if build; then
    [[ -n $expression ]] || check_programs
    [[ -n $quick ]] || build_packages
    [[ -n $quick ]] || live_tests "$expression"
    [[ -n $expression ]] || check "installation" installation
    [[ -n $quick$expression ]] || check_examples
  fi
  [[ -n $quick$expression ]] || check_soak
  [[ -n $quick$expression ]] || check_fuzzers
  [[ -n $expression ]] || check_sources

  printf '\n%s passed, %s failed\n' "$passed" "$failed"
  ((passed && !failed))
}

at_exit() { [[ -z ${scratch:-} ]] || rm -rf "$scratch"; }

# build/dev, or the next that no other run is using: two runs at once build each their own.
take_build_directory() {
  local number=1
  mkdir -p build
  while
    build=build/dev$([[ $number == 1 ]] || echo "-$number")
    exec {build_lock}>"$build.lock"
    ! flock --nonblock "$build_lock"
  do
    exec {build_lock}>&-
    number=$((number + 1))
  done
}

# Runs a command as one test.
check() { # NAME COMMAND...
  local start=$SECONDS code=0
  interruptible "${@:2}" >"$scratch/output" 2>&1 || code=$?
  if ((code)); then failed=$((failed + 1)); else passed=$((passed + 1)); fi
  outcome "$code" "$1" "$start"
}

# Runs a command that leaves JUnit reports as $scratch/report*.xml, and adds up what they say. One that fails without a failed
# test, or runs no test, is a failure too.
tally() { # NAME COMMAND...
  local start=$SECONDS code=0 counts
  rm -f "$scratch"/report*.xml
  interruptible "${@:2}" >"$scratch/output" 2>&1 || code=$?
  mapfile -t counts < <(/usr/bin/python3 - "$scratch"/report*.xml <<'PYTHON'
import sys
import xml.etree.ElementTree as tree

suites = [suite for report in sys.argv[1:] for suite in tree.parse(report).iter("testsuite")]
total = {name: sum(int(suite.get(name, 0)) for suite in suites) for name in ("tests", "failures", "errors", "skipped", "disabled")}
bad = total["failures"] + total["errors"]
print(total["tests"] - bad - total["skipped"] - total["disabled"], bad, sep="\n")
PYTHON
  )
  ((${#counts[@]} == 2)) || counts=(0 0)
  ((counts[0])) || code=1
  ((!code || counts[1])) || counts[1]=1
  passed=$((passed + counts[0]))
  failed=$((failed + counts[1]))
  outcome "$code" "$1: ${counts[0]} passed, ${counts[1]} failed" "$start"
}

# A line when it went well, with what was measured; else what it printed, without ctest's lines on what passed.
outcome() { # EXIT-CODE NAME START
  local mark="${green}ok    $plain"
  (($1)) || sed -n 's/^measured: /        /p' "$scratch/output"
  if (($1)); then
    grep -vE '^ *(Start +[0-9]+:|[0-9]+/[0-9]+ Test.* Passed )' "$scratch/output"
    mark="${red}FAILED$plain"
  fi
  printf '%s  %s (%d s)\n' "$mark" "$2" $((SECONDS - $3))
  return "$1"
}

build() {
  heading "Build: $build (warnings are errors, AddressSanitizer, UBSan)"
  check "configure" cmake --preset dev -B "$build" && check "build" cmake --build "$build" -j "$(nproc)" -- --quiet
}

check_programs() {
  heading "Unit, property and kernel tests"
  tally "ctest" ctest --test-dir "$build" --output-on-failure --timeout 300 -j "$(nproc)" --no-tests=error \
    --output-junit "$scratch/report.xml"
}

build_packages() {
  local format
  heading "Packages"
  for format in deb rpm; do
    check "packaging/build.sh $format" build_package "$format" || rm -rf "$scratch/packages"
  done
}

# With ccache the second format takes what the first has compiled, where the flags name no directory. The checkout is as it was.
build_package() { # deb|rpm
  local before after kept=${CCACHE_DIR:-$scratch/ccache}
  before=$(checkout)
  env PATH="/usr/lib/ccache:$PATH" CCACHE_DIR="$kept" CCACHE_BASEDIR="${TMPDIR:-/tmp}" CCACHE_NOHASHDIR=1 CCACHE_SLOPPINESS=locale \
    DEB_BUILD_OPTIONS="parallel=$(nproc) reproducible=-fixfilepath" packaging/build.sh "$1" --out "$scratch/packages" || return
  after=$(checkout)
  diff <(echo "$before") <(echo "$after")
}

checkout() { git status --porcelain --ignored -- . ':!build' 2>/dev/null || true; }

live_tests() { # EXPRESSION
  heading "Live tests: BIRD, FRR, iptables, packets"
  tally "pytest" live_tests_at_once "$1"
}

# In two halves, side by side: either waits most of the time.
live_tests_at_once() { # EXPRESSION
  local half=tests/e2e/test_ file other=() code=0 first=0
  for file in ansible clos_lab completion documents manual packages units; do
    other+=("$half$file.py")
  done
  some_live_tests 1 "$1" tests/e2e "${other[@]/#/--ignore=}" >"$scratch/output-1" 2>&1 &
  some_live_tests 2 "$1" "${other[@]}" >"$scratch/output-2" 2>&1 || code=$?
  wait "$!" || first=$?
  cat "$scratch"/output-[12]
  # 5: none matched the expression.
  ((code == 0 || code == 5)) && ((first == 0 || first == 5))
}

some_live_tests() { # REPORT EXPRESSION ARGUMENT...
  local packages=()
  [[ ! -d $scratch/packages ]] || packages=(FLOWSPEC_PACKAGES="$scratch/packages")
  # Debian's python3, whatever other comes first in PATH: that is the one that has Debian's pytest.
  env FLOWSPEC_BUILD="$root/$build" "${packages[@]}" \
    /usr/bin/python3 -B -m pytest -p no:cacheprovider --basetemp "$scratch/pytest-$1" --tb=short -k "$2" \
    --junitxml "$scratch/report-$1.xml" "${@:3}"
}

check_examples() {
  local carrier
  heading "Examples"
  for carrier in rt:65535 marking; do
    check "examples/paper-loop.sh --sequence $carrier" examples/paper-loop.sh --build "$root/$build" --sequence "$carrier"
  done
}

# Memory is judged on an optimised build: the one in the package, or one that the soak test makes in a place of its own.
check_soak() {
  local optimised=()
  heading "Soak: the daemon with 100 changes a second"
  if dpkg-deb --extract "$scratch"/packages/flowspec-injector_*.deb "$scratch/package" 2>/dev/null; then
    mkdir "$scratch/package/injector"
    ln -s ../usr/sbin/flowspec-injector "$scratch/package/injector/"
    optimised=(--build "$scratch/package")
  fi
  check "tests/soak --seconds 60" tests/soak --seconds 60 "${optimised[@]}"
}

# Built by clang, in a tree of their own: build/fuzz, or the one that goes with the build in hand.
check_fuzzers() {
  local fuzz=${build/dev/fuzz}
  heading "Fuzzers: $fuzz (clang, AddressSanitizer, UBSan), 30 s each"
  check "configure" cmake --preset fuzz -B "$fuzz" -D FLOWSPEC_FUZZ_SECONDS=30 &&
    check "build" cmake --build "$fuzz" --target fuzzers -j "$(nproc)" -- --quiet &&
    tally "libFuzzer" ctest --test-dir "$fuzz" -L fuzz --output-on-failure --timeout 300 -j "$(nproc)" --no-tests=error \
      --output-junit "$scratch/report.xml"
}

check_sources() {
  heading "Sources"
  check "clang-format" find common injector fetcher tests -name '*.[ch]pp' \
    -exec clang-format --dry-run --Werror {} +
  check "shellcheck" find examples packaging tests .ci -type f \
    '(' -name '*.sh' -o -path .ci/run -o -path tests/oracle -o -path tests/soak ')' -exec shellcheck -x -P . {} +
}

# Both programs start where they are installed, and what belongs to them is there. (Units name the prefix that was configured.)
installation() {
  local there=$scratch/root/usr/local
  DESTDIR=$scratch/root cmake --install "$build" &&
    "$there/sbin/flowspec-injector" --version &&
    "$there/sbin/flowspec-fetcher" --version &&
    ls -l "$there"/share/man/man8/flowspec-{injector,fetcher}.8 "$there/share/man/man5/flowspec-policy.5" \
      "$there"/share/bash-completion/completions/flowspec-{injector,fetcher} "$there"/share/zsh/site-functions/_flowspec-{injector,fetcher} \
      "$there"/lib/systemd/system/flowspec-{injector,fetcher}.{service,timer}
}

main "$@"
