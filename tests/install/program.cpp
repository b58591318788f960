// Built from what is installed and nothing else.
#include <corsac.hpp>

#include <iostream>

int main() {
  const auto policy = corsac::policy::from_json("{\"allow_origins\":[\"https://app.example.com\"]}");
  corsac::request request("GET");
  request.header("Origin", "https://app.example.com");
  const corsac::decision decision = policy->evaluate(request);
  std::cout << corsac::version() << ' ' << corsac::name(decision.outcome()) << ' ' << corsac::name(decision.reason())
            << std::endl;
  return corsac::version() != CORSAC_VERSION || corsac::abi_version() != CORSAC_ABI_VERSION;
}
