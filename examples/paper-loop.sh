#!/usr/bin/env bash
#
# The loop of "Using BGP Flow-Spec for distributed micro-segmentation", on this machine, with nothing faked: the firewall rules
# of one host become the same verdicts on a switch.
#
#   fw01   AS 65309   iptables FORWARD --> flowspec-fetcher --> BIRD
#                                                                | BGP flowspec
#   svc01  AS 65105   iptables FLOWSPEC <-- flowspec-injector <-- FRR        forwards the packets of
#                                                                            client, infected, admin, web, app and db
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
example=$root/examples/paper-loop
source "$root/packaging/packages.sh"
source "$root/examples/lib/script.sh"
source "$root/examples/lib/lab.sh"
source "$root/examples/lib/release.sh"

usage() {
  cat <<TXT
usage: ${0##*/} [--sequence rt:ASN|marking] [--keep] [--build DIR]
       ${0##*/} --down ID

Makes network namespaces, runs BIRD, FRR and this project's two tools in them, sends real packets, and compares what gets through
with examples/paper-loop/verdicts. Takes everything down again. Needs root. On Debian, installs what is missing with apt.

  --sequence CARRIER  what carries a rule's place: the route target ASN:N (default rt:65535), or, as in the paper, marking
  --keep              leave it up, and say how to look around
  --down ID           take down what --keep left, or a run that was killed
  --build DIR         the tools of this build tree; else those of build/release, which is built when it is not up to date
  --help

Exit: 0 every verdict is right; 1 one is wrong, or it could not run; 2 usage.
TXT
}

# HOST  ADDRESS/LENGTH  svc01's address in that network
hosts='
client    10.0.1.10/25    10.0.1.1
infected  10.0.1.130/25   10.0.1.129
admin     10.0.2.10/24    10.0.2.1
web       10.0.3.10/24    10.0.3.1
app       10.0.4.10/24    10.0.4.1
db        10.0.5.10/24    10.0.5.1
'
fw01=192.168.254.9 svc01=192.168.254.10 # the paper's
keep=''

main() {
  local sequence=rt:65535 build=''
  while (($#)); do
    case $1 in
      --sequence) (($# > 1)) || usage_error "$1 needs a value" && sequence=$2 && shift ;;
      --build) (($# > 1)) || usage_error "$1 needs a value" && build=$2 && shift ;;
      --keep) keep=yes ;;
      --down) (($# > 1)) || usage_error "$1 needs an ID" && down "$2" && return ;;
      --help | -h) usage && return ;;
      *) usage_error "unknown argument: $1" ;;
    esac
    shift
  done

  need_root
  packages_install "${packages_lab[@]}"
  if [[ -z $build ]]; then
    build=$root/build/release
    release_build "$root"
  fi
  lab_create paper-loop
  fetcher=("$build/fetcher/flowspec-fetcher" generate --sequence "$sequence")
  injector=("$build/injector/flowspec-injector")
  from_frr=(--pathspace "$lab" --sequence "$sequence" --state-dir "$lab_dir/state")

  heading "Network: fw01, svc01, and six hosts behind svc01"
  build_network
  start_services
  ask_all before
  wrong_lines before | sed 's/^/no rules yet, and still no answer: /' >&2
  [[ -z $(wrong_lines before) ]] || fail "svc01 does not forward packets"
  echo "Without a rule on svc01, all $(verdicts | wc -l) probes get through."

  heading "fw01: firewall, fetcher, BIRD; svc01: FRR"
  lab_in fw01 iptables-legacy-restore <"$example/firewall.rules"
  cp "$example/bird.conf" "$lab_dir/" # it includes what the fetcher writes beside it
  publish
  lab_bird fw01 "$lab_dir/bird.conf"
  lab_bgpd svc01 "$example/frr.conf"
  wait_for_routes

  heading "svc01: injector"
  run_on svc01 "${injector[@]}" sync "${from_frr[@]}"
  show_both_chains
  show_verdicts first

  heading "fw01: clients may no longer ping the front end"
  run_on fw01 iptables-legacy -D FORWARD -s 10.0.1.0/24 -d 10.0.3.10/32 -p icmp --icmp-type echo-request -j ACCEPT
  publish
  lab_in fw01 birdc -s "$lab_dir/fw01-bird.ctl" configure >/dev/null
  wait_for_routes
  run_on svc01 "${injector[@]}" plan "${from_frr[@]}" | tee "$lab_dir/plan"
  run_on svc01 "${injector[@]}" sync "${from_frr[@]}"
  show_verdicts later
  (($(grep -c '^[-+]' "$lab_dir/plan") == 1)) || fail "the difference should have been one line"
}

run_on() { # HOST COMMAND...
  local words="${*:2}"
  echo "$bold$1#$plain ${words//"$root/"/}"
  lab_in "$@"
}

## The network

build_network() {
  local host address gateway
  lab_host fw01 svc01
  lab_link fw01 $fw01/30 svc01 $svc01/30
  while read -r host address gateway; do
    [[ -n $host ]] || continue
    lab_host "$host"
    lab_link "$host" "$address" svc01 "$gateway/${address#*/}"
    lab_in "$host" ip route add default via "$gateway"
  done <<<"$hosts"
  lab_in svc01 sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward'
}

address_of() { # HOST
  sed -nE "s/^$1 +([0-9.]+).*/\1/p" <<<"$hosts"
}

# An echo service behind every port that the verdicts ask for.
start_services() {
  local host service
  while read -r host service; do
    case $service in
      tcp/*) lab_start "$host" services.log socat "tcp-listen:${service#*/},fork,reuseaddr" exec:cat ;;
      udp/*) lab_start "$host" services.log socat "udp-recvfrom:${service##*[/>]},fork,reuseaddr" exec:cat ;;
    esac
  done < <(verdicts | awk '{ sub("/.*>", "/", $3); print $2, $3 }' | sort -u)
  lab_until 10 "the echo services" services_listen
}

services_listen() {
  local host wanted
  while read -r host wanted; do
    (($(lab_in "$host" ss -Hltun | wc -l) == wanted)) || return 1
  done < <(verdicts | awk '$3 !~ /icmp/ { sub("/.*>", "/", $3); if (!seen[$2, $3]++) ports[$2]++ }
                           END { for (host in ports) print host, ports[host] }')
}

## The loop

publish() {
  run_on fw01 "${fetcher[@]}" --output "$lab_dir/flowspec.conf"
  run_on fw01 bird -p -c "$lab_dir/bird.conf"
}

wait_for_routes() {
  local count
  count=$(grep -c 'route flow4' "$lab_dir/flowspec.conf")
  lab_until 30 "the routes to reach svc01" routes_arrived "$count"
  echo "FRR has all $count routes"
}

routes_arrived() { # COUNT
  vtysh -N "$lab" -c 'show bgp ipv4 flowspec summary json' | grep -q "\"pfxRcd\":$1,"
}

# Rule N of FORWARD beside those with sequence number N in FLOWSPEC; then the policy beside the rules without a number.
show_both_chains() {
  echo
  {
    echo "fw01 FORWARD	svc01 FLOWSPEC"
    awk -F '\t' 'NR == FNR { left[++rules] = $2; next }
                 { if ($1 in right) $2 = right[$1] "\n\t" $2
                   right[$1] = $2 }
                 END { for (i = 2; i <= rules; i++) print left[i] "\t" right[i - 1]
                       print left[1] " (policy)\t" right["none"] }' \
      <(lab_in fw01 iptables-legacy -S FORWARD | short_rules) \
      <(lab_in svc01 iptables-legacy -S FLOWSPEC | grep '^-A' | short_rules)
  } | awk -F '\t' '{ printf "%-74s  %s\n", $1, $2 }'
}

# iptables -S -> "sequence number, tab, the rule without what every line repeats"
short_rules() {
  sed -E 's/^/none\t/
          s/^none\t(.*)--comment "[^"]*seq ([0-9]+)[^"]*"/\2\t\1/
          s/ -m comment( --comment "[^"]*")?//; s/ -m (tcp|udp|icmp)\>//; s/ --reject-with .*//; s,/32\>,,g; s/-[AP] (FORWARD|FLOWSPEC) //; s/ +/ /g'
}

## The packets

verdicts() { grep -v '^#' "$example/verdicts"; }

# Asks every line of the list at the same time; LAB_DIR/seen-ROUND gets "pass" or "drop" for each, in the list's order.
ask_all() { # ROUND
  local from to probe line=0 pids=()
  mkdir -p "$lab_dir/answers"
  while read -r from to probe _; do
    line=$((line + 1))
    { answers "$from" "$(address_of "$to")" "$probe" >/dev/null 2>&1 && echo pass || echo drop; } \
      >"$lab_dir/answers/$line" &
    pids+=($!)
  done < <(verdicts)
  wait "${pids[@]}"
  for ((line = 1; line <= ${#pids[@]}; line++)); do cat "$lab_dir/answers/$line"; done >"$lab_dir/seen-$1"
}

# Whether what was sent comes back within a second.
answers() { # FROM ADDRESS PROBE
  local port=${3##*[/>]} source=''
  case $3 in
    icmp) lab_in "$1" ping -c 1 -W 1 "$2" ;;
    tcp/*) echo hello | lab_in "$1" socat -t 1 - "tcp:$2:$port,connect-timeout=1" | grep -qx hello ;;
    udp/*)
      [[ $3 != *'>'* ]] || source=${3#*/} source=",sourceport=${source%>*}"
      echo hello | lab_in "$1" socat -t 1 - "udp:$2:$port$source" | grep -qx hello
      ;;
  esac
}

# The list with what was seen, in columns with tabs: from, to, packet, expected, seen, because.
results() { # ROUND: before (all pass), first, later
  # shellcheck disable=SC2034 # the argument names one of them
  local seen from to probe first later why before=pass
  # shellcheck disable=SC2034
  while read -r seen from to probe first later why; do
    printf '%s\t%s\t%s\t%s\t%s\t%s\n' "$from" "$to" "$probe" "${!1}" "$seen" "$why"
  done < <(paste -d ' ' "$lab_dir/seen-$1" <(verdicts))
}

wrong_lines() { results "$1" | awk -F '\t' '$4 != $5'; }

# The whole table, or, in the later round, the lines that differ from the first.
show_verdicts() { # ROUND
  local from to probe expected seen why mark wrong
  ask_all "$1"
  printf '\n%s%-9s %-7s %-11s %-9s %-5s        %s%s\n' "$bold" from to packet expected seen because "$plain"
  while IFS=$'\t' read -r from to probe expected seen why; do
    mark="${green}right$plain"
    [[ $expected == "$seen" ]] || mark="${red}WRONG$plain"
    printf '%-9s %-7s %-11s %-9s %-5s %s  %s\n' "$from" "$to" "$probe" "$expected" "$seen" "$mark" "$why"
  done < <(if [[ $1 == first ]]; then results first; else comm -13 --nocheck-order <(results first) <(results "$1"); fi)
  wrong=$(wrong_lines "$1" | wc -l)
  echo "$(verdicts | wc -l) verdicts, $wrong wrong"
  ((!wrong)) || fail "wrong verdicts"
}

## The end

at_exit() { # EXIT-CODE
  if [[ -n $lab && -n $keep && $1 -le 1 ]]; then
    stays_up
  elif [[ -n $lab ]]; then
    lab_destroy
  fi
}

stays_up() {
  heading "It stays up"
  cat <<TXT
  a shell on a host   ip netns exec $lab-svc01 bash        (or fw01, client, infected, admin, web, app, db)
  FRR on svc01        vtysh -N $lab
  BIRD on fw01        birdc -s $lab_dir/fw01-bird.ctl
  the rules           ip netns exec $lab-svc01 iptables-legacy -vnL FLOWSPEC
  an echo service     ip netns exec $lab-client socat - tcp:10.0.3.10:80
  files and logs      $lab_dir
  take it down        $0 --down $$
TXT
}

down() { # ID
  need_root
  [[ $1 =~ ^[0-9]+$ && -d /run/paper-loop-$1 ]] || fail "no lab with the ID $1"
  lab_open "paper-loop-$1"
  lab_destroy
  lab=''
}

main "$@"
