#!/usr/bin/env bash
#
# The network of "Using BGP Flow-Spec for distributed micro-segmentation", Fig. 2, on this machine, with nothing faked: four spines,
# six leaves, nine servers. The firewall rules of one of them, fw01, become verdicts on all ten switches.
#
#   spine01  spine02  spine03  spine04          every switch: FRR (zebra, bgpd) and flowspec-injector
#      each with each
#   leaf01 leaf02   leaf03 leaf04   svc01 svc02
#   server01..04    server05..08    fw01        iptables FORWARD --> flowspec-fetcher --> BIRD
set -euo pipefail

clos=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$clos/../.." && pwd)
source "$root/packaging/packages.sh"
source "$root/examples/lib/script.sh"
source "$root/examples/lib/lab.sh"
source "$root/examples/lib/release.sh"
source "$root/examples/clos-lab/description.sh"
source "$root/examples/clos-lab/nodes.sh"
source "$root/examples/clos-lab/verdicts.sh"
source "$root/examples/clos-lab/demo.sh"

usage() {
  cat <<TXT
usage: ${0##*/} [--name NAME] COMMAND [ARGUMENT...]

  up [--build DIR]    make the network and wait until every switch has its rules. Needs root; on Debian, installs what is missing
                      with apt. DIR is a build tree with the two tools; else build/release, which is built when it is not up to date
  down                take it all away
  status              every node: sessions, routes, rules; memory
  verdicts            send packets from every server to every service; what is expected and what was seen
  verdicts --lift     then open what is closed, by rules on fw01, and ask there again
  rule ARGUMENT...    iptables ARGUMENT... on fw01, for instance -I FORWARD 1 -s 10.1.1.1 -j DROP; then as publish
  publish             fw01's FORWARD chain to all switches, and how long it took
  break LINK|NODE     pull a cable (leaf01-spine02), or kill a node's daemons and pull all its cables (spine02, fw01)
  mend LINK|NODE
  in NODE COMMAND...  run a command on a node; for FRR: vtysh -N clos-lab-NAME-NODE
  demo [--build DIR]  the paper's story, step by step: in the network that is up, or in one that is taken down again

  --name NAME         which network, when there are several: lower-case letters and digits; the default is lab
  --help

Exit: 0 done, every verdict right; 1 not; 2 usage.
TXT
}

nflog_group=5
lab_log_lines=3 # there are many
name=lab
listeners=()
undo='' # fw01's rules are to be again what they were
ours='' # this run is to take the network down when it ends
injector='' fetcher=''

main() {
  local command='' part
  while (($#)); do
    case $1 in
      --name) (($# > 1)) || usage_error "$1 needs a value" && name=$2 && shift ;;
      --help | -h) usage && return ;;
      -*) usage_error "unknown argument: $1" ;;
      *) command=$1 && shift && break ;;
    esac
    shift
  done
  [[ $name =~ ^[a-z0-9]{1,20}$ ]] || usage_error "--name: lower-case letters and digits, at most 20: $name"
  case $command in
    up | demo | down | status | publish | verdicts) ;;
    break | mend) (($# == 1)) || usage_error "$command needs a LINK or a NODE" ;;
    rule | in) (($#)) || usage_error "$command needs arguments" ;;
    '') usage_error "no command" ;;
    *) usage_error "unknown command: $command" ;;
  esac
  need_root
  read_description
  read_verdicts
  case $command in
    up) up "$@" && echo "Up in $SECONDS seconds. Next: $0 --name $name status, verdicts, demo, down" && ours='' ;;
    demo) demo "$@" ;;
    down) open_lab && lab_destroy ;;
    *)
      open_lab
      case $command in
        status) show_status ;;
        verdicts) verdicts "$@" ;;
        rule) on fw01 iptables-legacy "$@" && publish ;;
        publish) publish ;;
        break | mend)
          part=$(known_part "$1")
          "${command}_part" "$part"
          ;;
        in) part=$(known_part "$1") && on "$part" "${@:2}" ;;
      esac
      ;;
  esac
}

open_lab() {
  [[ -d /run/clos-lab-$name ]] || fail "no network of the name $name is up"
  lab_open "clos-lab-$name"
  # While it comes up there is none yet.
  [[ ! -e $lab_dir/build ]] || use_build "$(<"$lab_dir/build")"
}

