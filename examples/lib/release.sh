# shellcheck shell=bash
#
# Brings build/release up to date with the sources; installs the compiler and libraries only when there is something to build.

release_build() { # ROOT OF THE PROJECT
  local build=$1/build/release log=$1/build/release.log
  mkdir -p "$build"
  exec {release_lock}>"$1/build/release.lock"
  interruptible flock "$release_lock" # one build at a time in one tree
  if ! release_fresh "$1"; then
    # shellcheck disable=SC2154 # from packaging/packages.sh
    packages_install "${packages_build[@]}"
    echo "Building build/release (a few minutes the first time)"
    touch "$build/.started"
    if ! { interruptible cmake -S "$1" --preset release &&
      interruptible cmake --build "$build" --target flowspec-injector flowspec-fetcher; } >"$log" 2>&1; then
      cat "$log" >&2
      fail "the build failed"
    fi
    mv "$build/.started" "$build/.built" # as of the start: what was changed meanwhile is built next time
  fi
  exec {release_lock}>&-
}

release_fresh() { # ROOT OF THE PROJECT
  local built=$1/build/release/.built
  [[ -x $1/build/release/injector/flowspec-injector && -x $1/build/release/fetcher/flowspec-fetcher && -e $built ]] &&
    [[ -z $(find "$1"/{CMakeLists.txt,CMakePresets.json,common,injector,fetcher} -newer "$built" -print -quit) ]]
}
