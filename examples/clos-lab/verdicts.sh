# shellcheck shell=bash
#
# The matrix of servers by services: what is expected, and what packets see.
#
# shellcheck disable=SC2154 # what is not assigned here is in lab.sh or what it reads

target=() offer=()
declare -A expected=() # "SOURCE COLUMN" -> a letter of section verdicts
sources=()

read_verdicts() {
  local line word at
  while read -r -a line; do
    case ${line[0]} in
      to) target=("${line[@]:1}") ;;
      service) offer=("${line[@]:1}") ;;
      *)
        sources+=("${line[0]}")
        for ((at = 1; at < ${#line[@]}; at++)); do
          word=${line[at]}
          [[ $word == . ]] || expected["${line[0]} $((at - 1))"]=$word
        done
        ;;
    esac
  done < <(section verdicts)
}

services_of() { # NODE -> tcp/PORT or udp/PORT a line
  local at
  for at in "${!target[@]}"; do
    [[ ${target[at]} != "$1" || ${offer[at]} == icmp ]] || echo "${offer[at]}"
  done | sort -u
}

all_listen() {
  local node
  for node in "${nodes[@]}"; do
    (($(services_of "$node" | wc -l) == $(lab_in "$node" ss -Hltun | grep -vc ':179 ' || true))) || return 1
  done
}

## Packets

# What became of a new connection, a datagram or a ping: open, refused (somebody answered, and said no) or silent.
ask() { # FROM ADDRESS SERVICE
  local said
  case $3 in
    icmp) said=$(lab_in "$1" ping -n -c 1 -W 2 "$2" 2>&1) ;;
    tcp/*) said=$(echo hello | lab_in "$1" socat -t 2 - "tcp:$2:${3#*/},connect-timeout=2" 2>&1) ;;
    udp/*) said=$(echo hello | lab_in "$1" socat -t 2 - "udp:$2:${3#*/}" 2>&1) ;;
  esac
  case $said in
    hello | *' bytes from '*) echo open ;;
    *refused* | *nreachable* | *reset*) echo refused ;;
    *) echo silent ;;
  esac
}

# The same; but where the server does not even answer itself, that is "dead": a listener that is not there is no closed door.
ask_once() { # FROM TO SERVICE
  local seen
  seen=$(ask "$1" "${address_of[$2]}" "$3")
  [[ $seen == open || $(ask "$2" "${address_of[$2]}" "$3") == open ]] || seen=dead
  echo "$seen"
}

