// SPDX-License-Identifier: GPL-2.0-or-later
//
// From the component texts of a route to what they mean.
#pragma once

#include "common/entry.hpp"
#include "common/numeric_tests.hpp"
#include "common/rejected.hpp"
#include "injector/frr_text.hpp"

#include <variant>

namespace flowspec {

struct ComponentsRead {
  Components match;
  AnnouncedBytes announced; ///< as in Entry
};

/// The components of one path. A route that is not to be used comes back as Rejected: nothing in it,
/// operators that could mean several things, a value that the component cannot hold, an IPv6 prefix with an
/// offset. Throws Error when a text is not of FRR's grammar: then the answer as a whole is not to be
/// believed.
std::variant<ComponentsRead, Rejected> read_components(const ShownPath& path, Family family,
                                                       OperatorTable table);

/// The texts as one line for a message: `to 10.0.0.0/8 proto "= 6 "`; "{ }" for none.
std::string shown_match(const ShownPath& path);

} // namespace flowspec
