// SPDX-License-Identifier: GPL-2.0-or-later
//
// Every type has one function fields(), which names its members in order: the writer and the reader both go
// by it, so that neither can forget what the other knows. Numbers stand with seven bits a byte, the lowest
// first, texts and lists behind their length.
#include "common/packed_rule.hpp"

#include <array>
#include <cstddef>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

namespace flowspec {

namespace {

template <class T, class Type>
concept Is = std::is_same_v<std::remove_const_t<T>, Type>;

void fields(Is<PortRange> auto& of, auto& visit) {
  visit(of.first, of.last);
}
void fields(Is<TcpMatch> auto& of, auto& visit) {
  visit(of.source, of.destination, of.source_negated, of.destination_negated, of.flags_mask, of.flags_set,
        of.flags_negated, of.option, of.option_negated);
}
void fields(Is<UdpMatch> auto& of, auto& visit) {
  visit(of.source, of.destination, of.source_negated, of.destination_negated);
}
void fields(Is<IcmpMatch> auto& of, auto& visit) {
  visit(of.type, of.code_first, of.code_last, of.negated);
}
void fields(Is<MultiportMatch> auto& of, auto& visit) {
  visit(of.side, of.ports, of.negated);
}
void fields(Is<ConntrackMatch> auto& of, auto& visit) {
  visit(of.states, of.negated);
}
void fields(Is<CommentMatch> auto& of, auto& visit) {
  visit(of.text);
}
void fields(Is<HashlimitMatch> auto& of, auto& visit) {
  visit(of.name, of.mode, of.average, of.burst, of.size, of.max, of.gc_interval, of.expire, of.interval,
        of.source_mask, of.destination_mask);
}
void fields(Is<U32Match::Step> auto& of, auto& visit) {
  visit(of.op, of.number);
}
void fields(Is<U32Match::Range> auto& of, auto& visit) {
  visit(of.first, of.last);
}
void fields(Is<U32Match::Test> auto& of, auto& visit) {
  visit(of.steps, of.ranges);
}
void fields(Is<U32Match> auto& of, auto& visit) {
  visit(of.tests, of.negated);
}
void fields(Is<LengthMatch> auto& of, auto& visit) {
  visit(of.first, of.last, of.negated);
}
void fields(Is<DscpMatch> auto& of, auto& visit) {
  visit(of.value, of.negated);
}
void fields(Is<TosMatch> auto& of, auto& visit) {
  visit(of.value, of.mask, of.negated);
}
void fields(Is<IprangeMatch::Range> auto& of, auto& visit) {
  visit(of.first, of.last);
}
void fields(Is<IprangeMatch> auto& of, auto& visit) {
  visit(of.source, of.destination, of.source_negated, of.destination_negated);
}
void fields(Is<FragmentMatch> auto& of, auto& visit) {
  visit(of.first, of.more, of.last);
}
void fields(Is<Ipv6HeaderMatch> auto& of, auto& visit) {
  visit(of.headers, of.negated);
}
void fields(Is<OpaqueMatch> auto& of, auto& visit) {
  visit(of.name, of.revision, of.data);
}
void fields(Is<Jump> auto& of, auto& visit) {
  visit(of.chain, of.go_to);
}
void fields(Is<RejectTarget> auto& of, auto& visit) {
  visit(of.with);
}
void fields(Is<NoTarget> auto&, auto&) {}
void fields(Is<DscpTarget> auto& of, auto& visit) {
  visit(of.value);
}
void fields(Is<MarkTarget> auto& of, auto& visit) {
  visit(of.value, of.mask);
}
void fields(Is<NflogTarget> auto& of, auto& visit) {
  visit(of.group, of.prefix);
}
void fields(Is<OpaqueTarget> auto& of, auto& visit) {
  visit(of.name, of.revision, of.data);
}
void fields(Is<Prefix> auto& of, auto& visit) {
  visit(of.address, of.length, of.offset);
}

/// What it is given is in the string when its life ends: byte by byte a string would look for room each time.
class Writer {
 public:
  explicit Writer(std::string& to) : to_(to) {}
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;
  ~Writer() { flush(); }

  template <class... Values>
  void operator()(const Values&... values) {
    (write(values), ...);
  }

 private:
  template <class Number>
  requires std::is_integral_v<Number> || std::is_enum_v<Number>
  void write(Number value) {
    auto rest = static_cast<std::uint64_t>(value);
    if (waiting_.size() - used_ < longest_number)
      flush();
    for (; rest >= 0x80; rest >>= 7)
      waiting_[used_++] = static_cast<char>(rest | 0x80);
    waiting_[used_++] = static_cast<char>(rest);
  }
  void write(std::string_view text) {
    write(text.size());
    append(text);
  }
  void write(const std::string& text) { write(std::string_view(text)); }
  void write(const Address& address) {
    write(address.family);
    append({reinterpret_cast<const char*>(address.bytes.data()), size_of(address.family)});
  }
  template <class Value>
  void write(const std::vector<Value>& list) {
    write(list.size());
    for (const Value& value : list)
      write(value);
  }
  template <class Value>
  void write(const std::optional<Value>& value) {
    write(value.has_value());
    if (value)
      write(*value);
  }
  template <class... Kinds>
  void write(const std::variant<Kinds...>& of) {
    write(of.index());
    std::visit([this](const auto& value) { this->write(value); }, of);
  }
  template <class Value>
  requires std::is_class_v<Value>
  void write(const Value& value) { fields(value, *this); }

 public:
  static std::size_t size_of(Family family) { return family == Family::ipv4 ? 4 : 16; }

 private:
  static constexpr std::size_t longest_number = 10;

