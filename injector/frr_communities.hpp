// SPDX-License-Identifier: GPL-2.0-or-later
//
// FRR's text of extended communities (ecommunity_ecom2str, 7.0 to 10.7) and the actions in it. Communities
// are told apart by their patterns: several of them contain spaces.
#pragma once

#include "injector/text_scanner.hpp"

#include <optional>
#include <string_view>

namespace flowspec {

struct Community {
  enum class Kind {
    route_target,   ///< "ASN:N" or "A.B.C.D:N"; a site of origin looks the same
    rate,           ///< "FS:rate R"
    traffic_action, ///< "FS:action ...": read from the wrong byte, so its words mean nothing
    redirect_vrf,   ///< "FS:redirect VRF RT:..."
    redirect_ip,    ///< "FS:redirect IP 0x.." or "NH:A.B.C.D:N"
    marking,        ///< "FS:marking N"
    unknown,        ///< "UNK:TYPE, SUBTYPE": the value is not shown
    other,          ///< known, and no action of flowspec's
  };
  Kind kind = Kind::other;
  std::string_view text; ///< a part of the list
  double rate = 0;       ///< of `rate`: as shown, may be negative or no number
  unsigned number = 0;   ///< of `marking`: the last octet; of `unknown`: the type
  unsigned subtype = 0;  ///< of `unknown`

  bool operator==(const Community&) const = default;
};

/// Walks over the communities of a list, in its order.
class CommunityList {
 public:
  explicit CommunityList(std::string_view list) : scanner_(list) {}

  /// None at the end and at what fits no pattern.
  std::optional<Community> next();
  /// False once something fitted no pattern: then nothing is known of the whole list.
  bool understood() const { return understood_; }

 private:
  TextScanner scanner_;
  bool understood_ = true;
};

} // namespace flowspec
