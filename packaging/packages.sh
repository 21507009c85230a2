# shellcheck shell=bash
#
# The Debian packages that this project needs, named once, and how scripts install those that are missing:
#
#   source packaging/packages.sh
#   packages_install "${packages_build[@]}" "${packages_lab[@]}"
#
# shellcheck disable=SC2034 # the lists are for whoever sources this

packages_build=(catch2 cmake g++ libcli11-dev libfmt-dev libip4tc-dev libip6tc-dev libiptc-dev libmnl-dev libspdlog-dev
                libsystemd-dev ninja-build nlohmann-json3-dev pkg-config)
packages_lab=(bird2 frr iproute2 iptables iputils-ping socat tcpdump)
packages_packaging=(build-essential debhelper dpkg-dev git rpm)
packages_check=(ansible ansible-lint ccache clang clang-format debootstrap exabgp gobgpd jq libbenchmark-dev libclang-rt-dev libseccomp2 lintian mandoc
                nftables prometheus python3 python3-jsonschema python3-pytest python3-yaml shellcheck systemd zsh)

packages_missing() { # PACKAGE... -> those that are not installed, one a line
  local package
  for package; do
    dpkg-query -W -f '${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed || echo "$package"
  done
}

# Installs what is missing, and says what. Nothing missing: no word, no network. A daemon that comes in this way is neither
# started nor enabled at boot: somebody's machine should not begin to route because it ran an example. A signal takes
# effect once apt is done. Returns non-zero when something is still missing.
packages_install() { # PACKAGE...
  local missing service daemons=()
  if ! command -v dpkg-query apt-get >/dev/null; then
    echo "No apt here. Needed, by their Debian names: $*" >&2
    return 0
  fi
  mapfile -t missing < <(packages_missing "$@")
  ((${#missing[@]})) || return 0
  for service in bird2 exabgp frr gobgpd prometheus; do
    [[ " ${missing[*]} " != *" $service "* ]] || daemons+=("${service%2}")
  done

  echo "Installing with apt: ${missing[*]}"
  ((!${#daemons[@]})) || echo "  (${daemons[*]}: not started and not enabled at boot; 'systemctl enable --now NAME' does that)"
  (
    log=$(mktemp)
    policy=
    trap 'rm -f "$log" $policy' EXIT
    trap : HUP INT TERM
    exec 7</var/lib/apt/lists
    flock 7 # two scripts at once: apt itself does not wait for another "update"
    if ((${#daemons[@]})) && [[ ! -e /usr/sbin/policy-rc.d ]]; then # 101: "action forbidden by policy"
      policy=/usr/sbin/policy-rc.d
      (umask 022 && printf '#!/bin/sh\nexit 101\n' >"$policy" && chmod 755 "$policy")
    fi
    export DEBIAN_FRONTEND=noninteractive
    if ! { apt-get update && apt-get install -y --no-install-recommends -o DPkg::Lock::Timeout=600 "${missing[@]}"; } \
      </dev/null 7<&- >"$log" 2>&1; then
      cat "$log" >&2
      echo "apt could not install: ${missing[*]}" >&2
      exit 1
    fi
    for service in "${daemons[@]}"; do
      if [[ -e /etc/init.d/$service ]]; then
        update-rc.d "$service" disable >/dev/null
      elif command -v systemctl >/dev/null; then # a unit and no script: update-rc.d does not take it
        systemctl --root=/ --quiet disable "$service"
      else
        rm -f /etc/systemd/system/*.wants/"$service.service"
      fi
    done
  )
}
