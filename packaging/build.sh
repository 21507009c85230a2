#!/usr/bin/env bash
#
# Builds packages of this checkout: of the files that git knows, as they are now; elsewhere, of all files but build/.

set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
source "$root/examples/lib/script.sh"

usage() {
  cat <<EOF
Usage: $0 deb|rpm [--out DIRECTORY] [--version VERSION]

  deb   flowspec-injector and flowspec-fetcher for Debian 12 and what is like it (needs debhelper)
  rpm   the same for systems with rpm (needs rpmbuild; on Debian, package rpm)

  --out DIRECTORY     where the packages go (default: build/packages)
  --version VERSION   instead of the one in packaging/debian/changelog and packaging/rpm/flowspec.spec

It needs no privileges and writes nothing else: any number of builds can go on at once. DEB_BUILD_OPTIONS=parallel=N says how many
compilers run at a time.
EOF
}

work=''
at_exit() { [[ -z $work ]] || rm -rf "$work"; }

# The source, without what a build leaves.
copy_source() { # DIRECTORY
  local files=$work/files
  if git -C "$root" rev-parse --is-inside-work-tree >/dev/null 2>&1; then
    git -C "$root" ls-files --cached --others --exclude-standard -z >"$files"
  else
    (cd "$root" && find . \( -path ./build -o -path ./.git -o -name __pycache__ \) -prune -o \( -type f -o -type l \) -print0) >"$files"
  fi
  mkdir "$1"
  # What git still knows and somebody has removed is not there to copy.
  (cd "$root" && while IFS= read -r -d '' file; do [[ ! -e $file && ! -L $file ]] || printf '%s\0' "$file"; done) <"$files" |
    tar -C "$root" --null --no-recursion -T - -c | tar -C "$1" -x --no-same-owner
}

needs() { # COMMAND PACKAGE...
  command -v "$1" >/dev/null || fail "there is no $1 here (on Debian: apt install ${*:2})"
}

run_logged() { # COMMAND...
  if ! interruptible "$@" >"$work/log" 2>&1; then
    cat "$work/log" >&2
    fail "the build failed"
  fi
}

build_deb() {
  local source=$work/flowspec
  needs dpkg-buildpackage dpkg-dev debhelper
  copy_source "$source"
  cp -r "$source/packaging/debian" "$source/debian"
  if [[ -n $version ]]; then
    local changelog=$source/debian/changelog
    {
      printf 'flowspec (%s) unstable; urgency=medium\n\n  * Built with this version.\n\n -- flowspec maintainers <flowspec@example.org>  %s\n\n' \
        "$version" "$(date -R)"
      cat "$root/packaging/debian/changelog"
    } >"$changelog"
  fi
  cd "$source"
  run_logged dpkg-buildpackage --build=binary --unsigned-changes --no-sign
  cd "$root"
  install -m 644 -t "$out" "$work"/*.deb
  echo "$out:"
  (cd "$work" && printf '  %s\n' *.deb)
}

build_rpm() {
  local spec=$work/flowspec.spec number=$version
  needs rpmbuild rpm
  [[ -n $number ]] || number=$(sed -n 's/^Version: *//p' "$root/packaging/rpm/flowspec.spec")
  sed "s/^\(Version: *\).*/\1$number/" "$root/packaging/rpm/flowspec.spec" >"$spec"
  copy_source "$work/flowspec-$number"
  mkdir -p "$work/rpmbuild/SOURCES"
  tar -C "$work" -czf "$work/rpmbuild/SOURCES/flowspec-$number.tar.gz" "flowspec-$number"
  local options=(--define "_topdir $work/rpmbuild" --define "_tmppath $work")
  if [[ -e /etc/debian_version ]]; then
    # rpm's data base knows none of the packages that are needed; the build itself says what is missing.
    options+=(--nodeps)
    local -x DEB_BUILD_MAINT_OPTIONS=hardening=+all CXXFLAGS LDFLAGS
    mkdir -p "$work/rpmbuild/BUILD/flowspec-$number"
    cd "$work/rpmbuild/BUILD/flowspec-$number" # flags name the directory
    CXXFLAGS="$(dpkg-buildflags --get CXXFLAGS) $(dpkg-buildflags --get CPPFLAGS)"
    LDFLAGS=$(dpkg-buildflags --get LDFLAGS)
    cd "$root"
  fi
  run_logged rpmbuild -bb "${options[@]}" "$spec"
  install -m 644 -t "$out" "$work"/rpmbuild/RPMS/*/*.rpm
  echo "$out:"
  (cd "$work/rpmbuild/RPMS" && printf '  %s\n' */*.rpm | sed 's|[^ ]*/||')
}

format='' version='' out=$root/build/packages
while (($#)); do
  case $1 in
  -h | --help) usage && exit ;;
  --out | --version)
    (($# > 1)) || usage_error "$1 needs a value"
    if [[ $1 == --out ]]; then out=$2; else version=$2; fi
    shift
    ;;
  deb | rpm)
    [[ -z $format ]] || usage_error "one format at a time"
    format=$1
    ;;
  *) usage_error "what is $1?" ;;
  esac
  shift
done
[[ -n $format ]] || usage_error "deb or rpm?"
[[ -z $version || $version =~ ^[0-9][A-Za-z0-9.+~]*$ ]] || usage_error "no version: $version"

mkdir -p "$out"
out=$(cd "$out" && pwd)
work=$(mktemp -d)
"build_$format"
