# shellcheck shell=bash
#
# The paper's story: its three groups of requirements, each with packets, and then what breaks.
#
# shellcheck disable=SC2154 # what is not assigned here is in lab.sh or what it reads

demo() { # [--build DIR]
  if [[ -d /run/clos-lab-$name ]]; then
    (($# == 0)) || usage_error "the network $name is up already, with its own build"
    open_lab
    [[ ! -s $lab_dir/broken ]] || fail "something is broken: $(paste -sd ' ' "$lab_dir/broken")"
  else
    heading "The network of Fig. 2"
    up "$@"
  fi
  settle
  show_status

  remember_firewall
  demo_tenancy
  demo_applications
  forget_firewall
  demo_analysis
  demo_matrix
  demo_failures
}

demo_tenancy() {
  heading "Multiple tenancy: blue and green share the switches, and meet at one door only"
  rules_of tenancy
  expect server03 server01 tcp/80 open "green's front end asks blue's"
  expect server01 server03 tcp/80 silent "and not the other way"
  expect server04 server02 tcp/9000 silent "nothing else passes between the tenants"
  echo "A rule with a tenant's route target is in that tenant's chain. On leaf01, of the shell and of ping:"
  on leaf01 iptables-legacy-save -t filter | grep -E -- '^-A FLOWSPEC.*(--dport 22|--icmp-type 8.*-j DROP)' |
    sed -E 's/ -m comment --comment "[^"]*"//; s/^/  /'
  expect server01 server02 tcp/22 open "blue has shells"
  expect server03 server08 tcp/22 silent "green has none"
  expect server01 server02 icmp open "blue can be pinged"
  expect server03 server04 icmp silent "green cannot"
  heading "The rule on green's pings is removed on fw01, and put back"
  demo_rule -D FORWARD -i green -p icmp --icmp-type echo-request -j DROP
  expect server03 server04 icmp open "now green can"
  demo_rule -I FORWARD 6 -i green -p icmp --icmp-type echo-request -j DROP
  expect server03 server04 icmp silent "and cannot again"
}

demo_applications() {
  heading "Application filtering: front end to back end to storage, and no short cut"
  rules_of apps
  expect server01 server02 tcp/9000 open "the front end reaches the back end"
  expect server02 server05 tcp/5432 open "the back end reaches the storage"
  expect server01 server05 tcp/5432 silent "the front end does not"
  heading "One front end may, for a moment"
  demo_rule -I FORWARD 1 -s 10.1.1.1/32 -d 10.1.3.5/32 -p tcp --dport 5432 -j ACCEPT
  expect server01 server05 tcp/5432 open "the exception"
  expect server06 server05 tcp/5432 silent "the other front end has none"
  demo_rule -D FORWARD -s 10.1.1.1/32 -d 10.1.3.5/32 -p tcp --dport 5432 -j ACCEPT
  expect server01 server05 tcp/5432 silent "closed again"
}

demo_analysis() {
  heading "Traffic analysis: the leaves sample what goes to blue's storage, let through or not"
  cat "$lab_dir/leaf01.policy.json"
  rm -rf "$lab_dir/samples"
  listen_for_samples "$lab_dir/samples"
  expect server01 server05 tcp/5432 silent "an attempt"
  expect server02 server05 tcp/5432 open "the usual"
  expect server04 server07 tcp/5432 open "green's storage is nobody's business"
  stop_listening
  echo "tcpdump -i nflog:$nflog_group, the first packets of each leaf:"
  grep -H -m 3 ' IP ' "$lab_dir"/samples/*.sampled | sed -E 's,.*/([a-z0-9]+)\.sampled:,  \1  ,' || true
  grep -q "${address_of[server01]}.* > ${address_of[server05]}" "$lab_dir/samples/leaf01.sampled" || fail "the attempt was not sampled"
  grep -q "${address_of[server02]}.* > ${address_of[server05]}" "$lab_dir/samples/leaf03.sampled" || fail "the usual was not sampled"
  ! grep -q "> ${address_of[server07]}" "$lab_dir"/samples/*.sampled || fail "what goes to green's storage was sampled"
}

demo_matrix() {
  heading "Every server, every service"
  verdicts --lift
}

demo_failures() {
  local parts part
  for parts in spine02 "leaf01 svc01" fw01; do
    heading "Killed: $parts"
    for part in $parts; do
      break_part "$part"
    done
    if [[ $parts == fw01 ]]; then
      echo "FRR has no route any more; twelve seconds later, when an injector would by default believe it:"
      sleep 12
    fi
    verdicts
  done
  for part in fw01 svc01 leaf01 spine02; do
    mend_part "$part"
  done
  heading "All mended"
  verdicts
}

rules_of() { # GROUP
  section rules | awk -v group="$1" '$1 == group { sub("^[a-z]+ +", "  fw01 FORWARD: "); print }'
}

demo_rule() { # ARGUMENT...
  echo "${bold}fw01#$plain iptables $*"
  on fw01 iptables-legacy "$@"
  publish
}

expect() { # FROM TO SERVICE SEEN WHY
  local seen
  seen=$(ask_once "$1" "$2" "$3")
  printf '  %-9s to %-9s %-9s %-7s %s\n' "$1" "$2" "$3" "$seen" "$5"
  [[ $seen == "$4" ]] || fail "expected $4"
}
