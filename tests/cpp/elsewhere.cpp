// A second translation unit with the header, included twice here too: nothing in it is defined twice.
#include <corsac.hpp>
#include <corsac.hpp>

std::size_t count_of_headers(const corsac::decision &decision);
corsac::policy policy_from_elsewhere();

std::size_t count_of_headers(const corsac::decision &decision) { return decision.headers().size(); }

corsac::policy policy_from_elsewhere() { return *corsac::builder().allow_origin("*").build(); }