use_build() { # DIR
  injector=$1/injector/flowspec-injector fetcher=$1/fetcher/flowspec-fetcher
  [[ -x $injector && -x $fetcher ]] || fail "$1 has not both tools"
}

up() { # [--build DIR]
  local build='' node
  while (($#)); do
    case $1 in
      --build) (($# > 1)) || usage_error "$1 needs a value" && build=$2 && shift ;;
      *) usage_error "unknown argument: $1" ;;
    esac
    shift
  done
  packages_install "${packages_lab[@]}"
  if [[ -z $build ]]; then
    build=$root/build/release
    release_build "$root"
  fi
  build=$(realpath "$build")
  use_build "$build"
  lab_create clos-lab "$name"
  ours=yes
  echo "$build" >"$lab_dir/build"
  : >"$lab_dir/broken"
  echo "${#nodes[@]} nodes, ${#links[@]} cables"
  make_network
  write_configuration
  on fw01 iptables-legacy-restore <"$lab_dir/firewall.rules"
  fetch
  for node in "${nodes[@]}"; do
    start_node "$node"
  done
  lab_until 60 "the servers' services" all_listen
  settle
}

fetch() {
  local switch targets
  mapfile -t targets < <(interface_targets)
  on fw01 "$fetcher" generate --stateful always "${targets[@]}" --output "$lab_dir/flowspec.conf" "$@" 2>"$lab_dir/fetcher.log" ||
    { cat "$lab_dir/fetcher.log" >&2 && fail "the fetcher did not publish"; }
  for switch in "${switches[@]}"; do
    numbers_for "$switch" "$lab_dir/flowspec.conf" >"$lab_dir/$switch.numbers"
    : >"$lab_dir/$switch.changed"
    : >"$lab_dir/$switch.before"
  done
}

# Until forget_firewall an end of this script, whatever ends it, brings the rules back that fw01 has now.
remember_firewall() {
  on fw01 iptables-legacy-save -t filter >"$lab_dir/undo"
  undo=yes
}

forget_firewall() { undo=''; }

restore_firewall() {
  on fw01 iptables-legacy-restore <"$lab_dir/undo"
  is_broken fw01 || publish >/dev/null
}

# All that works has all that it should have.
settle() {
  local switch
  while read -r switch; do
    lab_until 60 "the ways on $switch" has_its_ways "$switch"
    lab_until 60 "the rules on $switch" has_its_rules "$switch"
  done < <(working_switches)
}

publish() {
  local start switch waiting=() still took=0
  ! is_broken fw01 || fail "fw01 is broken: it publishes nothing"
  cp "$lab_dir/flowspec.conf" "$lab_dir/flowspec.before"
  mapfile -t waiting < <(working_switches)
  for switch in "${waiting[@]}"; do
    on "$switch" iptables-legacy-save -t filter >"$lab_dir/$switch.save"
  done
  start=$EPOCHREALTIME
  fetch --reload --validate --bird-config "$lab_dir/bird.conf" --birdc-socket "$lab_dir/fw01-bird.ctl"
  changed_numbers "$lab_dir/flowspec.before" "$lab_dir/flowspec.conf" >"$lab_dir/changed"
  for switch in "${waiting[@]}"; do
    cp "$lab_dir/changed" "$lab_dir/$switch.changed"
    mv "$lab_dir/$switch.save" "$lab_dir/$switch.before"
  done
  while ((${#waiting[@]})); do
    still=()
    for switch in "${waiting[@]}"; do
      if has_its_rules "$switch"; then
        took=$(milliseconds_since "$start")
        printf '  %-8s %5d ms\n' "$switch" "$took"
      else
        still+=("$switch")
      fi
    done
    waiting=("${still[@]}")
    if (($(milliseconds_since "$start") > 60000)); then
      on "${waiting[0]}" "$injector" status --config "$lab_dir/${waiting[0]}.toml" >&2 || true
      tail -n 20 "$lab_dir/${waiting[0]}-injector.log" >&2
      fail "waited a minute in vain for the rules on ${waiting[*]}; above is what ${waiting[0]} says"
    fi
  done
  echo "From the fetcher's start to the last of $(working_switches | wc -l) kernels: $took ms"
}

milliseconds_since() { # EPOCHREALTIME
  local now=$EPOCHREALTIME
  echo $(((${now/./} - ${1/./}) / 1000))
}

verdicts() { # [--lift]
  [[ $# == 0 || $* == --lift ]] || usage_error "unknown argument: $*"
  settle
  show_matrix "$lab_dir/seen" || fail "wrong verdicts"
  [[ $* != --lift ]] || show_lifted "$lab_dir/lifted" || fail "wrong verdicts"
}

## What breaks

known_part() { # LINK|NODE -> the same as the description has it
  local node a b
  for node in "${nodes[@]}"; do
    [[ $node != "$1" ]] || { echo "$node" && return; }
  done
  while read -r a b _; do
    [[ $1 != "$a-$b" && $1 != "$b-$a" ]] || { echo "$a-$b" && return; }
  done < <(printf '%s\n' "${links[@]}")
  fail "no such node or cable: $1" 2
}

break_part() { # LINK|NODE
  ! is_broken "$1" || fail "$1 is broken already"
  case $1 in
    *-*) break_link "${1%-*}" "${1#*-}" ;;
    *) break_node "$1" ;;
  esac
  echo "$1" >>"$lab_dir/broken"
  echo "broken: $1"
}

mend_part() { # LINK|NODE
  is_broken "$1" || fail "$1 is not broken"
  sed -i "/^$1\$/d" "$lab_dir/broken"
  case $1 in
    *-*) is_broken "${1%-*}" || is_broken "${1#*-}" || mend_link "${1%-*}" "${1#*-}" ;;
    *) mend_node "$1" ;;
  esac
  settle
  echo "mended: $1"
}

## Status

show_status() {
  local node sessions routes state pids
  printf '%-9s %-9s %-10s %-9s %-7s %-7s %s\n' node AS address sessions routes rules ''
  for node in "${nodes[@]}"; do
    sessions='' routes='' state=''
    ! is_broken "$node" || state=broken
    case ${kind_of[$node]}-$state in
      *-broken) ;;
      spine- | leaf-)
        sessions=$(vtysh -N "$lab-$node" -c 'show bgp ipv4 flowspec summary json' |
          awk -F '[:,]' '/"state":"Established"/ { up++ } /"state":/ { all++ } /"tableVersion"/ { next } END { print up + 0 "/" all + 0 }')
        routes=$(vtysh -N "$lab-$node" -c 'show bgp ipv4 flowspec detail json' | grep -c '^\[') || true
        state=$(has_its_rules "$node" && echo "as published" || echo "NOT as published")
        ;;
      firewall-)
        sessions=$(birdc -s "$lab_dir/$node-bird.ctl" show protocols | awk '$2 == "BGP" { all++; if ($6 == "Established") up++ } END { print up + 0 "/" all + 0 }')
        routes=$(grep -c 'route flow4' "$lab_dir/flowspec.conf")
        ;;
    esac
    printf '%-9s %-9s %-10s %-9s %-7s %-7s %s\n' "$node" "${asn_of[$node]}" "${address_of[$node]}" "$sessions" "$routes" \
      "$([[ ${kind_of[$node]} == server ]] || on "$node" iptables-legacy-save -t filter | grep -c '^-A')" "$state"
  done
  ! grep -q - "$lab_dir/broken" || echo "broken cables: $(grep - "$lab_dir/broken" | paste -sd ' ')"
  mapfile -t pids < <(lab_processes)
  echo "${#pids[@]} processes, $(memory_of "${pids[@]}") MiB (PSS)"
}

memory_of() { # PID... -> MiB, what is shared counted once
  local pid
  for pid; do
    cat "/proc/$pid/smaps_rollup" 2>/dev/null || true
  done | awk '/^Pss:/ { sum += $2 } END { printf "%d", sum / 1024 }'
}

at_exit() { # EXIT-CODE
  stop_listening
  [[ -z $undo || -n $ours ]] || (restore_firewall)
  [[ -z $ours ]] || lab_destroy
}

main "$@"
