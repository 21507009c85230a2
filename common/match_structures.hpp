// SPDX-License-Identifier: GPL-2.0-or-later
//
// The parts of match_codec. Each match has a pair: write() adds what iptables 1.8 writes, its read function
// takes what the kernel shows, of the size that the structure has, and gives nothing when that asks for more
// than our words say.
#pragma once

#include "common/rule.hpp"
#include "common/xtables_bytes.hpp"

#include <optional>

namespace flowspec::xtables {

using Data = std::span<const std::byte>;

// transport_codec.cpp: matches of the transport header
void write(const TcpMatch& match, Family family, Writer& to);
void write(const UdpMatch& match, Family family, Writer& to);
void write(const IcmpMatch& match, Family family, Writer& to);
void write(const MultiportMatch& match, Family family, Writer& to);
std::optional<Match> read_tcp(Data data);
std::optional<Match> read_udp(Data data);
std::optional<Match> read_icmp(Data data, Family family);
std::optional<Match> read_multiport(Data data);

// header_codec.cpp: matches of the IP header and its extensions
void write(const LengthMatch& match, Family family, Writer& to);
void write(const DscpMatch& match, Family family, Writer& to);
void write(const TosMatch& match, Family family, Writer& to);
void write(const IprangeMatch& match, Family family, Writer& to);
void write(const FragmentMatch& match, Family family, Writer& to);
void write(const Ipv6HeaderMatch& match, Family family, Writer& to);
std::optional<Match> read_length(Data data);
std::optional<Match> read_dscp(Data data);
std::optional<Match> read_tos(Data data);
std::optional<Match> read_iprange(Data data, Family family);
std::optional<Match> read_fragment(Data data);
std::optional<Match> read_ipv6_header(Data data);

} // namespace flowspec::xtables