  void append(std::string_view bytes) {
    if (waiting_.size() - used_ < bytes.size())
      flush();
    if (bytes.size() > waiting_.size()) {
      to_ += bytes;
      return;
    }
    bytes.copy(waiting_.data() + used_, bytes.size());
    used_ += bytes.size();
  }
  void flush() {
    to_.append(waiting_.data(), used_);
    used_ = 0;
  }

  std::string& to_;
  std::array<char, 128> waiting_; // NOLINT(cppcoreguidelines-pro-type-member-init): the first `used_` count
  std::size_t used_ = 0;
};

class Reader {
 public:
  explicit Reader(std::string_view from) : from_(from) {}

  template <class... Values>
  void operator()(Values&... values) {
    (read(values), ...);
  }

 private:
  template <class Number>
  requires std::is_integral_v<Number> || std::is_enum_v<Number>
  void read(Number& value) {
    std::uint64_t number = 0;
    for (unsigned shift = 0;; shift += 7) {
      const auto octet = static_cast<unsigned char>(from_.front());
      from_.remove_prefix(1);
      number |= std::uint64_t{octet & 0x7fU} << shift;
      if (octet < 0x80)
        break;
    }
    value = static_cast<Number>(number);
  }
  std::string_view take(std::size_t size) {
    const std::string_view taken = from_.substr(0, size);
    from_.remove_prefix(size);
    return taken;
  }
  void read(std::string& text) {
    std::size_t size = 0;
    read(size);
    text = take(size);
  }
  void read(Address& address) {
    read(address.family);
    take(Writer::size_of(address.family)).copy(reinterpret_cast<char*>(address.bytes.data()), 16);
  }
  template <class Value>
  void read(std::vector<Value>& list) {
    std::size_t size = 0;
    read(size);
    list.resize(size);
    for (Value& value : list)
      read(value);
  }
  template <class Value>
  void read(std::optional<Value>& value) {
    bool given = false;
    read(given);
    if (given)
      read(value.emplace());
  }
  template <class... Kinds>
  void read(std::variant<Kinds...>& of) {
    std::size_t index = 0;
    read(index);
    std::size_t kind = 0;
    (void)((kind++ == index ? (read(of.template emplace<Kinds>()), true) : false) || ...);
  }
  template <class Value>
  requires std::is_class_v<Value>
  void read(Value& value) { fields(value, *this); }

  std::string_view from_;
};

/// The number that stands before a `Kind` in a variant.
template <class Variant, class Kind, std::size_t place = 0>
constexpr std::size_t find_place() {
  if constexpr (std::is_same_v<std::variant_alternative_t<place, Variant>, Kind>)
    return place;
  else
    return find_place<Variant, Kind, place + 1>();
}
template <class Variant, class Kind>
constexpr std::size_t place_of = find_place<Variant, Kind>();

constexpr unsigned char has_source = 1, has_destination = 2, has_protocol = 4, has_interfaces = 8,
                        has_negations = 16, has_unreadable = 32;

void negations(Is<Rule> auto& of, auto& visit) {
  visit(of.source_negated, of.destination_negated, of.in_interface_negated, of.out_interface_negated,
        of.protocol_negated, of.later_fragments, of.later_fragments_negated);
}

bool any_negation(const Rule& rule) {
  return rule.source_negated || rule.destination_negated || rule.in_interface_negated ||
         rule.out_interface_negated || rule.protocol_negated || rule.later_fragments ||
         rule.later_fragments_negated;
}

} // namespace

void RulePacker::head(const Rule& rule) {
  Writer write(to_);
  const bool interfaces = !rule.in_interface.empty() || !rule.out_interface.empty();
  const auto parts = static_cast<unsigned char>(
      (rule.source ? has_source : 0) | (rule.destination ? has_destination : 0) |
      (rule.protocol != 0 ? has_protocol : 0) | (interfaces ? has_interfaces : 0) |
      (any_negation(rule) ? has_negations : 0) | (rule.unreadable.empty() ? 0 : has_unreadable));
  write(parts);
  if (rule.source)
    write(*rule.source);
  if (rule.destination)
    write(*rule.destination);
  if (rule.protocol != 0)
    write(rule.protocol);
  if (interfaces)
    write(rule.in_interface, rule.out_interface);
  if (parts & has_negations)
    negations(rule, write);
  if (!rule.unreadable.empty())
    write(rule.unreadable);
}

void RulePacker::matches(std::size_t count) {
  Writer{to_}(count);
}

void RulePacker::match(const TcpMatch& match) {
  Writer{to_}(place_of<Match, TcpMatch>, match);
}

void RulePacker::match(const UdpMatch& match) {
  Writer{to_}(place_of<Match, UdpMatch>, match);
}

void RulePacker::comment(std::string_view text) {
  Writer{to_}(place_of<Match, CommentMatch>, text);
}

void RulePacker::target(Verdict verdict) {
  Writer{to_}(place_of<Target, Verdict>, verdict);
}

void RulePacker::jump(std::string_view chain, bool go_to) {
  Writer{to_}(place_of<Target, Jump>, chain, go_to);
}

void pack(const Rule& rule, std::string& to) {
  RulePacker(to).head(rule);
  Writer{to}(rule.matches, rule.target);
}

Rule unpack(std::string_view bytes) {
  Reader read(bytes);
  Rule rule;
  unsigned char parts = 0;
  read(parts);
  if (parts & has_source)
    read(rule.source.emplace());
  if (parts & has_destination)
    read(rule.destination.emplace());
  if (parts & has_protocol)
    read(rule.protocol);
  if (parts & has_interfaces)
    read(rule.in_interface, rule.out_interface);
  if (parts & has_negations)
    negations(rule, read);
  if (parts & has_unreadable)
    read(rule.unreadable);
  read(rule.matches, rule.target);
  return rule;
}

} // namespace flowspec
