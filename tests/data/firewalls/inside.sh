# shellcheck shell=bash
#
# For the scripts that run inside the namespace of regenerate.sh: sourced first by each of them.
#
#   $dump     the name of the dump, and where it goes: dump/$dump.save and dump/$dump.save6

: "${dump:?is set by regenerate.sh}"

# Interfaces that are up and have these addresses.
links() { # NAME=ADDRESS[,ADDRESS]...
  local link address addresses
  for link; do
    ip link add "${link%%=*}" type veth peer name "${link%%=*}-far"
    ip link set "${link%%=*}-far" up
    ip link set "${link%%=*}" up
    IFS=, read -ra addresses <<<"${link#*=}"
    for address in "${addresses[@]}"; do
      ip address add "$address" dev "${link%%=*}"
    done
  done
}

# Waits, half a minute at most, until a command succeeds.
until_true() { # COMMAND...
  local tries
  for ((tries = 0; tries < 300; tries++)); do
    ! "$@" >/dev/null 2>&1 || return 0
    sleep 0.1
  done
  echo "did not come true in half a minute: $*" >&2
  return 1
}

dump() {
  iptables-save >"dump/$dump.save"
  ip6tables-save >"dump/$dump.save6"
}
