// SPDX-License-Identifier: GPL-2.0-or-later
#include "fetcher/bird_statements.hpp"

#include "common/error.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace flowspec {

namespace {

using Kind = BirdToken::Kind;

class Walker {
 public:
  Walker(std::span<const BirdToken> tokens, std::string_view file, BirdConstants& constants,
         const BirdStatements& statements)
      : tokens_(tokens), file_(file), constants_(constants), statements_(statements) {}

  void walk() {
    while (at(0).kind != Kind::end) {
      if (at(0).is("route"))
        route();
      else if (at(0).is("define") && at(1).kind == Kind::word && at(2).is("="))
        definition();
      else if (at(0).is("include") && at(1).kind == Kind::string)
        include();
      else
        ++position_;
    }
  }

 private:
  BirdToken at(std::size_t ahead) const {
    return position_ + ahead < tokens_.size() ? tokens_[position_ + ahead] : BirdToken{};
  }
  std::span<const BirdToken> rest() const { return tokens_.subspan(std::min(position_, tokens_.size())); }

  bool at_flow_route() const { return at(0).is("route") && (at(1).is("flow4") || at(1).is("flow6")); }

  void include() {
    const BirdToken path = at(1);
    position_ += 2;
    statements_.include(path.text.substr(1, path.text.size() - 2), path.line);
  }

  /// Keeps the tokens of the value. One that does not end before another statement is none.
  void definition() {
    const std::string_view name = at(1).text;
    position_ += 3;
    const std::size_t begin = position_;
    std::size_t depth = 0;
    for (; depth > 0 || !at(0).is(";"); ++position_) {
      if (at(0).kind == Kind::end || at(0).is("define") || at(0).is("route"))
        return;
      if (at(0).is("{"))
        ++depth;
      else if (at(0).is("}") && depth > 0)
        --depth;
    }
    if (position_ != begin)
      constants_.insert_or_assign(std::string(name), tokens_.subspan(begin, position_ - begin));
  }

  void route() {
    const std::size_t begin = position_;
    BirdRoute route{at(0).line, {}, {}};
    if (at_flow_route()) {
      ++position_;
      route.parsed = parse_flow(rest(), constants_);
      position_ += route.parsed.end;
    } else if (!named_route(route)) {
      ++position_;
      return;
    }
    route.text = text(begin, position_) + (tokens_[position_ - 1].is("}") || route.parsed.flow ? "" : " ...");
    if (route.parsed.flow)
      tail(route);
    if (!route.parsed.flow && at(0).kind == Kind::end)
      throw Error(fmt::format("{}:{}: the file ends inside of this route", file_, route.line));
    statements_.route(std::move(route));
  }

  /// `route NAME;` or `route NAME { ... };`: routes to addresses have a next hop there. False when the name
  /// is not of a flow.
  bool named_route(BirdRoute& route) {
    if (at(1).kind != Kind::word || !(at(2).is(";") || at(2).is("{")))
      return false;
    const auto known = constants_.find(at(1).text);
    if (known == constants_.end())
      route.parsed.complaints.push_back(
          {LintKind::unknown, fmt::format("{} is not defined in what was read", at(1).text)});
    else if (!begins_flow(known->second))
      return false;
    else
      route.parsed = parse_flow(known->second, constants_);
    position_ += 2;
    return true;
  }

  /// The statements behind the match, which are not looked at, and the semicolon.
  void tail(BirdRoute& route) {
    if (at(0).is("{")) {
      std::size_t depth = 0;
      do {
        depth += at(0).is("{") ? 1U : 0U;
        depth -= at(0).is("}") ? 1U : 0U;
        ++position_;
      } while (depth > 0 && at(0).kind != Kind::end && !at_flow_route());
    }
    if (at(0).is(";")) {
      ++position_;
      return;
    }
    route.parsed.flow.reset();
    route.parsed.complaints.push_back(
        {LintKind::refused_by_bird,
         fmt::format("\"{}\" behind the route's match where \";\" should be", at(0).text)});
  }

  std::string text(std::size_t begin, std::size_t end) const {
    std::string result;
    for (const BirdToken& token : tokens_.subspan(begin, end - begin)) {
      if (token.apart && !result.empty())
        result += ' ';
      result += token.text;
    }
    return result;
  }

  std::span<const BirdToken> tokens_;
  std::string_view file_;
  BirdConstants& constants_;
  const BirdStatements& statements_;
  std::size_t position_ = 0;
};

} // namespace

void read_statements(std::span<const BirdToken> tokens, std::string_view file, BirdConstants& constants,
                     const BirdStatements& statements) {
  Walker(tokens, file, constants, statements).walk();
}

} // namespace flowspec