# Asks many at once. DIR/FROM.COLUMN gets what was seen.
ask_all() { # DIR < "FROM COLUMN" a line
  local from at pids=()
  mkdir -p "$1"
  while read -r from at; do
    ask_once "$from" "${target[at]}" "${offer[at]}" >"$1/$from.$at" </dev/null &
    pids+=($!)
  done
  ((!${#pids[@]})) || wait "${pids[@]}"
}

# Those that can be asked: at neither end a broken node.
askable() { # LETTERS -> "FROM COLUMN" a line
  local from at
  for from in "${sources[@]}"; do
    for at in "${!target[@]}"; do
      [[ -n ${expected["$from $at"]-} && $1 == *"${expected["$from $at"]}"* ]] || continue
      is_broken "$from" || is_broken "${target[at]}" || echo "$from $at"
    done
  done
}

## Samples

# Listens on every leaf to what netfilter sends to the group; SWITCH.sampled has a line for each packet.
listen_for_samples() { # DIR
  local leaf
  mkdir -p "$1"
  for leaf in "${leaves[@]}"; do
    : >"$1/$leaf.sampled"
    # Not `on`: then the id would be that of a shell around it.
    FLOWSPEC_LAB=$lab nsenter --net="/run/netns/$lab-$leaf" -- tcpdump -Z root -nlq -i "nflog:$nflog_group" \
      >"$1/$leaf.sampled" 2>"$1/$leaf.tcpdump" &
    listeners+=($!)
  done
  for leaf in "${leaves[@]}"; do
    lab_until 10 "tcpdump on $leaf" grep -q '^listening on' "$1/$leaf.tcpdump"
  done
}

stop_listening() {
  ((${#listeners[@]})) || return 0
  sleep 1.2 # the kernel hands samples over in batches, after a second at the latest
  kill "${listeners[@]}" 2>/dev/null || true
  wait "${listeners[@]}" 2>/dev/null || true
  listeners=()
}

was_sampled() { # DIR FROM COLUMN
  local port=''
  [[ ${offer[$3]} == icmp ]] || port=.${offer[$3]#*/}
  grep -qE "IP ${address_of[$2]}(\.[0-9]+)? > ${address_of[${target[$3]}]}$port: " "$1"/*.sampled
}

## The matrix

# Asks everything, prints the matrix, and returns non-zero when a cell is wrong.
show_matrix() { # DIR
  local from at letter seen cell wrong=0 asked=0 left_out=0
  rm -rf "$1"
  listen_for_samples "$1"
  ask_all "$1" < <(askable '+*dta!')
  stop_listening
  {
    printf '\t%s' "${target[@]}"
    printf '\n\t'
    (IFS=$'\t' && echo "${offer[*]}")
    for from in "${sources[@]}"; do
      printf '%s' "$from"
      for at in "${!target[@]}"; do
        letter=${expected["$from $at"]-}
        if [[ -z $letter ]]; then
          cell=.
        elif [[ ! -e $1/$from.$at ]]; then
          cell=-
          left_out=$((left_out + 1))
        else
          asked=$((asked + 1))
          seen=$(<"$1/$from.$at")
          ! was_sampled "$1" "$from" "$at" || seen+=+sampled
          cell=$letter
          if [[ $seen != "$(seen_for "$letter")" ]]; then
            wrong=$((wrong + 1))
            cell="$letter?"
            echo "WRONG: $from to ${target[at]} ${offer[at]}: expected $(seen_for "$letter"), seen $seen" >>"$1/wrong"
          fi
        fi
        printf '\t%s' "$cell"
      done
      echo
    done
  } >"$1/matrix" # not a pipe: its counts are wanted here
  awk -F '\t' '{ printf "%-10s", $1; for (i = 2; i <= NF; i++) printf "%-9s", $i; print "" }' "$1/matrix"
  echo "  + open   * open, sampled   d t a closed   ! closed, sampled   . nobody asks itself   - broken   X? not as expected"
  [[ ! -e $1/wrong ]] || cat "$1/wrong"
  echo "$asked verdicts, $wrong wrong$( ((!left_out)) || echo "; $left_out not asked, an end is broken")"
  ((!wrong))
}

seen_for() { # LETTER
  case $1 in
    +) echo open ;;
    '*') echo open+sampled ;;
    '!') echo silent+sampled ;;
    *) echo silent ;;
  esac
}

# Opens the services that are closed to somebody with rules before all others, asks at the doors that were closed, and takes the
# rules away: what is closed is closed by the rules and by nothing else. Ten at a time: the injectors look twice when more go.
show_lifted() { # DIR
  local from at seen asked=0 wrong=0 columns=() some
  rm -rf "$1"
  remember_firewall
  mapfile -t columns < <(askable 'dta!' | cut -d ' ' -f 2 | sort -nu)
  while ((${#columns[@]})); do
    some=("${columns[@]:0:10}") columns=("${columns[@]:10}")
    lift -I "${some[@]}"
    ask_all "$1" < <(askable 'dta!' | awk -v some=" ${some[*]} " 'index(some, " " $2 " ")')
    lift -D "${some[@]}"
  done
  forget_firewall
  while read -r from at; do
    seen=$(<"$1/$from.$at")
    asked=$((asked + 1))
    [[ $seen == open ]] || { wrong=$((wrong + 1)) && echo "WRONG: $from to ${target[at]} ${offer[at]}: $seen, though nothing closes it"; }
  done < <(askable 'dta!')
  echo "$asked closed verdicts with their rules lifted: $((asked - wrong)) open, $wrong not"
  ((!wrong))
}

lift() { # -I|-D COLUMN...
  local at packet
  for at in "${@:2}"; do
    packet="-p ${offer[at]%/*} --dport ${offer[at]#*/}"
    [[ ${offer[at]} != icmp ]] || packet='-p icmp --icmp-type echo-request'
    # shellcheck disable=SC2086 # several words
    on fw01 iptables-legacy "$1" FORWARD -s 10.0.0.0/8 -d "${address_of[${target[at]}]}/32" $packet -j ACCEPT
  done
  publish >/dev/null
}
