// Makes the library panic while it decides a request from https://panic.example: linked into a module for a test,
// with --wrap=corsac_policy_evaluate and the library of ffi/examples/forced_panic.rs.

#include <corsac.h>

#include <string.h>

void corsac_force_panics(bool force);
corsac_status __real_corsac_policy_evaluate(const corsac_policy *, const corsac_request *, corsac_decision *);
corsac_status __wrap_corsac_policy_evaluate(const corsac_policy *, const corsac_request *, corsac_decision *);

corsac_status __wrap_corsac_policy_evaluate(const corsac_policy *policy, const corsac_request *request,
                                            corsac_decision *decision) {
  static const char origin[] = "https://panic.example";
  bool force = request->origin.len == sizeof origin - 1 && !memcmp(request->origin.data, origin, sizeof origin - 1);
  corsac_force_panics(force);
  corsac_status status = __real_corsac_policy_evaluate(policy, request, decision);
  corsac_force_panics(false);
  return status;
}
