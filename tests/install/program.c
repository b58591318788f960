// Built from what is installed and nothing else.
#include <corsac.h>

#include <stdio.h>
#include <string.h>

int main(void) {
  const corsac_policy *policy = NULL;
  corsac_status status =
      corsac_policy_from_json(corsac_str_z("{\"allow_origins\":[\"https://app.example.com\"]}"), &policy, NULL);
  corsac_request request;
  corsac_decision decision;
  corsac_request_start(&request, corsac_str_z("GET"));
  corsac_request_header(&request, corsac_str_z("Origin"), corsac_str_z("https://app.example.com"));
  corsac_decision_start(&decision);
  if (status == CORSAC_STATUS_OK)
    status = corsac_policy_evaluate(policy, &request, &decision);
  printf("%s %s %s\n", corsac_version(), corsac_status_name(status), corsac_reason_name(decision.reason));
  corsac_policy_free(policy);
  return strcmp(corsac_version(), CORSAC_VERSION) != 0 || corsac_abi_version() != CORSAC_ABI_VERSION;
}
