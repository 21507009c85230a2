// SPDX-License-Identifier: GPL-2.0-or-later
//
// A policy's document with the files that it includes: all are read first, since a list that one of them has
// is good in the others.
#include "common/error.hpp"
#include "common/policy_reader.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <deque>
#include <filesystem>
#include <unordered_map>
#include <utility>

namespace flowspec {

namespace {

constexpr std::size_t most_files = 256;
constexpr std::size_t most_levels = 16; ///< of files that include files
constexpr std::size_t most_protections = 100'000;

struct Document {
  std::string file;
  nlohmann::json content;

  JsonPlace place() const { return {content, file}; }
};

/// Reads a document and what it includes.
class Documents {
 public:
  explicit Documents(const ReadInclude& read) : read_(read) {}

  /// Those that another includes come before it, each once. The addresses last as long as this.
  void add(std::string_view text, const std::string& file) {
    documents_.push_back({file, parse_strict(text, file)});
    const Document& document = documents_.back();
    const JsonPlace place = document.place();
    open_.push_back(file);
    if (open_.size() == 1)
      place.only({"$schema", "include", "prefix_lists", "protect", "terms", "default"});
    else // there is one default, and it is the main document's
      place.only({"$schema", "include", "prefix_lists", "protect", "terms"});
    if (const auto schema = place.find("$schema"))
      schema->text("the address of a JSON Schema");
    if (const auto include = place.find("include"))
      for (std::size_t index = 0, count = include->list("names of files"); index < count; ++index)
        add_included(include->element(index));
    open_.pop_back();
    in_order_.push_back(&document);
  }

  const std::vector<const Document*>& in_order() const { return in_order_; }

 private:
  void add_included(const JsonPlace& place) {
    const std::string& name = place.text("the name of a file");
    if (name.empty() || name.find('\0') != std::string::npos)
      place.expected("the name of a file");
    const std::string file = (std::filesystem::path(place.file()).parent_path() / name).string();
    if (std::find(open_.begin(), open_.end(), file) != open_.end())
      place.refuse(fmt::format("expected a file that does not include this one: {} -> {}",
                               fmt::join(open_, " -> "), file));
    if (std::any_of(in_order_.begin(), in_order_.end(), [&](const Document* d) { return d->file == file; }))
      return;
    if (open_.size() == most_levels)
      place.refuse(
          fmt::format("expected no more than {} files that include each other in a row", most_levels));
    if (documents_.size() == most_files)
      place.refuse(fmt::format("expected no more than {} files", most_files));
    add(content_of(file, place), file);
  }

  std::string content_of(const std::string& file, const JsonPlace& place) const {
    try {
      return read_ ? read_(file) : throw Error(fmt::format("read {}: no files can be included here", file));
    } catch (const Error& error) {
      place.refuse(error.what());
    }
  }

  const ReadInclude& read_;
  std::deque<Document> documents_;
  std::vector<std::string> open_; ///< the document at hand behind those that include it
  std::vector<const Document*> in_order_;
};

/// What is protected at one end of the packets of a family: none of the prefixes when every address is.
using Ends = std::vector<std::optional<Prefix>>;

std::optional<PrefixSet> read_end(const std::optional<JsonPlace>& place, PrefixLists& lists) {
  if (!place)
    return std::nullopt;
  place->only({"within"});
  return lists.read(place->member("within"));
}

Ends of_family(const std::optional<PrefixSet>& set, Family family) {
  if (!set)
    return {std::nullopt};
  Ends result;
  for (const Prefix& prefix : set->prefixes())
    if (prefix.family() == family)
      result.emplace_back(prefix);
  return result;
}

/// Every destination with every source of its family.
void read_protection(const JsonPlace& place, PrefixLists& lists, std::vector<Protection>& protections) {
  place.only({"destination", "source", "rate_below"});
  const std::optional<PrefixSet> destination = read_end(place.find("destination"), lists);
  const std::optional<PrefixSet> source = read_end(place.find("source"), lists);
  if (!destination && !source)
    place.refuse("expected a destination, a source or both");
  std::optional<double> rate_below;
  if (const auto rate = place.find("rate_below")) {
    constexpr std::string_view what = "bytes a second, above 0";
    rate_below = rate->number(0, largest_rate, what);
    if (*rate_below == 0)
      rate->expected(what);
  }
  const std::size_t before = protections.size();
  for (const Family family : {Family::ipv4, Family::ipv6}) {
    const Ends destinations = of_family(destination, family);
    const Ends sources = of_family(source, family);
    if (destinations.size() * sources.size() > most_protections - protections.size())
      place.refuse(fmt::format("expected no more than {} protections, of each destination with each source",
                               most_protections));
    for (const std::optional<Prefix>& to : destinations)
      for (const std::optional<Prefix>& from : sources)
        protections.push_back({to, from, rate_below});
  }
  if (protections.size() == before)
    place.refuse("expected a destination and a source of one family: no packet has these");
}

class TermReader {
 public:
  TermReader(PrefixLists& lists, std::vector<Term>& terms) : lists_(lists), terms_(terms) {}

  void read(const JsonPlace& place) {
    place.only({"name", "match", "then"});
    Term term;
    const JsonPlace name = place.member("name");
    term.name = read_word(name, name.text("the term's name"));
    if (term.name == "default")
      name.refuse("expected another name: what no term decides is counted as \"default\"");
    const std::string here = fmt::format("{} {}", place.file(), place.path());
    if (const auto [known, is_new] = places_.try_emplace(term.name, here); !is_new)
      name.refuse(fmt::format("expected another name: \"{}\" is that of {} too", term.name, known->second));
    if (const auto match = place.find("match"))
      term.match = read_match(*match, lists_);
    read_then(place.member("then"), term);
    term.file = place.file();
    terms_.push_back(std::move(term));
  }

 private:
  PrefixLists& lists_;
  std::vector<Term>& terms_;
  std::unordered_map<std::string, std::string> places_; ///< of the names
};

} // namespace

Policy parse_policy(std::string_view document, const std::string& file, const ReadInclude& read) {
  Documents documents(read);
  documents.add(document, file);
  PrefixLists lists;
  for (const Document* each : documents.in_order())
    if (const auto found = each->place().find("prefix_lists"))
      lists.add(*found);
  lists.resolve();

  Policy policy;
  TermReader terms(lists, policy.terms);
  for (const Document* each : documents.in_order()) {
    if (const auto protect = each->place().find("protect"))
      for (std::size_t index = 0, count = protect->list("protections"); index < count; ++index)
        read_protection(protect->element(index), lists, policy.protect);
    if (const auto list = each->place().find("terms"))
      for (std::size_t index = 0, count = list->list("terms"); index < count; ++index)
        terms.read(list->element(index));
  }
  constexpr std::array<std::string_view, 2> verdicts{"accept", "reject"};
  const Document& main = *documents.in_order().back();
  policy.accept_by_default = read_name(main.place().member("default"), verdicts) == 0;
  policy.unused_lists = lists.unused();
  return policy;
}

} // namespace flowspec
