// A function that does nothing, in a library of its own: what any call across libraries costs.
#include <corsac.h>

corsac_status empty_call(const corsac_policy *policy, const corsac_request *request,
                         corsac_decision *decision);

corsac_status empty_call(const corsac_policy *policy, const corsac_request *request,
                         corsac_decision *decision) {
  (void)policy, (void)request, (void)decision;
  return CORSAC_STATUS_OK;
}
